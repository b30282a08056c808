// Clocks that jumped: within a boot the host's time less the board's uptime stands still, but for drift and the time a
// request takes. Where it does not, the host's clock was set, or the board's stood. The repair of clocks knows more
// than this; the rule asks it in this one place.

import type { ContactFact } from "../../store/board-facts.js"

export interface ClockJump {
  /** Host time of the contact that shows it, Unix ms. */
  at: number
  /** How far the host's clock went forth (+) or back (−) against the board's, ms. */
  byMs: number
}

/** Seconds pass until a request is committed, and a busy laptop takes its time. */
export const JUMP_MS = 60_000
/** Quartz keeps within 200 ppm over the temperatures of a pocket; this is beyond any. */
export const DRIFT_PPM = 500
/** Uptime is 32 bits of milliseconds. */
const UPTIME_WRAP_MS = 2 ** 32

/** Jumps between contacts of one boot that follow each other; `contacts` in order of arrival. */
export function clockJumps(contacts: readonly ContactFact[]): ClockJump[] {
  const jumps: ClockJump[] = []
  for (let i = 1; i < contacts.length; i++) {
    const before = contacts[i - 1]
    const { epoch, boot, at, up } = contacts[i]
    if (epoch !== before.epoch || boot !== before.boot) {
      // A board that restarts does not go back in time.
      if (at < before.at - JUMP_MS) jumps.push({ at, byMs: at - before.at })
      continue
    }
    const wrapped = before.up - up > UPTIME_WRAP_MS / 2 ? UPTIME_WRAP_MS : 0
    const board = up + wrapped - before.up
    const byMs = at - before.at - board
    if (Math.abs(byMs) > JUMP_MS + (Math.abs(board) * DRIFT_PPM) / 1e6) jumps.push({ at, byMs })
  }
  return jumps
}
