// The tables, as the queries see them. Names are camelCase here and snake_case in the database. Times are Unix
// milliseconds of the clock that was handed in; identities are (device, epoch, boot, sequence).

import type { ColumnType, Generated } from "kysely"

/** Text that holds JSON: written as text, read as text. */
type Json = string
/** Bytes: the driver gives an ArrayBuffer or a Buffer, see bytes.ts. */
type Blob = ColumnType<ArrayBuffer | Uint8Array, Uint8Array, Uint8Array>

export interface Tables {
  meta: { key: string; value: string }
  /** The plans that were in force, from the start of the study on; the newest is. */
  plan: { version: number; hash: string; at: number; reason: string; document: Json }
  subject: {
    id: number
    label: string
    arm: string
    createdAt: number
    /** Largest play.id of the subject, and the largest that an estimate has used. */
    newestPlay: number
    estimatedPlay: number
    /** Cohort of the plan, null without cohorts. */
    cohort: string | null
    /** Level by stratum. */
    strata: Json
    withdrawnAt: number | null
  }
  device: { id: string; key: Blob; createdAt: number }
  enrolment: {
    id: Generated<number>
    subject: number
    device: string
    fromAt: number
    toAt: number | null
    endReason: string | null
  }
  /** Where a board is; none that has a row was never handed out. */
  board: { device: string; state: string; at: number }
  /** One row: what the sequences of arms are drawn from. */
  allocationKey: { id: number; key: Blob; commitment: string; at: number }
  /** How a subject came to its arm: a slot of a sequence, or by hand. */
  allocation: {
    subject: number
    at: number
    arm: string
    method: string
    /** Hash of the rule that the sequence follows, and the place in it; null where the arm was set by hand. */
    scheme: string | null
    stratum: string
    ordinal: number | null
    reason: string
  }
  withdrawal: {
    subject: number
    at: number
    reason: string
    /** How many rows of what were deleted, and how many were marked. */
    counts: Json
    /** Records that came later, were acknowledged and not kept. */
    dropped: number
  }
  /** One row for each time that a board was flashed, or was to be. */
  provisioning: {
    id: Generated<number>
    at: number
    port: string
    device: string | null
    mac: string | null
    board: string
    firmware: string
    fingerprint: string | null
    outcome: string
    detail: string
  }
  song: {
    id: number
    source: string
    title: string
    artist: string
    genre: string
    lengthMs: number
    attributes: Json
    file: string | null
  }
  wave: { number: number; startedAt: number }
  /** Cohort: empty where the plan has none. */
  wavePeriod: { wave: number; cohort: string; openedAt: number; closedAt: number | null }
  playlist: {
    id: Generated<number>
    subject: number
    device: string
    version: number
    wave: number
    arm: string
    design: string
    at: number
    bytes: Blob
    summary: Json
    /** Hash of the plan in force then. */
    plan: string | null
    /** The playlist that it repeats for another board. */
    copyOf: number | null
    /** 1: made with data that a withdrawal has deleted, so that it can't be made again. */
    withdrawnData: ColumnType<number, number | undefined, number>
  }
  playlistItem: {
    playlist: number
    position: number
    song: number
    utility: number | null
    information: number | null
    tag: string
    propensity: number | null
    rank: number | null
    reason: Json
  }
  publication: {
    playlist: number
    state: string
    sentAt: number | null
    confirmedAt: number | null
    refusedAt: number | null
    refusedCode: number | null
  }
  /** What the host holds of a device's numbering: one row per epoch. */
  epoch: {
    device: string
    epoch: number
    firstAt: number
    boot: number
    counter: number
    ackedTo: number
    highest: number
  }
  sync: {
    id: Generated<number>
    device: string
    subject: number | null
    at: number
    epoch: number
    boot: number
    counter: number
    up: number
    firmware: string
    list: number
    next: number | null
    refused: Json | null
    open: Json | null
    health: Json
    stored: number
    repeated: number
    quarantined: number
    unreadable: number
    body: Blob
    /** Hash of the plan in force then. */
    plan: string | null
    /** Records of somebody who has withdrawn: acknowledged, not kept. */
    dropped: ColumnType<number, number | undefined, number>
  }
  play: {
    id: Generated<number>
    device: string
    epoch: number
    boot: number
    sequence: number
    subject: number | null
    song: number
    playlist: number | null
    position: number
    startMs: number
    heardMs: number
    reason: number
    flags: number
    pauses: number
    volume: number
    sync: number
    startedAt: number | null
    uncertaintyMs: number | null
    record: Blob
  }
  quarantine: {
    id: Generated<number>
    device: string
    epoch: number
    boot: number
    sequence: number
    reason: string
    detail: string
    sync: number
    record: Blob
    /** Whose it would be. */
    subject: number | null
  }
  gone: {
    device: string
    epoch: number
    boot: number
    fromSequence: number
    toSequence: number
    why: number
    sync: number
  }
  block: {
    id: Generated<number>
    subject: number
    number: number
    fromPlay: number
    toPlay: number
    plays: number
    at: number
  }
  model: {
    id: Generated<number>
    /** 0 = the aggregate over all subjects. */
    subject: number
    kind: string
    version: number
    block: number | null
    at: number
    particles: Blob
    summary: Json
    diagnostics: Json
    /** 1: made with data that a withdrawal has deleted since. */
    withdrawnData: ColumnType<number, number | undefined, number>
  }
  weight: { model: number; donor: number; logWeight: number }
  /** The clocks that a boot may have had (host/study/clocks/window.ts), as JSON; none without contacts. */
  bootClock: {
    device: string
    epoch: number
    boot: number
    windows: Json
    contacts: number
    lasted: number
    earliest: number | null
    latest: number | null
    /** Width of what was possible when its plays were last placed, ms. */
    width: number | null
    /** What others saw of the host's clock (host/study/clocks/host-steps.ts): its times may be this far off, ms. */
    early: number
    late: number
  }
  /** One row: the same for a boot that is met now; and the steps of the host's clock that are known. */
  clockDoubt: {
    id: number
    early: number
    late: number
    /** 1: syncs since then hold signs of more steps. */
    unsettled: number
    steps: Json
  }
  hostClock: {
    id: Generated<number>
    fromSync: number
    toSync: number
    offsetMs: number
    reason: string
    at: number
  }
  importedPlay: {
    id: Generated<number>
    subject: number | null
    listener: string
    source: string
    file: string
    fileSha256: string
    row: number
    identity: string
    /** Of a play that a clock of unknown zone has timed: known again by what that clock showed. */
    clockIdentity: string | null
    startedAt: number | null
    artist: string
    title: string
    album: string
    lengthMs: number | null
    heardMs: number | null
    endReason: string | null
    song: number | null
    importedAt: number
  }
  event: {
    id: Generated<number>
    at: number
    kind: string
    subject: number | null
    device: string | null
    detail: Json
  }
  /** What checks found (host/study/quality); open while closedAt is null. */
  finding: {
    id: Generated<number>
    rule: string
    severity: string
    subject: number | null
    device: string | null
    since: number | null
    found: string
    openedAt: number
    closedAt: number | null
  }
  /** One row per answer, corrections included: the newest of a subject's to a question counts. */
  survey: {
    id: Generated<number>
    subject: number
    question: string
    /** The question as it was asked. */
    asked: Json
    answer: Json
    at: number
    source: string
  }
}
