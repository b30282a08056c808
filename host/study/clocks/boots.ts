// Where the boots of one board lie in time. A boot with contacts has its windows. One without is bounded by its
// neighbours within the epoch: boots follow each other, and each lasted at least as long as its plays say.

import {
  type ClockWindow,
  type ContactTime,
  driftRange,
  MAX_DRIFT,
  narrow,
  openWindow,
  rangeAt,
} from "./window.js"

/** What is known of the clock of one boot. */
export interface BootClock {
  boot: number
  /** One window, or more where the host's clock was moved: then any of them may be right. Empty without contacts. */
  windows: readonly ClockWindow[]
  contacts: number
  /** Highest uptime that a contact or a play tells of, ms. */
  lasted: number
  /** When the boot began, of a boot without contacts, Unix ms; null where nothing bounds it. */
  between: { earliest: number; latest: number } | null
}

/** A host whose clock is moved more often than this within one boot tells nothing. */
const MAX_WINDOWS = 8

/** The boot after one more contact. */
export function meet(clock: BootClock, contact: ContactTime): BootClock {
  const { windows, contacts } = clock
  const lasted = Math.max(clock.lasted, contact.up)
  const known = { ...clock, contacts: contacts + 1, lasted, between: null }
  // The newest window first: a clock is moved seldom, and stays where it was moved to.
  for (let i = windows.length - 1; i >= 0; i--) {
    const narrower = narrow(windows[i], contact)
    if (narrower !== undefined) return { ...known, windows: windows.with(i, narrower) }
  }
  if (windows.length >= MAX_WINDOWS) return known
  return { ...known, windows: [...windows, openWindow(contact)] }
}

/** Bounds every boot without contacts; `boots` ascending, `after`: when the first of them can have begun at the
 *  earliest, Unix ms, null where nothing is known. */
export function boundBoots(boots: readonly BootClock[], after: number | null): BootClock[] {
  const shortest = ({ lasted }: BootClock): number => lasted / (1 + MAX_DRIFT)
  const earliest: (number | null)[] = []
  let free = after
  for (const boot of boots) {
    earliest.push(free)
    if (boot.windows.length > 0) free = rangeAt(boot.windows, boot.lasted).earliest
    else if (free !== null) free += shortest(boot)
  }
  const latest: (number | null)[] = []
  let end: number | null = null
  for (const boot of boots.toReversed()) {
    if (boot.windows.length > 0) end = rangeAt(boot.windows, 0).latest
    else if (end !== null) end -= shortest(boot)
    latest.unshift(end)
  }
  return boots.map((boot, i) => {
    const [from, to] = [earliest[i], latest[i]]
    if (boot.windows.length > 0 || from === null || to === null) return { ...boot, between: null }
    // Bounds that cross say that one of the neighbours' clocks is wrong: then neither may be relied on.
    return { ...boot, between: from <= to ? { earliest: from, latest: to } : null }
  })
}

/** When uptime `up` of a boot without contacts can have been. */
export function rangeBetween(between: { earliest: number; latest: number }, up: number) {
  return { earliest: between.earliest + up * (1 - MAX_DRIFT), latest: between.latest + up * (1 + MAX_DRIFT) }
}

export type BootState = "placed" | "host clock moved" | "bounded" | "unplaced"

export function stateOf({ windows, between }: BootClock): BootState {
  if (windows.length > 1) return "host clock moved"
  if (windows.length === 1) return "placed"
  return between === null ? "unplaced" : "bounded"
}

/** By how much the host's clock was moved, ms, to the nearest that must be; null where it was not seen to be. */
export function movedBy({ windows, lasted }: BootClock): number | null {
  if (windows.length < 2) return null
  const starts = windows.map((window) => rangeAt([window], lasted))
  const first = starts[0]
  const farthest = starts.reduce((far, range) =>
    Math.abs(range.latest - first.latest) > Math.abs(far.latest - first.latest) ? range : far,
  )
  return Math.round(farthest.latest - first.latest)
}

/** Middle and half width of the drift that a boot's contacts leave possible, ppm; null without contacts. */
export function driftOf({ windows }: BootClock): { ppm: number; uncertainty: number } | null {
  if (windows.length === 0) return null
  const { lowest, highest } = driftRange(windows)
  return { ppm: (1e6 * (lowest + highest)) / 2, uncertainty: (1e6 * (highest - lowest)) / 2 }
}
