// The board's settings flash as a store of small entries, through the runtime's settings service.
//
// `set` returns before the flash is written, and a full flash drops writes without a word. So a write counts
// only when reading the key back gives the same bytes: that is the commit barrier. Bounds: key + 1 + value
// ≤ 232 bytes (one byte more is stored and then kills the VM when it is read), key ≤ 13 characters.
// Any fiber may call; calls take turns. The service answers every client of the bus with the same kind of
// report, so an answer is taken only for the key that was asked for, and every wait is bounded.

import * as ds from "@devicescript/core"

/** Measured limit of the settings service: bytes of key, separator and value. */
const MAX_SETTING_BYTES = 232
const MAX_KEY_BYTES = 13
const ANSWER_MS = 500
const TRIES = 4
/** How long a caller sleeps before it looks again whether its turn has come. */
const TURN_MS = 3

export class SettingsFlash {
  private busy = false
  private fiber: ds.Fiber
  private key = ""
  private answer: Buffer
  private waiting = false

  constructor(private settings: ds.Settings) {}

  /** Listens to the service; call once, before anything is read. */
  start(): void {
    const self = this
    const code = this.settings.spec.lookup("get").code
    this.settings.report().subscribe((packet) => {
      if (packet.serviceCommand === code) self.take(packet.decode())
    })
  }

  /** The value of `key`, empty where there is none; undefined where the service did not answer. */
  async read(key: string): Promise<Buffer> {
    await this.turn()
    try {
      for (let i = 0; i < TRIES; i++) {
        const value = await this.ask(key)
        if (value !== undefined) return value
      }
      return undefined
    } finally {
      this.busy = false
    }
  }

  /** Writes and reads back; false where the bytes did not arrive, after some tries. */
  async write(key: string, bytes: Buffer): Promise<boolean> {
    if (key.length > MAX_KEY_BYTES || key.length + 1 + bytes.length > MAX_SETTING_BYTES) {
      throw new RangeError("flash: " + key + " of " + bytes.length + " bytes does not fit a setting")
    }
    await this.turn()
    try {
      for (let i = 0; i < TRIES; i++) {
        await this.settings.set(key, bytes)
        const back = await this.ask(key)
        if (back !== undefined && same(back, bytes)) return true
      }
      console.log("flash: " + key + " was not kept")
      return false
    } finally {
      this.busy = false
    }
  }

  private async turn(): Promise<void> {
    while (this.busy) await ds.sleep(TURN_MS)
    this.busy = true
  }

  private async ask(key: string): Promise<Buffer> {
    this.key = key
    this.answer = undefined
    this.fiber = ds.Fiber.self()
    await this.settings.get(key)
    if (this.answer === undefined) {
      this.waiting = true
      await ds.suspend(ANSWER_MS)
      this.waiting = false
    }
    this.key = ""
    const answer = this.answer
    this.answer = undefined
    return answer
  }

  private take(report: any[]): void {
    if (this.key === "" || report[0] !== this.key) return
    this.answer = report[1]
    if (this.waiting && this.fiber.suspended) {
      this.waiting = false
      this.fiber.resume(undefined)
    }
  }
}

export function same(a: Buffer, b: Buffer): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
