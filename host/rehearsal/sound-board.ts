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
}

/** The Jacdac sound player service over a card of numbered files. */
export class SoundBoard extends jd.SoundPlayerServer {
  readonly sounded: Sounded[] = []
  /** Told of every file that begins. */
  onStart: (sounded: Sounded) => void = () => {}

  /** `lengthMs`: of a file number, undefined where it is not known: then it sounds until something ends it. */
  constructor(
    private readonly clock: VirtualClock,
    private readonly lengthMs: (file: number) => number | undefined = () => undefined,
  ) {
    super([])
    // The server of the library has no answer to `cancel`.
    this.addCommand(jd.SoundPlayerCmd.Cancel, () => this.end(true))
    this.onPlay = (name) => {
      this.end(true)
      const match = /^(\d{4,5})\.mp3$/.exec(name)
      const sounded: Sounded = { file: match ? Number(match[1]) : -1, from: clock.now() }
      this.sounded.push(sounded)
      this.onStart(sounded)
    }
  }

  /** Silence from now on. */
  end(cancelled: boolean): void {
    const last = this.sounded.at(-1)
    if (last === undefined || last.until !== undefined) return
    const now = this.clock.now()
    const length = this.lengthMs(last.file)
    // A file whose end has passed ended by itself.
    if (length !== undefined && now - last.from >= length) {
      last.until = last.from + length
      last.cancelled = false
    } else {
      last.until = now
      last.cancelled = cancelled
    }
  }
}
