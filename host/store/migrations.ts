// Schema versions. Each entry takes a database from the version before to its own; entries are only ever
// added. A database from a newer version is refused, because an older program would misread it.

import { type Kysely, sql } from "kysely"
import type { Tables } from "./schema.js"

type Statements = readonly string[]

const VERSION_1: Statements = [
  `create table subject (
    id integer primary key check (id > 0),
    label text not null,
    arm text not null,
    created_at integer not null,
    newest_play integer not null default 0,
    estimated_play integer not null default 0)`,
  "create table device (id text primary key, key blob not null, created_at integer not null)",
  `create table enrolment (
    id integer primary key autoincrement,
    subject integer not null references subject (id),
    device text not null references device (id),
    from_at integer not null,
    to_at integer)`,
  "create unique index enrolment_open_device on enrolment (device) where to_at is null",
  "create unique index enrolment_open_subject on enrolment (subject) where to_at is null",
  `create table song (
    id integer primary key check (id between 1 and 65535),
    source text not null unique,
    title text not null,
    artist text not null,
    genre text not null,
    length_ms integer not null check (length_ms > 0),
    attributes text not null)`,
  "create table wave (number integer primary key check (number > 0), started_at integer not null)",
  `create table playlist (
    id integer primary key autoincrement,
    subject integer not null references subject (id),
    device text not null references device (id),
    version integer not null check (version between 1 and 4294967295),
    wave integer not null references wave (number),
    arm text not null,
    design text not null,
    at integer not null,
    bytes blob not null,
    summary text not null,
    unique (device, version))`,
  "create index playlist_subject on playlist (subject, wave)",
  `create table playlist_item (
    playlist integer not null references playlist (id),
    position integer not null,
    song integer not null references song (id),
    utility real,
    information real,
    tag text not null,
    propensity real,
    rank integer,
    reason text not null,
    primary key (playlist, position)) without rowid`,
  `create table publication (
    playlist integer primary key references playlist (id),
    state text not null check (state in ('published', 'sent', 'confirmed', 'refused', 'superseded')),
    sent_at integer,
    confirmed_at integer,
    refused_at integer,
    refused_code integer)`,
  `create table epoch (
    device text not null references device (id),
    epoch integer not null,
    first_at integer not null,
    boot integer not null,
    counter integer not null,
    acked_to integer not null,
    highest integer not null,
    primary key (device, epoch)) without rowid`,
  `create table sync (
    id integer primary key autoincrement,
    device text not null references device (id),
    subject integer references subject (id),
    at integer not null,
    epoch integer not null,
    boot integer not null,
    counter integer not null,
    up integer not null,
    firmware text not null,
    list integer not null,
    next integer,
    refused text,
    open text,
    health text not null,
    stored integer not null,
    repeated integer not null,
    quarantined integer not null,
    unreadable integer not null,
    body blob not null,
    unique (device, epoch, boot, counter))`,
  "create index sync_device on sync (device, id)",
  `create table play (
    id integer primary key autoincrement,
    device text not null references device (id),
    epoch integer not null,
    boot integer not null,
    sequence integer not null,
    subject integer references subject (id),
    song integer not null references song (id),
    playlist integer references playlist (id),
    position integer not null,
    start_ms integer not null,
    heard_ms integer not null,
    reason integer not null,
    flags integer not null,
    pauses integer not null,
    volume integer not null,
    sync integer not null references sync (id),
    started_at integer,
    uncertainty_ms integer,
    record blob not null,
    unique (device, epoch, boot, sequence))`,
  "create index play_sequence on play (device, epoch, sequence)",
  "create index play_subject on play (subject, id)",
  `create table quarantine (
    id integer primary key autoincrement,
    device text not null references device (id),
    epoch integer not null,
    boot integer not null,
    sequence integer not null,
    reason text not null,
    detail text not null,
    sync integer not null references sync (id),
    record blob not null,
    unique (device, epoch, sequence, record))`,
  `create table gone (
    device text not null references device (id),
    epoch integer not null,
    boot integer not null,
    from_sequence integer not null,
    to_sequence integer not null,
    why integer not null,
    sync integer not null references sync (id),
    primary key (device, epoch, from_sequence, to_sequence)) without rowid`,
  `create table block (
    id integer primary key autoincrement,
    subject integer not null references subject (id),
    number integer not null,
    from_play integer not null,
    to_play integer not null,
    plays integer not null,
    at integer not null,
    unique (subject, number))`,
  `create table model (
    id integer primary key autoincrement,
    subject integer not null,
    kind text not null,
    version integer not null,
    block integer references block (id),
    at integer not null,
    particles blob not null,
    summary text not null,
    diagnostics text not null,
    unique (subject, kind, version))`,
  `create table weight (
    model integer not null references model (id),
    donor integer not null,
    log_weight real not null,
    primary key (model, donor)) without rowid`,
  `create table event (
    id integer primary key autoincrement,
    at integer not null,
    kind text not null,
    subject integer,
    device text,
    detail text not null)`,
  `create table survey (
    id integer primary key autoincrement,
    subject integer not null references subject (id),
    at integer not null,
    kind text not null,
    answers text not null)`,
  "create trigger event_no_update before update on event begin select raise(abort, 'event is append-only'); end",
  "create trigger event_no_delete before delete on event begin select raise(abort, 'event is append-only'); end",
]

const VERSION_2: Statements = [
  `create table provisioning (
    id integer primary key autoincrement,
    at integer not null,
    port text not null,
    device text references device (id),
    mac text,
    board text not null,
    firmware text not null,
    fingerprint text,
    outcome text not null check (outcome in ('flashed', 'failed')),
    detail text not null)`,
  "create index provisioning_device on provisioning (device, id)",
  `create trigger provisioning_no_update before update on provisioning
    begin select raise(abort, 'provisioning is append-only'); end`,
  `create trigger provisioning_no_delete before delete on provisioning
    begin select raise(abort, 'provisioning is append-only'); end`,
  "alter table song add column file text",
]

/** The study as it is run: plan and amendments. */
const PLAN: Statements = [
  `create table plan (
    version integer primary key check (version > 0),
    hash text not null,
    at integer not null,
    reason text not null,
    document text not null)`,
  "create trigger plan_no_update before update on plan begin select raise(abort, 'plan is append-only'); end",
  "create trigger plan_no_delete before delete on plan begin select raise(abort, 'plan is append-only'); end",
  "alter table playlist add column plan text",
  "alter table sync add column plan text",
]

/** Waves that a researcher opens and closes; a cohort has one open at a time. */
const WAVES: Statements = [
  `create table wave_period (
    wave integer not null check (wave > 0),
    cohort text not null,
    opened_at integer not null,
    closed_at integer,
    primary key (wave, cohort)) without rowid`,
  "create unique index wave_period_open on wave_period (cohort) where closed_at is null",
]

/** When the boots of a board were, as far as its contacts tell; and when the host's own clock was wrong. */
const CLOCKS: Statements = [
  `create table boot_clock (
    device text not null references device (id),
    epoch integer not null,
    boot integer not null,
    windows text not null,
    contacts integer not null,
    lasted integer not null,
    earliest real,
    latest real,
    width real,
    early real not null default 0,
    late real not null default 0,
    primary key (device, epoch, boot)) without rowid`,
  `create table clock_doubt (
    id integer primary key check (id = 1),
    early real not null,
    late real not null,
    unsettled integer not null check (unsettled in (0, 1)),
    steps text not null)`,
  "insert into clock_doubt (id, early, late, unsettled, steps) values (1, 0, 0, 0, '[]')",
  `create table host_clock (
    id integer primary key autoincrement,
    from_sync integer not null references sync (id),
    to_sync integer not null references sync (id),
    offset_ms integer not null,
    reason text not null,
    at integer not null)`,
]

/** Who is in the study with which board and how they came to their arm, and what a withdrawal leaves. */
const ENROLMENT: Statements = [
  "alter table subject add column cohort text",
  "alter table subject add column strata text not null default '{}'",
  "alter table subject add column withdrawn_at integer",
  "alter table enrolment add column end_reason text",
  "create index enrolment_device on enrolment (device, id)",
  "create index enrolment_subject on enrolment (subject, id)",
  `create table board (
    device text primary key references device (id),
    state text not null check (state in ('stock', 'handed-out', 'returned', 'lost', 'retired')),
    at integer not null) without rowid`,
  `insert into board (device, state, at)
    select device, iif(max(to_at is null), 'handed-out', 'returned'), max(coalesce(to_at, from_at))
    from enrolment group by device`,
  `create table allocation_key (
    id integer primary key check (id = 1),
    key blob not null check (length(key) = 32),
    commitment text not null,
    at integer not null)`,
  `create trigger allocation_key_no_update before update on allocation_key
    begin select raise(abort, 'the allocation key is drawn once'); end`,
  `create trigger allocation_key_no_delete before delete on allocation_key
    begin select raise(abort, 'the allocation key is drawn once'); end`,
  `create table allocation (
    subject integer primary key references subject (id),
    at integer not null,
    arm text not null,
    method text not null check (method in ('blocked', 'simple', 'hand')),
    scheme text,
    stratum text not null,
    ordinal integer check (ordinal >= 0),
    reason text not null,
    check ((method = 'hand') = (ordinal is null) and (ordinal is null) = (scheme is null)),
    unique (scheme, stratum, ordinal))`,
  `create trigger allocation_no_update before update on allocation
    begin select raise(abort, 'allocation is append-only'); end`,
  `create trigger allocation_no_delete before delete on allocation
    begin select raise(abort, 'allocation is append-only'); end`,
  `create table withdrawal (
    subject integer primary key references subject (id),
    at integer not null,
    reason text not null,
    counts text not null,
    dropped integer not null default 0)`,
  "alter table quarantine add column subject integer references subject (id)",
  "alter table sync add column dropped integer not null default 0",
  "alter table playlist add column copy_of integer references playlist (id)",
  "alter table playlist add column withdrawn_data integer not null default 0",
  "alter table model add column withdrawn_data integer not null default 0",
]

/** What checks found, and when it went away. A closed finding stays as it was. */
const FINDINGS: Statements = [
  `create table finding (
    id integer primary key autoincrement,
    rule text not null,
    severity text not null check (severity in ('problem', 'warning', 'note')),
    subject integer,
    device text,
    since integer,
    found text not null,
    opened_at integer not null,
    closed_at integer)`,
  "create index finding_open on finding (device, rule) where closed_at is null",
  `create trigger finding_closed before update on finding when old.closed_at is not null
    begin select raise(abort, 'a closed finding does not change'); end`,
]

/** Plays from other programs. */
const IMPORTS: Statements = [
  `create table imported_play (
    id integer primary key autoincrement,
    subject integer references subject (id),
    listener text not null,
    source text not null,
    file text not null,
    file_sha256 text not null,
    row integer not null,
    identity text not null unique,
    clock_identity text unique,
    started_at integer,
    artist text not null,
    title text not null,
    album text not null,
    length_ms integer,
    heard_ms integer,
    end_reason text,
    song integer references song (id),
    imported_at integer not null)`,
]

/** Answers by question, append-only; what the table of version 1 held becomes a row for every answer. */
const SURVEY: Statements = [
  "alter table survey rename to survey_before",
  `create table survey (
    id integer primary key autoincrement,
    subject integer not null references subject (id),
    question text not null,
    asked text not null,
    answer text not null,
    at integer not null,
    source text not null check (source in ('file', 'command', 'page')))`,
  `insert into survey (subject, question, asked, answer, at, source)
    select subject, each.key,
      json_object('text', each.key, 'kind', iif(each.type in ('integer', 'real'), 'number', 'text')),
      iif(each.type in ('integer', 'real'), each.atom, json_quote(cast(each.value as text))), at, 'page'
    from survey_before, json_each(answers) as each order by survey_before.id, each.id`,
  "drop table survey_before",
  "create index survey_subject on survey (subject, question)",
  `create trigger survey_no_update before update on survey
    begin select raise(abort, 'survey is append-only'); end`,
]

const VERSION_3: Statements = [...PLAN, ...CLOCKS, ...WAVES, ...ENROLMENT, ...FINDINGS, ...IMPORTS, ...SURVEY]

const MIGRATIONS: readonly Statements[] = [VERSION_1, VERSION_2, VERSION_3]

/** The schema this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length

/** A database that a newer program has written. */
export class NewerDatabaseError extends Error {
  constructor(place: string, found: number) {
    super(
      `${place}: the database has schema ${found}, this program knows schema ${SCHEMA_VERSION} and older; use the newer fieldtune`,
    )
    this.name = "NewerDatabaseError"
  }
}

/** Brings the database to schema `to`; all steps commit with the version, so an interrupted one is repeated. */
export async function migrate(db: Kysely<Tables>, place: string, to = SCHEMA_VERSION): Promise<void> {
  await sql`create table if not exists meta (key text primary key, value text not null)`.execute(db)
  await db.transaction().execute(async (tx) => {
    const found = await schemaOf(tx, place)
    for (const statements of MIGRATIONS.slice(found, to)) {
      for (const statement of statements) await sql.raw(statement).execute(tx)
    }
    if (found >= to) return
    await tx
      .insertInto("meta")
      .values({ key: "schema", value: String(to) })
      .onConflict((c) => c.column("key").doUpdateSet({ value: String(to) }))
      .execute()
  })
}

/** Throws unless the database has SCHEMA_VERSION: one that can only be read can't be brought to it. */
export async function checkSchema(db: Kysely<Tables>, place: string): Promise<void> {
  const found = await schemaOf(db, place)
  if (found === SCHEMA_VERSION) return
  throw new Error(
    `${place}: the database has schema ${found}, this program writes schema ${SCHEMA_VERSION}, and the disk is read-only: copy the folder to one that can be written`,
  )
}

async function schemaOf(db: Kysely<Tables>, place: string): Promise<number> {
  const row = await db.selectFrom("meta").select("value").where("key", "=", "schema").executeTakeFirst()
  const found = row === undefined ? 0 : Number(row.value)
  if (!Number.isInteger(found) || found < 0) {
    throw new Error(`${place}: meta.schema is ${JSON.stringify(row?.value)}, not a schema version`)
  }
  if (found > SCHEMA_VERSION) throw new NewerDatabaseError(place, found)
  return found
}
