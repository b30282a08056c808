// The player: playlist in, listens out. One fiber does everything; buttons and the sound board only leave a note
// and wake it, and between notes it sleeps until the next thing is due (end of the song, checkpoint, poll).
//
// Heard time is the furthest point of the song that was reached, as AudioOutput.positionMs knows it: it never
// exceeds what was played, pauses are out, and a part that is played again after a pause counts once. A song ends
// by itself at the length that the playlist states, or where the board says so.

import * as ds from "@devicescript/core"
import { AUDIO_ABSENT, AUDIO_STOPPED, type AudioOutput } from "./audio/audio-output"
import { Alarm, RESTART_AFTER_MS } from "./clock"
import type { LastListen, ListenLog } from "./log/listen-log"
import { countOf, flagsAt, lengthAt, songAt } from "./playlist"
import {
  END_BATTERY,
  END_ERROR,
  END_FINISHED,
  END_POWER_LOST,
  END_PREVIOUS,
  END_SKIPPED,
  END_SLEEP_TIMER,
  END_STOPPED,
  FLAG_LIKED,
  FLAG_REORDERED,
  type ListenRecord,
} from "./record"
import type { Rescoring } from "./rescoring"
import type { PlaylistSlots } from "./slots"
import type { BoardState } from "./state"

/** Less than 5 s, so that a power cut loses at most 5 s of a listen with the time that writing takes. */
const CHECKPOINT_MS = 4500
/** With nothing to do the fiber wakes this seldom. */
const IDLE_MS = 600000
/** After something failed: wait before the next try. */
const RETRY_MS = 2000
/** A board that stops by itself this close to the known length has played the song to its end. */
const END_TOLERANCE_MS = 1500
const MAX_NOTES = 16
const MINUTE_MS = 60000

export const PRESS_PLAY = 1
export const PRESS_SKIP = 2
export const PRESS_STOP = 3
export const PRESS_PREVIOUS = 4
export const PRESS_LIKE = 5
export const PRESS_LOUDER = 6
export const PRESS_SOFTER = 7
/** Nobody's finger: the battery is nearly empty. */
export const PRESS_BATTERY = 8

interface Note {
  press: number
  at: number
}

export class Player {
  private alarm = new Alarm()
  private notes: Note[] = []
  /** The listener wants music. */
  private wanted = false
  private paused = false
  /** The listen that goes on; its sequence is 0 until a checkpoint holds it. */
  private listen: ListenRecord
  private lengthMs = 0
  /** What was heard before the sound last started: a part that is played again counts once. */
  private beforeMs = 0
  private checkpointAt = 0
  /** Item of the list that plays or played last; −1 = none. */
  private position = -1
  /** Another song comes next; else the same one again. */
  private advance = true
  /** Version of the list that `position` belongs to. */
  private version = 0
  private retryAt = 0
  /** When a button was pressed last, for the sleep timer. */
  private pressedAt = 0

  constructor(
    private audio: AudioOutput,
    private log: ListenLog,
    private lists: PlaylistSlots,
    private state: BoardState,
    private rescoring: Rescoring,
  ) {}

  /** Goes on where the board stood (`last`: what ListenLog.open gave) and plays from then on. */
  start(last: LastListen): void {
    this.version = this.lists.version
    this.pressedAt = ds.millis()
    this.rescoring.load(this.lists.active, this.version, true)
    this.rescoring.start()
    if (last) this.restore(last)
    const self = this
    this.audio.start(() => self.alarm.ring())
    const run = async () => await self.run()
    run.start()
  }

  /** A button, pressed at uptime `at`; the player acts on it as of that moment. */
  press(press: number, at: number): void {
    if (this.notes.length < MAX_NOTES) this.notes.push({ press: press, at: at })
    this.alarm.ring()
  }

  /** No listen is open: a new playlist may start at once. */
  idle(): boolean {
    return this.listen === undefined
  }

  /** A listen is paused. */
  pausing(): boolean {
    return this.paused
  }

  /** The active playlist is another one. */
  listChanged(): void {
    this.alarm.ring()
  }

  /** [sequence, song, heardMs] of the open listen, once a checkpoint holds it. */
  open(): number[] {
    const listen = this.listen
    if (!listen || listen.sequence === 0) return undefined
    return [listen.sequence, listen.song, listen.heardMs]
  }

  private restore(last: LastListen): void {
    const record = last.record
    const { reason } = record
    const ended = reason === END_STOPPED || reason === END_SLEEP_TIMER || reason === END_BATTERY
    this.wanted = !ended && !last.paused
    if (record.listVersion !== this.version % 256) return
    this.position = record.position
    this.advance = false
    this.move(reason)
  }

  private async run(): Promise<void> {
    while (true) {
      try {
        await this.step()
      } catch (e: any) {
        console.log("player: " + e.message)
        await ds.sleep(RETRY_MS)
      }
    }
  }

  private async step(): Promise<void> {
    while (this.notes.length > 0) await this.act(this.notes.shift())
    if (this.listen && !this.paused) await this.follow()
    if ((!this.listen || this.paused) && ds.millis() > RESTART_AFTER_MS) await this.restart()
    if (this.wanted && !this.listen && ds.millis() >= this.retryAt) await this.begin()
    if (this.notes.length === 0) await this.alarm.sleep(this.untilDue())
  }

  private untilDue(): number {
    const now = ds.millis()
    if (!this.listen) return this.retryAt > now ? this.retryAt - now : IDLE_MS
    if (this.paused) return IDLE_MS
    const end = this.lengthMs - this.audio.positionMs(now)
    let due = Math.min(end, this.checkpointAt - now)
    if (this.state.sleepMinutes > 0) due = Math.min(due, this.sleepAt() - now)
    return Math.max(1, this.audio.pollMs > 0 ? Math.min(due, this.audio.pollMs) : due)
  }

  private async act(note: Note): Promise<void> {
    if (this.listen && note.at < this.listen.startMs) {
      // Pressed before this song could be heard: skipping it would record a listen that nobody had.
      if (note.press === PRESS_SKIP) return
    }
    if (note.press !== PRESS_BATTERY) this.pressedAt = note.at
    switch (note.press) {
      case PRESS_PLAY:
        await this.toggle(note.at)
        break
      case PRESS_SKIP:
        await this.skip(END_SKIPPED, note.at)
        break
      case PRESS_PREVIOUS:
        await this.skip(END_PREVIOUS, note.at)
        break
      case PRESS_LIKE:
        if (this.listen) {
          this.listen.flags = this.listen.flags | FLAG_LIKED
          await this.checkpoint()
        }
        break
      case PRESS_LOUDER:
        await this.turn(1)
        break
      case PRESS_SOFTER:
        await this.turn(-1)
        break
      case PRESS_BATTERY:
        await this.silence(END_BATTERY, note.at)
        break
      default:
        await this.silence(END_STOPPED, note.at)
    }
  }

  /** Ends the music, and a listen if one is open. */
  private async silence(why: number, at: number): Promise<void> {
    this.wanted = false
    if (this.listen) await this.end(why, at)
  }

  /** Changes the volume by `steps` and remembers it. */
  private async turn(steps: number): Promise<void> {
    const { state } = this
    const volume = Math.max(0, state.loudness() + steps)
    if (volume > state.maxVolume) return
    state.volume = volume
    await this.audio.setVolume(volume)
    if (this.listen) this.listen.volume = volume
    await state.commit()
  }

  /** Uptime at which the sleep timer ends the music. */
  private sleepAt(): number {
    return this.pressedAt + this.state.sleepMinutes * MINUTE_MS
  }

  /** Starts the board anew, long before its scheduler stops; the last record says where to go on. */
  private async restart(): Promise<void> {
    this.state.restarting = true
    await this.state.commit()
    ds.reboot()
  }

  private async toggle(at: number): Promise<void> {
    if (!this.listen) {
      this.wanted = !this.wanted
      this.retryAt = 0
    } else if (this.paused) {
      if (await this.audio.resume()) {
        this.paused = false
        this.beforeMs = this.listen.heardMs
        this.checkpointAt = ds.millis() + CHECKPOINT_MS
      } else await this.end(END_ERROR, at)
    } else {
      this.hear(at)
      if (this.over()) return
      await this.audio.pause()
      this.paused = true
      if (this.listen.pauses < 255) this.listen.pauses++
      await this.checkpoint()
    }
  }

  /** On to the next song, or back to the one before. */
  private async skip(why: number, at: number): Promise<void> {
    this.wanted = true
    this.retryAt = 0
    if (this.listen) await this.end(why, at)
    else this.move(why)
  }

  /** Where the list goes on after a listen that ended for this reason. */
  private move(why: number): void {
    if (why === END_FINISHED || why === END_SKIPPED) this.advance = true
    else if (why === END_PREVIOUS && this.position > 0) this.position--
  }

  /** The song that plays: is it over, is the board gone, is a checkpoint due? */
  private async follow(): Promise<void> {
    if (this.audio.pollMs > 0) await this.audio.poll()
    const now = ds.millis()
    const state = this.audio.state()
    this.hear(now)
    if (this.over()) await this.end(END_FINISHED, now)
    else if (this.state.sleepMinutes > 0 && now >= this.sleepAt()) await this.silence(END_SLEEP_TIMER, now)
    else if (state === AUDIO_ABSENT) await this.end(END_ERROR, now)
    else if (state === AUDIO_STOPPED) {
      const whole = this.listen.heardMs >= this.lengthMs - END_TOLERANCE_MS
      if (!whole) this.retryAt = now + RETRY_MS
      await this.end(whole ? END_FINISHED : END_ERROR, now)
      // A file that can't be played must not hold up the others.
      if (!whole) this.advance = true
    } else if (now >= this.checkpointAt) {
      this.checkpointAt += CHECKPOINT_MS
      await this.checkpoint()
    }
  }

  /** Takes over the position as of `at`; it may be less than before where the sound board turns out to be lost. */
  private hear(at: number): void {
    const reached = Math.min(this.audio.positionMs(at), this.lengthMs)
    this.listen.heardMs = Math.max(reached, this.beforeMs)
  }

  private over(): boolean {
    return this.listen.heardMs >= this.lengthMs
  }

  private async checkpoint(): Promise<void> {
    this.listen.reason = END_POWER_LOST
    if (!(await this.log.checkpoint(this.listen, this.paused))) this.listen.sequence = 0
  }

  /** Ends the open listen as of `at` and moves on where the reason says so. */
  private async end(why: number, at: number): Promise<void> {
    const listen = this.listen
    if (!this.paused) this.hear(at)
    // Whoever presses a button just after the end has heard the song to its end.
    const reason = why !== END_ERROR && this.over() ? END_FINISHED : why
    if (why !== END_FINISHED && this.audio.state() !== AUDIO_ABSENT) {
      await this.audio.stop()
      // It sounded until it stopped, and a board that is polled knows when.
      if (!this.paused && this.audio.pollMs > 0) this.hear(at)
    }
    this.listen = undefined
    this.paused = false
    listen.reason = reason
    this.move(why)
    await this.log.append(listen)
    this.rescoring.heard(listen)
  }

  /** A track boundary: takes over a staged playlist, starts the next song. */
  private async begin(): Promise<void> {
    await this.lists.swap()
    if (this.version !== this.lists.version) {
      this.version = this.lists.version
      this.position = -1
      this.advance = true
      this.rescoring.load(this.lists.active, this.version, false)
    }
    const list = this.lists.active
    if (!list) return
    let position = this.position
    let flags = 0
    if (this.advance || position >= countOf(list)) {
      position = this.rescoring.next(position, this.log.lastSequence() + 1)
      if (this.rescoring.chosen) flags = FLAG_REORDERED
    }
    const volume = this.state.loudness()
    await this.audio.setVolume(volume)
    const song = songAt(list, position)
    // An absent board wakes this fiber when it comes back.
    if (!(await this.audio.play(song))) return
    const now = ds.millis()
    this.position = position
    this.advance = false
    this.rescoring.playing()
    this.beforeMs = 0
    this.lengthMs = lengthAt(list, position)
    this.checkpointAt = now + CHECKPOINT_MS
    this.listen = {
      sequence: 0,
      boot: this.state.boot,
      startMs: now,
      song: song,
      listVersion: this.version % 256,
      position: position,
      heardMs: 0,
      reason: END_POWER_LOST,
      flags: flagsAt(list, position) | flags,
      pauses: 0,
      volume: volume,
    }
  }
}
