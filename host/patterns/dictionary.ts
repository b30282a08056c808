// Dictionary learning: atoms D and codes Z that minimise
//
//   ½‖X − ZD‖² + λ·ΣZ    subject to  Z ≥ 0 and ‖d_k‖₂ ≤ 1 for every atom
//
// by turns: codes by coordinate descent (a positive lasso for every row), atoms one after the other by their exact
// minimiser on the unit ball (block coordinate descent; Mairal et al., JMLR 11, 2010, eq. 10). Both can only lower the
// objective, so it never rises. Atoms are signed: a pattern may be a time at which somebody listens less.
//
// A minimum found from one start is one of many; the best of several starts is taken. Everything follows from the seed.

import { stream } from "../model/random.js"
import { type Matrix, rowOf, zeros } from "./matrix.js"
import { makeProducts, type Products } from "./products.js"

export interface LearnOptions {
  atoms: number
  /** Weight of the sum of codes, in units of the matrix. */
  lambda: number
  /** Starts from other rows of the matrix; the one with the lowest objective is kept. */
  starts: number
  /** Most turns of a start. */
  iterations: number
  seed: number
  /** Where to start from, atoms × columns; takes the place of `atoms` and `starts`. */
  start?: Matrix
  /** A start ends when a turn lowers the objective by less than this share; left out: 1e-8. */
  enough?: number
}

export interface Dictionary {
  /** atoms × columns, each within the unit ball. */
  atoms: Matrix
  /** rows × atoms, none negative. */
  codes: Matrix
  objective: number
  /** Of the start that was kept, after the coding of every turn; never rising. */
  objectives: number[]
}

const ENOUGH = 1e-8
/** Within a turn the atoms follow each other twice, and codes need not be exact: the next turn goes on from them. */
const ATOM_PASSES = 2
const TURN_SWEEPS = 50
const TURN_TOLERANCE = 1e-5
/** Codes that are handed out: exact to so much of the largest code. */
const TOLERANCE = 1e-12
const SWEEPS = 100_000

/** @throws RangeError where there are no rows, or the start has rows of another length. */
export function learnDictionary(x: Matrix, options: LearnOptions): Dictionary {
  const { atoms, seed, start } = options
  if (x.rows === 0) throw new RangeError("there are no rows to learn from")
  if (start !== undefined && start.columns !== x.columns) {
    throw new RangeError(`the start must have ${x.columns} columns like the matrix, got ${start.columns}`)
  }
  let best: Dictionary | undefined
  for (let i = 0; i < (start === undefined ? options.starts : 1); i++) {
    const from = start === undefined ? drawnAtoms(x, atoms, seed, i) : withinBall(start)
    const learnt = learnFrom(x, from, options)
    if (best === undefined || learnt.objective < best.objective) best = learnt
  }
  if (best === undefined) throw new RangeError("at least one start is needed")
  return best
}

/** Codes of the rows of `x` with fixed atoms: the exact minimum for every row. */
export function encode(x: Matrix, atoms: Matrix, lambda: number): Matrix {
  const coder = new Coder(x, atoms.rows, lambda)
  coder.use(atoms)
  coder.code(SWEEPS, TOLERANCE)
  return coder.codes
}

export function objectiveOf(x: Matrix, atoms: Matrix, codes: Matrix, lambda: number): number {
  const residual = new Float64Array(x.columns)
  let sum = 0
  for (let row = 0; row < x.rows; row++) {
    for (const code of rowOf(codes, row)) sum += lambda * code
    sum += residualOf(x, atoms, codes, row, residual) / 2
  }
  return sum
}

/** 1 − Σ(x − zD)²/Σx², and the share of codes that are not 0. */
export function reconstruction(x: Matrix, atoms: Matrix, codes: Matrix): { explained: number; used: number } {
  const residual = new Float64Array(x.columns)
  let left = 0
  for (let row = 0; row < x.rows; row++) left += residualOf(x, atoms, codes, row, residual)
  const used = codes.values.reduce((sum, code) => sum + (code > 0 ? 1 : 0), 0)
  return { explained: 1 - left / squareOf(x.values), used: used / codes.values.length }
}

/** Writes x − zD of one row; gives the sum of its squares. */
function residualOf(x: Matrix, atoms: Matrix, codes: Matrix, row: number, residual: Float64Array): number {
  residual.set(rowOf(x, row))
  for (let k = 0; k < atoms.rows; k++) {
    const code = codes.values[row * atoms.rows + k]
    if (code === 0) continue
    for (let j = 0; j < residual.length; j++) residual[j] -= code * atoms.values[k * x.columns + j]
  }
  return squareOf(residual)
}

function learnFrom(x: Matrix, atoms: Matrix, options: LearnOptions): Dictionary {
  const { lambda, iterations, enough = ENOUGH } = options
  const coder = new Coder(x, atoms.rows, lambda)
  const objectives: number[] = []
  for (let turn = 0; turn < iterations; turn++) {
    if (turn > 0) improveAtoms(x, atoms, coder)
    coder.use(atoms)
    coder.code(TURN_SWEEPS, TURN_TOLERANCE)
    objectives.push(coder.objective())
    if (turn > 0 && objectives[turn - 1] - objectives[turn] < enough * objectives[turn]) break
  }
  coder.code(SWEEPS, TOLERANCE)
  return { atoms, codes: coder.codes, objective: objectiveOf(x, atoms, coder.codes, lambda), objectives }
}

/** Rows drawn without repeating, as unit vectors; random directions where there are too few that are not zero. */
function drawnAtoms(x: Matrix, count: number, seed: number, start: number): Matrix {
  const rng = stream(seed, "dictionary", start)
  const rows = Uint32Array.from({ length: x.rows }, (_, i) => i)
  rng.shuffle(rows)
  const atoms = zeros(count, x.columns)
  let next = 0
  for (let k = 0; k < count; k++) {
    const atom = rowOf(atoms, k)
    while (next < x.rows && !scaleToUnit(atom, rowOf(x, rows[next]))) next++
    if (next++ < x.rows) continue
    rng.normals(atom, x.columns)
    scaleToUnit(atom, atom)
  }
  return atoms
}

/** Writes `from` with length 1; false, and nothing is written, where it is zero. */
function scaleToUnit(to: Float64Array, from: Float64Array): boolean {
  const norm = Math.sqrt(squareOf(from))
  if (!(norm > 0)) return false
  for (let j = 0; j < to.length; j++) to[j] = from[j] / norm
  return true
}

function withinBall(start: Matrix): Matrix {
  const atoms = { ...start, values: start.values.slice() }
  for (let k = 0; k < atoms.rows; k++) project(rowOf(atoms, k))
  return atoms
}

/** Onto the unit ball. */
function project(atom: Float64Array): void {
  const square = squareOf(atom)
  if (square <= 1) return
  const norm = Math.sqrt(square)
  for (let j = 0; j < atom.length; j++) atom[j] /= norm
}

function squareOf(row: Float64Array): number {
  let sum = 0
  for (let j = 0; j < row.length; j++) sum += row[j] * row[j]
  return sum
}

/** Codes of all rows for atoms that may change, each time from the codes of before. What it works on lies in memory that
 *  the products reach: x, atoms, D·Dᵀ, X·Dᵀ, codes, ZᵀX. */
class Coder {
  private readonly memory: Products
  private readonly places: {
    x: number
    atoms: number
    gram: number
    products: number
    codes: number
    sums: number
  }
  /** D·Dᵀ, atoms × atoms. */
  private readonly gram: Float64Array
  /** X·Dᵀ, rows × atoms. */
  private readonly products: Float64Array
  private readonly z: Float64Array
  private readonly squares: Float64Array
  private readonly slack: Float64Array

  constructor(
    private readonly x: Matrix,
    private readonly count: number,
    private readonly lambda: number,
  ) {
    const { rows, columns } = x
    const sizes = {
      ...{ x: rows * columns, atoms: count * columns, gram: count * count },
      ...{ products: rows * count, codes: rows * count, sums: count * columns },
    }
    let size = 0
    const place = (name: keyof typeof sizes): number => {
      size += sizes[name]
      return size - sizes[name]
    }
    this.places = {
      ...{ x: place("x"), atoms: place("atoms"), gram: place("gram") },
      ...{ products: place("products"), codes: place("codes"), sums: place("sums") },
    }
    this.memory = makeProducts(size)
    const view = (name: keyof typeof sizes): Float64Array =>
      this.memory.heap.subarray(this.places[name], this.places[name] + sizes[name])
    view("x").set(x.values)
    this.gram = view("gram")
    this.products = view("products")
    this.z = view("codes")
    this.slack = new Float64Array(count)
    this.squares = Float64Array.from({ length: rows }, (_, i) => squareOf(rowOf(x, i)))
  }

  /** rows × atoms. */
  get codes(): Matrix {
    return { rows: this.x.rows, columns: this.count, values: this.z.slice() }
  }

  use(atoms: Matrix): void {
    const { memory, places, count } = this
    const { rows, columns } = this.x
    memory.heap.set(atoms.values, places.atoms)
    memory.products(rows, count, columns, places.x, places.atoms, places.products)
    memory.products(count, count, columns, places.atoms, places.atoms, places.gram)
  }

  /** ZᵀZ, atoms × atoms, and ZᵀX, atoms × columns; the latter is overwritten by the next call. */
  moments(): { squares: Float64Array; sums: Float64Array } {
    const { memory, places, count, z } = this
    const { rows, columns } = this.x
    const sums = memory.heap.subarray(places.sums, places.sums + count * columns)
    sums.fill(0)
    memory.accumulate(rows, count, columns, places.codes, places.x, places.sums)
    const squares = new Float64Array(count * count)
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < count; k++) {
        const code = z[row * count + k]
        if (code === 0) continue
        for (let l = 0; l < count; l++) squares[k * count + l] += code * z[row * count + l]
      }
    }
    return { squares, sums }
  }

  /** Coordinate descent on every row until no code of it changes by more than `tolerance` of its largest. */
  code(sweeps: number, tolerance: number): void {
    for (let row = 0; row < this.x.rows; row++) this.codeRow(row * this.count, sweeps, tolerance)
  }

  private codeRow(at: number, sweeps: number, tolerance: number): void {
    const { count, lambda, gram, slack, products } = this
    const codes = this.z
    // x·d_k less what the codes explain of it.
    for (let k = 0; k < count; k++) slack[k] = products[at + k]
    for (let k = 0; k < count; k++) {
      const code = codes[at + k]
      if (code === 0) continue
      for (let l = 0; l < count; l++) slack[l] -= code * gram[k * count + l]
    }
    for (let sweep = 0; sweep < sweeps; sweep++) {
      let moved = 0
      let largest = 0
      for (let k = 0; k < count; k++) {
        const square = gram[k * count + k]
        if (square === 0) continue
        const before = codes[at + k]
        const wanted = (slack[k] + before * square - lambda) / square
        const code = wanted > 0 ? wanted : 0
        const change = code - before
        if (change !== 0) {
          codes[at + k] = code
          for (let l = 0; l < count; l++) slack[l] -= change * gram[k * count + l]
        }
        const size = change < 0 ? -change : change
        if (size > moved) moved = size
        if (code > largest) largest = code
      }
      if (moved <= tolerance * largest) return
    }
  }

  /** From the products alone: ½‖x‖² − z·b + ½ zᵀGz + λΣz, summed over rows. */
  objective(): number {
    let sum = 0
    for (let row = 0; row < this.x.rows; row++) sum += this.objectiveAt(row)
    return sum
  }

  private objectiveAt(row: number): number {
    const { count, lambda, gram, products } = this
    const codes = this.z
    const at = row * count
    let sum = this.squares[row] / 2
    for (let k = 0; k < count; k++) {
      const code = codes[at + k]
      if (code === 0) continue
      let explained = 0
      for (let l = 0; l < count; l++) explained += codes[at + l] * gram[k * count + l]
      sum += code * (lambda - products[at + k] + explained / 2)
    }
    return sum
  }

  /** The row that is explained worst among those that `taken` does not hold. */
  worstRow(taken: ReadonlySet<number>): number {
    let worst = 0
    let most = Number.NEGATIVE_INFINITY
    for (let row = 0; row < this.x.rows; row++) {
      const cost = this.objectiveAt(row)
      if (cost > most && !taken.has(row)) [worst, most] = [row, cost]
    }
    return worst
  }
}

/** Every atom in turn gets its best place given the codes and the other atoms. */
function improveAtoms(x: Matrix, atoms: Matrix, coder: Coder): void {
  const { rows: count, columns } = atoms
  const { squares, sums } = coder.moments()
  const moved = new Float64Array(columns)
  const replaced = new Set<number>()
  for (let pass = 0; pass < ATOM_PASSES; pass++) {
    for (let k = 0; k < count; k++) {
      const own = squares[k * count + k]
      const atom = rowOf(atoms, k)
      if (own === 0) {
        if (pass === 0) replaceUnused(x, atom, coder, replaced)
        continue
      }
      for (let j = 0; j < columns; j++) moved[j] = sums[k * columns + j]
      for (let l = 0; l < count; l++) {
        const shared = squares[k * count + l]
        if (shared === 0) continue
        for (let j = 0; j < columns; j++) moved[j] -= shared * atoms.values[l * columns + j]
      }
      for (let j = 0; j < columns; j++) atom[j] += moved[j] / own
      project(atom)
    }
  }
}

/** An atom that nobody uses costs nothing wherever it stands, so it goes where most is left to explain. */
function replaceUnused(x: Matrix, atom: Float64Array, coder: Coder, replaced: Set<number>): void {
  const row = coder.worstRow(replaced)
  if (replaced.size < x.rows) replaced.add(row)
  scaleToUnit(atom, rowOf(x, row))
}
