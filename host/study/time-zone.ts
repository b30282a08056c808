// Days and times of day in the study's time zone. Everything stored is UTC; this is for what people plan and read.

const MINUTE_MS = 60_000

interface LocalTime {
  /** YYYY-MM-DD. */
  date: string
  /** Minutes since local midnight, 0 … 1439. */
  minute: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Date and time of day of `at`, Unix milliseconds, in an IANA time zone. */
export function localTime(at: number, timeZone: string): LocalTime {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-CA", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
    })
    formats.set(timeZone, format)
  }
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
  const part = (name: Intl.DateTimeFormatPartTypes): string => parts.get(name) ?? ""
  return {
    date: `${part("year")}-${part("month")}-${part("day")}`,
    minute: Number(part("hour")) * 60 + Number(part("minute")),
  }
}

/** Hour of the local week in which `at` lies: 0 = Monday from midnight to one, … 167. */
export function hourOfWeek(at: number, timeZone: string): number {
  const { date, minute } = localTime(at, timeZone)
  const weekday = (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7
  return weekday * 24 + Math.floor(minute / 60)
}

/** The first moment, Unix milliseconds and whole minutes, at which the clocks show `minute` or later on `date`
 *  (YYYY-MM-DD); a time that summer time leaves out is the first one after it. */
export function momentOf(date: string, minute: number, timeZone: string): number {
  const asIfUtc = Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS
  // No zone is further than 15 h from UTC, and shifts are whole minutes: a search over both guesses of the offset.
  const candidates = [-1, 0, 1].map((day) => {
    const probe = asIfUtc + day * 86_400_000
    return asIfUtc - offsetOf(probe, timeZone)
  })
  const wanted = `${date} ${String(minute).padStart(4, "0")}`
  const shows = (at: number): string => {
    const local = localTime(at, timeZone)
    return `${local.date} ${String(local.minute).padStart(4, "0")}`
  }
  const exact = candidates.filter((at) => shows(at) === wanted)
  if (exact.length > 0) return Math.min(...exact)
  let at = Math.min(...candidates)
  while (shows(at) < wanted) at += MINUTE_MS
  return at
}

/** Milliseconds by which local clocks are ahead of UTC at `at`. */
function offsetOf(at: number, timeZone: string): number {
  const { date, minute } = localTime(at, timeZone)
  return Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS - Math.floor(at / MINUTE_MS) * MINUTE_MS
}
