// What an input must be before a playlist can be made of it.

import type { DesignInput, DesignKind } from "./design.js"

/** Which inputs a design can't do without. */
const NEEDS: Record<DesignKind, readonly ("utility" | "knowledge" | "particles" | "finished")[]> = {
  model: ["utility", "knowledge"],
  utility: ["utility"],
  thompson: ["utility", "particles"],
  gower: ["finished"],
  random: [],
}

/** @throws RangeError naming the argument, its rule and the value */
export function checkInput(
  input: DesignInput,
  epsilon: number,
  explorationCap: number,
  made: number,
  planned: number,
): void {
  const { design, candidates, utility, knowledge, particles } = input
  const n = candidates.ids.length
  if (n === 0) throw new RangeError("candidates: the catalogue has no songs")
  for (const name of NEEDS[design]) {
    if (input[name] === undefined) throw new RangeError(`${name}: design ${design} needs it, got undefined`)
  }
  for (let row = 1; row < n; row++) {
    if (!(candidates.ids[row] > candidates.ids[row - 1])) {
      throw new RangeError(`candidates.ids: must ascend, got ${candidates.ids[row]} in row ${row}`)
    }
  }
  if (candidates.x.length !== n * candidates.p) {
    throw new RangeError(`candidates.x: must have ${n} × ${candidates.p} values, got ${candidates.x.length}`)
  }
  if (utility !== undefined) {
    if (utility.length !== n) throw new RangeError(`utility: must have ${n} values, got ${utility.length}`)
    const bad = utility.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) {
      throw new RangeError(`utility: must be finite, song ${candidates.ids[bad]} has ${utility[bad]}`)
    }
  }
  if (
    knowledge !== undefined &&
    knowledge.precision.length !== knowledge.columns.length * knowledge.columns.length
  ) {
    throw new RangeError(
      `knowledge.precision: must be ${knowledge.columns.length} × ${knowledge.columns.length}, ` +
        `got ${knowledge.precision.length} values`,
    )
  }
  if (particles !== undefined && particles.p !== candidates.p) {
    throw new RangeError(`particles: must have ${candidates.p} coefficients, got ${particles.p}`)
  }
  if (!(epsilon >= 0 && epsilon <= 1)) throw new RangeError(`epsilon: must be 0 to 1, got ${epsilon}`)
  if (!(explorationCap >= 0 && explorationCap <= 1)) {
    throw new RangeError(`explorationCap: must be 0 to 1, got ${explorationCap}`)
  }
  const { utilityFloor = 0 } = input.constraints ?? {}
  if (!(utilityFloor >= 0 && utilityFloor <= 1)) {
    throw new RangeError(`utilityFloor: must be 0 to 1, got ${utilityFloor}`)
  }
  if (!(made >= 0)) throw new RangeError(`made: must be 0 or more, got ${made}`)
  if (!(planned >= 1)) throw new RangeError(`planned: must be 1 or more, got ${planned}`)
}
