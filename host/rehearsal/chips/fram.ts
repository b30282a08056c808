// The FRAM MB85RC256V on the simulated bus: 32 KB, I2C address 0x50, no erasing and no waiting. The first two bytes of
// a write are the address (its highest bit is not used); each further byte is in the memory when it is acknowledged,
// and the address moves on, from the end to the beginning. A read goes on where the address stands. What is in it
// stays without power. (Fujitsu MB85RC256V data sheet, DS501-00017.)
//
// Power that goes within a transaction leaves the bytes that were acknowledged before: `onWrite` may cut it there.

import type { Chip } from "../i2c-bus.js"

const FRAM_BYTES = 32_768

export class Fram implements Chip {
  readonly address = 0x50
  readonly bytes = new Uint8Array(FRAM_BYTES)
  /** Does not acknowledge. */
  gone = false
  /**
   * Asked before data is written: how many of its bytes are written before power goes; all of them where undefined.
   * The transaction is then not acknowledged to the end.
   */
  onWrite: (at: number, data: Uint8Array) => number | undefined = () => undefined
  private at = 0

  transfer(write: Uint8Array, count: number): Uint8Array | undefined {
    if (this.gone) return undefined
    if (write.length >= 2) this.at = ((write[0] << 8) | write[1]) % FRAM_BYTES
    if (write.length > 2) {
      const data = write.subarray(2)
      const torn = this.onWrite(this.at, data)
      for (const byte of torn === undefined ? data : data.subarray(0, torn)) {
        this.bytes[this.at] = byte
        this.at = (this.at + 1) % FRAM_BYTES
      }
      if (torn !== undefined) return undefined
    }
    const read = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      read[i] = this.bytes[this.at]
      this.at = (this.at + 1) % FRAM_BYTES
    }
    return read
  }

  power(): void {
    this.at = 0
  }
}
