// Checks of single fields of a decoded message. Each names the place, the rule and the value it found.

import { WireError } from "./error.js"

type Fields = Record<string, unknown>

export const MAX_U8 = 255
export const MAX_U16 = 65535
export const MAX_U32 = 4294967295

export function asMap(value: unknown, place: string): Fields {
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Uint8Array) {
    throw new WireError("type", `${place}: must be a map, got ${describe(value)}`)
  }
  return value as Fields
}

/** The value of a field that must be there. */
export function field(map: Fields, name: string): unknown {
  if (!Object.hasOwn(map, name)) throw new WireError("field", `${name}: is missing`)
  return map[name]
}

export function asInteger(value: unknown, place: string, low: number, high: number): number {
  if (typeof value !== "number") {
    throw new WireError("type", `${place}: must be a number, got ${describe(value)}`)
  }
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new WireError("range", `${place}: must be a whole number from ${low} to ${high}, got ${value}`)
  }
  // Minus zero, which a float can bring, is plain zero.
  return value + 0
}

export function asArray(value: unknown, place: string, most: number): unknown[] {
  if (!Array.isArray(value)) throw new WireError("type", `${place}: must be an array, got ${describe(value)}`)
  if (value.length > most) {
    throw new WireError("range", `${place}: at most ${most} entries are allowed, got ${value.length}`)
  }
  return value
}

/** An array of exactly the integers that `limits` describes, as [name, low, high]. */
export function asTuple(
  value: unknown,
  place: string,
  limits: readonly (readonly [string, number, number])[],
): number[] {
  const items = asArray(value, place, MAX_U8)
  if (items.length !== limits.length) {
    throw new WireError("range", `${place}: must have ${limits.length} entries, got ${items.length}`)
  }
  return limits.map(([name, low, high], i) => asInteger(items[i], `${place}.${name}`, low, high))
}

export function asBytes(value: unknown, place: string, low: number, high: number): Uint8Array {
  if (!(value instanceof Uint8Array)) {
    throw new WireError("type", `${place}: must be binary, got ${describe(value)}`)
  }
  if (value.length < low || value.length > high) {
    throw new WireError("range", `${place}: must have ${low} to ${high} bytes, got ${value.length}`)
  }
  return value
}

/** Text of at least one character without control characters (bounds.ts has limited its length). */
export function asText(value: unknown, place: string): string {
  if (typeof value !== "string") throw new WireError("type", `${place}: must be text, got ${describe(value)}`)
  if (value === "" || /\p{Cc}/u.test(value)) {
    throw new WireError(
      "text",
      `${place}: must be text without control characters, got ${JSON.stringify(value)}`,
    )
  }
  return value
}

function describe(value: unknown): string {
  if (value === null) return "nil"
  if (Array.isArray(value)) return "an array"
  if (value instanceof Uint8Array) return "binary"
  return typeof value === "object" ? "a map" : `a ${typeof value}`
}
