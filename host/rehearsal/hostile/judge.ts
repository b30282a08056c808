// Feeds hostile inputs to one decoder and sees that it stays a decoder: it answers or refuses in its own words, in
// bounded time and memory. What it refuses with anything else is a violation, kept with the input.

import { createHash } from "node:crypto"
import { getHeapStatistics } from "node:v8"
import { stream } from "../../model/random.js"
import { hostileInput } from "./mutate.js"

export interface Target {
  /** What is decoded, such as "sync request". */
  name: string
  /** Good inputs, which the hostile ones are made of; none empty. */
  examples: readonly Uint8Array[]
  /** Makes the checksum of a damaged input right again, so that the damage gets past it; every other input gets it. */
  repair?(bytes: Uint8Array): Uint8Array
  /** Throws where the input is refused. */
  decode(bytes: Uint8Array): unknown
  /** Whether a refusal is in the decoder's own words: its error class, which names place and rule. */
  refusal(error: unknown): boolean
}

export interface Judgement {
  accepted: number
  refused: number
  /** Longest time of an input, ms. */
  slowestMs: number
  /** Largest growth of the heap and of buffers by one input, bytes. */
  largestBytes: number
  violations: Violation[]
  /** SHA-256 over what became of every input. */
  sha: string
}

export interface Violation {
  target: string
  /** Number of the input: with the seed, it can be made again. */
  input: number
  what: string
}

/** An input of at most 64 KiB that takes longer keeps a server from its boards, ms. */
const MAX_MS = 2000
/** Memory that one such input may take, bytes. */
const MAX_BYTES = 64 * 1024 * 1024
const MAX_WORDS = 300

/** The input of that number. */
export function inputOf(target: Target, seed: number, index: number): Uint8Array {
  const rng = stream(seed, "hostile", target.name, index)
  const bytes = hostileInput(target.examples, rng)
  return target.repair !== undefined && rng.int(2) === 0 ? target.repair(bytes) : bytes
}

/** Judges inputs `from` … `to` − 1; `begun` is told each number before its input is decoded. */
export async function judge(
  target: Target,
  seed: number,
  from: number,
  to: number,
  begun: (index: number) => void,
): Promise<Judgement> {
  const judgement: Judgement = {
    accepted: 0,
    refused: 0,
    slowestMs: 0,
    largestBytes: 0,
    violations: [],
    sha: "",
  }
  const hash = createHash("sha256")
  for (let index = from; index < to; index++) {
    begun(index)
    const bytes = inputOf(target, seed, index)
    const before = used()
    const start = performance.now()
    const problem = await problemOf(target, bytes)
    let ms = performance.now() - start
    judgement.largestBytes = Math.max(judgement.largestBytes, used() - before)
    // A thread that had to wait for its turn says nothing about the decoder: the shorter of two counts.
    if (ms > MAX_MS) {
      const again = performance.now()
      await problemOf(target, bytes)
      ms = Math.min(ms, performance.now() - again)
    }
    judgement.slowestMs = Math.max(judgement.slowestMs, ms)
    if (problem === undefined) judgement.accepted++
    else judgement.refused++
    const whats = [
      ...(problem?.own === false ? [problem.words] : []),
      ...(ms > MAX_MS ? [`took ${Math.round(ms)} ms`] : []),
      ...(used() - before > MAX_BYTES ? [`took ${used() - before} bytes of memory`] : []),
    ]
    for (const what of whats) judgement.violations.push({ target: target.name, input: index, what })
    hash.update(`${index} ${problem === undefined ? "accepted" : problem.words}\n`)
  }
  judgement.sha = hash.digest("hex")
  return judgement
}

/** Why the input was refused, and whether in the decoder's own words; undefined where it was accepted. */
async function problemOf(
  target: Target,
  bytes: Uint8Array,
): Promise<{ own: boolean; words: string } | undefined> {
  try {
    await target.decode(bytes)
    return undefined
  } catch (error) {
    const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    return { own: target.refusal(error), words: words.slice(0, MAX_WORDS) }
  }
}

function used(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}
