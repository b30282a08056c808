// The simulated sound board: what really sounds, when, and for how long. It knows the songs' true lengths and is the
// truth that a rehearsal compares with what the host has stored.

import * as jd from "jacdac-ts"
import type { VirtualClock } from "./clock.js"

/** One file that sounded. Times are of the virtual clock, ms. */
export interface Sounded {
  /** File number on the card; −1 for a name that is no file number. */
  file: number
  from: number
  /** Undefined while nothing has ended it. */
  until?: number
  /** Ended by `cancel` or by the next `play`; else the file came to its end, or power went. */
  cancelled?: boolean
  /** Of the time since `from`, how much was paused, ms; without a pause that goes on. */
  silentMs?: number
  /** Since when it is paused; undefined while it sounds. A file that is stopped in a pause ended where that began. */
  pausedAt?: number
}

/** Any sound board, as a listener hears it and a ledger checks it. */
export interface SoundSource {
  /** All that sounded, oldest first. */
  readonly sounded: readonly Sounded[]
  /** What is playing or paused now. */
  readonly playing: Sounded | undefined
  /** Told of every file that begins to sound. */
  onStart: (sounded: Sounded) => void
}

/** The Jacdac sound player service over a card of numbered files. */
export class SoundBoard extends jd.SoundPlayerServer implements SoundSource {
  readonly sounded: Sounded[] = []
  /** Told of every file that begins. */
  onStart: (sounded: Sounded) => void = () => {}

  /** `lengthMs`: of a file number, undefined where it is not known: then it sounds until something ends it. */
  constructor(
    private readonly clock: VirtualClock,
    lengthMs: (file: number) => number | undefined = () => undefined,
  ) {
    super([])
    // The server of the library has no answer to `cancel`.
    this.addCommand(jd.SoundPlayerCmd.Cancel, () => this.end(true))
    this.onPlay = (name) => {
      this.end(true)
      const match = /^(\d{4,5})\.mp3$/.exec(name)
      const sounded: Sounded = { file: match ? Number(match[1]) : -1, from: clock.now() }
      this.sounded.push(sounded)
      const length = lengthMs(sounded.file)
      if (length !== undefined) {
        clock.setTimeout(() => {
          if (this.playing === sounded) this.end(false)
        }, length)
      }
      this.onStart(sounded)
    }
  }

  /** What sounds now. */
  get playing(): Sounded | undefined {
    const last = this.sounded.at(-1)
    return last?.until === undefined ? last : undefined
  }

  /** Silence from now on. */
  end(cancelled: boolean): void {
    const { playing } = this
    if (playing === undefined) return
    playing.until = this.clock.now()
    playing.cancelled = cancelled
  }
}
