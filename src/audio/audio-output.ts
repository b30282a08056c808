// What the player needs from a sound board. The driver keeps the account of what was really played; the player
// asks for it and never counts time by itself, so that start-up, pauses and a board that is away are no listening.

export const AUDIO_STOPPED = 0
export const AUDIO_PLAYING = 1
export const AUDIO_PAUSED = 2
/** The board does not answer, is not there, or has no card. */
export const AUDIO_ABSENT = 3

/** The board can't tell whether it has a card. */
export const CARD_UNKNOWN = 0
export const CARD_PRESENT = 1
export const CARD_MISSING = 2

export interface AudioOutput {
  /** Highest file number that can be named. */
  readonly maxFile: number
  /** How long after one `poll` the next must run while a file plays, ms, as of now; 0 = there is nothing to poll. */
  readonly pollMs: number
  /** Calls that failed and boards that were lost while they played, since the start. */
  errors: number
  /** CARD_ value, as of the last command or poll. */
  card: number

  /** Begins to listen to the board. `changed` is called when it comes, goes or ends a file by itself. */
  start(changed: () => void): void
  /**
   * Plays file `file` from its beginning; false where the board is absent. Until the first sound the state is
   * AUDIO_PLAYING and the position 0; of a file that can't be played the state becomes AUDIO_STOPPED within seconds.
   */
  play(file: number): Promise<boolean>
  pause(): Promise<void>
  /** Goes on after `pause`, from there or, where the board can't, from the beginning of the file. */
  resume(): Promise<boolean>
  stop(): Promise<void>
  /** 0 … MAX_VOLUME of record.ts; from the next `play` on where nothing plays. Cheap to call with the volume that is set. */
  setVolume(volume: number): Promise<void>
  /** Asks the board for its state, where pollMs is not 0. */
  poll(): Promise<void>
  /** AUDIO_ value. */
  state(): number
  /** How far into the file the sound was at uptime `at`, whole ms, as far as it is certain; pauses are out. */
  positionMs(at: number): number
}
