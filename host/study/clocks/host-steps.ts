// When the host's own clock was moved. A boot sees it only while it lasts, so what every boot saw is put together: a boot
// that met the host only while its clock was wrong looks sound by itself, and would get a time that is plausible and
// wrong.
//
// The host's clock shows e more than the true time; e is constant but for steps. Contacts in the order in which they
// came, 0, 1, …; what is known of the steps are links: the sum of all steps after contact i and up to contact j lies in
// [low, high]. Links come from
//   - two contacts of one boot: the change of host time less uptime, to within drift and delays;
//   - a board's clock chip, which keeps the time that the host gave it at the contact before;
//   - the order: a host time far below the one before it has been set back.
// As few steps as possible are found that explain the links (greedily, short links first). Where one board alone saw a
// step over which another saw none, either the first one's own clock is at fault, or the host's was moved back at once:
// then a second step is taken to be there, and only what came in between is doubtful.

import { MAX_DELAY_MS, MAX_DRIFT, ROUNDING_MS } from "./window.js"

/** One contact, as far as the host's clock is concerned. */
export interface HostContact {
  device: string
  /** The same for contacts of the same boot of the same board. */
  boot: string
  /** Its number within the epoch. */
  bootNumber: number
  /** Uptime, ms, and host time, Unix ms. */
  up: number
  at: number
  /** What the board's clock chip showed, Unix ms; null without one. */
  rtc: number | null
}

/** A clock was moved by `low` … `high` ms (forward is positive), after contact `before` and not after contact `after`. */
export interface ClockStep {
  /** Indices of contacts; `before` −1: perhaps before the first. */
  before: number
  after: number
  low: number
  high: number
  /** Boards that saw it; none where the order of the contacts alone says so, or where it is inferred. */
  witnesses: readonly string[]
  /** False: nobody saw the host's clock being moved back, but it must have been, or another step is a board's fault. */
  seen: boolean
}

/** By how much the true time of a contact may differ from the host time that it was given, ms: early ≤ 0 ≤ late. */
export interface Doubt {
  early: number
  late: number
}

interface Link {
  i: number
  j: number
  low: number
  high: number
  /** Null: the order of the contacts. */
  device: string | null
}

interface Step {
  before: number
  after: number
  low: number
  high: number
  witnesses: Set<string>
  seen: boolean
}

/** Two contacts of a study that follow each other are not further apart than this; only how far a clock was set back at
 *  least is seen in the order, and this bounds how far at most. */
const LONGEST_SILENCE_MS = 366 * 24 * 3_600_000
/** A clock chip is left alone where it is off by up to 2 s, shows whole seconds, and is set to the next (src/rtc.ts). */
const RTC_SLACK_MS = 4000
/** Ten times what the data sheet gives a DS3231, 2 ppm. */
const RTC_DRIFT = 20e-6
/** Steps that are told apart; a host whose clock is moved more often is beyond repair. */
const MAX_STEPS = 64

/** The steps that explain what the contacts say, in order; the contacts stand in the order in which they came. */
export function clockSteps(contacts: readonly HostContact[]): ClockStep[] {
  const links = linksOf(contacts).sort((a, b) => a.j - a.i - (b.j - b.i) || a.j - b.j || a.i - b.i)
  const steps: Step[] = []
  for (const link of links) if (!isQuiet(link)) explain(steps, link, true)
  if (steps.length === 0) return []
  for (const link of links) confine(steps, link)
  for (const link of links) if (isQuiet(link)) explain(steps, link, false)
  for (const link of links) confine(steps, link)
  return steps
    .map((step) => ({ ...step, witnesses: [...step.witnesses] }))
    .sort((a, b) => a.before + a.after - (b.before + b.after) || a.before - b.before)
}

function isQuiet({ low, high }: Link): boolean {
  return low <= 0 && high >= 0
}

function linksOf(contacts: readonly HostContact[]): Link[] {
  const links: Link[] = []
  const lastOfBoot = new Map<string, number>()
  const lastOfDevice = new Map<string, number>()
  contacts.forEach((contact, j) => {
    const { device, boot, up, at, rtc } = contact
    if (j > 0 && at < contacts[j - 1].at - MAX_DELAY_MS) {
      const high = at - contacts[j - 1].at + MAX_DELAY_MS
      links.push({ i: j - 1, j, low: high - LONGEST_SILENCE_MS, high, device: null })
    }
    const sameBoot = lastOfBoot.get(boot)
    if (sameBoot !== undefined) {
      const last = contacts[sameBoot]
      const moved = at - up - (last.at - last.up)
      const slack = MAX_DELAY_MS + 2 * ROUNDING_MS + MAX_DRIFT * Math.abs(up - last.up)
      links.push({ i: sameBoot, j, low: moved - slack, high: moved + slack, device })
    }
    const sameDevice = lastOfDevice.get(device)
    if (rtc !== null && sameDevice !== undefined) {
      const last = contacts[sameDevice]
      const slack = MAX_DELAY_MS + RTC_SLACK_MS + RTC_DRIFT * Math.abs(at - last.at)
      // Set at the contact before; or not, where its reply was lost.
      const moved = [at - rtc, ...(last.rtc === null ? [] : [at - rtc - (last.at - last.rtc)])]
      links.push({
        i: sameDevice,
        j,
        low: Math.min(...moved) - slack,
        high: Math.max(...moved) + slack,
        device,
      })
    }
    lastOfBoot.set(boot, j)
    lastOfDevice.set(device, j)
  })
  return links
}

/** What the steps add up to over the link, [low, high]; those that may lie inside or outside count as both. */
function sumOver(steps: readonly Step[], { i, j }: Link, without?: Step): [number, number] {
  let low = 0
  let high = 0
  for (const step of steps) {
    if (step === without || step.after <= i || step.before >= j) continue
    const inside = step.before >= i && step.after <= j
    low += inside ? step.low : Math.min(0, step.low)
    high += inside ? step.high : Math.max(0, step.high)
  }
  return [low, high]
}

/** Takes the link for the one step that it is about, or adds one where it is not explained. */
function explain(steps: Step[], link: Link, seen: boolean): void {
  const { i, j, device } = link
  const near = stepsNear(steps, link)
  const [low, high] = sumOver(near, link)
  if (low > link.high || high < link.low) {
    if (steps.length >= MAX_STEPS) return
    const witnesses = new Set(device === null || !seen ? [] : [device])
    steps.push({ before: i, after: j, low: link.low - high, high: link.high - low, witnesses, seen })
    return
  }
  if (near.length !== 1 || !seen) return
  const [step] = near
  if (Math.max(step.low, link.low) > Math.min(step.high, link.high)) return
  step.before = Math.max(step.before, i)
  step.after = Math.min(step.after, j)
  step.low = Math.max(step.low, link.low)
  step.high = Math.min(step.high, link.high)
  if (device !== null) step.witnesses.add(device)
}

/** Steps that may lie within the link. */
function stepsNear(steps: readonly Step[], { i, j }: Link): Step[] {
  return steps.filter(({ before, after }) => after > i && before < j)
}

/** Of a step that lies perhaps within the link: where it must, or must not, as the link's sum would not fit otherwise. */
function confine(steps: readonly Step[], link: Link): void {
  const { i, j } = link
  const near = stepsNear(steps, link)
  for (const step of near) {
    if (step.before >= i && step.after <= j) continue
    const [low, high] = sumOver(near, link, step)
    const outside = low <= link.high && high >= link.low
    const inside = low + step.low <= link.high && high + step.high >= link.low
    if (inside && !outside) {
      step.before = Math.max(step.before, i)
      step.after = Math.min(step.after, j)
    } else if (outside && !inside) {
      if (step.before >= i) step.before = j
      else if (step.after <= j) step.after = i
    }
  }
}

/** Whether the clock may have been right between step `k` − 1 and step `k`: not where one board alone says that it was
 *  another there, and nobody saw it going back. */
function mayBeRight(steps: readonly ClockStep[], k: number): boolean {
  if (k === 0 || k === steps.length) return true
  const [one, other] = [steps[k - 1], steps[k]]
  return one.seen === other.seen || (one.seen ? one : other).witnesses.length !== 1
}

/**
 * Which true times the steps leave possible: any of the times between two steps may be the one at which the clock was
 * right, unless that is what one board says against the others. Gives the doubt of each of `count` contacts, and last that of a contact that comes now.
 */
export function doubtsOf(steps: readonly ClockStep[], count: number): Doubt[] {
  const lows = [0]
  const highs = [0]
  for (const { low, high } of steps) {
    lows.push(lows.at(-1)! + low)
    highs.push(highs.at(-1)! + high)
  }
  // If the clock was right between steps r − 1 and r, one at m was fast by the steps from r to m.
  const ofSegment = lows.map((_, m): Doubt => {
    const doubt = { early: 0, late: 0 }
    for (let r = 0; r < lows.length; r++) {
      if (!mayBeRight(steps, r)) continue
      const [low, high] =
        r >= m ? [lows[r] - lows[m], highs[r] - highs[m]] : [highs[r] - highs[m], lows[r] - lows[m]]
      // Steps that may cancel out have brought the clock back to where it was.
      if (low <= 0 && high >= 0) continue
      doubt.early = Math.min(doubt.early, low)
      doubt.late = Math.max(doubt.late, high)
    }
    return doubt
  })
  const doubts: Doubt[] = []
  for (let contact = 0; contact <= count; contact++) {
    const doubt = { early: 0, late: 0 }
    const from = steps.filter(({ after }) => after <= contact).length
    const to = steps.filter(({ before }) => before < contact).length
    for (let segment = from; segment <= to; segment++) {
      doubt.early = Math.min(doubt.early, ofSegment[segment].early)
      doubt.late = Math.max(doubt.late, ofSegment[segment].late)
    }
    doubts.push(doubt)
  }
  return doubts
}
