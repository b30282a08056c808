// What a bench says: our time beside another's, in one run, as a ratio, and whether the goal is met.

export interface Claim {
  what: string
  /** Milliseconds, or another unit that `unit` names; smaller is better unless the ratio says otherwise. */
  ours: number
  theirs: number
  /** What it is compared with. */
  peer: string
  /** theirs / ours unless the claim is of another kind. */
  ratio: number
  /** The ratio that was aimed at, at least. */
  goal?: number
  unit?: string
  /** Anything a reader must know beside it. */
  note?: string
}

export interface Skipped {
  what: string
  skipped: string
}

/** Work is run for so long before it is timed, ms, so that the engine has compiled it. */
const WARM_UP_MS = 500

/** Median of `repeats` times of `work`, ms. */
export function time(work: () => void, repeats = 7): number {
  const began = performance.now()
  do work()
  while (performance.now() - began < WARM_UP_MS)
  const times = Array.from({ length: repeats }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return times.sort((a, b) => a - b)[repeats >> 1]
}

export function lineOf(claim: Claim | Skipped): string {
  if ("skipped" in claim) return `${claim.what}: left out, ${claim.skipped}`
  const { what, ours, theirs, peer, ratio, goal, unit = "ms", note } = claim
  const verdict = goal === undefined ? "" : ratio >= goal ? `, goal ${goal}: met` : `, goal ${goal}: NOT met`
  const tail = note === undefined ? "" : `\n    ${note}`
  return `${what}: ${show(ours)} ${unit}; ${peer}: ${show(theirs)} ${unit}; ratio ${show(ratio)}${verdict}${tail}`
}

function show(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toPrecision(2)
}
