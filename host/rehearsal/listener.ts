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

/** Median listening time of an average song, seconds: most songs are skipped before their end. */
const TYPICAL_S = 75
const TYPICAL_SPREAD = 0.25
const SIGMA = 0.7
/** Attributes that matter to a listener, and by how much (log seconds per standard deviation). */
const LIKED_ATTRIBUTES = 3
const EFFECT = 0.5
const EFFECT_SPREAD = 0.2
/** Between the start of the next song and the stop button, when a session is over. */
const STOP_AFTER_MS = 200

/** Draws a taste over the study's features. */
export function drawTaste(spec: FeatureSpec, rng: Rng): Taste {
  const beta = new Float64Array(spec.names.length)
  beta[0] = Math.log(TYPICAL_S) + TYPICAL_SPREAD * rng.normal()
  const columns = Array.from({ length: beta.length - 1 }, (_, i) => i + 1)
  rng.shuffle(columns)
  for (const column of columns.slice(0, LIKED_ATTRIBUTES)) {
    const sign = rng.uniform() < 0.5 ? -1 : 1
    beta[column] = sign * (EFFECT + EFFECT_SPREAD * rng.normal())
  }
  return { beta, sigma: SIGMA }
}

export interface ListenerOptions {
  board: Board
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
