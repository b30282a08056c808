// A virtual listener: a known taste, ears on the sound board and a finger on the buttons.
//
// Listening time is lognormal, log T = x'β + σε. When a song begins the listener draws how long it would be
// listened to if it had no end; where that is less than the song, the skip button goes down at that moment.
// Chung 2007, ch. 3: the same hazard that the model estimates, so the truth of the estimates is known.

import type { FeatureSpec } from "../model/features.js"
import type { Rng } from "../model/random.js"
import type { Board } from "./board.js"
import type { Sounded } from "./sound-board.js"

export interface Taste {
  /** Length P, in the order of the features; the constant first. Log seconds. */
  beta: Float64Array
  /** Standard deviation of log listening time. */
  sigma: number
}

/** What tastes are drawn from. */
export interface TasteLaw {
  /** Median listening time of an average song, seconds, and its spread between listeners (log seconds). */
  typicalS: number
  typicalSpread: number
  /** Of log listening time: median over the listeners, and its spread (log). */
  sigma: number
  sigmaSpread: number
  /** Attributes that matter to a listener, and by how much (log seconds per standard deviation, either way). */
  liked: number
  effect: number
  effectSpread: number
}

/** Listeners who know what they like: few plays tell it. Most songs are skipped before their end. */
const DECIDED: TasteLaw = {
  typicalS: 75,
  typicalSpread: 0.25,
  sigma: 0.7,
  sigmaSpread: 0,
  liked: 3,
  effect: 0.5,
  effectSpread: 0.2,
}
/** Between the start of the next song and the stop button, when a session is over. */
const STOP_AFTER_MS = 200

/** Draws a taste over the study's features. */
export function drawTaste(spec: FeatureSpec, rng: Rng, law: TasteLaw = DECIDED): Taste {
  const beta = new Float64Array(spec.names.length)
  beta[0] = Math.log(law.typicalS) + law.typicalSpread * rng.normal()
  const columns = Array.from({ length: beta.length - 1 }, (_, i) => i + 1)
  rng.shuffle(columns)
  for (const column of columns.slice(0, law.liked)) {
    const sign = rng.uniform() < 0.5 ? -1 : 1
    beta[column] = sign * (law.effect + law.effectSpread * rng.normal())
  }
  return { beta, sigma: law.sigma * Math.exp(law.sigmaSpread * rng.normal()) }
}

export interface ListenerOptions {
  /** What there is of a board for a listener: its sound, its buttons, and time. */
  board: Pick<Board, "clock" | "sound" | "tap">
  taste: Taste
  rng: Rng
  /** Features of a file on the card, length P. */
  features: (file: number) => Float64Array
  /** Length of a file, ms. */
  lengthMs: (file: number) => number | undefined
}

export class Listener {
  private leaving = false
  /** The session is over and the music has been stopped. */
  stopped = true

  constructor(private readonly options: ListenerOptions) {
    options.board.sound.onStart = (sounded) => this.hear(sounded)
  }

  /** Starts the music. */
  begin(): void {
    this.leaving = false
    this.stopped = false
    this.options.board.tap("play")
  }

  /** Stops the music when the song that is playing has ended. */
  leave(): void {
    this.leaving = true
  }

  private hear(sounded: Sounded): void {
    const { board, taste, rng, features, lengthMs } = this.options
    const { clock, sound } = board
    if (this.leaving) {
      clock.setTimeout(() => {
        board.tap("stop")
        this.stopped = true
      }, STOP_AFTER_MS)
      return
    }
    const x = features(sounded.file)
    let mu = 0
    for (let q = 0; q < x.length; q++) mu += x[q] * taste.beta[q]
    const wanted = 1000 * Math.exp(mu + taste.sigma * rng.normal())
    if (wanted >= (lengthMs(sounded.file) ?? Number.POSITIVE_INFINITY)) return
    clock.setTimeout(() => {
      if (sound.playing === sounded) board.tap("skip")
    }, wanted)
  }
}
