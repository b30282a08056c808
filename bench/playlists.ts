// Designs of 50 songs from 400 and from 100,000.

import { describeCandidates } from "../host/design/candidates.js"
import { designPlaylist } from "../host/design/design.js"
import { createDeterminant, logDetOf } from "../host/design/determinant.js"
import { exchange } from "../host/design/exchange.js"
import { informationRows, knowledgeOf } from "../host/design/information.js"
import { resolveRules } from "../host/design/resolve.js"
import { byUtility, select } from "../host/design/select.js"
import { describeFeatures } from "../host/model/features.js"
import { observeRows } from "../host/model/observations.js"
import { freezePrior } from "../host/model/prior.js"
import { stream } from "../host/model/random.js"
import { fitFirstBlock } from "../host/model/taste.js"
import { dataFile, python } from "./peers.js"
import { type Claim, type Skipped, time } from "./report.js"

const SIZE = 50
const GENRES = 12
const ATTRIBUTES = ["tempo", "energy", "mood", "voice", "size", "volume"]

export function playlists(): (Claim | Skipped)[] {
  return [whole(400, 10), whole(100_000, 2000), againstNumpy()]
}

/** A study of `n` songs, and one listener after 100 plays. */
function studyOf(n: number) {
  const rng = stream(21, "bench", n)
  const songs = Array.from({ length: n }, (_, i) => ({
    id: i + 1,
    genre: `genre ${rng.int(GENRES)}`,
    artist: `artist ${rng.int(Math.ceil(n / 10))}`,
    lengthS: 150 + 180 * rng.uniform(),
    attributes: Object.fromEntries(ATTRIBUTES.map((name) => [name, rng.normal()])),
  }))
  const spec = describeFeatures(songs)
  const plays = Array.from({ length: 100 }, (_, source) => {
    const song = songs[rng.int(n)]
    const { tempo, energy, mood } = song.attributes
    const y = 4.5 + 0.5 * tempo - 0.4 * energy + 0.3 * mood + 0.6 * rng.normal()
    const end = Math.log(song.lengthS)
    return { song, y: Math.min(y, end), censored: y >= end, source }
  })
  const observations = observeRows(plays, spec)
  const hyper = freezePrior(observations, spec)
  if ("reason" in hyper) throw new Error(hyper.reason)
  const model = fitFirstBlock(observations, hyper, { seed: 1, stream: ["bench"] })
  const candidates = describeCandidates(spec, songs)
  const utility = Float64Array.from({ length: n }, (_, row) => {
    let mu = 0
    for (let q = 0; q < candidates.p; q++)
      mu += candidates.x[row * candidates.p + q] * model.posterior.mean[q]
    return 1 / (1 + Math.exp(candidates.logLength[row] - mu))
  })
  return { candidates, utility, knowledge: knowledgeOf(model, observations), model, spec }
}

/** A playlist with everything it says of itself, against the time that it may take. */
function whole(n: number, limit: number): Claim {
  const { candidates, utility, knowledge, model, spec } = studyOf(n)
  const input = { candidates, utility, knowledge, particles: model.particles, names: spec.names }
  const ours = time(
    () => void designPlaylist({ design: "model", size: SIZE, seed: 1, stream: ["bench"], ...input }),
    n > 1000 ? 3 : 15,
  )
  const what = `design of ${SIZE} from ${n.toLocaleString("en")} songs, with propensities and reasons`
  return { what, ours, theirs: limit, peer: "the time allowed", ratio: limit / ours, goal: 1 }
}

function againstNumpy(): Claim | Skipped {
  const what = `one exchange, ${SIZE} of 400 songs`
  const { candidates, utility, knowledge } = studyOf(400)
  const rows = informationRows(candidates, knowledge, "thesis")
  const determinant = createDeterminant(rows, knowledge.precision)
  const { rules } = resolveRules(candidates, {}, SIZE)
  const greedy = select(rules, rules.fixed, byUtility(rules, utility))
  const lambda = 0.2
  const found = exchange(rules, utility, lambda, determinant, greedy)
  const ours = time(() => void exchange(rules, utility, lambda, determinant, greedy), 25)
  const file = dataFile("exchange.json", {
    ...{ rows: [...rows], precision: [...knowledge.precision], utility: [...utility], lambda },
    start: [...greedy],
  })
  const peer = python("exchange.py", file)
  if ("skipped" in peer) return { what, ...peer }
  const { ms, members } = peer.answer as { ms: number; members: number[] }
  const value = (some: ArrayLike<number>): number =>
    Array.from(some).reduce((sum, row) => sum + utility[row], 0) + lambda * logDetOf(determinant, some)
  if (Math.abs(value(members) - value(found.members)) > 1e-9) {
    throw new Error(`numpy's exchange ends at ${value(members)}, ours at ${value(found.members)}`)
  }
  return { what, ours, theirs: ms, peer: "the same in numpy", ratio: ms / ours }
}
