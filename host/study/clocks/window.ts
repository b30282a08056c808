// The clocks that a boot may have had. Wall time = origin + (1 + drift) · uptime; a contact at host time `at` and
// uptime `up` was on its way for between 0 and MAX_DELAY_MS, so origin + drift · up lies between at − up − MAX_DELAY_MS
// and at − up. All (drift, origin) that fit every contact are a convex polygon: a set, not an estimate, so what is said of
// a time is what must hold, however few contacts there are. Contacts that no clock fits mean that the host's own clock
// was moved between them.

/** Largest deviation of a board's clock, parts per one. An ESP32's crystal keeps 10 to 40 ppm over its temperatures
 *  (Espressif, ESP32 hardware design guidelines); boards that are worse by far are still covered. */
export const MAX_DRIFT = 250e-6
/** A request that takes longer has been given up by the board (10 s) and cut off by the server (20 s). */
export const MAX_DELAY_MS = 30_000
/** Host time and uptime are whole milliseconds. */
export const ROUNDING_MS = 2

/** One exchange with the host. */
export interface ContactTime {
  /** Uptime when the request was made, ms. */
  up: number
  /** Host time when it was there, Unix ms. */
  at: number
}

/** Corners [drift, origin], in order around the polygon; drift in parts per one, origin in Unix ms. */
export type ClockWindow = readonly (readonly [number, number])[]

export interface TimeRange {
  /** Unix ms. */
  earliest: number
  latest: number
}

export interface PlacedTime {
  /** Unix ms, whole. */
  at: number
  /** The true time is at most this far from it, ms, whole. */
  uncertaintyMs: number
}

/** All clocks that fit one contact. */
export function openWindow({ up, at }: ContactTime): ClockWindow {
  const high = at - up + ROUNDING_MS
  const low = high - MAX_DELAY_MS - 2 * ROUNDING_MS
  const turn = MAX_DRIFT * up
  return [
    [-MAX_DRIFT, low + turn],
    [MAX_DRIFT, low - turn],
    [MAX_DRIFT, high - turn],
    [-MAX_DRIFT, high + turn],
  ]
}

/** Those of the clocks that fit another contact too; undefined where none does. */
export function narrow(window: ClockWindow, { up, at }: ContactTime): ClockWindow | undefined {
  const high = at - up + ROUNDING_MS
  const low = high - MAX_DELAY_MS - 2 * ROUNDING_MS
  const below = clip(window, ([drift, origin]) => high - origin - drift * up)
  const left = clip(below, ([drift, origin]) => origin + drift * up - low)
  return left.length === 0 ? undefined : left
}

/** The part of the polygon where `inside` is not negative (Sutherland and Hodgman). */
function clip(window: ClockWindow, inside: (corner: readonly [number, number]) => number): ClockWindow {
  const kept: (readonly [number, number])[] = []
  for (let i = 0; i < window.length; i++) {
    const a = window[i]
    const b = window[(i + 1) % window.length]
    const fa = inside(a)
    const fb = inside(b)
    if (fa >= 0) kept.push(a)
    if (fa >= 0 !== fb >= 0) {
      const t = fa / (fa - fb)
      kept.push([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])])
    }
  }
  return kept
}

/** When uptime `up` can have been, over all windows (at least one). */
export function rangeAt(windows: readonly ClockWindow[], up: number): TimeRange {
  let earliest = Number.POSITIVE_INFINITY
  let latest = Number.NEGATIVE_INFINITY
  for (const window of windows) {
    for (const [drift, origin] of window) {
      const time = origin + up + drift * up
      earliest = Math.min(earliest, time)
      latest = Math.max(latest, time)
    }
  }
  return { earliest, latest }
}

/** Drift that the contacts leave possible, parts per one. */
export function driftRange(windows: readonly ClockWindow[]): { lowest: number; highest: number } {
  const drifts = windows.flatMap((window) => window.map(([drift]) => drift))
  return { lowest: Math.min(...drifts), highest: Math.max(...drifts) }
}

/** The moment to work with. Requests are rarely long on their way: the late end of what they leave open is the likely
 *  one, so half of MAX_DELAY_MS is taken off the middle's distance from it. */
export function placeContact({ earliest, latest }: TimeRange): PlacedTime {
  return placedAt(Math.min(latest, (earliest + latest + MAX_DELAY_MS) / 2), { earliest, latest })
}

/** The middle of what is possible, where nothing says more. */
export function placeBetween(range: TimeRange): PlacedTime {
  return placedAt((range.earliest + range.latest) / 2, range)
}

function placedAt(time: number, { earliest, latest }: TimeRange): PlacedTime {
  const at = Math.round(time)
  return { at, uncertaintyMs: Math.max(0, Math.ceil(Math.max(latest - at, at - earliest))) }
}
