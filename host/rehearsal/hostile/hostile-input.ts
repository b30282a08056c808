// What malice and damage do to the decoders: inputs by the million, each made from its number and the seed alone, so
// any number of threads gives the same result and every violation can be made again.

import { createHash } from "node:crypto"
import { inThreads } from "../../threads.js"
import { inputOf, type Judgement, type Violation } from "./judge.js"
import { TARGETS } from "./targets.js"

export interface HostileInputReport {
  seed: number
  inputs: number
  accepted: number
  refused: number
  violations: number
  /** The first MAX_DETAILS of them, with the input in hexadecimal. */
  details: (Violation & { hex: string })[]
  /** Over what became of every input: the same for the same seed and number. */
  sha: string
  targets: {
    name: string
    inputs: number
    accepted: number
    refused: number
    violations: number
    slowestMs: number
    /** Largest growth of memory by one input, bytes. */
    largestBytes: number
  }[]
}

/** What every thread is told. */
export interface HostileInputTask {
  seed: number
  /** Inputs of each target. */
  perTarget: number
  /** For each batch, the number of the input that is being decoded: known even when the thread is lost. */
  current: SharedArrayBuffer
}

interface Batch {
  target: number
  from: number
  to: number
}

const BATCH = 2000
const MAX_DETAILS = 20
/** A batch that takes longer is stuck in an input, ms. */
const PATIENCE_MS = 120_000
/** A thread that needs more has been made to: inputs have at most 64 KiB. */
const LIMITS = { maxOldGenerationSizeMb: 512 }
const MAX_HEX = 2000

/** The batches, in a fixed order. */
export function batchesOf(perTarget: number): Batch[] {
  return TARGETS.flatMap((_, target) =>
    Array.from({ length: Math.ceil(perTarget / BATCH) }, (_, i) => ({
      target,
      from: i * BATCH,
      to: Math.min(perTarget, (i + 1) * BATCH),
    })),
  )
}

/** Gives each decoder an equal share of about `inputs` inputs. */
export async function rehearseHostileInput(
  { seed, inputs }: { seed: number; inputs: number },
  { workers, onProgress }: { workers: number; onProgress?: (done: number) => void },
): Promise<HostileInputReport> {
  const perTarget = Math.ceil(inputs / TARGETS.length)
  const batches = batchesOf(perTarget)
  const current = new SharedArrayBuffer(4 * batches.length)
  const workerData: HostileInputTask = { seed, perTarget, current }
  const judgements = await inThreads<Judgement>({
    name: "rehearsal of hostile input",
    module: new URL("./thread.js", import.meta.url),
    workerData,
    count: batches.length,
    workers,
    limits: LIMITS,
    patienceMs: PATIENCE_MS,
    lost: (index, reason) => {
      const input = new Int32Array(current)[index]
      const violation = { target: TARGETS[batches[index].target].name, input, what: `thread lost: ${reason}` }
      const none = { accepted: 0, refused: 0, slowestMs: 0, largestBytes: 0, sha: "lost" }
      return { ...none, violations: [violation] }
    },
    onProgress: (done) => onProgress?.(Math.min(inputs, done * BATCH)),
  })
  return reportOf(seed, perTarget, batches, judgements)
}

function reportOf(
  seed: number,
  perTarget: number,
  batches: readonly Batch[],
  judgements: readonly Judgement[],
): HostileInputReport {
  const hash = createHash("sha256")
  for (const { sha } of judgements) hash.update(sha)
  const targets = TARGETS.map(({ name }, target) => {
    const own = judgements.filter((_, i) => batches[i].target === target)
    const sum = (value: (judgement: Judgement) => number): number =>
      own.reduce((total, judgement) => total + value(judgement), 0)
    return {
      name,
      inputs: perTarget,
      accepted: sum((j) => j.accepted),
      refused: sum((j) => j.refused),
      violations: sum((j) => j.violations.length),
      slowestMs: Math.max(...own.map((j) => j.slowestMs)),
      largestBytes: Math.max(...own.map((j) => j.largestBytes)),
    }
  })
  const violations = judgements.flatMap((judgement) => judgement.violations)
  const details = violations.slice(0, MAX_DETAILS).map((violation) => {
    const target = TARGETS.find(({ name }) => name === violation.target)!
    const hex = Buffer.from(inputOf(target, seed, violation.input))
      .toString("hex")
      .slice(0, MAX_HEX)
    return { ...violation, hex }
  })
  const sum = (key: "inputs" | "accepted" | "refused"): number =>
    targets.reduce((total, target) => total + target[key], 0)
  return {
    seed,
    inputs: sum("inputs"),
    accepted: sum("accepted"),
    refused: sum("refused"),
    violations: violations.length,
    details,
    sha: hash.digest("hex"),
    targets,
  }
}
