// Weekly patterns: a fit of 2,000 listeners × 664, 32 atoms, 100 turns from the same start, on one core.

import { writeFileSync } from "node:fs"
import { learnDictionary } from "../host/patterns/dictionary.js"
import { rowsOf } from "../host/patterns/matrix.js"
import { mixturesOf, plantedAtoms } from "../test/host/patterns/planted.js"
import { dataFile, python } from "./peers.js"
import type { Claim, Skipped } from "./report.js"

const LISTENERS = 2000
const ATOMS = 32
const TURNS = 100
const LAMBDA = 2
/** Ours may be so much worse, as a share of theirs. */
const WORSE = 1.02

export function dictionary(): (Claim | Skipped)[] {
  const what = `weekly patterns of ${LISTENERS} listeners, ${ATOMS} atoms, ${TURNS} turns`
  const x = mixturesOf(plantedAtoms(ATOMS, 1), LISTENERS, 4, 1, 1)
  const start = rowsOf(
    x,
    Array.from({ length: ATOMS }, (_, i) => i),
  )
  for (let k = 0; k < ATOMS; k++) {
    const row = start.values.subarray(k * x.columns, (k + 1) * x.columns)
    const norm = Math.hypot(...row)
    for (let j = 0; j < row.length; j++) row[j] /= norm
  }
  const files = { x: dataFile("x.f64", ""), start: dataFile("start.f64", "") }
  writeFileSync(files.x, x.values)
  writeFileSync(files.start, start.values)
  const shape = { rows: x.rows, columns: x.columns, atoms: ATOMS, lambda: LAMBDA, iterations: TURNS }
  const peer = python("dictionary.py", dataFile("dictionary.json", { ...shape, ...files }))
  if ("skipped" in peer) return [{ what, ...peer }]
  const theirs = peer.answer as { ms: number; objective: number; turns: number }
  const options = { atoms: ATOMS, lambda: LAMBDA, starts: 1, iterations: TURNS, seed: 1, enough: 0, start }
  const began = performance.now()
  const ours = learnDictionary(x, options)
  const ms = performance.now() - began
  if (!(ours.objective <= WORSE * theirs.objective)) {
    throw new Error(`our objective is ${ours.objective}, scikit-learn's ${theirs.objective}`)
  }
  const note = `objective ${ours.objective.toFixed(1)} after ${ours.objectives.length} turns, theirs ${theirs.objective.toFixed(1)} after ${theirs.turns}`
  return [{ what, ours: ms, theirs: theirs.ms, peer: "scikit-learn", ratio: theirs.ms / ms, goal: 1, note }]
}
