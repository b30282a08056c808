// Allocation: which arm the next subject comes to, so that nobody can know before.
//
//   armAt(key, rule, stratum, ordinal)   the arm of one place of one sequence
//   verifyAllocation(…)                  runs all of them again, once the key is published
//
// There is a sequence for every combination of strata (Kalish & Begg 1985 survey the methods). `blocked`: permuted
// blocks, each with its arms in exactly the plan's shares, in an order drawn uniformly; the size of each block is drawn,
// too, since who knows where a block ends knows its last arms. `simple`: every place is drawn by itself.
//
// A seed in study.json would let anyone foretell the sequence. So it follows from a key of 32 random bytes that is drawn
// when the first subject is enrolled, stays in the database, and is bound by its SHA-256, which the append-only event
// log has from that moment on. All draws are words of HMAC-SHA256 under that key: arms that are known say nothing about
// those that follow. Whoever reads the database can foretell them; the file is for those who run the study.
//
// A sequence belongs to its rule (method, arms with shares, sizes of blocks): an amendment of it begins other sequences.

import { createHash, createHmac } from "node:crypto"
import type { Allocation, Draw } from "../store/allocations.js"
import { EnrolmentError } from "../store/boards.js"
import type { Plan } from "./plan.js"

export const ALLOCATION_KEY_BYTES = 32
/** A longer block balances nobody's study, and would have to be made for every enrolment. */
const MAX_BLOCK = 1000
const PURPOSE = "fieldtune allocation"

/** What a sequence follows from, besides the key. */
export interface AllocationRule {
  method: "blocked" | "simple"
  arms: { name: string; share: number }[]
  /** Sizes of blocks in multiples of the sum of the shares; empty for `simple`. */
  blocks: number[]
}

/** SHA-256 of the key, hexadecimal. */
export function commitmentOf(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex")
}

/** The plan's rule; throws EnrolmentError where its blocks are too long. */
export function allocationRule({ arms, allocation }: Plan): AllocationRule {
  const shares = arms.map(({ name, share }) => ({ name, share }))
  const whole = shares.every(({ share }) => Number.isInteger(share))
  if (allocation.method === "simple" || !whole) return { method: "simple", arms: shares, blocks: [] }
  const longest = total(shares) * Math.max(...allocation.blocks)
  if (longest > MAX_BLOCK) {
    throw new EnrolmentError(
      `allocation.blocks: a block may have at most ${MAX_BLOCK} places (multiple × sum of the shares), got ${longest}`,
    )
  }
  return { method: "blocked", arms: shares, blocks: allocation.blocks }
}

/** Names the sequences of a rule: SHA-256 of what it says, hexadecimal. */
export function schemeOf({ method, arms, blocks }: AllocationRule): string {
  const text = JSON.stringify([method, arms.map(({ name, share }) => [name, share]), blocks])
  return createHash("sha256").update(text).digest("hex")
}

/** The combination of levels as JSON, [["sex","f"],["site","north"]]; throws EnrolmentError unless every stratum of the
 *  plan has one of its levels. */
export function stratumOf({ allocation }: Plan, given: Readonly<Record<string, string>>): string {
  const names = allocation.strata.map(({ name }) => name)
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    const known = names.length > 0 ? names.join(", ") : "none"
    throw new EnrolmentError(`stratum: must be of the plan (${known}), got ${JSON.stringify(unknown)}`)
  }
  for (const { name, levels } of allocation.strata) {
    if (given[name] === undefined)
      throw new EnrolmentError(`stratum ${name}: is needed: ${levels.join(" or ")}`)
    if (!levels.includes(given[name])) {
      throw new EnrolmentError(
        `stratum ${name}: must be ${levels.join(" or ")}, got ${JSON.stringify(given[name])}`,
      )
    }
  }
  return JSON.stringify(names.sort().map((name) => [name, given[name]]))
}

/** The places from which the enrolment takes the next one. */
export function drawFrom(rule: AllocationRule, stratum: string): Draw {
  const { method } = rule
  const armOf = (key: Uint8Array, ordinal: number): string => armAt(key, rule, stratum, ordinal)
  return { method, scheme: schemeOf(rule), stratum, armAt: armOf }
}

/** The arm at place `ordinal` (0, 1, 2, …) of the stratum's sequence: the same for the same arguments, for good. */
export function armAt(key: Uint8Array, rule: AllocationRule, stratum: string, ordinal: number): string {
  if (rule.method === "simple") return drawPlace(key, rule, stratum, ordinal)
  let at = 0
  for (const arm of sequenceOf(key, rule, stratum)) if (at++ === ordinal) return arm
  throw new RangeError(`ordinal: must be a whole number from 0, got ${ordinal}`)
}

function drawPlace(key: Uint8Array, rule: AllocationRule, stratum: string, ordinal: number): string {
  return drawOne(rule.arms, words(key, schemeOf(rule), stratum, "place", ordinal))
}

/** The arms of a sequence from its first place on, without end. */
function* sequenceOf(key: Uint8Array, rule: AllocationRule, stratum: string): Generator<string> {
  const scheme = schemeOf(rule)
  for (let ordinal = 0; rule.method === "simple"; ordinal++) yield drawPlace(key, rule, stratum, ordinal)
  for (let block = 0; ; block++) {
    const draw = words(key, scheme, stratum, "block", block)
    const multiple = rule.blocks[below(rule.blocks.length, draw)]
    const places = rule.arms.flatMap(({ name, share }) => Array<string>(share * multiple).fill(name))
    yield* permuted(places, draw)
  }
}

function drawOne(arms: AllocationRule["arms"], draw: () => number): string {
  // 53 bits of two words.
  const uniform = ((draw() >>> 5) * 2 ** 26 + (draw() >>> 6)) / 2 ** 53
  let rest = uniform * total(arms)
  for (const { name, share } of arms) {
    rest -= share
    if (rest < 0) return name
  }
  return arms[arms.length - 1].name
}

/** Fisher-Yates from the end. */
function permuted(places: string[], draw: () => number): string[] {
  for (let i = places.length - 1; i > 0; i--) {
    const j = below(i + 1, draw)
    const kept = places[i]
    places[i] = places[j]
    places[j] = kept
  }
  return places
}

function total(arms: AllocationRule["arms"]): number {
  return arms.reduce((sum, { share }) => sum + share, 0)
}

/** Uniform on 0 … n − 1: words beyond the last multiple of n are passed over. */
function below(n: number, draw: () => number): number {
  const limit = 2 ** 32 - (2 ** 32 % n)
  for (;;) {
    const word = draw()
    if (word < limit) return word % n
  }
}

/** 32-bit words of HMAC-SHA256(key, JSON of the purpose, the names and 0, 1, 2, …), most significant byte first. */
function words(key: Uint8Array, ...names: (string | number)[]): () => number {
  let counter = 0
  let digest = Buffer.alloc(0)
  let at = 0
  return () => {
    if (at === digest.length) {
      digest = createHmac("sha256", key)
        .update(JSON.stringify([PURPOSE, ...names, counter++]))
        .digest()
      at = 0
    }
    at += 4
    return digest.readUInt32BE(at - 4)
  }
}

/** A number that ranks names in an order nobody knows without the key. */
export function rankOf(key: Uint8Array, name: string): string {
  return createHmac("sha256", key)
    .update(JSON.stringify([PURPOSE, "code", name]))
    .digest("hex")
}

export interface AllocationCheck {
  /** Places that were drawn again. */
  checked: number
  byHand: number
  /** What does not agree, in words. */
  faults: string[]
}

/**
 * Runs every sequence again under the published key. `commitment`: what the event log has held since the start; `plans`:
 * every plan that was in force; `allocations`: what the enrolments have taken.
 */
export function verifyAllocation(
  key: Uint8Array,
  commitment: string,
  plans: readonly Plan[],
  allocations: readonly Allocation[],
): AllocationCheck {
  const faults: string[] = []
  if (commitmentOf(key) !== commitment) {
    faults.push(`key: its SHA-256 is ${commitmentOf(key)}, the event log has ${commitment}`)
  }
  const rules = new Map(plans.map((plan) => allocationRule(plan)).map((rule) => [schemeOf(rule), rule]))
  const sequences = new Map<string, { rule: AllocationRule; stratum: string; places: Allocation[] }>()
  for (const allocation of allocations) {
    const { subject, scheme, stratum, ordinal } = allocation
    if (scheme === null || ordinal === null) continue
    const rule = rules.get(scheme)
    if (rule === undefined) {
      faults.push(`subject ${subject}: no plan has the rule ${scheme}`)
      continue
    }
    const name = `${scheme} ${stratum}`
    const sequence = sequences.get(name) ?? { rule, stratum, places: [] }
    sequence.places.push(allocation)
    sequences.set(name, sequence)
  }
  for (const [name, { rule, stratum, places }] of sequences) {
    places.sort((a, b) => a.ordinal! - b.ordinal!)
    const arms = sequenceOf(key, rule, stratum)
    // Not beyond the first hole: places may be numbers that anybody wrote.
    for (const [i, { subject, arm, ordinal }] of places.entries()) {
      if (ordinal !== i) {
        faults.push(`sequence ${name}: place ${i} is missing or taken twice`)
        break
      }
      const drawn = arms.next().value as string
      if (drawn !== arm) {
        faults.push(`subject ${subject}: place ${ordinal} of ${stratum} is arm ${drawn}, recorded is ${arm}`)
      }
    }
  }
  const byHand = allocations.filter(({ method }) => method === "hand").length
  return { checked: allocations.length - byHand, byHand, faults }
}
