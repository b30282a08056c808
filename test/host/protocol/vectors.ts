// Reading test/reference/wire: the shapes that its README states.

import { readFileSync } from "node:fs"

export interface Vector {
  name: string
  hex: string
  value?: unknown
  canonical?: boolean
  error?: string
}

export interface SealVector extends Vector {
  direction: "up" | "down"
  key: string
  device: string
  requestSalt?: string
  plain?: string
}

interface ExchangeStep {
  epoch: number
  boot: number
  up: number
  n: number
  plays: string[]
  gone: number[][]
  ack?: number[][]
  missing?: number[][]
  stored?: number
  quarantined?: number
  error?: string
}

export interface ExchangeVector {
  name: string
  steps: ExchangeStep[]
}

const FOLDER = new URL("../../../../test/reference/wire/", import.meta.url)

export function readVectors<T = Vector>(
  kind: string,
): { vectors: T[]; songs?: { song: number; lengthMs: number }[] } {
  const file = JSON.parse(readFileSync(new URL(`${kind}.json`, FOLDER), "utf8"))
  if (file.format !== 1 || file.kind !== kind || file.vectors.length === 0) {
    throw new Error(`${kind}.json: must be format 1 with vectors of its own kind`)
  }
  return file
}

export function bytesOfHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"))
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex")
}

/** The value that the JSON spells: $bin and $float resolved. */
export function meaningOf(spelt: unknown): unknown {
  if (Array.isArray(spelt)) return spelt.map(meaningOf)
  if (spelt === null || typeof spelt !== "object") return spelt
  const map = spelt as Record<string, unknown>
  if (typeof map.$bin === "string") return bytesOfHex(map.$bin)
  if (typeof map.$float === "string") return Number(map.$float)
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, meaningOf(value)]))
}
