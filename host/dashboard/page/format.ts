// Figures as people read them.

export function percent(share: number | null): string {
  return share === null ? "–" : `${(100 * share).toFixed(0)} %`
}

export function number(value: number | null, digits = 2): string {
  return value === null ? "–" : value.toFixed(digits)
}

export function minutes(ms: number | null): string {
  if (ms === null) return "–"
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`
}

/** How long before `now` (both Unix ms). */
export function ago(at: number | null, now: number): string {
  if (at === null) return "never"
  const time = spanOf(at, now)
  return time === null ? "just now" : `${time} ago`
}

/** For how long until `now` (both Unix ms). */
export function lasting(at: number, now: number): string {
  return `for ${spanOf(at, now) ?? "less than a minute"}`
}

function spanOf(at: number, now: number): string | null {
  const minutes = Math.max(0, Math.round((now - at) / 60_000))
  if (minutes < 1) return null
  if (minutes < 120) return `${minutes} min`
  if (minutes < 2880) return `${Math.round(minutes / 60)} h`
  return `${Math.round(minutes / 1440)} days`
}

export function count(n: number, thing: string): string {
  return `${n} ${thing}${n === 1 ? "" : "s"}`
}
