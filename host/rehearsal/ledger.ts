// Truth against store: every listen that really sounded must be stored once, with the time it was really heard.

import type { Play } from "../store/plays.js"
import type { Sounded } from "./sound-board.js"

export interface Comparison {
  /** Listens that sounded. */
  sounded: number
  /** Sounded and not stored. */
  lost: number
  /** Stored a second time, or stored without having sounded. */
  duplicated: number
  /** Largest difference between stored and real time heard among the matched, ms. */
  heardErrorMs: number
}

/** A stored listen starts this near the real one: commands take a moment on the bus. */
const START_TOLERANCE_MS = 1000

/**
 * Matches a board's sounds with its stored plays by song and start. `bootAt`: virtual time at which each boot
 * began (index 0 = boot 1).
 */
export function compare(
  sounded: readonly Sounded[],
  plays: readonly Play[],
  bootAt: readonly number[],
): Comparison {
  const rest = new Set(sounded)
  const result: Comparison = { sounded: sounded.length, lost: 0, duplicated: 0, heardErrorMs: 0 }
  for (const play of plays) {
    const at = bootAt[play.boot - 1] + play.startMs
    let match: Sounded | undefined
    for (const candidate of rest) {
      if (candidate.file !== play.song || Math.abs(candidate.from - at) > START_TOLERANCE_MS) continue
      if (match === undefined || Math.abs(candidate.from - at) < Math.abs(match.from - at)) match = candidate
    }
    if (match === undefined) {
      result.duplicated++
      continue
    }
    rest.delete(match)
    const heard = (match.until ?? match.from) - match.from
    result.heardErrorMs = Math.max(result.heardErrorMs, Math.abs(heard - play.heardMs))
  }
  result.lost = rest.size
  return result
}
