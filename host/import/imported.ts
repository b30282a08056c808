// What is read from listening logs of other programs. What such a log can't tell is null, never a guess: nobody knows
// whether a play was picked or came by itself, and most logs say neither how long it was heard nor how it ended.

export interface ImportedPlay {
  /** Line or entry of the file, from 1. */
  row: number
  /** Unix milliseconds; null where the log had no clock, or nobody says in which time zone. */
  startedAt: number | null
  /** What the player's own clock showed, as seconds of Unix time, where nobody knows its zone; else null. By it such a
   *  play is known again, with a zone or without. */
  localSecond: number | null
  artist: string
  title: string
  album: string
  lengthMs: number | null
  heardMs: number | null
  /** Word of END_REASONS where the log says it, or the log's own word. */
  endReason: string | null
}

export interface RowError {
  row: number
  column: string
  value: string
  rule: string
}

export interface ReadPlays {
  plays: ImportedPlay[]
  /** The first MAX_ERRORS. */
  errors: RowError[]
  /** Rows that were left out. */
  badRows: number
  /** What holds for the whole file. */
  notes: string[]
}

/** The file as a whole can't be read; the message names place, rule and value. */
export class ImportError extends Error {
  override name = "ImportError"
}

export const MAX_LOG_BYTES = 64 << 20
export const MAX_PLAYLIST_BYTES = 16 << 20
/** A play every three minutes, day and night, for almost six years. */
export const MAX_ROWS = 1_000_000
export const MAX_TEXT = 1000
const MAX_ERRORS = 10_000
/** Years in which somebody listened: 2000 to 2100, Unix seconds. */
const EARLIEST_S = 946_684_800
const LATEST_S = 4_102_444_800
const DAY_MS = 86_400_000

/** Collects plays and errors; a row with an error is left out. */
export class Rows {
  private readonly plays: ImportedPlay[] = []
  private readonly errors: RowError[] = []
  private badRows = 0
  private broken = false

  fail(row: number, column: string, value: unknown, rule: string): null {
    this.broken = true
    if (this.errors.length < MAX_ERRORS) this.errors.push({ row, column, value: shown(value), rule })
    return null
  }

  /** Reads one row: it counts unless something in it failed. */
  read(row: number, body: () => Omit<ImportedPlay, "row">): void {
    if (this.plays.length + this.badRows >= MAX_ROWS) {
      throw new ImportError(`row ${row}: a file has at most ${MAX_ROWS} plays, got more; split it`)
    }
    this.broken = false
    const play = body()
    if (this.broken) this.badRows++
    else this.plays.push({ row, ...play })
  }

  result(notes: string[]): ReadPlays {
    return { plays: this.plays, errors: this.errors, badRows: this.badRows, notes }
  }

  /** Text of at most MAX_TEXT characters; control characters become spaces. */
  text(row: number, column: string, value: unknown, needed: boolean): string {
    if (value === null || value === undefined || value === "") {
      if (needed) this.fail(row, column, value, "must not be empty")
      return ""
    }
    if (typeof value !== "string" || value.length > MAX_TEXT) {
      this.fail(row, column, value, `must be text of at most ${MAX_TEXT} characters`)
      return ""
    }
    // A name in another encoding would be another name: it would match nothing, and nobody would know why.
    if (value.includes("\uFFFD"))
      this.fail(row, column, value, "must be UTF-8, the file has other bytes here")
    const text = withoutControls(value)
    if (text === "" && needed) this.fail(row, column, value, "must not be empty")
    return text
  }

  /** A length of time, ms, given in units of `unitMs`; null where it is not there. */
  span(row: number, column: string, value: unknown, unitMs: number): number | null {
    if (value === null || value === undefined || value === "") return null
    const number = numberOf(value)
    if (number === undefined || number < 0 || number * unitMs > DAY_MS) {
      return this.fail(row, column, value, "must be a length of time from 0 to a day")
    }
    return Math.round(number * unitMs)
  }

  /** Length of a song, ms; players that do not know it write 0. */
  length(row: number, column: string, value: unknown, unitMs: number): number | null {
    return this.span(row, column, value, unitMs) || null
  }

  /** A moment, Unix ms, given in Unix seconds. */
  second(row: number, column: string, value: unknown): number | null {
    const number = numberOf(value)
    if (number === undefined || number < EARLIEST_S || number > LATEST_S) {
      return this.fail(row, column, value, "must be Unix seconds between the years 2000 and 2100")
    }
    return Math.round(number * 1000)
  }

  /** A moment, Unix ms: ISO 8601 with a zone, or Unix seconds or milliseconds. */
  moment(row: number, column: string, value: unknown): number | null {
    const number = numberOf(value)
    if (number !== undefined) return this.second(row, column, number > LATEST_S ? number / 1000 : number)
    const at = typeof value === "string" ? isoMoment(value.trim()) : Number.NaN
    if (Number.isNaN(at) || at < EARLIEST_S * 1000 || at > LATEST_S * 1000) {
      return this.fail(
        row,
        column,
        value,
        "must be a time such as 2026-03-02T08:30:00Z, with its zone, or Unix seconds",
      )
    }
    return at
  }
}

const ISO = /^(\d{4})-(\d{2})-(\d{2})[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/

/** NaN where it is none; Date.parse alone takes the 31st of February for the 2nd of March. */
function isoMoment(text: string): number {
  const date = ISO.exec(text)
  if (date === null) return Number.NaN
  const [year, month, day] = date.slice(1, 4).map(Number)
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day ? Date.parse(text) : Number.NaN
}

/** Control characters become spaces: names are printed on terminals. */
export function withoutControls(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim()
}

/** The lines of a text and their numbers, from 1, one at a time: a file may have millions of empty ones. */
export function* linesOf(text: string): Generator<[row: number, line: string]> {
  let row = 1
  for (let at = 0; at <= text.length; row++) {
    const found = text.indexOf("\n", at)
    const end = found < 0 ? text.length : found
    yield [row, text.slice(at, text[end - 1] === "\r" && end > at ? end - 1 : end)]
    at = end + 1
  }
}

/** A plain finite number, also as text; undefined for anything else. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined
  if (typeof value !== "string" || !/^\s*-?\d{1,15}(\.\d{1,9})?\s*$/.test(value)) return undefined
  return Number(value)
}

function shown(value: unknown): string {
  // Lists and objects are not written out: they may be deeper than the stack.
  const text =
    value === undefined
      ? "nothing"
      : value !== null && typeof value === "object"
        ? "a list or object"
        : `${value}`
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
