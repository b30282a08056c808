// A device with one serial service on a Jacdac bus: what a board's role binds to.

import * as jd from "jacdac-ts"
import type { VmClock } from "../firmware/bundle.js"

export interface BusDeviceOptions {
  /** Sixteen lower-case hexadecimal digits that no other device of the bus has. */
  id: string
  clock: VmClock
  /** Puts a frame on the bus. */
  send(frame: Uint8Array): void
  /** A board has sent bytes to the service; what it gives is reported. */
  asked(bytes: Uint8Array): Uint8Array | undefined
  /** A DeviceScript board has announced itself. */
  announced(board: string): void
}

const ANNOUNCE_MS = 500
const MAX_RESTARTS = 15
const CONTROL = 0
const SERIAL = 1
/** Of the flags of an announcement: can read frames with several packets. */
const SUPPORTS_FRAMES = 0x400

// A frame: CRC 2 | size 1 | flags 1 | device 8 | packets, each on four bytes: size 1 | service 1 | command 2 | data.
const SIZE_AT = 2
const FLAGS_AT = 3
const DEVICE_AT = 4
const PACKETS_AT = 12
const PACKET_HEAD_BYTES = 4
const FLAG_COMMAND = 1
/** In place of the device stands a service class. */
const FLAG_MULTICAST = 4
const SERVICE_MASK = 0x3f

interface BusPacket {
  service: number
  command: number
  data: Uint8Array
}

export class BusDevice {
  private timer: unknown
  private restarts = 0

  constructor(private readonly options: BusDeviceOptions) {}

  /** Announces the service until `stop`. */
  start(): void {
    const { clock } = this.options
    this.restarts = Math.min(this.restarts + 1, MAX_RESTARTS)
    const data = jd.jdpack("u32 u32", [this.restarts | SUPPORTS_FRAMES, jd.SRV_SERIAL])
    this.report(CONTROL, jd.SystemCmd.Announce, data)
    this.timer = clock.setTimeout(() => this.start(), ANNOUNCE_MS)
  }

  stop(): void {
    this.options.clock.clearTimeout(this.timer)
  }

  /** A frame of the bus; whatever is not whole, or not for this device, is passed over. */
  hear(frame: Uint8Array): void {
    if (frame.length < PACKETS_AT || frame.length !== PACKETS_AT + frame[SIZE_AT]) return
    if (jd.crc(frame.slice(SIZE_AT)) !== (frame[0] | (frame[1] << 8))) return
    const flags = frame[FLAGS_AT]
    if ((flags & FLAG_MULTICAST) !== 0) return
    const device = Buffer.from(frame.subarray(DEVICE_AT, PACKETS_AT)).toString("hex")
    const command = (flags & FLAG_COMMAND) !== 0
    if (command !== (device === this.options.id)) return
    for (const packet of packetsOf(frame)) {
      if (!command) this.heardReport(device, packet)
      else if (packet.service === SERIAL && packet.command === jd.SerialCmd.Send) {
        const answer = this.options.asked(packet.data)
        if (answer !== undefined) this.report(SERIAL, jd.SerialCmd.Received, answer)
      }
    }
  }

  private heardReport(device: string, { service, command, data }: BusPacket): void {
    if (service !== CONTROL || command !== jd.SystemCmd.Announce) return
    const view = new DataView(data.buffer, data.byteOffset, data.length)
    for (let at = 4; at + 4 <= data.length; at += 4) {
      if (view.getUint32(at, true) === jd.SRV_DEVICE_SCRIPT_MANAGER) this.options.announced(device)
    }
  }

  private report(service: number, command: number, data: Uint8Array): void {
    const packet = jd.Packet.from(command, data)
    packet.deviceIdentifier = this.options.id
    packet.serviceIndex = service
    this.options.send(packet.toBuffer())
  }
}

function packetsOf(frame: Uint8Array): BusPacket[] {
  const packets: BusPacket[] = []
  for (let at = PACKETS_AT; at + PACKET_HEAD_BYTES <= frame.length; ) {
    const end = at + PACKET_HEAD_BYTES + frame[at]
    if (end > frame.length) break
    packets.push({
      service: frame[at + 1] & SERVICE_MASK,
      command: frame[at + 2] | (frame[at + 3] << 8),
      data: frame.slice(at + PACKET_HEAD_BYTES, end),
    })
    at = PACKETS_AT + Math.ceil((end - PACKETS_AT) / 4) * 4
  }
  return packets
}
