// Clocks that jumped, as the repair of clocks found them (host/study/clocks): boots whose contacts no one clock fits,
// contacts that came before the one before them, and boots in doubt because others saw the host's clock being moved.
// Contacts count with the corrections that were given, so what is put right is found no more.

import type { BoardRows } from "../../store/board-facts.js"
import { type ClockWindow, MAX_DELAY_MS, narrow, rangeAt } from "../clocks/window.js"

interface ClockJump {
  /** Host time of the contact that shows it, Unix ms; null where it is older than what is looked at. */
  since: number | null
  /** How far the host's clock went forth (+) or back (−) against the board's, ms. */
  byMs: number
}

export interface ClockTrouble {
  /** Seen by this board itself. */
  jumps: ClockJump[]
  /** Boots whose times others put in doubt, and by how much at most, ms. */
  doubted: { boots: number; ms: number; since: number | null }
}

export function clockTrouble({ clocks, contacts }: Pick<BoardRows, "clocks" | "contacts">): ClockTrouble {
  const jumps: ClockJump[] = []
  const doubted: ClockTrouble["doubted"] = { boots: 0, ms: 0, since: null }
  for (const { epoch, boot, windows, lasted, doubt } of clocks) {
    if (windows.length < 2 && doubt.early === 0 && doubt.late === 0) continue
    const own = contacts.filter((contact) => contact.epoch === epoch && contact.boot === boot)
    if (windows.length > 1) {
      // The first contact that the first clock does not fit made the second one necessary.
      const shows = own.find(({ up, trueAt }) => narrow(windows[0], { up, at: trueAt }) === undefined)
      const byMs = middleOf(windows[windows.length - 1], lasted) - middleOf(windows[0], lasted)
      jumps.push({ since: shows?.at ?? null, byMs })
    } else {
      doubted.boots++
      doubted.ms = Math.max(doubted.ms, doubt.late - doubt.early)
      doubted.since ??= own[0]?.at ?? null
    }
  }
  for (let i = 1; i < contacts.length; i++) {
    const [before, { epoch, boot, at, trueAt }] = [contacts[i - 1], contacts[i]]
    const within = epoch === before.epoch && boot === before.boot
    const byMs = trueAt - before.trueAt
    // A board that restarts does not go back in time; within a boot its windows say so.
    if (!within && byMs < -MAX_DELAY_MS) jumps.push({ since: at, byMs })
  }
  return { jumps, doubted }
}

function middleOf(window: ClockWindow, up: number): number {
  const { earliest, latest } = rangeAt([window], up)
  return (earliest + latest) / 2
}
