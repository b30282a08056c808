// Everything that a study estimated and designed, once more, from its archive alone.
//
// Every pass (an estimate of one listener, or a round) starts from what the archive says there was before it, and what it
// makes is compared with what the archive says it made. So one wrong number is one difference and not a hundred, and
// a pass that can't be repeated leaves the others as they are.

import { createHash } from "node:crypto"
import { join } from "node:path"
import type { Kysely } from "kysely"
import { readCatalogue } from "../round/listeners.js"
import { type Pass, passesOf, repeatPass } from "../round/replay.js"
import type { Designed } from "../round.js"
import { bytesOf, openEmbedded, rowsOf } from "../store/embedded.js"
import type { Tables } from "../store/schema.js"
import { openStore, type Store } from "../store/store.js"
import { canonicalPlan } from "../study/plan.js"
import { DATABASE_FILE, type Study } from "../study/study.js"
import { type Archived, rowsIn } from "./collect.js"
import { ArchiveError } from "./error.js"
import type { Row } from "./field.js"

export interface Rerun {
  /** Passes that there were, and that were repeated. */
  passes: number
  repeated: number
  /** Where a repeated pass made something else. */
  differences: ArchiveError[]
  /** What can't be made again, and why. */
  notRepeated: { what: string; why: string }[]
  /** Rows of `candidates`. */
  candidates: Row[]
}

interface RerunOptions {
  /** An empty folder for the database of the repetition. */
  dir: string
  workers?: number
  /** Told how many passes of how many are done. */
  progress?: (done: number, of: number) => void
}

type Db = Kysely<Tables>

export async function rerun(archived: Archived, options: RerunOptions): Promise<Rerun> {
  const path = join(options.dir, DATABASE_FILE)
  const store = await openStore(path)
  const db = openEmbedded(path)
  try {
    // Rows are put in and taken out in an order that only the whole archive justifies.
    await rowsOf(db, "pragma foreign_keys = off", [])
    await rowsOf(db, "pragma synchronous = off", [])
    return await new Repetition(archived, store, db, options).run()
  } finally {
    await db.destroy()
    await store.close()
  }
}

class Repetition {
  private readonly result: Rerun = {
    passes: 0,
    repeated: 0,
    differences: [],
    notRepeated: [],
    candidates: [],
  }
  /** Streams by the archive's number, which the database of the repetition calls the subjects by. */
  private readonly streams: Map<number, number>
  private readonly subjects: Map<number, number>
  /** Ids that are in the database. */
  private readonly lists = new Set<number>()
  private readonly models = new Set<number>()
  private considered = new Map<number, Considered>()

  constructor(
    private readonly archived: Archived,
    private readonly store: Store,
    private readonly db: Db,
    private readonly options: RerunOptions,
  ) {
    const pairs = this.rows("subjects").map(({ subject, stream }): [number, number] => [
      subject as number,
      stream as number,
    ])
    this.streams = new Map([...pairs, [0, 0]])
    this.subjects = new Map(pairs.map(([subject, stream]) => [stream, subject]))
    if (this.subjects.size < pairs.length) {
      throw new ArchiveError("data/subjects.csv, stream", "must be there once", "twice")
    }
  }

  async run(): Promise<Rerun> {
    const { result, options } = this
    await this.putLasting()
    // All of it at first, to find the passes; then as each of them found it.
    for (const row of this.rows("models")) await this.putModel(row)
    for (const row of this.rows("playlists")) await this.putList(row)
    await this.putRounds()
    const passes = await passesOf(this.store)
    for (const table of ["weight", "model", "block", "playlist_item", "publication", "playlist"]) {
      await rowsOf(this.db, `delete from ${table}`, [])
    }
    this.models.clear()
    this.lists.clear()
    result.passes = passes.length
    let round = 0
    for (const [i, pass] of passes.entries()) {
      if (pass.kind === "round") await this.round(pass, this.rows("rounds")[round++])
      else await this.estimate(pass)
      options.progress?.(i + 1, passes.length)
    }
    return result
  }

  private rows(table: string): Row[] {
    return rowsIn(this.archived.tables, table)
  }

  private stream(subject: unknown): number {
    const found = this.streams.get(subject as number)
    if (found === undefined)
      throw new ArchiveError("data", "must name a listener of subjects", String(subject))
    return found
  }

  private study(plan: unknown): Study {
    const found = this.archived.plans.get(plan as number)
    if (found === undefined) throw new ArchiveError("data", "must name a plan of plans", String(plan))
    const { store } = this
    return { dir: this.options.dir, plan: found, edited: null, store, close: async () => {} }
  }

  /** What no pass makes. */
  private async putLasting(): Promise<void> {
    const { db } = this
    for (const { plan, hash } of this.rows("plans")) {
      const document = canonicalPlan(this.study(plan).plan)
      const row = { version: plan as number, hash: hash as string, at: 0, reason: "", document }
      await db.insertInto("plan").values(row).execute()
    }
    for (const { subject, arm, withdrawn_at: withdrawnAt, cohort, strata } of this.rows("subjects")) {
      const newest = this.rows("plays").findLast((play) => play.subject === subject)?.play ?? 0
      const withdrawn = this.rows("withdrawals").some((row) => row.subject === subject)
      await db
        .insertInto("subject")
        .values({
          id: this.stream(subject),
          ...{ label: "", arm: arm as string, createdAt: 0, newestPlay: newest as number, estimatedPlay: 0 },
          ...{ cohort: cohort as string | null, strata: JSON.stringify(strata) },
          withdrawnAt: withdrawn ? ((withdrawnAt as number | null) ?? 0) : null,
        })
        .execute()
    }
    for (const { device } of this.rows("devices")) {
      await db
        .insertInto("device")
        .values({ id: device as string, key: new Uint8Array(32), createdAt: 0 })
        .execute()
    }
    for (const { wave } of this.rows("waves")) {
      await db
        .insertInto("wave")
        .values({ number: wave as number, startedAt: 0 })
        .execute()
    }
    await this.store.songs.put(
      this.rows("songs").map((row) => ({
        ...{ id: row.song as number, source: row.source as string, lengthMs: row.length_ms as number },
        ...{ title: text(row.title), artist: text(row.artist), genre: text(row.genre) },
        attributes: row.attributes as Record<string, number>,
      })),
    )
    await db.transaction().execute(async (tx) => {
      for (const row of this.rows("plays")) await this.putPlay(tx, row)
    })
  }

  private async putPlay(tx: Db, row: Row): Promise<void> {
    const n = (name: string): number => (row[name] as number | null) ?? 0
    await tx
      .insertInto("play")
      .values({
        ...{ id: n("play"), device: row.device as string, epoch: n("epoch"), boot: n("boot") },
        ...{ sequence: n("sequence"), song: n("song"), playlist: row.playlist as number | null },
        subject: row.subject === null ? null : this.stream(row.subject),
        ...{ position: n("position"), startMs: n("start_ms"), heardMs: n("heard_ms"), reason: n("reason") },
        ...{ flags: n("flags"), pauses: n("pauses"), volume: n("volume"), sync: n("sync") },
        record: new Uint8Array(0),
      })
      .execute()
  }

  private async putRounds(): Promise<void> {
    for (const row of this.rows("rounds")) {
      const { at, wave, through, lists, songs, catalogue, weighting, forgetting, likeness } = row
      const detail = {
        ...{ wave, through, lists, songs, catalogue, weighting, forgetting, likeness },
        subjects: (row.subjects as number[]).map((id) => this.stream(id)),
        tastes: (row.tastes as [number, number][]).map(([id, version]) => [this.stream(id), version]),
        boards: (row.boards as { subject: number }[]).map((board) => ({
          ...board,
          subject: this.stream(board.subject),
        })),
      }
      const event = { at: (at as number | null) ?? 0, kind: "round", subject: null, device: null, detail }
      await this.store.events.append(event)
    }
  }

  /** A model with its block and weights; a listener's plays count as used up to the block. */
  private async putModel(row: Row): Promise<void> {
    const { db } = this
    const id = row.model as number
    const subject = this.stream(row.subject)
    this.models.add(id)
    if (row.block !== null) {
      const block = this.block(row)
      await db
        .insertInto("block")
        .values({
          ...{ id: block.block as number, subject, number: block.number as number, at: 0 },
          ...{
            fromPlay: block.from_play as number,
            toPlay: block.to_play as number,
            plays: block.plays as number,
          },
        })
        .execute()
      const used = { estimatedPlay: block.to_play as number }
      await db.updateTable("subject").set(used).where("id", "=", subject).execute()
    }
    await db
      .insertInto("model")
      .values({
        ...{ id, subject, kind: row.kind as string, version: row.version as number, at: 0 },
        block: row.block as number | null,
        particles: this.archived.particles.get(id) ?? new Uint8Array(0),
        summary: JSON.stringify(row.summary),
        diagnostics: JSON.stringify(row.diagnostics),
        withdrawnData: Number(row.withdrawn_data),
      })
      .execute()
  }

  private block(model: Row): Row {
    const found = this.rows("blocks").find(({ block }) => block === model.block)
    if (found === undefined)
      throw new ArchiveError("data/models.csv", "must name a block", String(model.block))
    return found
  }

  private async putList(row: Row): Promise<void> {
    const { db } = this
    const id = row.playlist as number
    this.lists.add(id)
    await db
      .insertInto("playlist")
      .values({
        ...{ id, subject: this.stream(row.subject), device: row.device as string },
        ...{ version: row.version as number, wave: row.wave as number, arm: row.arm as string },
        ...{ design: row.design as string, at: 0, summary: JSON.stringify(row.summary), plan: null },
        bytes: new Uint8Array(Buffer.from(text(row.bytes), "hex")),
        ...{ copyOf: row.copy_of as number | null, withdrawnData: Number(row.withdrawn_data) },
      })
      .execute()
    await db
      .insertInto("publication")
      .values({ playlist: id, state: row.state as string })
      .execute()
    for (const item of this.items(id)) {
      await db
        .insertInto("playlistItem")
        .values({
          ...{ playlist: id, position: item.position as number, song: item.song as number },
          ...{ utility: item.utility as number | null, information: item.information as number | null },
          ...{ tag: item.tag as string, propensity: item.propensity as number | null },
          ...{ rank: item.rank as number | null, reason: JSON.stringify(item.reason) },
        })
        .execute()
    }
  }

  private list(id: number): Row {
    const found = this.rows("playlists").find(({ playlist }) => playlist === id)
    if (found === undefined) throw new ArchiveError("data/plays.csv", "must name a playlist", String(id))
    return found
  }

  private byList: Map<number, Row[]> | undefined

  private items(playlist: number): Row[] {
    if (this.byList === undefined) {
      this.byList = new Map()
      for (const row of this.rows("playlist_items")) {
        const id = row.playlist as number
        this.byList.set(id, [...(this.byList.get(id) ?? []), row])
      }
    }
    return this.byList.get(playlist) ?? []
  }

  // ── one pass ───────────────────────────────────────────────────────────────────────────────────────────────

  private async estimate({ made, ...pass }: Pass & { kind: "estimate" }): Promise<void> {
    const row = this.rows("models").find(({ model }) => model === made.model)!
    const name = `model ${row.model}`
    const { from_play: fromPlay } = this.block(row)
    // Copies for boards that took another's place are no design: no pass makes them.
    for (const { subject, play, playlist } of this.rows("plays")) {
      if (subject !== row.subject || playlist === null || (play as number) > pass.through) continue
      if (!this.lists.has(playlist as number)) await this.putList(this.list(playlist as number))
    }
    await this.db
      .updateTable("subject")
      .set({ estimatedPlay: fromPlay as number })
      .where("id", "=", made.subject)
      .execute()
    const differences = await this.compare([row], [], name, () =>
      // One listener at a time: threads would only wait for each other.
      repeatPass(this.study(row.plan), { ...pass, made }),
    )
    await this.putModel(row)
    if (differences.length > 0 && row.withdrawn_data === true) this.skip(name, WITHDRAWN)
    else this.judge(differences)
  }

  private async round(pass: Pass & { kind: "round" }, row: Row): Promise<void> {
    const note = pass.made
    const name = `round ${row.round} (wave ${row.wave})`
    const made = this.rows("models").filter(({ model }) => (row.models as number[]).includes(model as number))
    const lists = this.rows("playlists").filter(({ playlist }) =>
      (row.playlists as number[]).includes(playlist as number),
    )
    for (const copy of this.rows("playlists")) {
      const id = copy.playlist as number
      if (id <= note.lists && !this.lists.has(id)) await this.putList(copy)
    }
    const withdrawn = new Set(this.rows("withdrawals").map(({ subject }) => this.stream(subject)))
    const subjects = note.subjects.filter((id) => !withdrawn.has(id))
    const why = await this.obstacle(note, row, [...made, ...lists], withdrawn)
    if (why === undefined) {
      const present = lists.filter(({ subject }) => !withdrawn.has(this.stream(subject)))
      this.considered = new Map()
      const designed: Designed = (subject, input, design) => {
        const { ids } = input.candidates
        this.considered.set(subject, { ids, utility: input.utility, ...design.considered })
      }
      const again = { ...pass, made: { ...note, subjects } }
      const differences = await this.compare(made, present, name, () =>
        repeatPass(this.study(row.plan), again, { workers: this.options.workers, designed }),
      )
      for (const list of present) this.keepCandidates(list)
      differences.push(...(await this.compareWeights(row, note, subjects)))
      this.judge(differences)
    } else {
      this.skip(name, why)
    }
    for (const model of made) await this.putModel(model)
    for (const list of lists) await this.putList(list)
  }

  /** The weights of the taste models that no later round has averaged anew. */
  private async compareWeights(
    { round }: Row,
    { tastes }: { tastes: [number, number][] },
    subjects: readonly number[],
  ): Promise<ArchiveError[]> {
    const later = this.rows("rounds").filter((row) => (row.round as number) > (round as number))
    const differences: ArchiveError[] = []
    for (const [subject, version] of tastes) {
      const again = later.some((row) =>
        (row.tastes as [number, number][]).some(([id, v]) => this.stream(id) === subject && v === version),
      )
      if (again || !subjects.includes(subject)) continue
      const model = this.rows("models").find(
        (row) => row.kind === "taste" && this.stream(row.subject) === subject && row.version === version,
      )
      if (model === undefined) continue
      const kept = this.rows("weights").filter((row) => row.model === model.model)
      const expected = kept.map((row): [number, unknown] => [this.stream(row.donor), row.log_weight])
      const got = [...(await this.store.models.weights(model.model as number))]
      const spell = (pairs: [number, unknown][]): string => JSON.stringify(pairs.sort(([a], [b]) => a - b))
      if (spell(expected) !== spell(got)) {
        const rule = `must have the averaging weights ${spell(expected)}, as in the archive`
        differences.push(new ArchiveError(this.nameOf(model), rule, spell(got)))
      }
    }
    await this.db.deleteFrom("weight").execute()
    return differences
  }

  /** Why a round can't be repeated. */
  private async obstacle(
    note: { likeness: boolean; tastes: [number, number][]; catalogue: string; songs: [number, number][] },
    row: Row,
    made: readonly Row[],
    withdrawn: ReadonlySet<number>,
  ): Promise<string | undefined> {
    if (made.some(({ withdrawn_data: marked }) => marked === true)) return WITHDRAWN
    if (note.tastes.some(([subject]) => withdrawn.has(subject))) return WITHDRAWN
    if (note.likeness) return "it went by more than the plays: who is like whom"
    if (row.plan === null) return "no plan was in force"
    const before = await this.idsOf("model")
    const { hash } = await readCatalogue(this.study(row.plan), 0, note.songs)
    await this.forget("model", before)
    return hash === note.catalogue ? undefined : "the catalogue was changed afterwards"
  }

  private skip(what: string, why: string): void {
    this.result.notRepeated.push({ what, why })
  }

  private judge(differences: readonly ArchiveError[]): void {
    this.result.repeated++
    this.result.differences.push(...differences)
  }

  private async idsOf(table: "model" | "playlist"): Promise<Set<number>> {
    const rows = await this.db.selectFrom(table).select("id").execute()
    return new Set(rows.map(({ id }) => id))
  }

  private async forget(table: "model" | "playlist", before: ReadonlySet<number>): Promise<void> {
    for (const id of await this.idsOf(table)) {
      if (before.has(id)) continue
      if (table === "model") {
        await this.db.deleteFrom("weight").where("model", "=", id).execute()
        await rowsOf(this.db, "delete from block where id = (select block from model where id = ?)", [id])
      } else {
        await this.db.deleteFrom("playlistItem").where("playlist", "=", id).execute()
        await this.db.deleteFrom("publication").where("playlist", "=", id).execute()
      }
      await this.db.deleteFrom(table).where("id", "=", id).execute()
    }
  }

  /** Runs the pass, compares what it made with the archive's rows, and takes it out again. */
  private async compare(
    models: readonly Row[],
    lists: readonly Row[],
    name: string,
    pass: () => Promise<void>,
  ): Promise<ArchiveError[]> {
    const before = { model: await this.idsOf("model"), playlist: await this.idsOf("playlist") }
    const differences: ArchiveError[] = []
    const differ = (place: string, rule: string, expected: unknown, got: unknown): void => {
      if (got !== expected)
        differences.push(new ArchiveError(place, `${rule}: ${expected} in the archive`, String(got)))
    }
    try {
      await pass()
    } catch (cause) {
      differences.push(new ArchiveError(name, "must be possible to repeat", (cause as Error).message))
    }
    // The features are frozen by whichever pass comes first.
    const features = this.rows("models").find(({ kind }) => kind === "features")
    const first = features !== undefined && !this.models.has(features.model as number)
    await this.compareModels(first ? [features, ...models] : models, before.model, name, differ)
    await this.compareLists(lists, before.playlist, name, differ)
    await this.forget("model", before.model)
    await this.forget("playlist", before.playlist)
    if (first) await this.putModel(features)
    return differences
  }

  private async compareModels(
    rows: readonly Row[],
    before: ReadonlySet<number>,
    name: string,
    differ: Differ,
  ): Promise<void> {
    const made = (await this.db.selectFrom("model").selectAll().execute()).filter(({ id }) => !before.has(id))
    for (const row of rows) {
      const place = this.nameOf(row)
      const subject = this.stream(row.subject)
      const at = made.findIndex((model) => model.kind === row.kind && model.subject === subject)
      const [found] = at < 0 ? [] : made.splice(at, 1)
      if (found === undefined) {
        differ(place, "a repeated pass must make it", "a model", "none")
        continue
      }
      const particles = this.archived.particles.get(row.model as number) ?? new Uint8Array(0)
      differ(place, "the particles' SHA-256", hashOf(particles), hashOf(bytesOf(found.particles)))
      differ(
        place,
        "the summary's SHA-256",
        hashOf(canonical(row.summary)),
        hashOf(canonical(JSON.parse(found.summary))),
      )
    }
    for (const { kind, subject } of made) {
      differ(
        name,
        "a repeated pass must make no more",
        "no model",
        `${kind} of subject ${this.subjects.get(subject) ?? 0}`,
      )
    }
  }

  private async compareLists(
    rows: readonly Row[],
    before: ReadonlySet<number>,
    name: string,
    differ: Differ,
  ): Promise<void> {
    const made = (await this.store.playlists.all()).filter(({ id }) => !before.has(id))
    for (const row of rows) {
      const place = `playlist ${row.playlist} (subject ${row.subject}, wave ${row.wave})`
      const subject = this.stream(row.subject)
      const at = made.findIndex((list) => list.subject === subject)
      const [found] = at < 0 ? [] : made.splice(at, 1)
      if (found === undefined) {
        differ(place, "a repeated pass must make it", "a playlist", "none")
        continue
      }
      for (const column of ["arm", "design", "wave", "device"] as const)
        differ(place, column, row[column], found[column])
      differ(place, "the summary", canonical(row.summary), canonical(found.summary))
      const [kept, again] = [this.items(row.playlist as number), await this.store.playlists.items(found.id)]
      differ(place, "songs", kept.length, again.length)
      for (const [position, item] of kept.slice(0, again.length).entries()) {
        for (const column of ["song", "utility", "information", "tag", "propensity", "rank"] as const) {
          differ(
            `${place}, position ${position}, ${column}`,
            "the value",
            item[column],
            again[position][column],
          )
        }
        const { reason } = again[position]
        differ(
          `${place}, position ${position}, reason`,
          "the value",
          canonical(item.reason),
          canonical(reason),
        )
      }
    }
    for (const { subject } of made) {
      differ(
        name,
        "a repeated pass must make no more",
        "no playlist",
        `one of subject ${this.subjects.get(subject)}`,
      )
    }
  }

  private keepCandidates({ playlist, subject }: Row): void {
    const found = this.considered.get(this.stream(subject))
    if (found === undefined) return
    const chosen = new Set(this.items(playlist as number).map(({ song }) => song))
    found.ids.forEach((song, i) => {
      this.result.candidates.push({
        ...{ playlist, song, allowed: found.allowed[i] === 1, chosen: chosen.has(song) },
        utility: found.utility?.[i] ?? null,
        propensity: found.propensity?.[i] ?? null,
      })
    })
  }

  private nameOf({ model, kind, subject, version }: Row): string {
    const whom = subject === 0 ? "everybody" : `subject ${subject}`
    return `model ${model} (${kind} of ${whom}, version ${version})`
  }
}

const WITHDRAWN = "it was made with data that a withdrawal has deleted"

type Differ = (place: string, rule: string, expected: unknown, got: unknown) => void

interface Considered {
  ids: Int32Array
  allowed: Uint8Array
  utility: Float64Array | undefined
  propensity: Float64Array | null
}

const text = (value: unknown): string => (value as string | null) ?? ""

const hashOf = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex")

/** JSON with the names in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
