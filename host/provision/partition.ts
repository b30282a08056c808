// The board's settings partition: the program and everything in the settings, in the layout of the runtime's flash
// store (jacdac-c, source/jd_fstor.c of DeviceScript 2.16). It is made by the runtime itself, in the simulator, with
// the geometry of the board, and read here. Only the Wi-Fi network is added here: its two keys belong to a service
// that the simulator has not.
//
// Layout, little endian: header of 24 bytes: 0 magic, 8 bytes | 8 generation u32 | 12 bytes per page u32 |
// 16 pages u16 | 18 header pages u16 | 20 reserved. Then entries of 24 bytes: key, 16 bytes, filled with zeros |
// offset u32 | size u32; the newest one of a key counts. Small values grow down from the end of the header pages, in
// steps of 8 bytes; the program, key "*prog", lies in pages of its own. Settings of programs have ":" before their
// names, those of the runtime have not.

import { createHash } from "node:crypto"
import { Board, FLASH_BYTES } from "../rehearsal/board.js"
import { VirtualClock } from "../rehearsal/clock.js"

/** What flashing puts on a board. */
export interface BoardContent {
  bytecode: Uint8Array
  /** Settings that the firmware reads. */
  settings: Readonly<Record<string, Uint8Array>>
  wifi: Wifi | undefined
}

export interface Wifi {
  ssid: string
  password: string
}

/** What a partition holds, as it was read back. */
export interface PartitionContent {
  /** SHA-256 of the program's bytecode, hex; empty where there is none. */
  program: string
  settings: Map<string, Uint8Array>
  wifi: Wifi | undefined
}

const MAGIC = Buffer.from("465354520aeaec6b", "hex")
const HEADER_BYTES = 24
const ENTRY_BYTES = 24
const KEY_BYTES = 16
const EMPTY = 0xffffffff
const PROGRAM = "*prog"
/** The bytecode's own first bytes, within what the runtime keeps beside it. */
const BYTECODE_MAGIC = Buffer.from("DevS")
const LENGTH_AT = 8
/** Id of the simulated board that makes a partition; no trace of it stays. */
const SIMULATED = "fe00000000000aff"
const SSID = "wifi_ssid"
const PASSWORD = "wifi_psk"

interface Entry {
  key: string
  offset: number
  size: number
}

interface Entries {
  list: Entry[]
  /** Where the next entry goes. */
  end: number
  /** Where the small values begin. */
  data: number
}

/** A partition with everything that `content` says; the program has not run. */
export async function makePartition(content: BoardContent): Promise<Uint8Array> {
  const board = await Board.start({
    deviceId: SIMULATED,
    bytecode: content.bytecode,
    clock: new VirtualClock(),
    net: {
      createConnection: () => {
        throw new Error("a board that is being made has no network")
      },
    },
    entropy: (count) => new Uint8Array(count),
    settings: { ...content.settings },
  })
  const partition = new Uint8Array(FLASH_BYTES).fill(0xff)
  partition.set(board.flash)
  board.powerOff()
  if (content.wifi !== undefined) {
    append(partition, SSID, Buffer.from(`${content.wifi.ssid}\0`))
    append(partition, PASSWORD, Buffer.from(`${content.wifi.password}\0`))
  }
  return partition
}

/** Reads a partition; throws where it is none. */
export function readPartition(partition: Uint8Array): PartitionContent {
  const content: PartitionContent = { program: "", settings: new Map(), wifi: undefined }
  const values = new Map<string, Uint8Array>()
  for (const { key, offset, size } of entriesOf(partition).list) {
    values.set(key, partition.slice(offset, offset + size))
  }
  for (const [key, value] of values) {
    // A size of zero is what the runtime leaves of a setting that was deleted.
    if (key.startsWith(":") && value.length > 0) content.settings.set(key.slice(1), value)
  }
  const program = values.get(PROGRAM)
  if (program !== undefined) content.program = bytecodeHash(program)
  const [ssid, password] = [values.get(SSID), values.get(PASSWORD)]
  if (ssid !== undefined && password !== undefined)
    content.wifi = { ssid: text(ssid), password: text(password) }
  return content
}

/** The runtime keeps a head before the bytecode: magic, 8 bytes, then the bytecode's length. */
function bytecodeHash(stored: Uint8Array): string {
  const bytes = Buffer.from(stored)
  const start = bytes.indexOf(BYTECODE_MAGIC)
  if (start < LENGTH_AT + 4) return ""
  const bytecode = bytes.subarray(start, start + bytes.readUInt32LE(LENGTH_AT))
  return createHash("sha256").update(bytecode).digest("hex")
}

const text = (value: Uint8Array): string => Buffer.from(value).toString("utf8").replace(/\0$/, "")

function entriesOf(partition: Uint8Array): Entries {
  const bytes = Buffer.from(partition.buffer, partition.byteOffset, partition.byteLength)
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new Error("settings partition: does not begin with the magic number of the runtime's store")
  }
  const headerBytes = bytes.readUInt32LE(12) * bytes.readUInt16LE(18)
  const list: Entry[] = []
  let data = headerBytes
  let end = HEADER_BYTES
  for (; end + ENTRY_BYTES <= data; end += ENTRY_BYTES) {
    const offset = bytes.readUInt32LE(end + KEY_BYTES)
    if (offset === EMPTY) break
    const size = bytes.readUInt32LE(end + KEY_BYTES + 4)
    if (offset + size > bytes.length) {
      throw new Error(
        `settings partition: the entry at ${end} ends at ${offset + size}, behind the partition`,
      )
    }
    const key = bytes.toString("latin1", end, end + KEY_BYTES).replace(/\0.*$/s, "")
    list.push({ key, offset, size })
    data = Math.min(data, offset)
  }
  return { list, end, data }
}

/** Adds a small value as the runtime would. */
function append(partition: Uint8Array, key: string, value: Uint8Array): void {
  const { end, data } = entriesOf(partition)
  const offset = data - Math.max(8, Math.ceil(value.length / 8) * 8)
  if (end + 2 * ENTRY_BYTES > offset) throw new Error(`settings partition: no room for ${key}`)
  partition.set(value, offset)
  const entry = Buffer.alloc(ENTRY_BYTES)
  entry.write(key, "latin1")
  entry.writeUInt32LE(offset, KEY_BYTES)
  entry.writeUInt32LE(value.length, KEY_BYTES + 4)
  partition.set(entry, end)
}
