// The Jacdac bus between a board's VM and its simulated peripherals.
//
// The library's own bus keeps a model of every device and reads each frame several times over, which took as long as
// the VM itself. Here a frame from a peripheral goes to the VM unread, and only commands from the VM are read. What
// is on the bus, and when, is the same to the byte: every 499 ms the bus announces itself, then each peripheral does.

import * as jd from "jacdac-ts"
import type { VirtualClock } from "./clock.js"

const ANNOUNCE_MS = 499
/** Device id of the bus: sixteen hexadecimal digits, as the library draws them by chance. */
const BUS_ID = "b05b05b05b05b05b"
const MAX_RESTARTS = 15
/** Says: supports acknowledgements, broadcasts, frames. */
const BUS_FLAGS = 0x700
const CONTROL = 0

// Of a frame's header.
const FLAGS_AT = 3
const FLAG_COMMAND = 1
const DEVICE_AT = 4
const DEVICE_BYTES = 8

/** A device on the bus with simulated services. */
export class Peripheral extends jd.JDServerServiceProvider {
  /** The library repeats events on the machine's clock, in case the bus lost them; this bus loses nothing. */
  override delayedSend(): void {}

  hear(packet: jd.Packet): void {
    this.handlePacket(packet)
  }

  announce(): void {
    this.handleSelfAnnounce()
  }
}

export class JacdacBus {
  /** Where frames of the peripherals go. */
  onFrame: (frame: Uint8Array) => void = () => {}
  private readonly peripherals: Peripheral[] = []
  private readonly started: number
  private restarts = 0
  /** Service classes by index of the device that the VM is. */
  private services: number[] = []
  private readonly listeners = new Set<(packet: jd.Packet) => void>()

  constructor(
    private readonly clock: VirtualClock,
    /** Device id of the VM. */
    private readonly deviceId: string,
  ) {
    this.started = clock.now()
    const announce = (): void => {
      clock.setTimeout(announce, ANNOUNCE_MS)
      this.announce()
    }
    clock.setTimeout(announce, ANNOUNCE_MS)
  }

  add(peripheral: Peripheral): void {
    this.peripherals.push(peripheral)
    // What a peripheral uses of a bus is `timestamp`, `on`, `off`, `device` and `sendPacketAsync`.
    peripheral.bus = this as unknown as jd.JDBus
  }

  /** Device id of the sender or the addressee, as bytes in a frame. */
  static deviceOf(frame: Uint8Array): Uint8Array {
    return frame.subarray(DEVICE_AT, DEVICE_AT + DEVICE_BYTES)
  }

  /** A frame of the VM. */
  receive(frame: Uint8Array): void {
    const command = (frame[FLAGS_AT] & FLAG_COMMAND) !== 0
    if (!command && this.services.length > 0 && this.listeners.size === 0) return
    for (const packet of jd.Packet.fromFrame(frame, this.timestamp, true)) {
      if (command) for (const peripheral of this.peripherals) peripheral.hear(packet)
      else this.report(packet)
    }
  }

  /** Sends a command to a service of the VM. */
  command(serviceClass: number, packet: jd.Packet): void {
    const index = this.services.indexOf(serviceClass)
    if (index < 0) throw new Error(`the board's service 0x${serviceClass.toString(16)} is not on the bus`)
    packet.deviceIdentifier = this.deviceId
    packet.serviceIndex = index
    packet.isCommand = true
    this.onFrame(packet.toBuffer())
  }

  /** Tells of reports of a service of the VM until the function that it gives is called. */
  listen(serviceClass: number, hear: (packet: jd.Packet) => void): () => void {
    const listener = (packet: jd.Packet): void => {
      if (this.services[packet.serviceIndex] === serviceClass) hear(packet)
    }
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  get timestamp(): number {
    return this.clock.now() - this.started
  }

  on(): void {}

  off(): void {}

  device(): undefined {}

  async sendPacketAsync(packet: jd.Packet): Promise<void> {
    this.onFrame(packet.toBuffer())
  }

  private announce(): void {
    this.restarts = Math.min(this.restarts + 1, MAX_RESTARTS)
    const packet = jd.Packet.jdpacked(CONTROL, "u32 u32", [this.restarts | BUS_FLAGS, jd.SRV_INFRASTRUCTURE])
    packet.deviceIdentifier = BUS_ID
    this.onFrame(packet.toBuffer())
    for (const peripheral of this.peripherals) peripheral.announce()
  }

  private report(packet: jd.Packet): void {
    if (packet.serviceIndex === CONTROL && packet.serviceCommand === CONTROL) {
      const [, classes] = packet.jdunpack<[number, [number][]]>("u32 r: u32")
      this.services = [CONTROL, ...classes.map(([serviceClass]) => serviceClass)]
    }
    for (const listener of this.listeners) listener(packet)
  }
}
