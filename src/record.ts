// The listen record: what the board keeps of one listen, 20 bytes, and nothing else.
//
// Identity is (device, epoch, boot, sequence): sequence never restarts within an epoch, so neither a
// clock nor a power cut can make two listens look like one. This file imports nothing and uses only what
// both the DeviceScript VM and Node have, because the board writes these bytes and the host reads them.
//
// Layout, little endian:
//   0 sequence u32 | 4 boot u16 | 6 startMs u32 | 10 song u16 | 12 list version (low byte) u8
//   13 position u8 | 14 heardMs u24 | 17 end reason (low 4 bits), flags (high 4 bits)
//   18 pauses (low 4 bits), volume (high 4 bits) | 19 CRC-8 of bytes 0 to 18

/** A byte buffer of either side: DeviceScript's Buffer and Node's Uint8Array both fit. */
export interface Bytes {
  readonly length: number
  [index: number]: number
}

export const RECORD_BYTES = 20

/** Why a listen ended. The order is the wire's: a code is never reused. */
export const END_REASONS = [
  "finished",
  "skipped",
  "stopped",
  "previous",
  "power-lost",
  "sleep-timer",
  "battery",
  "replaced",
  "error",
]
/** Length of END_REASONS, whose texts a board has no room for. */
const REASONS = 9
export const END_FINISHED = 0
export const END_SKIPPED = 1
export const END_STOPPED = 2
export const END_PREVIOUS = 3
export const END_POWER_LOST = 4
export const END_SLEEP_TIMER = 5
export const END_BATTERY = 6
/** @public of the layout; no board ends a listen so yet */
export const END_REPLACED = 7
export const END_ERROR = 8

export const FLAG_EXPLORE = 1
export const FLAG_LIKED = 2
export const FLAG_ORGANIC = 4
/** The board chose the song itself: adapt.ts. */
export const FLAG_REORDERED = 8

/** Largest value that the three bytes of heardMs hold: 4 h 39 min. Longer listens are stored as this. */
const MAX_HEARD_MS = 16777215
/** Pauses and volume have four bits each: 15 means 15 or more pauses, and full volume. */
const MAX_PAUSES = 15
export const MAX_VOLUME = 15

export interface ListenRecord {
  /** 1, 2, 3, … within the epoch; u32. */
  sequence: number
  /** Which start of the board, 1 … 65535 within the epoch. */
  boot: number
  /** Uptime of that boot when the listen began, milliseconds, u32. */
  startMs: number
  /** File number on the card, 1 … 65535. */
  song: number
  /** Low byte of the version of the playlist that held the song. */
  listVersion: number
  /** Index in that playlist, 0 … 255. */
  position: number
  /**
   * Time heard, pauses and start-up out, milliseconds, within 150 ms. Where the sound board was lost (bus, power), it
   * ends between the last answer and the first that did not come: never more than sounded and 150 ms, perhaps less.
   */
  heardMs: number
  /** Index in END_REASONS. */
  reason: number
  /** Sum of FLAG_ values. */
  flags: number
  pauses: number
  /** 0 … 15. */
  volume: number
}

// CRC-8 with polynomial 0x07 (the SMBus packet error code), four bits at a time.
const CRC8_NIBBLES = [
  0x00, 0x07, 0x0e, 0x09, 0x1c, 0x1b, 0x12, 0x15, 0x38, 0x3f, 0x36, 0x31, 0x24, 0x23, 0x2a, 0x2d,
]

/** CRC-8 of `length` bytes from `offset`; starts at `seed` so that an all-zero record does not check. */
function crc8(bytes: Bytes, offset: number, length: number, seed: number): number {
  let crc = seed
  for (let i = 0; i < length; i++) {
    crc = crc ^ bytes[offset + i]
    crc = ((crc << 4) & 0xff) ^ CRC8_NIBBLES[crc >> 4]
    crc = ((crc << 4) & 0xff) ^ CRC8_NIBBLES[crc >> 4]
  }
  return crc
}

const RECORD_CRC_SEED = 0x5a

function putLittle(bytes: Bytes, offset: number, value: number, count: number): void {
  let rest = value
  for (let i = 0; i < count; i++) {
    const high = Math.floor(rest / 256)
    bytes[offset + i] = rest - high * 256
    rest = high
  }
}

function getLittle(bytes: Bytes, offset: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[offset + i]
  return value
}

function atMost(value: number, limit: number): number {
  return value > limit ? limit : value
}

/** Writes `record` into 20 bytes at `offset`. Values over a field's range are stored as its largest. */
export function packRecord(record: ListenRecord, bytes: Bytes, offset: number): void {
  putLittle(bytes, offset, record.sequence, 4)
  putLittle(bytes, offset + 4, record.boot, 2)
  putLittle(bytes, offset + 6, atMost(Math.floor(record.startMs), 4294967295), 4)
  putLittle(bytes, offset + 10, record.song, 2)
  bytes[offset + 12] = record.listVersion & 0xff
  bytes[offset + 13] = atMost(record.position, 255)
  putLittle(bytes, offset + 14, atMost(Math.floor(record.heardMs), MAX_HEARD_MS), 3)
  bytes[offset + 17] = (record.reason & 15) | ((record.flags & 15) << 4)
  bytes[offset + 18] = atMost(record.pauses, MAX_PAUSES) | (atMost(record.volume, MAX_VOLUME) << 4)
  bytes[offset + 19] = crc8(bytes, offset, RECORD_BYTES - 1, RECORD_CRC_SEED)
}

/** Reads 20 bytes at `offset`; undefined where the checksum or the end reason is not one this layout knows. */
export function unpackRecord(bytes: Bytes, offset: number): ListenRecord | undefined {
  if (offset + RECORD_BYTES > bytes.length) return undefined
  if (bytes[offset + 19] !== crc8(bytes, offset, RECORD_BYTES - 1, RECORD_CRC_SEED)) return undefined
  const reason = bytes[offset + 17] & 15
  if (reason >= REASONS) return undefined
  return {
    sequence: getLittle(bytes, offset, 4),
    boot: getLittle(bytes, offset + 4, 2),
    startMs: getLittle(bytes, offset + 6, 4),
    song: getLittle(bytes, offset + 10, 2),
    listVersion: bytes[offset + 12],
    position: bytes[offset + 13],
    heardMs: getLittle(bytes, offset + 14, 3),
    reason: reason,
    flags: bytes[offset + 17] >> 4,
    pauses: bytes[offset + 18] & 15,
    volume: bytes[offset + 18] >> 4,
  }
}
