// The tables of an archive that are read from the study's database: what is asked of it, and what every column means.
// A new one is one entry here. Tables that are computed beside them: derived.ts.

import { END_REASONS } from "../../src/record.js"
import {
  array,
  boolean,
  counting,
  datetime,
  type Field,
  integer,
  number,
  object,
  required,
  string,
  type Table,
} from "./field.js"

export interface Resource extends Table {
  /** Columns named as the fields; JSON columns as text; rows in the order of the primary key. */
  query: string
}

const DEVICE = "^[0-9a-f]{16}$"
const HEX = "^([0-9a-f]{2})*$"

const subject = (extra = {}): Field =>
  integer("subject", "Number of the listener.", { role: "subject", constraints: { minimum: 1 }, ...extra })
const device = (extra = {}): Field =>
  string("device", "Id of the board, 16 hexadecimal digits.", {
    role: "device",
    constraints: { pattern: DEVICE },
    ...extra,
  })
const plan = integer("plan", "Version of the plan in force then.", {
  constraints: { minimum: 1 },
  missing: "the study had not started",
})
const planVersion = (hash: string): string =>
  `(select min(version) from plan where plan.hash = ${hash}) as plan`

const toSubject = { field: "subject", resource: "subjects", reference: "subject" }
const toDevice = { field: "device", resource: "devices", reference: "device" }
const toSong = { field: "song", resource: "songs", reference: "song" }
const toPlaylist = { field: "playlist", resource: "playlists", reference: "playlist" }
const toPlan = { field: "plan", resource: "plans", reference: "plan" }

/** Rows of the table model that an archive holds: weekly patterns tell hours, and follow from the plays. */
export const ARCHIVED_MODELS = "kind not like 'pattern%'"

export const RESOURCES: readonly Resource[] = [
  {
    name: "subjects",
    title: "Listeners",
    description: "Everybody who was enrolled. Labels and names are not archived.",
    primaryKey: ["subject"],
    query: `select id as subject, id as stream, arm, cohort, strata, created_at as enrolled_at, withdrawn_at
      from subject order by id`,
    fields: [
      required(subject()),
      counting(
        "stream",
        "Number that the random streams of the listener are named by (the number in the study). It differs from `subject` in a pseudonymised archive only; without it nothing could be estimated again.",
      ),
      required(string("arm", "Arm of the plan; its code while the study is blind.", { role: "arm" })),
      string("cohort", "Cohort of the plan.", { missing: "the plan has no cohorts" }),
      required(object("strata", "Level of every stratum of the plan.")),
      datetime("enrolled_at", "When the listener was enrolled first."),
      datetime("withdrawn_at", "When the listener asked to be forgotten.", { missing: "never" }),
    ],
  },
  {
    name: "devices",
    title: "Boards",
    description: "Every board that the study knows. Keys are not archived.",
    primaryKey: ["device"],
    query: "select id as device, created_at as registered_at from device order by id",
    fields: [required(device()), datetime("registered_at", "When the study first knew it.")],
  },
  {
    name: "enrolments",
    title: "Who carried which board",
    description: "One row for each time that a listener was given a board.",
    primaryKey: ["enrolment"],
    foreignKeys: [toSubject, toDevice],
    query: "select id as enrolment, subject, device, from_at, to_at, end_reason from enrolment order by id",
    fields: [
      counting("enrolment", "Number of the row."),
      required(subject()),
      required(device()),
      datetime("from_at", "When the listener got it."),
      datetime("to_at", "When that ended.", { missing: "it had not ended" }),
      string("end_reason", "How: returned, completed, dropped-out, lost, retired, replaced, withdrawn.", {
        missing: "it had not ended",
      }),
    ],
  },
  {
    name: "boards",
    title: "Where the boards are",
    description: "The state of every board that was ever in stock or handed out.",
    primaryKey: ["device"],
    foreignKeys: [toDevice],
    query: "select device, state, at from board order by device",
    fields: [
      required(device()),
      required(string("state", "stock, handed-out, returned, lost or retired.")),
      datetime("at", "Since when."),
    ],
  },
  {
    name: "allocations",
    title: "How listeners came to their arms",
    description: "One row per listener. `allocation_key` says what the sequences of arms follow from.",
    reveals: true,
    primaryKey: ["subject"],
    foreignKeys: [toSubject],
    query:
      "select subject, at, arm, method, scheme, stratum, ordinal, reason from allocation order by subject",
    fields: [
      required(subject()),
      datetime("at", "When."),
      required(string("arm", "Arm of the plan.", { role: "arm" })),
      required(string("method", "blocked, simple (drawn), or hand.")),
      string("scheme", "Hash of the rule that the sequence follows.", { missing: "by hand" }),
      required(string("stratum", "The combination of levels: sequences are separate for each.")),
      integer("ordinal", "Place in that sequence, from 0.", { missing: "by hand" }),
      string("reason", "Why it was set by hand.", { role: "freeText", missing: "drawn" }),
    ],
  },
  {
    name: "withdrawals",
    title: "Withdrawals",
    description: "Who asked to be forgotten, and how much was deleted. Reasons are not archived.",
    primaryKey: ["subject"],
    foreignKeys: [toSubject],
    query: "select subject, at, counts, dropped from withdrawal order by subject",
    fields: [
      required(subject()),
      datetime("at", "When."),
      required(object("counts", "Rows that were deleted or marked, by table.")),
      required(integer("dropped", "Records that came later and were not kept.")),
    ],
  },
  {
    name: "boot_clocks",
    title: "Clocks of the boots",
    description: "What is known of when every boot began; from it follows `started_at` of the plays.",
    primaryKey: ["device", "epoch", "boot"],
    foreignKeys: [toDevice],
    query: `select device, epoch, boot, contacts, lasted as lasted_ms, earliest, latest, early as early_ms,
        late as late_ms, width as width_ms
      from boot_clock order by device, epoch, boot`,
    fields: [
      required(device()),
      required(integer("epoch", "Numbering of the board.")),
      required(integer("boot", "Which start of the board.")),
      required(integer("contacts", "Contacts that it rests on.")),
      number("lasted_ms", "How long the boot is known to have lasted.", { unit: "ms" }),
      number("earliest", "Earliest time at which a boot without contacts can have begun, Unix time.", {
        unit: "ms",
        role: "clock",
        missing: "it has contacts, or nothing bounds it",
      }),
      number("latest", "Latest time at which a boot without contacts can have begun, Unix time.", {
        unit: "ms",
        role: "clock",
        missing: "as earliest",
      }),
      number(
        "early_ms",
        "How much earlier its times may have been than its own contacts say, because others saw that the host's clock was moved; 0 or negative.",
        { unit: "ms", constraints: { required: true, maximum: 0 } },
      ),
      number("late_ms", "How much later, for the same reason; 0 or positive.", {
        unit: "ms",
        constraints: { required: true, minimum: 0 },
      }),
      number("width_ms", "Width of what was possible when its plays were last placed.", {
        unit: "ms",
        missing: "it has no contacts",
      }),
    ],
  },
  {
    name: "host_clocks",
    title: "Repairs of the host's clock",
    description: "Contacts whose times were moved, because the host's clock was wrong then.",
    primaryKey: ["row"],
    query: `select id as row, from_sync, to_sync, offset_ms, reason, at from host_clock order by id`,
    fields: [
      counting("row", "Number of the row."),
      counting("from_sync", "First contact."),
      counting("to_sync", "Last contact."),
      required(integer("offset_ms", "By how much.", { unit: "ms" })),
      string("reason", "Why.", { role: "freeText" }),
      datetime("at", "When that was said."),
    ],
  },
  {
    name: "songs",
    title: "Catalogue",
    description: "Songs by their file number on the card. Names of files are not archived.",
    primaryKey: ["song"],
    query: "select id as song, source, title, artist, genre, length_ms, attributes from song order by id",
    fields: [
      integer("song", "File number on the card.", {
        constraints: { required: true, minimum: 1, maximum: 65535 },
      }),
      required(string("source", "The researcher's own identifier.")),
      string("title", "Title.", { missing: "not known" }),
      string("artist", "Artist.", { missing: "not known" }),
      string("genre", "Genre.", { missing: "not known" }),
      counting("length_ms", "Length.", { unit: "ms" }),
      required(object("attributes", "Numeric attributes by name, as imported.")),
    ],
  },
  {
    name: "waves",
    title: "Waves",
    description: "Periods of listening with one playlist per listener.",
    primaryKey: ["wave"],
    query: "select number as wave, started_at from wave order by number",
    fields: [
      counting("wave", "Number of the wave."),
      datetime("started_at", "When its first playlist was made."),
    ],
  },
  {
    name: "wave_periods",
    title: "Opening and closing of waves",
    description: "Waves that were opened by hand, by cohort.",
    primaryKey: [],
    query: "select wave, cohort, opened_at, closed_at from wave_period order by wave, cohort",
    fields: [
      counting("wave", "Number of the wave."),
      string("cohort", "Cohort of the plan.", { missing: "the plan has no cohorts" }),
      datetime("opened_at", "When it was opened."),
      datetime("closed_at", "When it was closed.", { missing: "it was open" }),
    ],
  },
  {
    name: "playlists",
    title: "Playlists",
    description: "Every playlist that was published, and what became of it at its board.",
    primaryKey: ["playlist"],
    foreignKeys: [toSubject, toDevice, { field: "wave", resource: "waves", reference: "wave" }, toPlan],
    query: `select id as playlist, subject, device, version, wave, arm, design, at as published_at,
        ${planVersion("playlist.plan")}, copy_of, withdrawn_data, state, sent_at, confirmed_at, refused_at, refused_code, summary,
        lower(hex(bytes)) as bytes
      from playlist join publication on publication.playlist = playlist.id order by id`,
    fields: [
      counting("playlist", "Number of the playlist."),
      required(subject()),
      required(device()),
      counting("version", "Version at the board."),
      counting("wave", "Wave that it belongs to."),
      required(string("arm", "The listener's arm then; its code while the study is blind.", { role: "arm" })),
      string("design", "The design that made it (a first wave is random in every arm).", { role: "reveals" }),
      datetime("published_at", "When it was published."),
      plan,
      integer("copy_of", "The playlist that it repeats on another board.", { missing: "it is no copy" }),
      required(
        boolean("withdrawn_data", "Whether it was made with data that a withdrawal has deleted since."),
      ),
      required(
        string(
          "state",
          "published, sent to the board, confirmed or refused by it, or superseded before that.",
          {
            constraints: { enum: ["published", "sent", "confirmed", "refused", "superseded"] },
          },
        ),
      ),
      datetime("sent_at", "When the board was first offered it.", { missing: "never" }),
      datetime("confirmed_at", "When the board said that it plays it.", { missing: "never" }),
      datetime("refused_at", "When the board refused it.", { missing: "never" }),
      integer("refused_code", "Why (REFUSED_ codes of the wire format).", { missing: "not refused" }),
      object("summary", "Figures of the design: weight of information, price of exploration, notes, …", {
        role: "reveals",
      }),
      string("bytes", "What the board downloads, hexadecimal (wire format).", {
        role: "reveals",
        constraints: { pattern: HEX },
      }),
    ],
  },
  {
    name: "playlist_items",
    title: "Songs of the playlists",
    description: "What every playlist has at every place, and why.",
    primaryKey: ["playlist", "position"],
    foreignKeys: [toPlaylist, toSong],
    query: `select playlist, position, song, utility, information, tag, propensity, rank, reason
      from playlist_item order by playlist, position`,
    fields: [
      counting("playlist", "The playlist."),
      integer("position", "Place in playing order, from 0.", { constraints: { required: true, minimum: 0 } }),
      counting("song", "The song."),
      number("utility", "What hearing it is worth, in the unit of the plan's `utility`.", {
        role: "reveals",
        missing: "the design had no model",
      }),
      number("information", "What the playlist's log determinant of information would lose without it.", {
        role: "reveals",
        missing: "the design had no model",
      }),
      string("tag", "explore: the playlist of highest utility under the same constraints does not have it.", {
        role: "reveals",
        constraints: { enum: ["explore", "exploit"] },
      }),
      number("propensity", "Probability that the design gave it a place.", {
        role: "reveals",
        constraints: { minimum: 0, maximum: 1 },
        missing: "nothing was random",
      }),
      integer("rank", "Rank by utility among the allowed songs, 1 = best.", {
        role: "reveals",
        missing: "the design had no model",
      }),
      object("reason", "How it came by its place, and the largest terms of its expected log time.", {
        role: "reveals",
        missing: "none was kept",
      }),
    ],
  },
  {
    name: "plays",
    title: "Plays",
    description: "One row per listen record, exactly once. Identity: device, epoch, boot, sequence.",
    primaryKey: ["play"],
    foreignKeys: [
      toSubject,
      toDevice,
      toSong,
      toPlaylist,
      { field: "sync", resource: "syncs", reference: "sync" },
    ],
    query: `select id as play, device, epoch, boot, sequence, subject, song, playlist, position, start_ms, heard_ms,
        reason, flags, pauses, volume, sync, started_at, uncertainty_ms, lower(hex(record)) as record
      from play order by id`,
    fields: [
      counting("play", "Number in the order of arrival."),
      required(device()),
      required(integer("epoch", "Numbering of the board that the sequence belongs to.")),
      required(integer("boot", "Which start of the board within the epoch.")),
      counting("sequence", "1, 2, 3, … within the epoch, without holes (see `missing_sequences`)."),
      subject({ missing: "nobody was enrolled with the board" }),
      counting("song", "What was played."),
      integer("playlist", "The playlist that it was played from.", { missing: "none that the host knows" }),
      required(integer("position", "Place in that playlist.")),
      integer("start_ms", "Uptime of the boot when the listen began.", { unit: "ms", role: "moment" }),
      integer("heard_ms", "Time heard, pauses out.", {
        unit: "ms",
        constraints: { required: true, minimum: 0 },
      }),
      integer("reason", `How it ended: ${END_REASONS.map((text, code) => `${code} ${text}`).join(", ")}.`, {
        constraints: { required: true, minimum: 0, maximum: END_REASONS.length - 1 },
      }),
      required(integer("flags", "1 explore, 2 liked, 4 organic, 8 chosen by the board.", { role: "flags" })),
      integer("pauses", "Pauses; 15 = 15 or more.", {
        constraints: { required: true, minimum: 0, maximum: 15 },
      }),
      integer("volume", "0 … 15.", { constraints: { required: true, minimum: 0, maximum: 15 } }),
      counting("sync", "The contact that brought it."),
      datetime("started_at", "Wall time at which it began.", {
        missing: "the clock of its boot is not known",
      }),
      integer("uncertainty_ms", "Uncertainty of started_at.", { unit: "ms", missing: "as started_at" }),
      string("record", "The 20 bytes as received, hexadecimal (wire format).", {
        role: "recordBytes",
        constraints: { pattern: "^([0-9a-f]{40})?$" },
      }),
    ],
  },
  {
    name: "imported_plays",
    title: "Plays from other programs",
    description:
      "What subjects listened to elsewhere, as their logs say it; in no model. Whether a play was picked, no log says. Names of files, and plays of people who are no subjects, are not archived.",
    primaryKey: ["imported_play"],
    foreignKeys: [toSubject, toSong],
    query: `select id as imported_play, subject, source, file_sha256, row, started_at, artist, title, nullif(album, '') as album, length_ms,
        heard_ms, end_reason, song from imported_play where subject is not null order by id`,
    fields: [
      counting("imported_play", "Number in the order of import."),
      required(subject()),
      required(string("source", "Format of the log: scrobbler, listenbrainz, spotify or csv.")),
      required(string("file_sha256", "SHA-256 of the log.", { constraints: { pattern: HEX } })),
      counting("row", "Line or entry of the log."),
      datetime("started_at", "When it began.", { missing: "the log had no clock, or not its time zone" }),
      required(string("artist", "Artist, as the log has it.")),
      required(string("title", "Title, as the log has it.")),
      string("album", "Album, as the log has it.", { missing: "the log does not say" }),
      integer("length_ms", "Length of the song.", { unit: "ms", missing: "the log does not say" }),
      integer("heard_ms", "Time heard.", { unit: "ms", missing: "the log does not say" }),
      string("end_reason", "How it ended, as the log says it.", { missing: "the log does not say" }),
      integer("song", "Song of the catalogue that is meant.", { missing: "none" }),
    ],
  },
  {
    name: "quarantine",
    title: "Records that were not believed",
    description: "Records that could be read and broke a rule; they count as arrived and as nothing else.",
    primaryKey: ["record_number"],
    foreignKeys: [toDevice],
    query: `select id as record_number, device, epoch, boot, sequence, reason, detail, sync,
        lower(hex(record)) as record from quarantine order by id`,
    fields: [
      counting("record_number", "Number of the row."),
      required(device()),
      required(integer("epoch", "Numbering of the board.")),
      required(integer("boot", "Which start of the board.")),
      required(integer("sequence", "Sequence within the epoch.")),
      required(string("reason", "The rule that it broke.")),
      string("detail", "The offending value in words.", { role: "freeText" }),
      counting("sync", "The contact that brought it."),
      string("record", "The bytes as received, hexadecimal.", {
        role: "recordBytes",
        constraints: { pattern: HEX },
      }),
    ],
  },
  {
    name: "gone",
    title: "Records that no longer exist",
    description: "Ranges of sequences that a board can't give any more.",
    primaryKey: ["device", "epoch", "from_sequence", "to_sequence"],
    foreignKeys: [toDevice],
    query: `select device, epoch, boot, from_sequence, to_sequence, why from gone
      order by device, epoch, from_sequence, to_sequence`,
    fields: [
      required(device()),
      required(integer("epoch", "Numbering of the board.")),
      required(integer("boot", "Which start of the board; 0 = not known.")),
      counting("from_sequence", "First sequence."),
      counting("to_sequence", "Last sequence."),
      required(integer("why", "1 checksum failed, 2 log full, 3 not known, 1000 deleted by a withdrawal.")),
    ],
  },
  {
    name: "syncs",
    title: "Contacts",
    description: "One row per contact of a board with the host. Sealed bodies are not archived.",
    primaryKey: ["sync"],
    foreignKeys: [toDevice, toSubject, toPlan],
    query: `select id as sync, device, subject, at, epoch, boot, counter, up, firmware, list, next, health, stored,
        repeated, quarantined, unreadable, dropped, ${planVersion("sync.plan")} from sync order by id`,
    fields: [
      counting("sync", "Number in the order of arrival."),
      required(device()),
      subject({ missing: "nobody was enrolled with the board" }),
      datetime("at", "Time of the host."),
      required(integer("epoch", "Numbering of the board.")),
      required(integer("boot", "Which start of the board.")),
      required(integer("counter", "Counter of requests within the boot.")),
      integer("up", "Uptime of the boot.", { unit: "ms", role: "moment" }),
      required(string("firmware", "Version that the board says it runs.")),
      required(integer("list", "Version of the playlist that it plays; 0 = none.")),
      integer("next", "Version that it holds and has not begun.", { missing: "none" }),
      required(object("health", "What the board says of itself (wire format).")),
      required(integer("stored", "New records.")),
      required(integer("repeated", "Records that were known.")),
      required(integer("quarantined", "Records that were not believed.")),
      required(integer("unreadable", "Records whose checksum failed.")),
      required(integer("dropped", "Records of listeners who have withdrawn, which were not kept.")),
      plan,
    ],
  },
  {
    name: "blocks",
    title: "Blocks",
    description:
      "Plays that arrived between two estimations of a listener: which plays each estimate took in.",
    primaryKey: ["block"],
    foreignKeys: [toSubject],
    query: `select id as block, subject, number, from_play, to_play, plays, at as estimated_at
      from block order by id`,
    fields: [
      counting("block", "Number of the row."),
      required(subject()),
      counting("number", "1, 2, 3, … per listener."),
      required(integer("from_play", "It has the listener's plays above this number …")),
      required(integer("to_play", "… up to this one.")),
      required(integer("plays", "Plays that the model could use.")),
      datetime("estimated_at", "When it was estimated."),
    ],
  },
  {
    name: "models",
    title: "Models",
    description:
      "Every stored estimate with its settings and diagnostics, but for weekly patterns, which tell hours and follow from the plays; `taste` and `prequential` of a listener; `features`, `aggregate` (song constants), `weighting` and `forgetting` of everybody. Particles are in models/.",
    primaryKey: ["model"],
    foreignKeys: [
      { ...toSubject, except: 0 },
      toPlan,
      { field: "block", resource: "blocks", reference: "block" },
    ],
    query: `select id as model, subject, kind, version, block, at as estimated_at,
        (select max(version) from plan where plan.at <= model.at) as plan, withdrawn_data, summary,
        diagnostics
      from model where ${ARCHIVED_MODELS} order by id`,
    fields: [
      counting("model", "Number of the row, and name of its file in models/."),
      integer("subject", "Number of the listener; 0 = everybody.", {
        role: "subject",
        constraints: { required: true, minimum: 0 },
      }),
      required(string("kind", "What it is a model of.")),
      counting("version", "1, 2, 3, … per listener and kind."),
      integer("block", "The block that it took in.", { missing: "not a taste" }),
      datetime("estimated_at", "When it was estimated."),
      plan,
      required(
        boolean("withdrawn_data", "Whether it was made with data that a withdrawal has deleted since."),
      ),
      object("summary", "What the model says: means, standard deviations, inclusion probabilities, …", {
        role: "reveals",
      }),
      object("diagnostics", "How the estimation went: effective sample size, k̂, drift, …", {
        role: "reveals",
      }),
    ],
  },
  {
    name: "weights",
    title: "Averaging weights",
    description: "Whose models spoke for a listener, as last averaged with this taste model.",
    primaryKey: ["model", "donor"],
    foreignKeys: [
      { field: "model", resource: "models", reference: "model" },
      { field: "donor", resource: "subjects", reference: "subject", except: 0 },
    ],
    query: "select model, donor, log_weight from weight order by model, donor",
    fields: [
      counting("model", "The taste model."),
      integer("donor", "Listener whose model spoke; 0 = the song constants.", {
        role: "subject",
        constraints: { required: true, minimum: 0 },
      }),
      required(number("log_weight", "Natural log of the weight.")),
    ],
  },
  {
    name: "surveys",
    title: "Answers to the survey",
    description:
      "One row per answer, corrections included: of a listener's answers to a question the newest counts. Free text is left out of a pseudonymised archive.",
    primaryKey: ["survey"],
    foreignKeys: [toSubject],
    query: `select id as survey, subject, question, asked, at, source,
        iif(asked ->> 'kind' in ('likert', 'amount', 'number'), answer ->> '$', null) as number,
        iif(asked ->> 'kind' = 'choice', answer ->> '$', null) as choice,
        iif(asked ->> 'kind' = 'text', answer ->> '$', null) as text,
        exists (select 1 from survey as later where later.subject = survey.subject
          and later.question = survey.question and later.id > survey.id) as replaced
      from survey order by id`,
    fields: [
      counting("survey", "Number of the row."),
      required(subject()),
      required(string("question", "Id of the question.")),
      required(object("asked", "The question as it was asked: text, kind, scale, currency, options.")),
      datetime("at", "When it was recorded."),
      required(
        string("source", "file, command or page.", { constraints: { enum: ["file", "command", "page"] } }),
      ),
      number("number", "The answer to a question of kind likert, amount or number.", {
        missing: "answered in words",
      }),
      string("choice", "The option that was chosen.", { missing: "not a choice" }),
      string("text", "The answer to a question of kind text.", {
        role: "freeText",
        missing: "not free text",
      }),
      required(boolean("replaced", "Whether a later answer replaces it.")),
    ],
  },
  {
    name: "provisioning",
    title: "Flashing of boards",
    description:
      "What was flashed when. Ports, hardware addresses and fingerprints of settings (which hold a Wi-Fi password) are not archived.",
    primaryKey: ["row"],
    foreignKeys: [toDevice],
    query: "select id as row, at, device, board, firmware, outcome from provisioning order by id",
    fields: [
      counting("row", "Number of the row."),
      datetime("at", "When."),
      device({ missing: "the board did not say who it is" }),
      required(string("board", "Id of the board's definition.")),
      required(string("firmware", "SHA-256 of the bytecode, hexadecimal.")),
      required(string("outcome", "flashed or failed.", { constraints: { enum: ["flashed", "failed"] } })),
    ],
  },
]

/** Rounds, as they noted themselves (host/round/journal.ts). */
export const ROUNDS: Table = {
  name: "rounds",
  title: "Rounds",
  description: "Every pass that designed playlists, with all that it went by: enough to repeat it.",
  primaryKey: ["round"],
  foreignKeys: [toPlan],
  fields: [
    counting("round", "Number in order."),
    datetime("at", "When."),
    plan,
    counting("wave", "The wave."),
    required(array("subjects", "Listeners whose playlists it designed.", { role: "subjects" })),
    required(integer("through", "Largest play that it saw.")),
    required(integer("lists", "Largest playlist before it.")),
    required(
      array("tastes", "[listener, version] of every taste model that spoke in it.", { role: "tastes" }),
    ),
    required(
      array("boards", "Who carried which board, and the bytes that its slot holds.", { role: "boards" }),
    ),
    required(array("songs", "Song numbers [from, to] that there were.")),
    required(string("catalogue", "SHA-256 of what was known of them.")),
    required(string("weighting", "How models were averaged.")),
    required(number("forgetting", "Weight that a wave's plays keep to the next.")),
    required(boolean("likeness", "Whether something besides the plays told who is like whom.")),
    required(array("models", "Models that it made.")),
    required(array("playlists", "Playlists that it made.")),
  ],
}

export const PLANS: Table = {
  name: "plans",
  title: "Plan and amendments",
  description: "Every plan that was in force; the documents are in plans/.",
  primaryKey: ["plan"],
  fields: [
    counting("plan", "Version; 1 is the plan that the study started with."),
    required(
      string("hash", "SHA-256 of the canonical document in plans/.", { constraints: { pattern: HEX } }),
    ),
    datetime("at", "From when on it was in force."),
    string("reason", "Why it was amended.", { role: "freeText", missing: "the first one, or left out" }),
  ],
}

export const ALLOCATION_KEY: Table = {
  name: "allocation_key",
  title: "Key of the allocation",
  description:
    "What binds the sequences of arms since the first enrolment and, once it may be known, what they follow from: with it every arm of `allocations` can be drawn again. It proves something where the commitment was made known before.",
  primaryKey: ["commitment"],
  fields: [
    required(
      string("commitment", "SHA-256 of the key, hexadecimal, as the event log has had it since then.", {
        constraints: { pattern: HEX },
      }),
    ),
    datetime("at", "When it was drawn."),
    string("key", "The key, hexadecimal.", {
      role: "reveals",
      missing: "it is not opened: the study was not unblinded, and nobody asked for it (--open-allocation)",
      constraints: { pattern: HEX },
    }),
  ],
}

export const CANDIDATES: Table = {
  name: "candidates",
  title: "Candidates of every design",
  description:
    "Every song that a designed playlist was chosen from, with its utility and the probability that it got a place; computed by repeating the round. Playlists whose round can't be repeated have none.",
  primaryKey: ["playlist", "song"],
  foreignKeys: [toPlaylist, toSong],
  fields: [
    counting("playlist", "The playlist."),
    counting("song", "The song."),
    required(boolean("allowed", "Whether the constraints let it be chosen.")),
    required(boolean("chosen", "Whether it got a place.")),
    number("utility", "What hearing it is worth.", { missing: "the design had no model" }),
    number("propensity", "Probability that it gets a place.", {
      constraints: { minimum: 0, maximum: 1 },
      missing: "nothing was random",
    }),
  ],
}

export const MISSING_SEQUENCES: Table = {
  name: "missing_sequences",
  title: "Sequences that have not arrived",
  description: "Holes in the numbering of a board: neither a play, nor in quarantine, nor gone.",
  primaryKey: ["device", "epoch", "from_sequence"],
  foreignKeys: [toDevice],
  fields: [
    required(device()),
    required(integer("epoch", "Numbering of the board.")),
    counting("from_sequence", "First sequence."),
    counting("to_sequence", "Last sequence."),
  ],
}

export const OUTCOMES: Table = {
  name: "outcomes",
  title: "Outcomes of the plan",
  description:
    "Per outcome, listener and wave, by the plan in force when it was archived. A play counts where it was played from a playlist of the wave and was heard for at least the outcome's minHeardMs.",
  primaryKey: ["outcome", "subject", "wave"],
  foreignKeys: [toSubject],
  fields: [
    required(string("outcome", "Name in the plan.")),
    required(
      string(
        "measure",
        "shareHeard: mean of min(1, heard / length). shareFinished: share of plays that ended as finished. secondsHeard: mean seconds heard. plays: how many.",
      ),
    ),
    required(boolean("primary", "Whether the study is judged by it.")),
    required(subject()),
    required(string("arm", "Arm; its code while the study is blind.", { role: "arm" })),
    counting("wave", "The wave."),
    required(integer("plays", "Plays that count.")),
    number("value", "The measure.", { missing: "no plays that count" }),
  ],
}

export const FLOW: Table = {
  name: "flow",
  title: "Flow of listeners (CONSORT)",
  description: "Every count is made by itself after its own definition: they need not sum. Figure: flow.svg.",
  primaryKey: [],
  fields: [
    required(string("stage", "Stage.")),
    string("arm", "Arm; its code while the study is blind.", { missing: "all arms", role: "arm" }),
    integer("wave", "Wave.", { missing: "all waves" }),
    required(integer("count", "Listeners.")),
    required(string("definition", "What was counted.")),
  ],
}

export const QUALITY: Table = {
  name: "quality",
  title: "Quality report",
  description:
    "What `fieldtune check` found at the moment of the study's last event: everything that was wrong then by a rule.",
  primaryKey: ["row"],
  foreignKeys: [toSubject, toDevice],
  fields: [
    counting("row", "Number of the row."),
    required(string("rule", "Id of the rule.")),
    required(string("severity", "How bad it is.", { constraints: { enum: ["problem", "warning", "note"] } })),
    subject({ missing: "not about one listener" }),
    device({ missing: "not about one board" }),
    datetime("since", "Since when.", { missing: "nothing tells" }),
    string("found", "What was found, with values.", { role: "freeText" }),
    required(string("says", "The rule in words.")),
    required(string("todo", "What to do about it.")),
  ],
}

export const FIRMWARE: Table = {
  name: "firmware",
  title: "Program versions and firmware",
  description:
    "The program that wrote the archive, the firmware files that it has, and what boards were given and said.",
  primaryKey: ["what", "name"],
  fields: [
    required(
      string(
        "what",
        "program, schema, file (of this program), provisioned (flashed onto boards), reported (by boards).",
        {
          constraints: { enum: ["program", "schema", "file", "provisioned", "reported"] },
        },
      ),
    ),
    required(string("name", "Name or version.")),
    string("sha256", "SHA-256 of the file or the bytecode.", {
      missing: "not a file",
      constraints: { pattern: HEX },
    }),
    integer("boards", "On how many boards.", { missing: "not about boards" }),
  ],
}

export const EVENTS: Table = {
  name: "events",
  title: "Events",
  description:
    "Who did what when, append-only. Of the details only those are archived that no person has written.",
  primaryKey: ["event"],
  foreignKeys: [{ ...toSubject, except: 0 }, toDevice],
  fields: [
    counting("event", "Number in order."),
    datetime("at", "When."),
    required(string("kind", "What happened.")),
    subject({ missing: "not about one listener" }),
    device({ missing: "not about one board" }),
    object("detail", "More of it.", { role: "reveals", missing: "nothing more" }),
  ],
}

/** All tables of an archive. */
export const TABLES: readonly Table[] = [
  ...RESOURCES,
  ...[PLANS, ALLOCATION_KEY, ROUNDS, EVENTS, MISSING_SEQUENCES, OUTCOMES, FLOW, QUALITY, FIRMWARE],
  { ...CANDIDATES, reveals: true },
]
