// Truth against store: every listen that really sounded must be stored once, with the time it was really heard.

import type { Play } from "../store/plays.js"
import type { Sounded } from "./sound-board.js"

interface Matched {
  pairs: { sounded: Sounded; play: Play }[]
  /** Sounded and not stored. */
  lost: Sounded[]
  /** Stored a second time, or stored without having sounded. */
  duplicated: Play[]
}

/** A stored listen starts this near the real one: commands take a moment on the bus. */
const START_TOLERANCE_MS = 1000

/**
 * Pairs a board's sounds with its stored plays by song and start. `bootAt`: virtual time at which each boot began
 * (index 0 = boot 1).
 */
export function matchListens(
  sounded: readonly Sounded[],
  plays: readonly Play[],
  bootAt: readonly number[],
): Matched {
  const rest = new Set(sounded)
  const result: Matched = { pairs: [], lost: [], duplicated: [] }
  for (const play of plays) {
    const at = bootAt[play.boot - 1] + play.startMs
    const distance = (candidate: Sounded): number => Math.abs(candidate.from - at)
    let match: Sounded | undefined
    for (const candidate of rest) {
      if (candidate.file !== play.song || distance(candidate) > START_TOLERANCE_MS) continue
      if (match === undefined || distance(candidate) < distance(match)) match = candidate
    }
    if (match === undefined) {
      result.duplicated.push(play)
      continue
    }
    rest.delete(match)
    result.pairs.push({ sounded: match, play })
  }
  result.lost.push(...rest)
  return result
}

/** How long the file really sounded, ms, pauses out; `now` ends one that still does. */
export function soundedMs(sounded: Sounded, now: number): number {
  return (sounded.until ?? sounded.pausedAt ?? now) - sounded.from - (sounded.silentMs ?? 0)
}
