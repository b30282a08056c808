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
// As few steps as possible are found that explain the links (greedily, short links first). A step that one board alone
// saw, and that another board's clock denies, is that board's own fault.

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
  /** Boards that saw it; none where the order of the contacts alone says so. */
  witnesses: readonly string[]
}

export interface ClockSteps {
  /** Steps of the host's clock, in order. */
  host: ClockStep[]
  /** Steps that one board saw and others deny: of its own clock. */
  boards: ClockStep[]
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
  /** Seen in the order of the contacts, which no board's clock has part in. */
  certain: boolean
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

/** The steps that explain what the contacts say, which stand in the order in which they came. */
export function clockSteps(contacts: readonly HostContact[]): ClockSteps {
  const links = linksOf(contacts).sort((a, b) => a.j - a.i - (b.j - b.i) || a.j - b.j || a.i - b.i)
  const quiet = links.filter(({ low, high }) => low <= 0 && high >= 0)
  const steps: Step[] = []
  for (const link of links) if (link.low > 0 || link.high < 0) explain(steps, link)
  for (const link of quiet) sharpen(steps, link)
  const boards = withoutFaults(steps, quiet)
  // A link over a step that ends where it began: the clock was moved back in between.
  for (const link of quiet) explain(steps, link)
  const inOrder = (a: ClockStep, b: ClockStep): number =>
    a.before + a.after - (b.before + b.after) || a.before - b.before
  return { host: steps.map(told).sort(inOrder), boards: boards.map(told).sort(inOrder) }
}

function told({ before, after, low, high, witnesses }: Step): ClockStep {
  return { before, after, low, high, witnesses: [...witnesses] }
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

/** Narrows the one step that the link is about, or adds one where the link is not explained. */
function explain(steps: Step[], link: Link): void {
  const { i, j, device } = link
  const near = steps.filter((step) => step.after > i && step.before < j)
  const [low, high] = sumOver(near, link)
  const explained = low <= link.high && high >= link.low
  if (near.length === 0) {
    if (!explained) add(steps, link, link.low, link.high)
    return
  }
  if (!explained) {
    add(steps, link, link.low - high, link.high - low)
    return
  }
  if (near.length > 1 || (link.low <= 0 && link.high >= 0)) return
  const [step] = near
  if (Math.max(step.low, link.low) > Math.min(step.high, link.high)) return
  step.before = Math.max(step.before, i)
  step.after = Math.min(step.after, j)
  step.low = Math.max(step.low, link.low)
  step.high = Math.min(step.high, link.high)
  if (device === null) step.certain = true
  else step.witnesses.add(device)
}

function add(steps: Step[], { i, j, device }: Link, low: number, high: number): void {
  if (steps.length >= MAX_STEPS) return
  const witnesses = new Set(device === null ? [] : [device])
  steps.push({ before: i, after: j, low, high, witnesses, certain: device === null })
}

/** A step cannot have been while a boot saw the host's clock stand still, unless it was moved back at once. */
function sharpen(steps: readonly Step[], link: Link): void {
  const { i, j, device } = link
  const near = steps.filter((step) => step.after > i && step.before < j)
  if (near.length !== 1) return
  const [step] = near
  if (device !== null && step.witnesses.has(device)) return
  if (i > step.before && i < step.after && j >= step.after) step.after = i
  else if (j > step.before && j < step.after && i <= step.before) step.before = j
}

/** Takes those out of `steps` that only one board saw and another denies; gives them. */
function withoutFaults(steps: Step[], quiet: readonly Link[]): Step[] {
  const faults: Step[] = []
  for (const step of [...steps]) {
    if (step.certain || step.witnesses.size !== 1) continue
    const denied = quiet.some((link) => {
      if (link.device === null || step.witnesses.has(link.device)) return false
      if (link.i > step.before || link.j < step.after) return false
      const [low, high] = sumOver(steps, link, step)
      return low + step.low > link.high || high + step.high < link.low
    })
    if (!denied) continue
    steps.splice(steps.indexOf(step), 1)
    faults.push(step)
  }
  return faults
}

/**
 * Which true times the steps leave possible: any of the times between two steps may be the one at which the clock was
 * right. Gives the doubt of each of `count` contacts, and last that of a contact that comes now.
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
      const [low, high] =
        r >= m ? [lows[r] - lows[m], highs[r] - highs[m]] : [highs[r] - highs[m], lows[r] - lows[m]]
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
