// Plays that cannot have been as their records say. What one record alone shows is refused on arrival (host/protocol/
// judge.ts); here is what only its neighbours and its sync show, and what a catalogue that was corrected shows later.

import { longestHeard } from "../../protocol/judge.js"
import type { PlayFact } from "../../store/board-facts.js"

export interface ImpossiblePlay {
  sequence: number
  /** What is wrong, with values. */
  what: string
  /** When it arrived, Unix ms. */
  at: number
}

/** Times heard are within 150 ms; starts are as exact. */
export const OVERLAP_MS = 1000
/** Uptime is 32 bits of milliseconds: a listen at its end may start before and end after. */
const UPTIME_WRAP_MS = 2 ** 32

/** `plays` in order of epoch and sequence. */
export function impossiblePlays(plays: readonly PlayFact[]): ImpossiblePlay[] {
  const found: ImpossiblePlay[] = []
  let before: PlayFact | undefined
  /** Latest end so far in this boot. */
  let busyUntil = Number.NEGATIVE_INFINITY
  for (const play of plays) {
    const { sequence, song, lengthMs, startMs, heardMs, boot, syncBoot, syncUp, syncAt } = play
    const tell = (what: string): void => {
      found.push({ sequence, what, at: syncAt })
    }
    const wrapped = before !== undefined && before.startMs - startMs > UPTIME_WRAP_MS / 2
    if (before === undefined || before.epoch !== play.epoch || before.boot !== boot || wrapped) {
      busyUntil = Number.NEGATIVE_INFINITY
    }
    if (heardMs > longestHeard(lengthMs)) {
      tell(`heard ${heardMs} ms of song ${song}, which is ${lengthMs} ms long`)
    }
    if (startMs < busyUntil - OVERLAP_MS) {
      tell(`begun at ${startMs} ms while another song was heard until ${busyUntil} ms of the same boot`)
    }
    if (boot === syncBoot && startMs <= syncUp && startMs + heardMs > syncUp + OVERLAP_MS) {
      tell(`heard until ${startMs + heardMs} ms, though the board was up for ${syncUp} ms when it told so`)
    }
    busyUntil = Math.max(busyUntil, startMs + heardMs)
    before = play
  }
  return found
}
