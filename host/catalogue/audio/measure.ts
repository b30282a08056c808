// What is measured of a decoded song.

import { AudioError } from "./audio-error.js"
import type { SampleBlock } from "./decode.js"
import { LoudnessMeter } from "./loudness.js"
import { Spectrum } from "./spectrum.js"
import { tempoOf } from "./tempo.js"

/** The attributes that are measured, in the order in which they are reported. */
export const MEASURED = [
  /** Integrated loudness, LUFS. */
  "loudness_lufs",
  /** Dynamics: loudness range, LU. */
  "loudness_range_lu",
  /** Mean spectral centroid, Hz. */
  "brightness_hz",
  /** Beats per minute. */
  "tempo_bpm",
  /** How clearly the onsets repeat at that tempo, 0 … 1. */
  "beat_clarity",
] as const

export interface Measures {
  /** Sound as decoded, s. */
  seconds: number
  /** Those of MEASURED that the sound is long and loud enough for. */
  attributes: Partial<Record<(typeof MEASURED)[number], number>>
}

/** Below this clarity the tempo is little better than a guess. */
export const CLEAR_BEAT = 0.1
/** Digits are cut where the decoders of two machines might differ. */
const DECIMALS: Record<(typeof MEASURED)[number], number> = {
  loudness_lufs: 2,
  loudness_range_lu: 2,
  brightness_hz: 1,
  tempo_bpm: 2,
  beat_clarity: 3,
}
const MIN_RATE = 8000
const MAX_RATE = 192_000

/** @param longest seconds from which on a song is too long */
export async function measure(blocks: AsyncIterable<SampleBlock>, longest: number): Promise<Measures> {
  let samples = 0
  let rate = 0
  let loudness: LoudnessMeter | undefined
  let spectrum: Spectrum | undefined
  for await (const block of blocks) {
    const { channels } = block
    if (channels.length > 2) {
      throw new AudioError("unsupported", `has ${channels.length} channels: a board plays one or two`)
    }
    if (loudness === undefined || spectrum === undefined) {
      rate = block.rate
      if (rate < MIN_RATE || rate > MAX_RATE) {
        throw new AudioError("unsupported", `has ${rate} samples per second, not ${MIN_RATE} to ${MAX_RATE}`)
      }
      loudness = new LoudnessMeter(rate)
      spectrum = new Spectrum(rate)
    }
    const [left, right = left] = channels
    samples += left.length
    if (samples > longest * rate) throw new AudioError("unsupported", `is longer than ${longest} s`)
    loudness.take(left, right)
    spectrum.take(left, right)
  }
  if (loudness === undefined || spectrum === undefined) throw new AudioError("broken", "holds no sound")
  const lufs = loudness.integrated()
  const tempo = tempoOf(spectrum.onsets(), rate / spectrum.hop)
  const measured = {
    loudness_lufs: lufs,
    loudness_range_lu: loudness.range(),
    brightness_hz: spectrum.brightness(),
    tempo_bpm: tempo?.bpm,
    beat_clarity: tempo?.clarity,
  }
  const attributes: Measures["attributes"] = {}
  for (const name of MEASURED) {
    const value = measured[name]
    if (value !== undefined) attributes[name] = Number(value.toFixed(DECIMALS[name]))
  }
  return { seconds: samples / rate, attributes }
}
