// What a program costs in the DeviceScript VM: bytecode steps, exactly, and heap.
//
// The VM counts its steps in a local variable of its interpreter loop and its heap nowhere, so nothing can be read
// from outside. A meter therefore adds three calls to the VM's WebAssembly before it is compiled, each through the
// function table, and leaves everything else as it is:
//   - in the interpreter's loop, before each opcode (there is one place where the steps are counted down from the
//     128 K that a fiber may take without a yield; it is found by its instructions, and must be there once);
//   - at the start of that loop's function, where a fiber begins to run;
//   - around the garbage collector, whose function is kept under a new number and called from its old one.
// test/host/firmware/meter.test.ts holds the count to the compiler's disassembly and to the VM's own limit of
// 131,071 steps, and the heap to programs that keep a known amount.
//
// Layout of the VM's structures: runtime/devicescript/{gc_alloc.c,devs_objects.h,devs_internal.h} of
// microsoft/devicescript, 32-bit pointers.

import { layoutError } from "./extract.js"

/** The VM's heap, bytes: what a board with an ESP32 has as well. */
export const HEAP_BYTES = 65536

/** Words of 4 bytes that the VM may allocate before it collects; it would wait for a quarter of the heap. */
const COLLECT_EVERY_WORDS = 64

/** What is told of a heap, bytes. */
interface HeapUse {
  /** Most that was reachable when a collection had just ended. */
  live: number
  /**
   * Most that one collection left together with all that was allocated until the next: no less than what was
   * reachable at any moment, and little more than `live`, since a metered VM collects so often.
   */
  bound: number
  /** Least that the largest free block had when a collection had just ended. */
  room: number
  /** Collections so far. */
  collections: number
}

/** A share of the steps. */
export interface Share {
  calls: number
  steps: number
  /** Most steps of one call. */
  most: number
}

/** A function of a program, as the compiler tells it. */
export interface ProgramFunction {
  /** File and name, such as "src/player.ts:begin". */
  name: string
  /** Where its code starts in the bytecode, bytes. */
  start: number
  /** Opcodes of its code: its steps, where there is no branch and no call. */
  opcodes: number
}

interface Watched extends Share {
  begunAt: number
}

/** Measures one VM; give it to createVm. */
export class Meter {
  /** Bytecode steps since the start. */
  steps = 0
  /** Most steps that a fiber took without a yield. */
  longest = 0
  readonly heap: HeapUse = { live: 0, bound: 0, room: HEAP_BYTES, collections: 0 }
  /** What the last collection left, bytes, and how many allocations there had been. */
  private left = 0
  private allocations = 0
  private stretchFrom = 0
  /** Start of the function in which a wait counts as none, and what fibers had taken when they last yielded. */
  private native = -1
  private readonly taken = new Map<number, number>()
  private fiber = 0
  private words = new Int32Array(0)
  private halves = new Uint16Array(0)
  private readonly watched = new Map<number, Watched>()
  private readonly names = new Map<string, Watched>()
  private charged: Watched | undefined
  private lastFrame = 0

  /**
   * Divides the steps among some functions: each step goes to the innermost of them that is being called, and a
   * step outside all of them (a handler that an answer from the bus wakes, say) to the one that had the step before.
   * Throws where the program has no function of a name, or several.
   */
  watch(program: readonly ProgramFunction[], names: readonly string[]): void {
    for (const name of names) {
      const share = { calls: 0, steps: 0, most: 0, begunAt: 0 }
      this.watched.set(startOf(program, name), share)
      this.names.set(name, share)
    }
  }

  /**
   * A wait in function `name` is no yield: it stands for a native call, which on a microcontroller comes back within
   * the same step. Throws as `watch` does.
   */
  takeAsNative(program: readonly ProgramFunction[], name: string): void {
    this.native = startOf(program, name)
  }

  /** What a watched function has taken so far. */
  share(name: string): Share {
    const share = this.names.get(name)
    if (share === undefined) throw new Error(`${name} is not watched`)
    const { calls, steps, most, begunAt } = share
    return { calls, steps, most: Math.max(most, steps - begunAt) }
  }

  /** Begins to count anew. */
  reset(): void {
    this.stretchFrom -= this.steps
    this.steps = 0
    this.longest = 0
    Object.assign(this.heap, { live: 0, bound: 0, room: HEAP_BYTES, collections: 0 })
    for (const share of this.watched.values())
      Object.assign(share, { calls: 0, steps: 0, most: 0, begunAt: 0 })
  }

  /** Joins an instance of the instrumented VM. */
  attach(exports: any): void {
    const { buffer } = exports.memory
    this.words = new Int32Array(buffer)
    this.halves = new Uint16Array(buffer)
    this.left = 0
    this.allocations = 0
    const table = exports.__indirect_function_table
    const hooks = [this.step, this.stretch, this.collect]
    hooks.forEach((hook, i) => {
      table.set(table.length - hooks.length + i, tableFunction(hook))
    })
  }

  private readonly step = (frame: number): void => {
    this.steps++
    const length = this.steps - this.stretchFrom
    if (length > this.longest) this.longest = length
    if (this.watched.size > 0) this.charge(frame)
  }

  private readonly stretch = (context: number): void => {
    const { taken, words } = this
    taken.set(this.fiber, this.steps - this.stretchFrom)
    this.fiber = words[(context + CONTEXT_FIBER) >> 2]
    let resumed = false
    for (let f = words[(this.fiber + FIBER_FRAME) >> 2]; f !== 0 && this.native >= 0; f = this.callerOf(f)) {
      if (this.startOf(f) === this.native) resumed = true
    }
    this.stretchFrom = this.steps - (resumed ? (taken.get(this.fiber) ?? 0) : 0)
    this.lastFrame = 0
  }

  private callerOf(frame: number): number {
    return this.words[(frame + FRAME_CALLER) >> 2]
  }

  /** Where the code of a frame's function starts. */
  private startOf(frame: number): number {
    return this.words[this.words[(frame + FRAME_FUNCTION) >> 2] >> 2]
  }

  private charge(frame: number): void {
    for (let f = frame; f !== 0; f = this.callerOf(f)) {
      const start = this.startOf(f)
      const share = this.watched.get(start)
      if (share === undefined) continue
      this.charged = share
      // A loop may lead back to a function's first opcode, but not from another frame.
      if (f === frame && frame !== this.lastFrame && this.halves[(frame + FRAME_PC) >> 1] === start) {
        share.most = Math.max(share.most, share.steps - share.begunAt)
        share.begunAt = share.steps
        share.calls++
      }
      break
    }
    this.lastFrame = frame
    if (this.charged !== undefined) this.charged.steps++
  }

  /** Told of a collection: before it begins with −`gc`, after it ended with `gc`. */
  private readonly collect = (at: number): void => {
    const { heap, words } = this
    const gc = Math.abs(at)
    let bytes = 0
    let room = 0
    for (let chunk = words[(gc + GC_CHUNK) >> 2]; chunk !== 0; chunk = words[chunk >> 2]) {
      for (let block = (chunk + CHUNK_START) >> 2; ; block += words[block] & BLOCK_WORDS) {
        const tag = words[block] >>> BLOCK_TAG
        if (tag === TAG_FINAL) break
        const size = (words[block] & BLOCK_WORDS) * 4
        if (tag === TAG_FREE) room = Math.max(room, size)
        else bytes += size
      }
    }
    if (at < 0) {
      // Fewer allocations than before: the program has started again, with a new heap.
      const before = words[(gc + GC_ALLOCATIONS) >> 2] < this.allocations ? 0 : this.left
      this.allocations = words[(gc + GC_ALLOCATIONS) >> 2]
      heap.bound = Math.max(heap.bound, bytes, before + words[(gc + GC_ALLOCATED_WORDS) >> 2] * 4)
      return
    }
    this.left = bytes
    heap.live = Math.max(heap.live, bytes)
    heap.room = Math.min(heap.room, room)
    heap.collections++
    words[(gc + GC_THRESHOLD_WORDS) >> 2] = COLLECT_EVERY_WORDS
  }
}

function startOf(program: readonly ProgramFunction[], name: string): number {
  const found = program.filter((f) => f.name === name)
  if (found.length !== 1) throw new Error(`${found.length} functions of the program are ${name}, not one`)
  return found[0].start
}

// Bytes from the start of a structure.
const CONTEXT_FIBER = 236
const FIBER_FRAME = 40
const FRAME_PC = 4
const FRAME_CALLER = 12
const FRAME_FUNCTION = 16
const GC_CHUNK = 4
const GC_ALLOCATIONS = 8
const GC_THRESHOLD_WORDS = 12
const GC_ALLOCATED_WORDS = 16
const CHUNK_START = 8
// Of a block's header.
const BLOCK_WORDS = 0xffffff
const BLOCK_TAG = 24
const TAG_FREE = 1
const TAG_FINAL = 0x4f

const INTERPRETER = "devs_vm_exec_opcodes"
const COLLECTOR = "devs_gc"
const HOOKS = 3

const SECTION_TYPE = 1
const SECTION_IMPORT = 2
const SECTION_FUNCTION = 3
const SECTION_TABLE = 4
const SECTION_CODE = 10
/** (i32) → nothing */
const HOOK_TYPE = "60017f00"

// Opcodes.
const LOCAL_GET = 0x20
const I32_CONST = 0x41
const I32_SUB = 0x6b
const CALL = 0x10
const CALL_INDIRECT = 0x11
const END = 0x0b

/**
 * `if (!--steps) leave; if (ctx->suspension) leave;`: local 3 is the count, local 0 the context; right after it,
 * local 2 is the frame whose next opcode is executed.
 */
const COUNT_DOWN = [
  [0x20, 3, 0x41, 0x7f, 0x6a, 0x22, 4, 0x45, 0x0d, 1],
  [0x20, 0, 0x2d, 0, 70, 0x0d, 2],
].flat()
const COUNTED_FRAME = 2
/** Parameter of the interpreter. */
const CONTEXT = 0

/** The VM's binary with a meter's calls in it; throws where it is not the one that is known. */
export function instrument(binary: Uint8Array): Uint8Array {
  const sections = sectionsOf(binary)
  const section = (id: number): Section => {
    const found = sections.filter((s) => s.id === id)
    if (found.length !== 1) throw layoutError(`the VM has ${found.length} sections ${id}, not one`)
    return found[0]
  }
  const types = vectorOf(section(SECTION_TYPE).body, skipFunctionType)
  const type = types.findIndex((bytes) => Buffer.from(bytes).toString("hex") === HOOK_TYPE)
  if (type < 0) throw layoutError("the VM has no function type (i32) → ()")
  const imports = importedFunctions(section(SECTION_IMPORT).body)
  const functions = vectorOf(section(SECTION_FUNCTION).body, skipNumber)
  const bodies = vectorOf(section(SECTION_CODE).body, (at) => {
    const [size, from] = readNumber(at.bytes, at.position)
    at.position = from + size
  })
  const names = functionNames(sections)
  const indexOf = (name: string): number => {
    const index = names.get(name)
    if (index === undefined || index < imports) throw layoutError(`the VM has no function ${name}`)
    return index - imports
  }

  const table = section(SECTION_TABLE)
  const entries = tableSize(table.body)
  table.body = Uint8Array.from([1, 0x70, 1, ...number(entries + HOOKS), ...number(entries + HOOKS)])
  const call = (hook: number): number[] => [
    ...[I32_CONST, ...signed(entries + hook)],
    ...[CALL_INDIRECT, ...number(type), 0],
  ]

  const interpreter = bodyOf(bodies[indexOf(INTERPRETER)])
  const places = occurrences(interpreter.code, COUNT_DOWN)
  if (places.length !== 1) throw layoutError(`the VM counts its steps in ${places.length} places, not in one`)
  const counted = places[0] + COUNT_DOWN.length
  bodies[indexOf(INTERPRETER)] = sized([
    ...interpreter.locals,
    ...[LOCAL_GET, CONTEXT, ...call(1)],
    ...interpreter.code.subarray(0, counted),
    ...[LOCAL_GET, COUNTED_FRAME, ...call(0)],
    ...interpreter.code.subarray(counted),
  ])

  const collector = indexOf(COLLECTOR)
  bodies.push(bodies[collector])
  functions.push(functions[collector])
  bodies[collector] = sized([
    0,
    ...[I32_CONST, 0, LOCAL_GET, 0, I32_SUB, ...call(2)],
    ...[LOCAL_GET, 0, CALL, ...number(imports + bodies.length - 1)],
    ...[LOCAL_GET, 0, ...call(2)],
    END,
  ])

  section(SECTION_FUNCTION).body = vector(functions)
  section(SECTION_CODE).body = vector(bodies)
  const parts = sections.map((s) => [Uint8Array.of(s.id, ...number(s.body.length)), s.body])
  return new Uint8Array(Buffer.concat([binary.subarray(0, PREAMBLE_BYTES), ...parts.flat()]))
}

/** A WebAssembly function that calls `hook`: a table takes no other. */
function tableFunction(hook: (value: number) => void): unknown {
  const bytes = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    [SECTION_TYPE, 5, 1, 0x60, 1, 0x7f, 0],
    // Import "h" "h" as function 0 of type 0, and export it as "h".
    [SECTION_IMPORT, 7, 1, 1, 0x68, 1, 0x68, 0, 0],
    [7, 5, 1, 1, 0x68, 0, 0],
  ]
  const { Module, Instance } = (globalThis as any).WebAssembly
  return new Instance(new Module(Uint8Array.from(bytes.flat())), { h: { h: hook } }).exports.h
}

// The WebAssembly binary format, as far as it is needed.

const PREAMBLE_BYTES = 8

interface Section {
  id: number
  body: Uint8Array
}

interface Cursor {
  bytes: Uint8Array
  position: number
}

function sectionsOf(binary: Uint8Array): Section[] {
  const sections: Section[] = []
  for (let at = PREAMBLE_BYTES; at < binary.length; ) {
    const id = binary[at]
    const [size, from] = readNumber(binary, at + 1)
    sections.push({ id, body: binary.subarray(from, from + size) })
    at = from + size
  }
  return sections
}

/** Unsigned LEB128 at `at`: the number and where it ends. */
function readNumber(bytes: Uint8Array, at: number): [number, number] {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]
    value += (byte & 127) * 2 ** shift
    if (byte < 128) return [value, at]
  }
}

function number(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...number(value >>> 7)]
}

/** Signed LEB128 of a number that is not negative. */
function signed(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >>> 7)]
}

function vectorOf(body: Uint8Array, skip: (at: Cursor) => void): Uint8Array[] {
  const [count, from] = readNumber(body, 0)
  const at = { bytes: body, position: from }
  return Array.from({ length: count }, () => {
    const start = at.position
    skip(at)
    return body.subarray(start, at.position)
  })
}

function vector(items: Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.from(number(items.length)), ...items])
}

function sized(body: number[]): Uint8Array {
  return Uint8Array.from([...number(body.length), ...body])
}

function skipNumber(at: Cursor): void {
  at.position = readNumber(at.bytes, at.position)[1]
}

function skipName(at: Cursor): void {
  const [length, from] = readNumber(at.bytes, at.position)
  at.position = from + length
}

function skipFunctionType(at: Cursor): void {
  at.position++
  skipName(at)
  skipName(at)
}

function importedFunctions(body: Uint8Array): number {
  const items = vectorOf(body, (at) => {
    skipName(at)
    skipName(at)
    if (at.bytes[at.position++] !== 0) throw layoutError("the VM imports something that is no function")
    skipNumber(at)
  })
  return items.length
}

function tableSize(body: Uint8Array): number {
  const [entries, end] = readNumber(body, 3)
  const [most] = readNumber(body, end)
  const fixed = body[0] === 1 && body[1] === 0x70 && body[2] === 1 && entries === most
  if (!fixed) throw layoutError("the VM's function table is not one of a fixed size")
  return entries
}

/** Function names of the custom section "name". */
function functionNames(sections: Section[]): Map<string, number> {
  const names = new Map<string, number>()
  for (const { id, body } of sections) {
    if (id !== 0 || Buffer.from(body.subarray(1, 5)).toString() !== "name") continue
    for (let at = 5; at < body.length; ) {
      const kind = body[at]
      const [size, from] = readNumber(body, at + 1)
      at = from + size
      if (kind !== 1) continue
      for (const item of vectorOf(body.subarray(from, at), (cursor) => {
        skipNumber(cursor)
        skipName(cursor)
      })) {
        const [index, text] = readNumber(item, 0)
        names.set(Buffer.from(item.subarray(readNumber(item, text)[1])).toString(), index)
      }
    }
  }
  return names
}

/** Parts of a sized function body: declarations of locals, and code. */
function bodyOf(bytes: Uint8Array): { locals: Uint8Array; code: Uint8Array } {
  const [, start] = readNumber(bytes, 0)
  let [groups, at] = readNumber(bytes, start)
  for (; groups > 0; groups--) at = readNumber(bytes, at)[1] + 1
  return { locals: bytes.subarray(start, at), code: bytes.subarray(at) }
}

function occurrences(bytes: Uint8Array, wanted: readonly number[]): number[] {
  const found: number[] = []
  const pattern = Uint8Array.from(wanted)
  const buffer = Buffer.from(bytes)
  for (let at = buffer.indexOf(pattern); at >= 0; at = buffer.indexOf(pattern, at + 1)) found.push(at)
  return found
}
