// Decoding: the encoded file in, blocks of samples out, so that an hour of music never stands in memory as samples.

import { FLACDecoder } from "@wasm-audio-decoders/flac"
import { OggVorbisDecoder } from "@wasm-audio-decoders/ogg-vorbis"
import { MPEGDecoder } from "mpg123-decoder"
import { AudioError } from "./audio-error.js"

/** Samples as decoded, −1 … 1, one array per channel, all of one length. */
export interface SampleBlock {
  channels: Float32Array[]
  /** Samples per second and channel. */
  rate: number
}

/** Encoded bytes that are decoded at a time. */
const PIECE = 65536

interface Decoded {
  channelData: Float32Array[]
  samplesDecoded: number
  sampleRate: number
  errors: { message: string }[]
}

/** Throws AudioError where the decoder meets what it can't read. */
export async function* decodeAudio(
  format: "mp3" | "ogg" | "flac",
  bytes: Uint8Array,
): AsyncGenerator<SampleBlock> {
  const decoder =
    format === "mp3" ? new MPEGDecoder() : format === "ogg" ? new OggVorbisDecoder() : new FLACDecoder()
  await decoder.ready
  try {
    let rate = 0
    const block = ({ channelData, samplesDecoded, sampleRate, errors }: Decoded): SampleBlock | undefined => {
      if (errors.length > 0) throw new AudioError("broken", `cannot be decoded: ${errors[0].message}`)
      if (samplesDecoded === 0) return undefined
      if (rate !== 0 && rate !== sampleRate) {
        throw new AudioError("unsupported", `changes its sample rate from ${rate} to ${sampleRate} Hz`)
      }
      rate = sampleRate
      return { channels: channelData, rate }
    }
    for (let at = 0; at < bytes.length; at += PIECE) {
      const decoded = block(await decoder.decode(bytes.subarray(at, at + PIECE)))
      if (decoded !== undefined) yield decoded
    }
    if ("flush" in decoder) {
      const decoded = block(await decoder.flush())
      if (decoded !== undefined) yield decoded
    }
  } finally {
    decoder.free()
  }
}
