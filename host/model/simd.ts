// WebAssembly with SIMD and one growing memory, as far as the engine has it.

/** The part of the engine's interface that is used; the type library that has it is the browser's. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> }
}

interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

export interface SimdModule {
  exports: Record<string, unknown>
  /** The memory, grown to `bytes` at least; views taken before are void where it grew. */
  memory(bytes: number): Float64Array
}

const PAGE = 65_536

/** Compiled modules by their bytes as base64. */
const compiled = new Map<string, object>()

/** An instance with a memory of its own; undefined where the engine has no SIMD. */
export function simdModule(base64: string, imports: object = {}): SimdModule | undefined {
  let module = compiled.get(base64)
  if (module === undefined) {
    const bytes = Buffer.from(base64, "base64")
    if (!WebAssembly.validate(bytes)) return undefined
    module = new WebAssembly.Module(bytes)
    compiled.set(base64, module)
  }
  const { exports } = new WebAssembly.Instance(module, imports)
  const linear = exports.memory as WasmMemory
  let heap = new Float64Array(linear.buffer)
  return {
    exports,
    memory(bytes) {
      const missing = Math.ceil(bytes / PAGE) - linear.buffer.byteLength / PAGE
      if (missing > 0) {
        linear.grow(missing)
        heap = new Float64Array(linear.buffer)
      }
      return heap
    },
  }
}
