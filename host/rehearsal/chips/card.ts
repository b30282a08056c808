// A card with numbered files and the decoder that plays them, as the MP3 boards have it behind their protocol. It keeps
// the truth of what sounded: a file is silent until it has been found and opened, and while it is paused.

import type { Rng } from "../../model/random.js"
import type { VirtualClock } from "../clock.js"
import type { Sounded, SoundSource } from "../sound-board.js"

/** From the command to the first sound: the decoder looks a file up, opens it and fills its buffer. */
const OPEN_MS = [100, 300] as const
/** From the command to the first sound after a pause. */
const RESUME_MS = [10, 60] as const

export type PlayResult = "ok" | "no card" | "no file"

export class CardPlayer implements SoundSource {
  readonly sounded: Sounded[] = []
  onStart: (sounded: Sounded) => void = () => {}
  /** Told of every file that came to its end. */
  onEnd: (file: number) => void = () => {}
  private card = true
  /** Due: the first sound, or the end of the file. */
  private due: unknown
  private opening = false

  /** `lengthMs`: of the files on the card; undefined for a number that it does not have. */
  constructor(
    readonly clock: VirtualClock,
    private readonly lengthMs: (file: number) => number | undefined,
    private readonly rng: Rng,
  ) {}

  get playing(): Sounded | undefined {
    const last = this.sounded.at(-1)
    return last?.until === undefined ? last : undefined
  }

  /** A file sounds at this moment. */
  get sounds(): boolean {
    const { playing } = this
    return playing !== undefined && playing.pausedAt === undefined
  }

  get paused(): boolean {
    return !this.opening && this.playing?.pausedAt !== undefined
  }

  get hasCard(): boolean {
    return this.card
  }

  /** Uniform in a range, ms. */
  draw([from, to]: readonly [number, number]): number {
    return Math.round(from + (to - from) * this.rng.uniform())
  }

  /** A file that is not there leaves the one that plays alone. */
  play(file: number): PlayResult {
    if (!this.card) return "no card"
    const length = this.lengthMs(file)
    if (length === undefined) return "no file"
    this.end(true)
    this.after(this.draw(OPEN_MS), () => {
      const sounded: Sounded = { file, from: this.clock.now() }
      this.sounded.push(sounded)
      this.untilEnd(sounded, length)
      this.onStart(sounded)
    })
    return "ok"
  }

  pause(): void {
    const { playing } = this
    if (playing === undefined || playing.pausedAt !== undefined) return
    this.cancel()
    playing.pausedAt = this.clock.now()
  }

  resume(): void {
    const { playing } = this
    if (playing?.pausedAt === undefined || this.opening) return
    this.after(this.draw(RESUME_MS), () => {
      const now = this.clock.now()
      playing.silentMs = (playing.silentMs ?? 0) + now - playing.pausedAt!
      playing.pausedAt = undefined
      const length = this.lengthMs(playing.file)!
      this.untilEnd(playing, length - (now - playing.from - playing.silentMs))
    })
  }

  /** Silence from now on. */
  end(cancelled: boolean): void {
    this.cancel()
    const { playing } = this
    if (playing === undefined) return
    playing.until = playing.pausedAt ?? this.clock.now()
    playing.cancelled = cancelled
  }

  pullCard(): void {
    this.card = false
    this.end(false)
  }

  insertCard(): void {
    this.card = true
  }

  private untilEnd(sounded: Sounded, ms: number): void {
    this.due = this.clock.setTimeout(() => {
      this.end(false)
      this.onEnd(sounded.file)
    }, ms)
  }

  private after(ms: number, run: () => void): void {
    this.cancel()
    this.opening = true
    this.due = this.clock.setTimeout(() => {
      this.opening = false
      run()
    }, ms)
  }

  private cancel(): void {
    this.clock.clearTimeout(this.due)
    this.opening = false
  }
}
