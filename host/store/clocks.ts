// The clocks of boots, kept up with every contact in its own transaction: plays get their time of day when they arrive,
// and a better one when later contacts say more. What a contact costs does not grow with the study: it touches its own
// boot, and those without contacts beside it. Signs that the host's own clock was moved are only noted there; what they
// mean for boots that did not see it is worked out over all contacts, beside the server and before anything is shown or
// archived (settle).

import type { Kysely } from "kysely"
import {
  type BootClock,
  boundBoots,
  isMet,
  meet,
  metBoots,
  newBoot,
  placeIn,
  rangeIn,
} from "../study/clocks/boots.js"
import {
  type ClockStep,
  clockSteps,
  type Doubt,
  doubtsOf,
  type HostContact,
} from "../study/clocks/host-steps.js"
import {
  type ClockWindow,
  MAX_DELAY_MS,
  type PlacedTime,
  rangeAt,
  type TimeRange,
} from "../study/clocks/window.js"
import { rowsOf } from "./embedded.js"
import { appendEvent } from "./events.js"
import type { Tables } from "./schema.js"

type Db = Kysely<Tables>

export interface StoredClock extends BootClock {
  device: string
  epoch: number
  /** When the boot began; null where nothing says. */
  began: PlacedTime | null
}

/** When the syncs `from` … `to` came, by their numbers, the host's clock was `offsetMs` behind the true time. */
interface HostClockCorrection {
  from: number
  to: number
  offsetMs: number
  reason: string
  at: number
}

/** A clock was moved by `movedMs` ± `uncertaintyMs` (forward is positive) after sync `before` and not after sync `after`. */
export interface MovedClock {
  /** Whether it is sure that it was this computer's clock; otherwise it may be that of the one board that saw it. */
  sure: boolean
  /** Numbers of syncs; 0 = before the first. Times as the host's clock showed them; null before the first. */
  before: number
  beforeAt: number | null
  after: number
  afterAt: number
  movedMs: number
  uncertaintyMs: number
  /** Boards that saw it; none where the order of the syncs says so. */
  boards: string[]
}

export interface ClockStore {
  /** Every boot, by device, the epochs in the order of their first contact, then boot. */
  all(): Promise<StoredClock[]>
  corrections(): Promise<HostClockCorrection[]>
  /**
   * Where clocks were moved, as far as boards and the order of the syncs tell; in the order of the syncs. Also places
   * everything anew where that says more than was known before, and notes it as an event.
   */
  settle(at: number): Promise<MovedClock[]>
  /** Whether syncs since the last settling hold signs that the host's clock was moved. */
  unsettled(): Promise<boolean>
  /** Records that the host's clock was wrong, and places everything anew; gives the number of plays that moved. */
  correct(correction: HostClockCorrection): Promise<number>
}

/** One exchange, as far as clocks are concerned. */
interface Contact {
  device: string
  epoch: number
  boot: number
  up: number
  at: number
  health: { rtc?: number }
}

interface Row {
  device: string
  epoch: number
  boot: number
  windows: string
  contacts: number
  lasted: number
  earliest: number | null
  latest: number | null
  width: number | null
  early: number
  late: number
}

const COLUMNS = "device, epoch, boot, windows, contacts, lasted, earliest, latest, width, early, late"
const OF_BOOT_CLOCK = COLUMNS.split(", ")
  .map((name) => `boot_clock.${name}`)
  .join(", ")
/** Plays are placed anew when the time they have can be this much better. */
const WORTHWHILE = 0.8
const MAX_BOOT = 65535

const ONE_BOOT = `select ${COLUMNS} from boot_clock where device = ? and epoch = ? and boot = ?`
const KEEP = `insert into boot_clock (${COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
  on conflict (device, epoch, boot) do update
  set windows = ?4, contacts = ?5, lasted = ?6, earliest = ?7, latest = ?8, width = ?9, early = ?10, late = ?11`
const PLACED_BELOW = `select boot from boot_clock
  where device = ? and epoch = ? and boot < ? and contacts > 0 order by boot desc limit 1`
const PLACED_ABOVE = `select boot from boot_clock
  where device = ? and epoch = ? and boot >= ? and contacts > 0 order by boot limit 1`
const BETWEEN = `select ${COLUMNS} from boot_clock
  where device = ? and epoch = ? and boot between ? and ? order by boot`
const LAST_OF_EPOCH_BEFORE = `select max(at + coalesce((select sum(offset_ms) from host_clock
    where sync.id between from_sync and to_sync), 0)) as at from sync
  where device = ?1 and epoch <> ?2 and id < (select min(id) from sync where device = ?1 and epoch = ?2)`
/** What is known of the host's clock now, and the time of the sync before the newest. */
const HOST_NOW = `select early, late, unsettled, (select at from sync order by id desc limit 1 offset 1) as newest
  from clock_doubt`
const PLACE_PLAYS = `update play set started_at = placed.value ->> 1, uncertainty_ms = placed.value ->> 2
  from json_each(?) as placed where play.id = placed.value ->> 0`

/** When a listen began: of the boots that the contact's own transaction knows. */
export type PlaceOf = (boot: number, startMs: number) => PlacedTime | null

/** Takes the contact into the clock of its boot, before its plays are stored; gives the time of plays of that boot. */
export async function meetClock(tx: Db, contact: Contact): Promise<PlaceOf> {
  const { device, epoch, boot, up } = contact
  const [row] = await rowsOf<Row>(tx, ONE_BOOT, [device, epoch, boot])
  const [host] = await rowsOf<Doubt & { unsettled: number; newest: number | null }>(tx, HOST_NOW, [])
  const before = row === undefined ? newBoot(boot, host) : read(row)
  const clock = meet(before, { up, at: contact.at })
  const width = widthOf(clock)
  const better =
    row === undefined ||
    row.width === null ||
    width < WORTHWHILE * row.width ||
    clock.windows.length !== before.windows.length
  await keep(tx, contact, clock, better ? width : row.width)
  const { rtc } = contact.health
  const moved =
    clock.windows.length > Math.max(1, before.windows.length) ||
    (host.newest !== null && contact.at < host.newest - MAX_DELAY_MS) ||
    (rtc !== undefined && Math.abs(contact.at - rtc) > MAX_DELAY_MS)
  if (moved && host.unsettled === 0) await rowsOf(tx, "update clock_doubt set unsettled = 1", [])
  if (row !== undefined && better) await placePlays(tx, contact, [clock])
  return (of, startMs) => (of === boot ? placeIn(clock, startMs) : null)
}

/** Bounds the boots of the contact's plays that had no contact, and those that its own boot bounds now. */
export async function boundNeighbours(
  tx: Db,
  contact: Contact,
  plays: readonly { record: { boot: number; startMs: number; heardMs: number } }[],
): Promise<void> {
  const { device, epoch } = contact
  const lasted = new Map<number, number>()
  for (const { record } of plays) {
    const end = record.startMs + record.heardMs
    lasted.set(record.boot, Math.max(end, lasted.get(record.boot) ?? 0))
  }
  const touched = new Set([contact.boot])
  for (const [boot, end] of lasted) {
    const [row] = await rowsOf<Row>(tx, ONE_BOOT, [device, epoch, boot])
    const clock = row === undefined ? newBoot(boot) : read(row)
    if (clock.contacts === 0) touched.add(boot)
    if (row !== undefined && end <= clock.lasted) continue
    await keep(tx, contact, { ...clock, lasted: Math.max(end, clock.lasted) }, row?.width ?? null)
  }
  const done = new Set<number>()
  for (const boot of touched) {
    const [below] = await rowsOf<{ boot: number }>(tx, PLACED_BELOW, [device, epoch, boot])
    const [above] = await rowsOf<{ boot: number }>(tx, PLACED_ABOVE, [device, epoch, boot])
    const from = below?.boot ?? 0
    const to = above?.boot ?? contact.boot
    if (done.has(from) || to - from < 2) continue
    done.add(from)
    const rows = await rowsOf<Row>(tx, BETWEEN, [device, epoch, from, to])
    if (rows.every(({ contacts }) => contacts > 0)) continue
    await bound(tx, contact, rows)
  }
}

/** Bounds the boots without contacts among `rows`, which begin or end with one that has some. */
async function bound(
  tx: Db,
  contact: Pick<Contact, "device" | "epoch">,
  rows: readonly Row[],
): Promise<void> {
  const { device, epoch } = contact
  let after: number | null = null
  if (rows[0].contacts === 0) {
    const [last] = await rowsOf<{ at: number | null }>(tx, LAST_OF_EPOCH_BEFORE, [device, epoch])
    const [host] = await rowsOf<Doubt>(tx, "select early, late from clock_doubt", [])
    if (last?.at != null) after = last.at - (host.late - host.early)
  }
  const bounded = boundBoots(rows.map(read), after).filter(({ contacts }) => contacts === 0)
  for (const clock of bounded) await keep(tx, contact, clock, null)
  await placePlays(tx, contact, bounded)
}

async function placePlays(
  tx: Db,
  { device, epoch }: Pick<Contact, "device" | "epoch">,
  clocks: readonly BootClock[],
): Promise<number> {
  const placed: (number | null)[][] = []
  for (const clock of clocks) {
    const plays = await rowsOf<{
      id: number
      startMs: number
      startedAt: number | null
      uncertaintyMs: number | null
    }>(
      tx,
      "select id, start_ms, started_at, uncertainty_ms from play where device = ? and epoch = ? and boot = ?",
      [device, epoch, clock.boot],
    )
    for (const { id, startMs, startedAt, uncertaintyMs } of plays) {
      const time = placeIn(clock, startMs)
      if ((time?.at ?? null) === startedAt && (time?.uncertaintyMs ?? null) === uncertaintyMs) continue
      placed.push([id, time?.at ?? null, time?.uncertaintyMs ?? null])
    }
  }
  if (placed.length > 0) await rowsOf(tx, PLACE_PLAYS, [JSON.stringify(placed)])
  return placed.length
}

interface SyncTime extends HostContact {
  id: number
  epoch: number
  /** Host time as it was shown; `at` has the corrections. */
  shown: number
}

/** The syncs in the order in which they came, with the corrections of the host's clock that are known. */
async function syncTimes(db: Db): Promise<SyncTime[]> {
  const syncs = await rowsOf<SyncTime>(
    db,
    `select id, device, epoch, boot as boot_number, device || ' ' || epoch || ' ' || boot as boot, up, at, at as shown,
      health ->> '$.rtc' as rtc from sync order by id`,
    [],
  )
  const corrections = await rowsOf<{ fromSync: number; toSync: number; offsetMs: number }>(
    db,
    "select from_sync, to_sync, offset_ms from host_clock",
    [],
  )
  for (const { fromSync, toSync, offsetMs } of corrections) {
    for (const sync of syncs) if (sync.id >= fromSync && sync.id <= toSync) sync.at += offsetMs
  }
  return syncs
}

/** The boots of an epoch that are known so far, ascending. */
export async function readBoots(tx: Db, device: string, epoch: number): Promise<BootClock[]> {
  const rows = await rowsOf<Row>(tx, BETWEEN, [device, epoch, 0, MAX_BOOT])
  return rows.map(read)
}

/** The newest boots of a board, over all its epochs, at most `limit`; oldest first. */
export async function newestBoots(
  db: Db,
  device: string,
  limit: number,
): Promise<(BootClock & { epoch: number })[]> {
  const rows = await rowsOf<Row>(
    db,
    `select ${OF_BOOT_CLOCK} from boot_clock
      left join epoch on epoch.device = boot_clock.device and epoch.epoch = boot_clock.epoch
      where boot_clock.device = ?
      order by epoch.first_at desc, boot_clock.epoch desc, boot_clock.boot desc limit ?`,
    [device, limit],
  )
  return rows.reverse().map((row) => ({ ...read(row), epoch: row.epoch }))
}

/** When a listen can have begun, whether or not its boot is known; infinite where nothing bounds it. */
export function rangeOf(boots: readonly BootClock[], boot: number, startMs: number): TimeRange {
  const known = boots.find((clock) => clock.boot === boot && isMet(clock))
  if (known !== undefined) return rangeIn(known, startMs)
  const below = boots.findLast((clock) => clock.boot < boot && isMet(clock))
  const above = boots.find((clock) => clock.boot > boot && isMet(clock))
  return {
    earliest: below === undefined ? Number.NEGATIVE_INFINITY : rangeIn(below, below.lasted).earliest,
    latest: above === undefined ? Number.POSITIVE_INFINITY : rangeIn(above, 0).latest,
  }
}

/** The widest of what is possible within the boot, ms: at one of its ends, as the windows are convex. */
function widthOf({ windows, lasted }: BootClock): number {
  return Math.max(
    ...[rangeAt(windows, 0), rangeAt(windows, lasted)].map((range) => range.latest - range.earliest),
  )
}

async function keep(
  tx: Db,
  { device, epoch }: Pick<Contact, "device" | "epoch">,
  { boot, windows, contacts, lasted, between, doubt }: BootClock,
  width: number | null,
): Promise<void> {
  const { earliest = null, latest = null } = between ?? {}
  await rowsOf(tx, KEEP, [
    device,
    epoch,
    boot,
    JSON.stringify(windows),
    contacts,
    lasted,
    earliest,
    latest,
    width,
    doubt.early,
    doubt.late,
  ])
}

function read({ boot, windows, contacts, lasted, earliest, latest, early, late }: Row): BootClock {
  const between = earliest === null || latest === null ? null : { earliest, latest }
  const doubt = { early, late }
  return { boot, windows: JSON.parse(windows) as ClockWindow[], contacts, doubt, lasted, between }
}

export function clockStore(db: Db): ClockStore {
  return {
    async all() {
      const rows = await rowsOf<Row>(
        db,
        `select ${OF_BOOT_CLOCK} from boot_clock
          left join epoch on epoch.device = boot_clock.device and epoch.epoch = boot_clock.epoch
          order by boot_clock.device, epoch.first_at, boot_clock.epoch, boot_clock.boot`,
        [],
      )
      return rows.map((row) => {
        const clock = read(row)
        return { device: row.device, epoch: row.epoch, ...clock, began: placeIn(clock, 0) }
      })
    },
    corrections: () =>
      rowsOf<HostClockCorrection>(
        db,
        `select from_sync as "from", to_sync as "to", offset_ms, reason, at from host_clock order by id`,
        [],
      ),
    settle: (at) => db.transaction().execute((tx) => settle(tx, at)),
    async unsettled() {
      const [row] = await rowsOf<{ unsettled: number }>(db, "select unsettled from clock_doubt", [])
      return row.unsettled !== 0
    },
    correct: (correction) =>
      db.transaction().execute(async (tx) => {
        const { from, to, offsetMs, reason, at } = correction
        await rowsOf(
          tx,
          "insert into host_clock (from_sync, to_sync, offset_ms, reason, at) values (?, ?, ?, ?, ?)",
          [from, to, offsetMs, reason, at],
        )
        const moved = await placeAll(tx, await syncTimes(tx), at)
        const detail = { from, to, offsetMs, reason, moved }
        await appendEvent(tx, { at, kind: "host clock corrected", subject: null, device: null, detail })
        return moved
      }),
  }
}

async function settle(tx: Db, at: number): Promise<MovedClock[]> {
  const syncs = await syncTimes(tx)
  const steps = clockSteps(syncs)
  const [row] = await rowsOf<{ steps: string; unsettled: number }>(
    tx,
    "select steps, unsettled from clock_doubt",
    [],
  )
  if (row.unsettled !== 0 || row.steps !== JSON.stringify(steps)) await placeAll(tx, syncs, at)
  return movedClocks(steps, syncs)
}

/** The steps that somebody saw, as they are shown. */
function movedClocks(steps: readonly ClockStep[], syncs: readonly SyncTime[]): MovedClock[] {
  const inferred = steps.filter(({ seen }) => !seen)
  return steps
    .filter(({ seen }) => seen)
    .map(({ before, after, low, high, witnesses }) => {
      const [from, to] = [syncs[before], syncs[after]] as [SyncTime | undefined, SyncTime]
      const undone = inferred.some((step) => step.before <= after && step.after >= before)
      return {
        sure: witnesses.length !== 1 || !undone,
        before: from?.id ?? 0,
        beforeAt: from?.shown ?? null,
        after: to.id,
        afterAt: to.shown,
        movedMs: Math.round((low + high) / 2),
        uncertaintyMs: Math.ceil((high - low) / 2),
        boards: [...witnesses],
      }
    })
}

/** Where steps are, as one text: what is known of their size gets better with time. */
function placesOf(steps: readonly ClockStep[]): string {
  return steps.map(({ before, after }) => `${before}-${after}`).join(" ")
}

/**
 * Places every boot and every play anew, from the syncs and plays that are stored; gives the number of plays that moved.
 * A step of the host's clock that was not known before is noted as an event at `at`.
 */
async function placeAll(tx: Db, syncs: readonly SyncTime[], at: number): Promise<number> {
  const found = clockSteps(syncs)
  const doubts = doubtsOf(found, syncs.length)
  const now = doubts[syncs.length]
  const [known] = await rowsOf<{ steps: string }>(tx, "select steps from clock_doubt", [])
  const steps = JSON.stringify(found)
  await rowsOf(tx, "update clock_doubt set early = ?, late = ?, unsettled = 0, steps = ?", [
    now.early,
    now.late,
    steps,
  ])
  if (found.length > 0 && placesOf(JSON.parse(known.steps) as ClockStep[]) !== placesOf(found)) {
    const detail = { steps: movedClocks(found, syncs) }
    await appendEvent(tx, { at, kind: "host clock moved", subject: null, device: null, detail })
  }
  await rowsOf(tx, "delete from boot_clock", [])
  const extents = await rowsOf<{ device: string; epoch: number; boot: number; lasted: number }>(
    tx,
    "select device, epoch, boot, max(start_ms + heard_ms) as lasted from play group by device, epoch, boot",
    [],
  )
  const epochs = new Map<string, { device: string; epoch: number; boots: Map<number, BootClock> }>()
  const bootsOf = ({ device, epoch }: { device: string; epoch: number }): Map<number, BootClock> => {
    const key = `${device} ${epoch}`
    let found = epochs.get(key)
    if (found === undefined) {
      found = { device, epoch, boots: new Map() }
      epochs.set(key, found)
    }
    return found.boots
  }
  const met = metBoots(syncs, doubts)
  for (const sync of syncs) bootsOf(sync).set(sync.bootNumber, met.get(sync.boot)!)
  for (const row of extents) {
    const boots = bootsOf(row)
    const clock = boots.get(row.boot) ?? newBoot(row.boot)
    boots.set(row.boot, { ...clock, lasted: Math.max(clock.lasted, row.lasted) })
  }
  // No contact can have been further from its host time than the clock was moved in all.
  const spread = now.late - now.early
  let changed = 0
  for (const { device, epoch, boots } of epochs.values()) {
    const [last] = await rowsOf<{ at: number | null }>(tx, LAST_OF_EPOCH_BEFORE, [device, epoch])
    const sorted = [...boots.values()].sort((a, b) => a.boot - b.boot)
    const bounded = boundBoots(sorted, last?.at == null ? null : last.at - spread)
    for (const clock of bounded) {
      await keep(tx, { device, epoch }, clock, clock.contacts > 0 ? widthOf(clock) : null)
    }
    changed += await placePlays(tx, { device, epoch }, bounded)
  }
  return changed
}
