// The bytes of a taste model: what the store keeps, and the same model again, bit for bit.
//
// Layout, little endian: "FTM1" | header length u32 | header, UTF-8 JSON, padded with spaces to a multiple of 8 |
// beta M×P f64 | scale M×P f64 | sigma2 M f64 | logWeights M f64 | gamma M×P u8. JSON writes a double so that it
// reads back as the same double.

import { createParticles } from "./particles.js"
import type { TasteModel } from "./taste.js"

const MAGIC = 0x314d5446
const PREFIX_BYTES = 8

/** Everything of a model but the particles' arrays. */
type Header = Omit<TasteModel, "particles"> & { m: number; p: number }

export function encodeTaste(model: TasteModel): Uint8Array {
  const { particles, ...rest } = model
  const { m, p } = particles
  const header: Header = { ...rest, m, p }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const start = paddedLength(json.length)
  const bytes = new Uint8Array(start + arrayBytes(m, p))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, start - PREFIX_BYTES, true)
  bytes.fill(0x20, PREFIX_BYTES, start)
  bytes.set(json, PREFIX_BYTES)
  let at = start
  for (const values of [particles.beta, particles.scale, particles.sigma2, particles.logWeights]) {
    for (let i = 0; i < values.length; i++, at += 8) view.setFloat64(at, values[i], true)
  }
  bytes.set(particles.gamma, at)
  return bytes
}

/** @throws where the bytes are not those of a model. */
export function decodeTaste(bytes: Uint8Array): TasteModel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < PREFIX_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw new Error(`taste model: ${bytes.length} bytes that do not begin with FTM1`)
  }
  const start = PREFIX_BYTES + view.getUint32(4, true)
  if (start > bytes.length) {
    throw new Error(`taste model: a header up to byte ${start}, but only ${bytes.length} bytes`)
  }
  let header: Header
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, start)))
  } catch (cause) {
    throw new Error("taste model: the header is not JSON", { cause })
  }
  const { m, p, ...rest } = header
  if (bytes.length !== start + arrayBytes(m, p)) {
    throw new Error(
      `taste model: ${bytes.length} bytes, but ${m} particles of ${p} need ${start + arrayBytes(m, p)}`,
    )
  }
  const particles = createParticles(m, p)
  let at = start
  for (const values of [particles.beta, particles.scale, particles.sigma2, particles.logWeights]) {
    for (let i = 0; i < values.length; i++, at += 8) values[i] = view.getFloat64(at, true)
  }
  particles.gamma.set(bytes.subarray(at))
  return { ...rest, particles }
}

function paddedLength(jsonLength: number): number {
  return PREFIX_BYTES + 8 * Math.ceil(jsonLength / 8)
}

function arrayBytes(m: number, p: number): number {
  return m * (17 * p + 16)
}
