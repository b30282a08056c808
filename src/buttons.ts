// Three buttons, and what pressing, holding and combining them means:
//
//   play   press: play or pause    hold: sync now
//   skip   press: next song        hold: previous song, where the plan allows it
//   stop   press: stop             hold: like this song, where the plan allows it
//   play held, and skip or stop pressed: louder or softer, where the plan allows it
//
// A button that can also be held acts when it comes up again, but as of the moment at which it went down.

import * as ds from "@devicescript/core"
import {
  PRESS_LIKE,
  PRESS_LOUDER,
  PRESS_PLAY,
  PRESS_PREVIOUS,
  PRESS_SKIP,
  PRESS_SOFTER,
  PRESS_STOP,
} from "./player"
import type { BoardState } from "./state"
import { CONTROL_LIKE, CONTROL_PREVIOUS, CONTROL_VOLUME } from "./wire"

const HOLD_MS = 1500

export class Buttons {
  /** Play is down, and nothing has been made of it yet. */
  private playing = false
  private playDown = false
  private press: (press: number, at: number) => void
  private demand: () => void

  constructor(
    private play: ds.Button,
    private skip: ds.Button,
    private stop: ds.Button,
    private state: BoardState,
  ) {}

  /** `press`: told a PRESS_ value and its uptime; `demand`: a sync is asked for. */
  start(press: (press: number, at: number) => void, demand: () => void): void {
    this.press = press
    this.demand = demand
    const self = this
    this.play.down.subscribe(() => {
      self.playDown = true
      self.playing = true
    })
    this.play.hold.subscribe((ms) => {
      if (ms >= HOLD_MS) self.held()
    })
    this.play.up.subscribe((ms) => {
      if (ms >= HOLD_MS) self.held()
      else if (self.playing) self.press(PRESS_PLAY, ds.millis())
      self.playing = false
      self.playDown = false
    })
    this.both(this.skip, PRESS_SKIP, PRESS_PREVIOUS, CONTROL_PREVIOUS, PRESS_LOUDER)
    this.both(this.stop, PRESS_STOP, PRESS_LIKE, CONTROL_LIKE, PRESS_SOFTER)
  }

  private held(): void {
    if (!this.playing) return
    this.playing = false
    this.demand()
  }

  /** A button with a meaning when pressed, one when held where the plan has `control`, and one beside play. */
  private both(button: ds.Button, short: number, long: number, control: number, volume: number): void {
    const self = this
    let downAt = -1
    const hold = (ms: number) => {
      if (ms < HOLD_MS || downAt < 0) return
      self.press(long, downAt)
      downAt = -1
    }
    button.down.subscribe(() => {
      const now = ds.millis()
      downAt = -1
      if (self.playDown && (self.state.controls & CONTROL_VOLUME) !== 0) {
        self.playing = false
        self.press(volume, now)
      } else if ((self.state.controls & control) !== 0) downAt = now
      else self.press(short, now)
    })
    button.hold.subscribe(hold)
    button.up.subscribe((ms) => {
      hold(ms)
      if (downAt >= 0) self.press(short, downAt)
      downAt = -1
    })
  }
}
