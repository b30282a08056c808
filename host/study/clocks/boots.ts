// Where the boots of one board lie in time. A boot with contacts has its windows. One without is bounded by its
// neighbours within the epoch: boots follow each other, and each lasted at least as long as its plays say.

import type { Doubt, HostContact } from "./host-steps.js"
import {
  type ClockWindow,
  type ContactTime,
  driftRange,
  MAX_DRIFT,
  narrow,
  openWindow,
  type PlacedTime,
  placeBetween,
  placeContact,
  rangeAt,
  type TimeRange,
} from "./window.js"

/** What is known of the clock of one boot. */
export interface BootClock {
  boot: number
  /** One window, or more where the host's clock was moved: then any of them may be right. Empty without contacts. */
  windows: readonly ClockWindow[]
  contacts: number
  /** What the boot cannot know of the host's clock, because others saw it being moved. */
  doubt: Doubt
  /** Highest uptime that a contact or a play tells of, ms. */
  lasted: number
  /** When the boot began, of a boot without contacts, Unix ms; null where nothing bounds it. */
  between: TimeRange | null
}

/** A host whose clock is moved more often than this within one boot tells nothing of it. */
const MAX_WINDOWS = 8

export function newBoot(boot: number, doubt: Doubt = { early: 0, late: 0 }): BootClock {
  return { boot, windows: [], contacts: 0, doubt, lasted: 0, between: null }
}

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
  if (windows.length > MAX_WINDOWS) return known
  return { ...known, windows: [...windows, openWindow(contact)] }
}

/**
 * The boots of a study's contacts, by HostContact.boot; `contacts` in the order in which they came, `doubts`: of each of
 * them, from doubtsOf.
 */
export function metBoots(contacts: readonly HostContact[], doubts: readonly Doubt[]): Map<string, BootClock> {
  const boots = new Map<string, BootClock>()
  // Of each window of a boot: what is doubtful of all of its contacts, as one clock fits them.
  const doubtsOfBoot = new Map<string, Doubt[]>()
  contacts.forEach((contact, i) => {
    const before = boots.get(contact.boot) ?? newBoot(contact.bootNumber)
    const clock = meet(before, contact)
    boots.set(contact.boot, clock)
    const window = clock.windows.findIndex((each, w) => each !== before.windows[w])
    if (window < 0) return
    const found = doubtsOfBoot.get(contact.boot) ?? []
    doubtsOfBoot.set(contact.boot, found)
    const { early, late } = found[window] ?? doubts[i]
    found[window] = { early: Math.max(early, doubts[i].early), late: Math.min(late, doubts[i].late) }
  })
  for (const [key, found] of doubtsOfBoot) {
    const clock = boots.get(key)!
    boots.set(key, { ...clock, doubt: doubtOver(clock, found) })
  }
  return boots
}

/** What the doubts of its windows mean for a boot: how far they widen what all windows leave open. */
function doubtOver({ windows, lasted }: BootClock, doubts: readonly Doubt[]): Doubt {
  const doubt = { early: 0, late: 0 }
  for (const up of [0, lasted]) {
    const { earliest, latest } = rangeAt(windows, up)
    windows.forEach((window, i) => {
      const range = rangeAt([window], up)
      doubt.early = Math.min(doubt.early, range.earliest + doubts[i].early - earliest)
      doubt.late = Math.max(doubt.late, range.latest + doubts[i].late - latest)
    })
  }
  return doubt
}

/** Whether the boot's own contacts say when it was. */
export function isMet({ windows }: BootClock): boolean {
  return windows.length > 0 && windows.length <= MAX_WINDOWS
}

/** When uptime `up` of a boot that is met can have been. */
export function rangeIn({ windows, doubt }: BootClock, up: number): TimeRange {
  const { earliest, latest } = rangeAt(windows, up)
  return { earliest: earliest + doubt.early, latest: latest + doubt.late }
}

/** When uptime `up` of the boot was; null where nothing says. */
export function placeIn(clock: BootClock, up: number): PlacedTime | null {
  const { windows, doubt, between } = clock
  if (!isMet(clock)) return between === null ? null : placeBetween(rangeBetween(between, up))
  const sure = windows.length === 1 && doubt.early === 0 && doubt.late === 0
  return sure ? placeContact(rangeIn(clock, up)) : placeBetween(rangeIn(clock, up))
}

/** Bounds every boot without contacts; `boots` ascending, `after`: when the first of them can have begun at the
 *  earliest, Unix ms, null where nothing is known. */
export function boundBoots(boots: readonly BootClock[], after: number | null): BootClock[] {
  const shortest = ({ lasted }: BootClock): number => lasted / (1 + MAX_DRIFT)
  const earliest: (number | null)[] = []
  let free = after
  for (const boot of boots) {
    earliest.push(free)
    if (isMet(boot)) free = rangeIn(boot, boot.lasted).earliest
    else if (free !== null) free += shortest(boot)
  }
  const latest: (number | null)[] = []
  let end: number | null = null
  for (const boot of boots.toReversed()) {
    if (isMet(boot)) end = rangeIn(boot, 0).latest
    else if (end !== null) end -= shortest(boot)
    latest.unshift(end)
  }
  return boots.map((boot, i) => {
    const [from, to] = [earliest[i], latest[i]]
    if (isMet(boot) || from === null || to === null) return { ...boot, between: null }
    // Bounds that cross say that one of the neighbours' clocks is wrong: then neither may be relied on.
    return { ...boot, between: from <= to ? { earliest: from, latest: to } : null }
  })
}

/** When uptime `up` of a boot without contacts can have been. */
function rangeBetween(between: TimeRange, up: number): TimeRange {
  return { earliest: between.earliest + up * (1 - MAX_DRIFT), latest: between.latest + up * (1 + MAX_DRIFT) }
}

type BootState = "placed" | "host clock moved" | "bounded" | "unplaced"

export function stateOf(clock: BootClock): BootState {
  const { windows, doubt, between } = clock
  if (!isMet(clock)) return between === null ? "unplaced" : "bounded"
  return windows.length > 1 || doubt.early < 0 || doubt.late > 0 ? "host clock moved" : "placed"
}

/** Middle and half width of the drift that a boot's contacts leave possible, ppm; null without contacts. */
export function driftOf({ windows }: BootClock): { ppm: number; uncertainty: number } | null {
  if (windows.length === 0) return null
  const { lowest, highest } = driftRange(windows)
  return { ppm: (1e6 * (lowest + highest)) / 2, uncertainty: (1e6 * (highest - lowest)) / 2 }
}
