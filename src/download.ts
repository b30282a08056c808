// A playlist on its way: parts of PART_BYTES, in order, of one version at a time.

import { PART_BYTES, type PlaylistPart, REFUSED_FORMAT, REFUSED_TOO_LARGE } from "./wire"

export class Download {
  /** Version that arrives; 0 = none. */
  version = 0
  /** [version, REFUSED_ code] of the newest list that was refused. */
  refused: number[]
  private bytes: Buffer
  private got = 0

  /** `maxBytes`: largest playlist that the board's memory holds. */
  constructor(private maxBytes: number) {}

  /** [version, index of the first part not yet here]; undefined where nothing is on its way. */
  wanted(): number[] {
    return this.version > 0 ? [this.version, this.got / PART_BYTES] : undefined
  }

  /** Takes a part; the whole list once it is complete. Parts that do not fit are refused or left alone. */
  take(part: PlaylistPart): Buffer {
    if (this.refused && this.refused[0] === part.ver) return undefined
    if (part.ver !== this.version) {
      if (part.size > this.maxBytes) {
        this.refuse(part.ver, REFUSED_TOO_LARGE)
        return undefined
      }
      this.version = part.ver
      this.bytes = Buffer.alloc(part.size)
      this.got = 0
    }
    const left = this.bytes.length - this.got
    const parts = Math.ceil(this.bytes.length / PART_BYTES)
    if (part.size !== this.bytes.length || part.of !== parts) {
      this.refuse(part.ver, REFUSED_FORMAT)
      return undefined
    }
    // Another part than the one asked for: ask again.
    if (part.k !== this.got / PART_BYTES) return undefined
    if (part.data.length !== Math.min(PART_BYTES, left)) {
      this.refuse(part.ver, REFUSED_FORMAT)
      return undefined
    }
    this.bytes.blitAt(this.got, part.data, 0, part.data.length)
    this.got += part.data.length
    if (this.got < this.bytes.length) return undefined
    const whole = this.bytes
    this.drop()
    return whole
  }

  /** Remembers why `version` is not taken; it is not taken again until the next start. */
  refuse(version: number, code: number): void {
    this.refused = [version, code]
    this.drop()
  }

  private drop(): void {
    this.version = 0
    this.bytes = undefined
    this.got = 0
  }
}
