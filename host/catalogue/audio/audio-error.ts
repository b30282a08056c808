// Why a file cannot be a song.

export type AudioFault =
  /** Damaged, cut off, empty, silent, or no audio file although its name says so. */
  | "broken"
  /** Whole, as far as we know, but of a kind that is not read. */
  | "unsupported"

export class AudioError extends Error {
  override name = "AudioError"
  constructor(
    readonly fault: AudioFault,
    message: string,
  ) {
    super(message)
  }
}
