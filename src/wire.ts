// The wire format, version 1: shapes, limits, and the bytes of a playlist. docs/wire-format.md is its prose,
// test/reference/wire/ its vectors. This file imports nothing: the board and the host both read it.

export const WIRE_VERSION = 1

/** Largest sealed body of either direction, bytes. The board's heap is 64 KB; a body is held three times. */
export const MAX_BODY_BYTES = 4096
/** Most listen records in one request; the rest go in the next exchange of the same sync. */
export const MAX_PLAYS = 120
/** Most entries in `gone`, `ack` and `missing`. */
export const MAX_RANGES = 32
/** Deepest nesting of arrays and maps: message → array → array → value. */
export const MAX_DEPTH = 5
/** Longest text of any field, UTF-8 bytes. */
export const MAX_TEXT_BYTES = 64
/** Exchanges of one sync before the board gives up until the next one. */
export const MAX_EXCHANGES = 64

// Seal: salt | AES-256-CCM(plain) | tag. Each message has a fresh salt, so each has its own key and the
// nonce can be constant zero. Key = HKDF-SHA256(ikm = device key, salt, info); info binds direction and device:
//   request: info = SEAL_UP + device id,   salt = its own salt
//   reply:   info = SEAL_DOWN + device id, salt = request salt followed by its own salt
export const SALT_BYTES = 16
export const TAG_BYTES = 8
export const NONCE_BYTES = 13
export const KEY_BYTES = 32
export const SEAL_UP = "fieldtune/1 up "
export const SEAL_DOWN = "fieldtune/1 down "
/** HTTP: POST SYNC_PATH + device id, sixteen lower-case hexadecimal digits. */
export const SYNC_PATH = "/v1/sync/"

// The same bodies over the bus, cut into pieces: src/serial.ts.
export const SERIAL_HEAD_BYTES = 12
export const SERIAL_PIECE_BYTES = 200
export const SERIAL_PUT = 1
export const SERIAL_GET = 2
export const SERIAL_REFUSED = 3

/** Why a record can't be given: `gone` code. */
export const GONE_CHECKSUM = 1
export const GONE_LOG_FULL = 2
/** The store holds nothing for the sequence (memory that was reset or replaced within the epoch). */
export const GONE_UNKNOWN = 3

/** Why a playlist was refused: `refused` code. */
export const REFUSED_CHECKSUM = 1
export const REFUSED_FORMAT = 2
export const REFUSED_TOO_LARGE = 3
export const REFUSED_SONG = 4
export const REFUSED_STORE = 5

/** Board to host. `plays` holds packed records of record.ts (20 bytes each, MessagePack bin). */
export interface SyncRequest {
  v: number
  /** Firmware version, text. */
  fw: string
  /** 32-bit random number drawn when the board's memory was empty. */
  epoch: number
  boot: number
  /** Uptime, milliseconds. */
  up: number
  /** Request counter of this boot: (boot, n) never goes back within an epoch. */
  n: number
  /** 20-byte packed records, ascending sequence. */
  plays: any[]
  /** [boot, from sequence, to sequence, GONE_ code]. boot 0 where the board no longer knows it. */
  gone: number[][]
  /** The listen that is going on: [sequence, song, heardMs]. Information only, never a play. */
  open?: number[]
  /** Version of the playlist that plays; 0 = none. */
  list: number
  /** Version that is stored and checked and starts at the next track boundary. */
  next?: number
  /** Part wanted: [version, index of the first part not yet received]. */
  part?: number[]
  /** [version, REFUSED_ code] of the newest playlist that was refused. */
  refused?: number[]
  health: SyncHealth
}

export interface SyncHealth {
  /** Records in the log that no acknowledgement covers. */
  log: number
  /** Records that the log holds at most. */
  cap: number
  /** Listens of this epoch that were not recorded because the log was full or its memory refused them. */
  full: number
  /** Audio board errors since the start. */
  audio: number
  /** Failed sync attempts since the last success. */
  fails: number
  /** 0 = settings flash, 1 = FRAM. */
  store: number
  /** Volume now, 0 … 15. */
  vol: number
  /** Card of the sound board: 0 it can't tell, 1 present, 2 missing. */
  card?: number
  /** Charge of the battery, percent; only where a gauge measures it. */
  bat?: number
  /** Why the board started: RESET_ value. */
  reset?: number
  /** Uptime at the end of the last sync that went through in this boot, ms; absent where none did. */
  last?: number
  /** Time of the board's own clock chip, Unix milliseconds; only where it has one that is set. */
  rtc?: number
}

/** Why a board started, 0 where it does not know: power came, it restarted itself as planned, its program ended. */
export const RESET_POWER = 1
export const RESET_PLANNED = 2
export const RESET_FAILURE = 3

/** Host to board. */
export interface SyncReply {
  v: number
  /** Host time, Unix milliseconds, as float64. */
  now: number
  /** [boot, upTo]: everything up to this sequence is durable at the host; the board may free it. */
  ack: number[][]
  /** [boot or 0, from sequence, to sequence]: neither a play nor gone has been seen. */
  missing: number[][]
  list?: PlaylistPart
  plan?: DevicePlan
}

export interface PlaylistPart {
  /** Version, 1 … 2³²−1, ascending per device. */
  ver: number
  /** Index of this part, 0 … of − 1. */
  k: number
  of: number
  /** Bytes of the whole playlist. */
  size: number
  /** At most PART_BYTES bytes. */
  data: any
}

/** What the study plan lets the board do. */
export interface DevicePlan {
  /** Minutes between syncs that the board starts by itself; 0 = only on demand. */
  sync: number
  /** Highest volume, 0 … 15. */
  vol: number
  /** What the listener may do beside playing, skipping and stopping: sum of CONTROL_ values; absent = nothing. */
  ctl?: number
  /** The music stops when nobody has pressed a button for so many minutes; 0 or absent = never. */
  sleep?: number
}

export const CONTROL_PREVIOUS = 1
export const CONTROL_LIKE = 2
export const CONTROL_VOLUME = 4
export const MAX_CONTROLS = 7
export const MAX_SLEEP_MINUTES = 1440

/** Bytes of playlist in one reply. */
export const PART_BYTES = 1024
/** Largest playlist of a board with settings flash: ten entries of 200 bytes. */
export const MAX_PLAYLIST_BYTES = 2000
/** Largest playlist of a board with FRAM, and of the format. */
export const MAX_FRAM_PLAYLIST_BYTES = 5000
/** Position is one byte of the record. */
export const MAX_PLAYLIST_ITEMS = 256

// A playlist as bytes, little endian:
//   0 magic "FT" | 2 layout u8 = 1 or 2 | 3 flags u8 = 0 | 4 version u32 | 8 items u16
//   10 u16: 0 in layout 1, bytes of the whole playlist in layout 2
//   12 checksum: first 4 bytes of SHA-256 over bytes 0 to 11 followed by 16 to the end
//   16 items, 6 bytes each: song u16 | length in ms u24 | flags u8 (record.ts FLAG_EXPLORE)
//
// Layout 2 has a section behind the items, from which the board chooses (adapt.ts). At its beginning:
//   0 particles M u8, 1 … 32 | 1 variables V u8, 0 … 12 | 2 lists L u8, 1 … 3 | 3 flags u8: 1 = worth in seconds
//   4 songs per list n u16, 1 … items | 6 listens before the first choice u8 | 7 u8 = 0
//   8 margin u16, thousandths | 10 epsilon u16, thousandths, 0 … 1000 | 12 seed u32
//   16 scale of the constants f32 | 20 scale of σ f32 | 24 scales of the variables, V × f32; all normal, above 0
// then  lists 1 … L − 1, n items u8 each, none twice in a list (list 0 is the items 0 … n − 1 in their order)
//       attributes, V × i8 for each item
//       constants, M × i16 | σ, M × u16 above 0 | coefficients of variable 0, M × i16 | of variable 1 | …
// Under particle m a song's log time in seconds has the mean constant·scale + Σ attribute·coefficient·scale of the
// variable, and the standard deviation σ·scale. Items that no list has are alternates.
export const LIST_MAGIC_0 = 0x46
export const LIST_MAGIC_1 = 0x54
export const LIST_LAYOUT = 1
export const LIST_LAYOUT_ADAPTIVE = 2
export const LIST_SIZE_AT = 10
export const LIST_HEADER_BYTES = 16
export const LIST_CHECKSUM_AT = 12
export const LIST_CHECKSUM_BYTES = 4
export const LIST_ITEM_BYTES = 6
