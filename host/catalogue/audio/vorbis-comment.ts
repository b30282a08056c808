// Tags as Ogg Vorbis and FLAC have them (Vorbis I, section 5): a vendor, a count, and so many texts with their lengths.
//
// A reader that believes the count before it has seen the texts may be made to take any amount of memory by a file of a
// hundred bytes; so the count is held against the bytes that there are first.

import { AudioError } from "./audio-error.js"

/** Throws AudioError where the block can't hold what it promises. */
export function checkVorbisComment(block: Uint8Array): void {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  const vendor = block.length < 8 ? Number.NaN : view.getUint32(0, true)
  if (!(vendor + 8 <= block.length))
    throw new AudioError("broken", "has tags that end in their vendor's name")
  const count = view.getUint32(4 + vendor, true)
  if (4 * count > block.length - vendor - 8) {
    throw new AudioError("broken", `has tags that promise ${count} texts in ${block.length} bytes`)
  }
}
