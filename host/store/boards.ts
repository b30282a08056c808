// Where boards are: in stock, handed out, returned, lost, retired. The present state is a row, the history are events
// of kind `board`. Which change is allowed when, host/study/devices.ts says; here it is done in one transaction.

import type { Kysely } from "kysely"
import { rowsOf } from "./embedded.js"
import { appendEvent } from "./events.js"
import { publishIn } from "./playlists.js"
import type { Tables } from "./schema.js"

/**
 * `stock`: never handed out. `handed-out`: with a listener, or with one who has withdrawn and not brought it back yet.
 * `returned`: may be handed out again; it may still hold records of its last listener.
 */
export type BoardState = "stock" | "handed-out" | "returned" | "lost" | "retired"

/**
 * Why an enrolment ended. `returned`, `lost`, `retired`: what became of the board. `replaced`: the listener goes on with
 * another one. `completed`, `dropped-out`, `withdrawn`: what became of the listener.
 */
export const END_OF_ENROLMENT = [
  "returned",
  "completed",
  "dropped-out",
  "lost",
  "retired",
  "replaced",
  "withdrawn",
] as const
export type EnrolmentEnd = (typeof END_OF_ENROLMENT)[number]

/** A change that the state of a board or of a subject does not allow; the message names place, rule and value. */
export class EnrolmentError extends Error {
  override name = "EnrolmentError"
}

export interface Board {
  device: string
  state: BoardState
  /** Since when, Unix milliseconds. */
  at: number
  /** Who carries it; null where nobody does. */
  subject: number | null
  /** Who carried it last. */
  last: number | null
  lastSync: number | null
}

interface BoardChange {
  device: string
  /** The states that it may be in. */
  from: readonly BoardState[]
  to: BoardState
  /** How its open enrolment ends, where it has one. */
  end: EnrolmentEnd
  reason: string
  at: number
}

interface Replacement {
  /** The board that is given up. */
  device: string
  /** The board that takes its place. */
  by: string
  /** KEY_BYTES bytes that the new board holds. */
  key: Uint8Array
  /** What becomes of the old one; a lost one stays lost. */
  to: "returned" | "lost" | "retired"
  reason: string
  at: number
  /** The bytes of a playlist under another version, for the new board. */
  repack(bytes: Uint8Array, version: number): Uint8Array
}

export interface Replaced {
  subject: number
  /** Version of the copied playlist at the new board; null where the subject had none. */
  version: number | null
}

export interface BoardStore {
  /** Every board of the study, ascending id. */
  all(): Promise<Board[]>
  /** Moves the board to another state and ends its open enrolment. Gives the subject whose enrolment ended. */
  change(change: BoardChange): Promise<number | null>
  /** Gives the subject another board with a copy of its newest playlist, in one transaction. */
  replace(replacement: Replacement): Promise<Replaced>
}

export function boardStore(db: Kysely<Tables>): BoardStore {
  return {
    async all() {
      const rows = await db
        .selectFrom("device")
        .leftJoin("board", "board.device", "device.id")
        .select((e) => [
          "device.id as device",
          "board.state",
          "device.createdAt",
          "board.at",
          e
            .selectFrom("enrolment")
            .select("subject")
            .whereRef("enrolment.device", "=", "device.id")
            .where("toAt", "is", null)
            .as("subject"),
          e
            .selectFrom("enrolment")
            .select("subject")
            .whereRef("enrolment.device", "=", "device.id")
            .orderBy("id", "desc")
            .limit(1)
            .as("last"),
          e
            .selectFrom("sync")
            .select((s) => s.fn.max("at").as("at"))
            .whereRef("sync.device", "=", "device.id")
            .as("lastSync"),
        ])
        .orderBy("device.id")
        .execute()
      return rows.map(({ createdAt, state, at, ...row }) => ({
        ...row,
        state: (state ?? "stock") as BoardState,
        at: at ?? createdAt,
      }))
    },
    change: (change) =>
      db.transaction().execute(async (tx) => {
        const { device, from, to, end, reason, at } = change
        const state = await stateOf(tx, device)
        if (state === undefined) throw new EnrolmentError(`board ${device}: the study has no such board`)
        if (!from.includes(state)) {
          throw new EnrolmentError(`board ${device}: must be ${from.join(" or ")}, is ${state}`)
        }
        const subject = await endEnrolment(tx, device, end, at)
        await setState(tx, { device, state: to, at, subject, reason })
        return subject
      }),
    replace: (replacement) =>
      db.transaction().execute(async (tx) => {
        const { device, by, key, to, reason, at, repack } = replacement
        const state = await stateOf(tx, device)
        const subject = await carrierToMove(tx, device)
        const ended = await endEnrolment(tx, device, "replaced", at)
        if (state !== "lost" && state !== "retired") {
          await setState(tx, { device, state: to, at, subject: ended, reason })
        }
        await handOut(tx, { device: by, subject, key, at })
        const detail = { device, reason }
        await appendEvent(tx, { at, kind: "replaced", subject, device: by, detail })
        return { subject, version: await copyNewest(tx, subject, by, at, repack) }
      }),
  }
}

/** undefined where the study has no such board. */
async function stateOf(tx: Kysely<Tables>, device: string): Promise<BoardState | undefined> {
  const row = await tx
    .selectFrom("device")
    .leftJoin("board", "board.device", "device.id")
    .select("board.state")
    .where("device.id", "=", device)
    .executeTakeFirst()
  return row && ((row.state ?? "stock") as BoardState)
}

/** The subject of the open enrolment; else the last one, where nobody has given it another board. */
async function carrierToMove(tx: Kysely<Tables>, device: string): Promise<number> {
  const last = await tx
    .selectFrom("enrolment")
    .innerJoin("subject", "subject.id", "enrolment.subject")
    .select(["subject", "withdrawnAt"])
    .where("device", "=", device)
    .orderBy("enrolment.id", "desc")
    .limit(1)
    .executeTakeFirst()
  if (last === undefined) throw new EnrolmentError(`board ${device}: nobody has carried it`)
  const { subject, withdrawnAt } = last
  if (withdrawnAt !== null) throw new EnrolmentError(`board ${device}: subject ${subject} has withdrawn`)
  const other = await tx
    .selectFrom("enrolment")
    .select("device")
    .where("subject", "=", subject)
    .where("toAt", "is", null)
    .executeTakeFirst()
  if (other !== undefined && other.device !== device) {
    throw new EnrolmentError(
      `board ${device}: subject ${subject}, who carried it last, has board ${other.device}`,
    )
  }
  return subject
}

/** Opens the enrolment; the board may be new. The caller tells of it. */
export async function handOut(
  tx: Kysely<Tables>,
  { device, subject, key, at }: { device: string; subject: number; key: Uint8Array; at: number },
): Promise<void> {
  const carrier = await tx
    .selectFrom("enrolment")
    .select("subject")
    .where("device", "=", device)
    .where("toAt", "is", null)
    .executeTakeFirst()
  if (carrier !== undefined) {
    throw new EnrolmentError(`device ${device}: is enrolled with subject ${carrier.subject}; end that first`)
  }
  const state = (await stateOf(tx, device)) ?? "stock"
  if (state !== "stock" && state !== "returned") {
    const way = { lost: "found", retired: "found", "handed-out": "return" }[state]
    throw new EnrolmentError(
      `device ${device}: is ${state} and can't be handed out; fieldtune board ${way} ${device} says that it is here`,
    )
  }
  await tx
    .insertInto("device")
    .values({ id: device, key, createdAt: at })
    .onConflict((c) => c.column("id").doUpdateSet({ key }))
    .execute()
  await tx.insertInto("enrolment").values({ subject, device, fromAt: at, toAt: null }).execute()
  await setState(tx, { device, state: "handed-out", at, subject, reason: "" })
}

/** Closes the board's open enrolment and tells of it; gives its subject, null where none was open. */
export async function endEnrolment(
  tx: Kysely<Tables>,
  device: string,
  endReason: EnrolmentEnd,
  at: number,
): Promise<number | null> {
  const open = await tx
    .updateTable("enrolment")
    .set({ toAt: at, endReason })
    .where("device", "=", device)
    .where("toAt", "is", null)
    .returning("subject")
    .executeTakeFirst()
  if (open === undefined) return null
  const detail = { reason: endReason }
  await appendEvent(tx, { at, kind: "released", subject: open.subject, device, detail })
  return open.subject
}

/** Keeps the state and the event that tells of it. */
export async function setState(
  tx: Kysely<Tables>,
  {
    device,
    state,
    at,
    subject,
    reason,
  }: { device: string; state: BoardState; at: number; subject: number | null; reason: string },
): Promise<void> {
  const before = await stateOf(tx, device)
  await tx
    .insertInto("board")
    .values({ device, state, at })
    .onConflict((c) => c.column("device").doUpdateSet({ state, at }))
    .execute()
  const detail = { from: before ?? "stock", to: state, reason }
  await appendEvent(tx, { at, kind: "board", subject, device, detail })
}

/** The subject's newest playlist with its items, as the next version for another board; null where there is none. */
async function copyNewest(
  tx: Kysely<Tables>,
  subject: number,
  device: string,
  at: number,
  repack: Replacement["repack"],
): Promise<number | null> {
  const newest = await tx
    .selectFrom("playlist")
    .selectAll()
    .where("subject", "=", subject)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst()
  if (newest === undefined) return null
  const items = await tx
    .selectFrom("playlistItem")
    .select(["song", "utility", "information", "tag", "propensity", "rank", "reason"])
    .where("playlist", "=", newest.id)
    .orderBy("position")
    .execute()
  const { wave, arm, design, bytes, id, copyOf, withdrawnData } = newest
  const copy = await publishIn(tx, {
    subject,
    device,
    wave,
    arm,
    design,
    at,
    summary: JSON.parse(newest.summary),
    items: items.map((item) => ({
      ...item,
      tag: item.tag as "explore" | "exploit",
      reason: JSON.parse(item.reason),
    })),
    pack: (version) => repack(new Uint8Array(bytes), version),
    copyOf: copyOf ?? id,
    withdrawnData: withdrawnData === 1,
  })
  return copy.version
}

/** Tells, once, that a board which counts as lost or retired has synced: somebody has it. */
export async function remarkOnLostBoard(
  tx: Kysely<Tables>,
  device: string,
  subject: number | null,
  at: number,
): Promise<void> {
  const [board] = await rowsOf<{ state: string; at: number }>(
    tx,
    "select state, at from board where device = ? and state in ('lost', 'retired')",
    [device],
  )
  if (board === undefined) return
  const told = await tx
    .selectFrom("event")
    .select("id")
    .where("kind", "=", "lost-board-synced")
    .where("device", "=", device)
    .where("at", ">=", board.at)
    .limit(1)
    .executeTakeFirst()
  if (told !== undefined) return
  const detail = { state: board.state, since: board.at }
  await appendEvent(tx, { at, kind: "lost-board-synced", subject, device, detail })
}
