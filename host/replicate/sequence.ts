// Ten designs in a row (figures 2 and 3): each playlist is heard once, the plays go into the model by particles, and the
// next playlist is designed from it. Utility is that of the truth, so that what rises is what the listener gets.

import { describeCandidates } from "../design/candidates.js"
import { designPlaylist } from "../design/design.js"
import { createDeterminant, logDetOf } from "../design/determinant.js"
import { informationRows, knowledgeOf } from "../design/information.js"
import { predictSongs } from "../model/predict.js"
import { stream } from "../model/random.js"
import { fitFirstBlock, type Profile, updateTaste } from "../model/taste.js"
import { observe, priorOf } from "./estimates.js"
import { PLANNED, SIZE, utilityOf } from "./playlists.js"
import { listen, type Play, type Study, trueMinutes } from "./simulate.js"

export interface Course {
  /** Per subject, one number per design: true total minutes, and log|R| of the posterior before the design. */
  utility: number[][]
  precision: number[][]
}

/** First block: one play of each of its songs, so that there is something left to learn. */
export function sequentialDesigns(
  study: Study,
  plays: readonly Play[][],
  profile: Profile,
  seed: number,
  named: readonly (string | number)[],
): Course {
  const candidates = describeCandidates(study.spec, study.songs)
  const course: Course = { utility: [], precision: [] }
  plays.forEach((all, subject) => {
    const minutes = trueMinutes(study, subject)
    const heard = firstPlays(all.filter((play) => play.block === 1))
    const options = { seed, stream: [...named, "sequence", subject + 1] }
    const start = observe(study, heard)
    let model = fitFirstBlock(start, priorOf(start, study), { ...options, profile })
    const utility: number[] = []
    const precision: number[] = []
    for (let made = 0; made < PLANNED; made++) {
      const observations = observe(study, heard)
      if (made > 0) model = updateTaste(model, observations, model.plays, options)
      const knowledge = knowledgeOf(model, observations)
      const predictions = predictSongs(model.particles, study.x, study.logLength)
      const { items } = designPlaylist({
        ...{ design: "model", size: SIZE, candidates, knowledge, profile, seed, made, planned: PLANNED },
        utility: utilityOf(predictions, profile),
        epsilon: 0,
        stream: [...options.stream, "design", made],
      })
      const rows = Int32Array.from(items, (item) => item.song - 1)
      utility.push(rows.reduce((sum, row) => sum + minutes[row], 0))
      const determinant = createDeterminant(
        informationRows(candidates, knowledge, profile),
        knowledge.precision,
      )
      precision.push(logDetOf(determinant, rows))
      const rng = stream(seed, ...named, "sequence plays", subject + 1, made)
      heard.push(...listen(study, subject, rows, 1, made + 2, rng))
    }
    course.utility.push(utility)
    course.precision.push(precision)
  })
  return course
}

function firstPlays(plays: readonly Play[]): Play[] {
  const seen = new Set<number>()
  return plays.filter(({ song }) => {
    if (seen.has(song.id)) return false
    seen.add(song.id)
    return true
  })
}
