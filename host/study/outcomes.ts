// The outcomes of the plan: what the arms are compared by, per listener and wave.
//
// A play counts where it was played from a playlist of the wave and was heard for at least the outcome's minHeardMs.
//   shareHeard     mean of min(1, time heard / length of the song)
//   shareFinished  share of the plays that ended as finished
//   secondsHeard   mean of the time heard, seconds
//   plays          number of plays
// Without a play that counts there is no answer (but 0 plays), never a zero.

import { END_FINISHED } from "../../src/record.js"
import type { Plan } from "./plan.js"

/** A play, as far as outcomes go. */
interface HeardPlay {
  subject: number | null
  song: number
  playlist: number | null
  heardMs: number
  reason: number
}

interface Given {
  outcomes: Plan["outcomes"]
  plays: readonly HeardPlay[]
  playlists: readonly { id: number; subject: number; wave: number }[]
  /** Lengths in ms by song. */
  lengths: ReadonlyMap<number, number>
}

export interface OutcomeValue {
  outcome: string
  measure: Plan["outcomes"][number]["measure"]
  primary: boolean
  subject: number
  wave: number
  /** Plays that count. */
  plays: number
  /** null where no play counts. */
  value: number | null
}

/** In the order of the plan, then by subject and wave: one value for every wave in which the subject had a playlist. */
export function outcomeValues({ outcomes, plays, playlists, lengths }: Given): OutcomeValue[] {
  const waveOf = new Map(playlists.map(({ id, wave }) => [id, wave]))
  const heard = new Map<string, HeardPlay[]>()
  for (const play of plays) {
    const wave = play.playlist === null ? undefined : waveOf.get(play.playlist)
    if (wave === undefined) continue
    const key = `${play.subject} ${wave}`
    const known = heard.get(key)
    if (known === undefined) heard.set(key, [play])
    else known.push(play)
  }
  const waves = [...new Set(playlists.map(({ wave }) => wave))].sort((a, b) => a - b)
  const has = new Set(playlists.map(({ subject, wave }) => `${subject} ${wave}`))
  const subjects = [...new Set(playlists.map(({ subject }) => subject))].sort((a, b) => a - b)
  return outcomes.flatMap(({ name, measure, minHeardMs, primary, waves: wanted }) =>
    subjects.flatMap((subject) =>
      waves
        .filter((wave) => (wanted.length === 0 ? wave > 1 : wanted.includes(wave)))
        .filter((wave) => has.has(`${subject} ${wave}`))
        .map((wave) => {
          const counted = (heard.get(`${subject} ${wave}`) ?? []).filter((play) => play.heardMs >= minHeardMs)
          const value = MEASURES[measure](counted, lengths)
          return { outcome: name, measure, primary, subject, wave, plays: counted.length, value }
        }),
    ),
  )
}

type Measure = (plays: readonly HeardPlay[], lengths: Given["lengths"]) => number | null

const MEASURES: Record<OutcomeValue["measure"], Measure> = {
  shareHeard: (plays, lengths) =>
    mean(plays.map(({ song, heardMs }) => Math.min(1, heardMs / (lengths.get(song) ?? Number.NaN)))),
  shareFinished: (plays) => mean(plays.map(({ reason }) => (reason === END_FINISHED ? 1 : 0))),
  secondsHeard: (plays) => mean(plays.map(({ heardMs }) => heardMs / 1000)),
  plays: (plays) => plays.length,
}

function mean(values: readonly number[]): number | null {
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : null
}
