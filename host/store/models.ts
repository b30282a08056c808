// Blocks and models: which plays an estimate used, its particles as one binary column, and what it says.

import type { Kysely, Selectable } from "kysely"
import { bytesOf } from "./embedded.js"
import type { Tables } from "./schema.js"
import { begunBeforeWithdrawal, isShared, refuseWithdrawn } from "./withdrawn.js"

/** The `subject` of a model over all subjects. */
export const EVERYBODY = 0

interface Block {
  id: number
  subject: number
  /** 1, 2, 3, … per subject. */
  number: number
  /** Play ids above fromPlay, up to and with toPlay. */
  fromPlay: number
  toPlay: number
  plays: number
  at: number
}

export interface Model {
  id: number
  /** EVERYBODY for the aggregate. */
  subject: number
  /** `taste`, `prequential` and `pattern` of a subject; `features`, `aggregate`, `weighting`, `forgetting` and
   *  `patterns` of EVERYBODY. */
  kind: string
  /** 1, 2, 3, … per subject and kind. */
  version: number
  block: number | null
  at: number
  particles: Uint8Array
  /** What the model says (names, means, …): the same for the same plays and seed; part of the content hash. */
  summary: Record<string, unknown>
  /** How the estimation went; may hold timings. */
  diagnostics: Record<string, unknown>
  /** It was made with data that a withdrawal has deleted. */
  withdrawnData: boolean
}

export interface NewModel {
  subject: number
  kind: string
  at: number
  particles: Uint8Array
  summary: Record<string, unknown>
  diagnostics: Record<string, unknown>
  /** The plays it used that no model had used before: ids above the subject's estimatedPlay, which must still be
   *  fromPlay, up to toPlay. */
  block?: { fromPlay: number; toPlay: number; plays: number }
  /** Natural logs of the averaging weights by donor subject (EVERYBODY = the aggregate). */
  weights?: ReadonlyMap<number, number>
}

/** How a taste model came about; with its plays, songs and the model before it, enough to make it again. */
export interface Estimate {
  model: number
  subject: number
  version: number
  at: number
  toPlay: number
  /** How often the subject had used up its designs. */
  cycle: number
  /** Weight that a wave's plays keep to the next, and who said so. */
  forgetting: { forgetting: number; from: string }
}

/** Another estimate, perhaps of another process, has used these plays in the meantime. */
export class UsedPlaysError extends Error {
  override name = "UsedPlaysError"
}

export interface ModelStore {
  /** Newest version. */
  latest(subject: number, kind: string): Promise<Model | undefined>
  /** One version, undefined where it does not exist. */
  at(subject: number, kind: string, version: number): Promise<Model | undefined>
  /** The subject's newest taste model that has taken in no play above `play`. */
  tasteThrough(subject: number, play: number): Promise<Model | undefined>
  /** Every taste model, in the order in which they were stored. */
  estimates(): Promise<Estimate[]>
  /** Newest version of every subject, ascending subject. */
  latestOf(kind: string): Promise<Model[]>
  /** Ascending number. */
  blocks(subject: number): Promise<Block[]>
  /** Stores block, model and weights and moves the subject's estimatedPlay, in one transaction. */
  save(model: NewModel): Promise<Model>
  /** Replaces the averaging weights of a stored model. */
  saveWeights(model: number, weights: ReadonlyMap<number, number>): Promise<void>
  weights(model: number): Promise<Map<number, number>>
}

export function modelStore(db: Kysely<Tables>): ModelStore {
  const read = (row: Selectable<Tables["model"]>): Model => ({
    ...row,
    particles: bytesOf(row.particles),
    summary: JSON.parse(row.summary),
    diagnostics: JSON.parse(row.diagnostics),
    withdrawnData: row.withdrawnData === 1,
  })
  return {
    async latest(subject, kind) {
      const row = await db
        .selectFrom("model")
        .selectAll()
        .where("subject", "=", subject)
        .where("kind", "=", kind)
        .orderBy("version", "desc")
        .limit(1)
        .executeTakeFirst()
      return row && read(row)
    },
    async at(subject, kind, version) {
      const row = await db
        .selectFrom("model")
        .selectAll()
        .where("subject", "=", subject)
        .where("kind", "=", kind)
        .where("version", "=", version)
        .executeTakeFirst()
      return row && read(row)
    },
    async tasteThrough(subject, play) {
      const row = await db
        .selectFrom("model")
        .innerJoin("block", "block.id", "model.block")
        .selectAll("model")
        .where("model.subject", "=", subject)
        .where("kind", "=", "taste")
        .where("toPlay", "<=", play)
        .orderBy("version", "desc")
        .limit(1)
        .executeTakeFirst()
      return row && read(row)
    },
    async estimates() {
      const rows = await db
        .selectFrom("model")
        .innerJoin("block", "block.id", "model.block")
        .select([
          "model.id as model",
          "model.subject",
          "version",
          "model.at",
          "toPlay",
          "summary",
          "diagnostics",
        ])
        .where("kind", "=", "taste")
        .orderBy("model.id")
        .execute()
      return rows.map(({ summary, diagnostics, ...row }) => ({
        ...row,
        cycle: Number(JSON.parse(summary).cycle),
        forgetting: JSON.parse(diagnostics).forgetting,
      }))
    },
    async latestOf(kind) {
      const rows = await db
        .selectFrom("model as newest")
        .selectAll()
        .where("kind", "=", kind)
        .where("version", "=", (e) =>
          e
            .selectFrom("model")
            .select((m) => m.fn.max("version").as("version"))
            .whereRef("model.subject", "=", "newest.subject")
            .whereRef("model.kind", "=", "newest.kind"),
        )
        .orderBy("subject")
        .execute()
      return rows.map(read)
    },
    blocks: (subject) =>
      db.selectFrom("block").selectAll().where("subject", "=", subject).orderBy("number").execute(),
    save: (entry) =>
      db.transaction().execute(async (tx) => {
        const { block, weights, summary, diagnostics, ...head } = entry
        await refuseWithdrawn(tx, entry.subject)
        const withdrawnData = isShared(entry.kind) && (await begunBeforeWithdrawal(tx, entry.at))
        const blockId = block === undefined ? null : await saveBlock(tx, entry.subject, block, entry.at)
        const newest = await tx
          .selectFrom("model")
          .select((e) => e.fn.max("version").as("version"))
          .where("subject", "=", entry.subject)
          .where("kind", "=", entry.kind)
          .executeTakeFirst()
        const version = Number(newest?.version ?? 0) + 1
        const { id } = await tx
          .insertInto("model")
          .values({
            ...head,
            version,
            block: blockId,
            summary: JSON.stringify(summary),
            diagnostics: JSON.stringify(diagnostics),
            withdrawnData: Number(withdrawnData),
          })
          .returning("id")
          .executeTakeFirstOrThrow()
        if (weights !== undefined) await replaceWeights(tx, id, weights)
        return { id, version, block: blockId, summary, diagnostics, withdrawnData, ...head }
      }),
    saveWeights: (model, weights) => db.transaction().execute((tx) => replaceWeights(tx, model, weights)),
    async weights(model) {
      const rows = await db
        .selectFrom("weight")
        .select(["donor", "logWeight"])
        .where("model", "=", model)
        .orderBy("donor")
        .execute()
      return new Map(rows.map((row) => [row.donor, row.logWeight]))
    },
  }
}

async function saveBlock(
  tx: Kysely<Tables>,
  subject: number,
  block: { fromPlay: number; toPlay: number; plays: number },
  at: number,
): Promise<number> {
  const { estimatedPlay } = await tx
    .selectFrom("subject")
    .select("estimatedPlay")
    .where("id", "=", subject)
    .executeTakeFirstOrThrow()
  if (block.fromPlay !== estimatedPlay || block.toPlay <= estimatedPlay) {
    throw new UsedPlaysError(
      `subject ${subject}: a block must begin at play ${estimatedPlay}, up to which estimates have used the plays, and reach beyond; got ${block.fromPlay} to ${block.toPlay}`,
    )
  }
  const last = await tx
    .selectFrom("block")
    .select((e) => e.fn.max("number").as("number"))
    .where("subject", "=", subject)
    .executeTakeFirst()
  const { id } = await tx
    .insertInto("block")
    .values({ subject, number: Number(last?.number ?? 0) + 1, at, ...block })
    .returning("id")
    .executeTakeFirstOrThrow()
  await tx.updateTable("subject").set({ estimatedPlay: block.toPlay }).where("id", "=", subject).execute()
  return id
}

async function replaceWeights(
  tx: Kysely<Tables>,
  model: number,
  weights: ReadonlyMap<number, number>,
): Promise<void> {
  await tx.deleteFrom("weight").where("model", "=", model).execute()
  for (const [donor, logWeight] of weights) {
    await tx.insertInto("weight").values({ model, donor, logWeight }).execute()
  }
}
