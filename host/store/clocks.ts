// The clocks of boots, kept up with every contact in its own transaction: plays get their time of day when they arrive,
// and a better one when later contacts say more. What a contact costs does not grow with the study: it touches its own
// boot, and those without contacts beside it.

import type { Kysely } from "kysely"
import { type BootClock, boundBoots, meet, rangeBetween } from "../study/clocks/boots.js"
import {
  type ClockWindow,
  type PlacedTime,
  placeBetween,
  placeContact,
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

/** The host's clock was moved by `movedMs` between two syncs of a board, of these numbers and shown times. */
interface HostClockStep {
  device: string
  boot: number
  before: number
  beforeAt: number
  after: number
  afterAt: number
  movedMs: number
}

export interface ClockStore {
  /** Every boot, by device, the epochs in the order of their first contact, then boot. */
  all(): Promise<StoredClock[]>
  corrections(): Promise<HostClockCorrection[]>
  /** Where the host's clock was moved, as far as boots saw it, in the order of the syncs. */
  steps(): Promise<HostClockStep[]>
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
}

const COLUMNS = "device, epoch, boot, windows, contacts, lasted, earliest, latest, width"
/** Plays are placed anew when the time they have can be this much better. */
const WORTHWHILE = 0.8
const MAX_BOOT = 65535

const ONE_BOOT = `select ${COLUMNS} from boot_clock where device = ? and epoch = ? and boot = ?`
const KEEP = `insert into boot_clock (${COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
  on conflict (device, epoch, boot) do update
  set windows = ?4, contacts = ?5, lasted = ?6, earliest = ?7, latest = ?8, width = ?9`
const PLACED_BELOW = `select boot from boot_clock
  where device = ? and epoch = ? and boot < ? and contacts > 0 order by boot desc limit 1`
const PLACED_ABOVE = `select boot from boot_clock
  where device = ? and epoch = ? and boot >= ? and contacts > 0 order by boot limit 1`
const BETWEEN = `select ${COLUMNS} from boot_clock
  where device = ? and epoch = ? and boot between ? and ? order by boot`
const LAST_OF_EPOCH_BEFORE = `select max(sync.at) as at from sync
  where device = ?1 and epoch <> ?2 and sync.at < (select first_at from epoch where device = ?1 and epoch = ?2)`
const PLACE_PLAYS = `update play set started_at = placed.value ->> 1, uncertainty_ms = placed.value ->> 2
  from json_each(?) as placed where play.id = placed.value ->> 0`

/** When a listen began: of the boots that the contact's own transaction knows. */
export type PlaceOf = (boot: number, startMs: number) => PlacedTime | null

/** Takes the contact into the clock of its boot, before its plays are stored; gives the time of plays of that boot. */
export async function meetClock(tx: Db, contact: Contact): Promise<PlaceOf> {
  const { device, epoch, boot, up } = contact
  const [row] = await rowsOf<Row>(tx, ONE_BOOT, [device, epoch, boot])
  const before = row === undefined ? newBoot(boot) : read(row)
  const clock = meet(before, { up, at: contact.at })
  const width = widthOf(clock)
  const better =
    row === undefined ||
    row.width === null ||
    width < WORTHWHILE * row.width ||
    clock.windows.length !== before.windows.length
  await keep(tx, contact, clock, better ? width : row.width)
  if (row !== undefined && better) await placePlays(tx, contact, [clock])
  return (of, startMs) => (of === boot ? timeOf(clock, startMs) : null)
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
    after = last?.at ?? null
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
      const time = timeOf(clock, startMs)
      if ((time?.at ?? null) === startedAt && (time?.uncertaintyMs ?? null) === uncertaintyMs) continue
      placed.push([id, time?.at ?? null, time?.uncertaintyMs ?? null])
    }
  }
  if (placed.length > 0) await rowsOf(tx, PLACE_PLAYS, [JSON.stringify(placed)])
  return placed.length
}

/** When a listen of the boot began; null where nothing says. */
function timeOf({ windows, between }: BootClock, startMs: number): PlacedTime | null {
  if (windows.length === 1) return placeContact(rangeAt(windows, startMs))
  if (windows.length > 1) return placeBetween(rangeAt(windows, startMs))
  return between === null ? null : placeBetween(rangeBetween(between, startMs))
}

interface SyncTime extends Contact {
  id: number
  /** Host time as it was shown; `at` has the corrections. */
  shown: number
}

/** The syncs in the order in which they came, with the corrections of the host's clock that are known. */
async function syncTimes(db: Db): Promise<SyncTime[]> {
  const syncs = await rowsOf<SyncTime>(
    db,
    "select id, device, epoch, boot, up, at, at as shown from sync order by id",
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

/** When a listen can have begun, whether or not its boot is known; infinite where nothing bounds it. */
export function rangeOf(boots: readonly BootClock[], boot: number, startMs: number): TimeRange {
  const known = boots.find((clock) => clock.boot === boot && clock.contacts > 0)
  if (known !== undefined) return rangeAt(known.windows, startMs)
  const below = boots.findLast((clock) => clock.boot < boot && clock.contacts > 0)
  const above = boots.find((clock) => clock.boot > boot && clock.contacts > 0)
  return {
    earliest: below === undefined ? Number.NEGATIVE_INFINITY : rangeAt(below.windows, below.lasted).earliest,
    latest: above === undefined ? Number.POSITIVE_INFINITY : rangeAt(above.windows, 0).latest,
  }
}

function newBoot(boot: number): BootClock {
  return { boot, windows: [], contacts: 0, lasted: 0, between: null }
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
  { boot, windows, contacts, lasted, between }: BootClock,
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
  ])
}

function read({ boot, windows, contacts, lasted, earliest, latest }: Row): BootClock {
  const between = earliest === null || latest === null ? null : { earliest, latest }
  return { boot, windows: JSON.parse(windows) as ClockWindow[], contacts, lasted, between }
}

export function clockStore(db: Db): ClockStore {
  return {
    async all() {
      const rows = await rowsOf<Row>(
        db,
        `select ${COLUMNS.split(", ")
          .map((name) => `boot_clock.${name}`)
          .join(", ")} from boot_clock
          left join epoch on epoch.device = boot_clock.device and epoch.epoch = boot_clock.epoch
          order by boot_clock.device, epoch.first_at, boot_clock.epoch, boot_clock.boot`,
        [],
      )
      return rows.map((row) => {
        const clock = read(row)
        return { device: row.device, epoch: row.epoch, ...clock, began: timeOf(clock, 0) }
      })
    },
    corrections: () =>
      rowsOf<HostClockCorrection>(
        db,
        `select from_sync as "from", to_sync as "to", offset_ms, reason, at from host_clock order by id`,
        [],
      ),
    async steps() {
      const found: HostClockStep[] = []
      const last = new Map<string, { clock: BootClock; window: number; sync: SyncTime }>()
      for (const sync of await syncTimes(db)) {
        const { device, epoch, boot, up } = sync
        const key = `${device} ${epoch} ${boot}`
        const before = last.get(key)
        const clock = meet(before?.clock ?? newBoot(boot), sync)
        const window = clock.windows.findIndex((each, i) => each !== before?.clock.windows[i])
        if (before !== undefined && window !== before.window && window >= 0) {
          const [then, now] = [before.window, window].map((i) => rangeAt([clock.windows[i]], up).latest)
          const { id, shown } = before.sync
          const movedMs = Math.round(now - then)
          found.push({
            device,
            boot,
            before: id,
            beforeAt: shown,
            after: sync.id,
            afterAt: sync.shown,
            movedMs,
          })
        }
        last.set(key, { clock, window: window < 0 ? (before?.window ?? 0) : window, sync })
      }
      return found
    },
    correct: (correction) =>
      db.transaction().execute(async (tx) => {
        const { from, to, offsetMs, reason, at } = correction
        await rowsOf(
          tx,
          "insert into host_clock (from_sync, to_sync, offset_ms, reason, at) values (?, ?, ?, ?, ?)",
          [from, to, offsetMs, reason, at],
        )
        const moved = await placeAll(tx)
        const detail = { from, to, offsetMs, reason, moved }
        await appendEvent(tx, { at, kind: "host clock corrected", subject: null, device: null, detail })
        return moved
      }),
  }
}

/** Places every boot and every play anew, from the syncs and plays that are stored; gives the number that moved. */
async function placeAll(tx: Db): Promise<number> {
  await rowsOf(tx, "delete from boot_clock", [])
  const syncs = await syncTimes(tx)
  const extents = await rowsOf<Contact & { lasted: number }>(
    tx,
    "select device, epoch, boot, max(start_ms + heard_ms) as lasted from play group by device, epoch, boot",
    [],
  )
  const epochs = new Map<string, { device: string; epoch: number; boots: Map<number, BootClock> }>()
  const bootsOf = ({ device, epoch }: Contact): Map<number, BootClock> => {
    const key = `${device} ${epoch}`
    let found = epochs.get(key)
    if (found === undefined) {
      found = { device, epoch, boots: new Map() }
      epochs.set(key, found)
    }
    return found.boots
  }
  for (const sync of syncs) {
    const boots = bootsOf(sync)
    const clock = boots.get(sync.boot) ?? newBoot(sync.boot)
    boots.set(sync.boot, meet(clock, sync))
  }
  for (const row of extents) {
    const boots = bootsOf(row)
    const clock = boots.get(row.boot) ?? newBoot(row.boot)
    boots.set(row.boot, { ...clock, lasted: Math.max(clock.lasted, row.lasted) })
  }
  let moved = 0
  for (const { device, epoch, boots } of epochs.values()) {
    const [last] = await rowsOf<{ at: number | null }>(tx, LAST_OF_EPOCH_BEFORE, [device, epoch])
    const sorted = [...boots.values()].sort((a, b) => a.boot - b.boot)
    const bounded = boundBoots(sorted, last?.at ?? null)
    for (const clock of bounded) {
      await keep(tx, { device, epoch }, clock, clock.contacts > 0 ? widthOf(clock) : null)
    }
    moved += await placePlays(tx, { device, epoch }, bounded)
  }
  return moved
}
