// The one socket that the runtime has, over its native calls, every wait bounded. The library's class does more than
// is needed here, and the bytecode has no room for it.

import * as ds from "@devicescript/core"
import { Alarm } from "./clock"

/** The runtime calls this for every event of its socket. */
type Hear = (event: string, data?: Buffer) => void

interface Native {
  _socketOpen(host: string, port: number): number
  _socketClose(): number
  _socketWrite(bytes: Buffer | string): number
  _socketOnEvent: Hear
}

const native: Native = ds as any
const BUSY_MS = 10

/** Errors start with "http:". */
export class Connection {
  private alarm = new Alarm()
  private opened = false
  private closed = false
  private pieces: Buffer[] = []

  async open(host: string, port: number, timeoutMs: number): Promise<void> {
    const self = this
    native._socketClose()
    native._socketOnEvent = (event, data) => self.hear(event, data)
    if (native._socketOpen(host, port) !== 0) throw new RangeError("http: no connection")
    if (!this.opened && !this.closed) await this.alarm.sleep(timeoutMs)
    if (!this.opened) throw new RangeError("http: no connection")
  }

  /** Waits while the runtime has no room. */
  async send(bytes: Buffer | string): Promise<void> {
    let status = -1
    while (status === -1) {
      if (this.closed) throw new RangeError("http: closed early")
      status = native._socketWrite(bytes)
      if (status === -1) await ds.sleep(BUSY_MS)
    }
    if (status !== 0) throw new RangeError("http: send " + status)
  }

  /** The next bytes; throws where none come in time or the connection ends. */
  async receive(timeoutMs: number): Promise<Buffer> {
    const deadline = ds.millis() + timeoutMs
    while (this.pieces.length === 0) {
      if (this.closed) throw new RangeError("http: closed early")
      const left = deadline - ds.millis()
      if (left <= 0) throw new RangeError("http: timeout")
      await this.alarm.sleep(left)
    }
    return this.pieces.shift()
  }

  close(): void {
    // An event that is still on its way belongs to nobody.
    native._socketOnEvent = () => {}
    native._socketClose()
  }

  private hear(event: string, data: Buffer): void {
    if (event === "open") this.opened = true
    else if (event === "data") this.pieces.push(data)
    else this.closed = true
    this.alarm.ring()
  }
}
