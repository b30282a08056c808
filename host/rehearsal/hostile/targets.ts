// Every decoder of what comes over a wire or from a file, with good examples of its input.

import { createHash } from "node:crypto"
import { packRecord, RECORD_BYTES, unpackRecord } from "../../../src/record.js"
import {
  LIST_CHECKSUM_AT,
  LIST_CHECKSUM_BYTES,
  SERIAL_GET,
  SERIAL_HEAD_BYTES,
  SERIAL_PUT,
} from "../../../src/wire.js"
import { ArchiveError } from "../../archive/error.js"
import { pack, unpack } from "../../archive/zip.js"
import { CardError } from "../../card/card-error.js"
import { manifestText, parseManifest } from "../../card/manifest.js"
import { mp3FaultOf } from "../../card/mp3.js"
import { AudioError } from "../../catalogue/audio/audio-error.js"
import { readHeaders } from "../../catalogue/audio/read.js"
import { CatalogueError, readCatalogue } from "../../catalogue/columns.js"
import { joinAttributes } from "../../catalogue/join.js"
import { readPlaysCsv } from "../../import/csv.js"
import { ImportError } from "../../import/imported.js"
import { readListenBrainz, readSpotify } from "../../import/json.js"
import { readPlaylist } from "../../import/playlist.js"
import { readScrobbler } from "../../import/scrobbler.js"
import { LabelError, readLabelsCsv } from "../../patterns/evaluation/labels.js"
import { MatrixError, readMatrixFile } from "../../patterns/matrix-file.js"
import { WireError } from "../../protocol/error.js"
import { decodeMessagePack, encodeMessagePack } from "../../protocol/messagepack.js"
import { packPlaylist, unpackPlaylist } from "../../protocol/playlist.js"
import { decodeReply } from "../../protocol/reply.js"
import { decodeRequest } from "../../protocol/request.js"
import { openRequest, sealRequest } from "../../protocol/seal.js"
import { Exchanges } from "../../serial/exchanges.js"
import type { Song } from "../../store/songs.js"
import { checkPlan, PlanError, parsePlan } from "../../study/plan.js"
import { readSurveyCsv } from "../../study/survey-csv.js"
import { DEFAULT_QUESTIONS } from "../../study/survey-questions.js"
import { flacFile, m4aFile, mp3File, oggFile, withPageChecksums } from "./audio-examples.js"
import type { Target } from "./judge.js"

const DEVICE = "f1e1d70000000100"
const KEY = new Uint8Array(32).map((_, i) => i)
const SALT = new Uint8Array(16).map((_, i) => 255 - i)

/** What attributes are joined to. */
const SONGS: readonly Song[] = [1, 2].map((id) => {
  const names = { source: `s${id}`, title: `T${id}`, artist: "A", genre: "Rock", file: `${id}.mp3` }
  return { id, ...names, lengthMs: 60_000, attributes: { tempo: 100 + id } }
})

/** Messages and files of this program. */
const OWN: readonly Target[] = [
  {
    name: "MessagePack",
    examples: [
      encodeMessagePack([1, -1, 1.5, "text", true, null, new Uint8Array(3), { a: [{}] }]),
      request(),
    ],
    decode: decodeMessagePack,
    refusal: ofClass(WireError),
  },
  { name: "sync request", examples: [request()], decode: decodeRequest, refusal: ofClass(WireError) },
  {
    name: "sealed body",
    examples: [sealed(request())],
    decode: (body) => decodeRequest(openRequest(KEY, DEVICE, body).plain),
    refusal: ofClass(WireError),
  },
  {
    name: "listen record",
    examples: [record(1)],
    // A record that can't be read is not an error: the board is asked what became of it.
    decode: (bytes) => bytes.length === RECORD_BYTES && unpackRecord(bytes, 0),
    refusal: () => false,
  },
  { name: "sync reply", examples: [reply()], decode: decodeReply, refusal: ofClass(WireError) },
  {
    name: "playlist",
    examples: [playlist()],
    repair: withChecksum,
    decode: unpackPlaylist,
    refusal: ofClass(WireError),
  },
  {
    name: "piece over USB",
    examples: [piece(SERIAL_PUT), piece(SERIAL_GET)],
    decode: (bytes) => usb.answer(bytes),
    refusal: () => false,
  },
  {
    name: "study.json",
    examples: [text(JSON.stringify(checkPlan({ cohorts: [{ name: "a" }], onDevice: {} }, "study.json")))],
    decode: (bytes) => parsePlan(Buffer.from(bytes).toString("utf8"), "study.json"),
    refusal: ofClass(PlanError),
  },
  {
    name: "catalogue CSV",
    examples: [
      text(
        'song,title,artist,genre,duration_s,tempo,file\n1,"A, b",C,Rock,180.5,120,1.mp3\n2,D,E,,61,99.5,2.mp3\n',
      ),
    ],
    decode: (bytes) => readCatalogue(Buffer.from(bytes).toString("utf8"), []),
    refusal: ofClass(CatalogueError),
  },
  {
    name: "attribute CSV",
    examples: [
      text("song,valence,danceability\n1,.5,1e-3\n2,,NA\n"),
      text("file;mood;pace\n1.mp3;.5;1\n2.mp3;.25;2\n"),
    ],
    decode: (bytes) => joinAttributes(SONGS, Buffer.from(bytes).toString("utf8")),
    refusal: ofClass(CatalogueError),
  },
  {
    name: "survey CSV",
    examples: [text("subject,question,answer\n1,fit,5\n2,surprise,NA\n")],
    decode: (bytes) => readSurveyCsv(Buffer.from(bytes).toString("utf8"), DEFAULT_QUESTIONS),
    refusal: ofClass(ImportError),
  },
  {
    name: "labels CSV",
    examples: [text("subject,sports,age\n1,1,30\n2,no,NA\n")],
    decode: (bytes) => readLabelsCsv(Buffer.from(bytes).toString("utf8")),
    refusal: ofClass(LabelError),
  },
  {
    name: "matrix file",
    examples: [text('{"X":[[1,-2.5],[3e2,4]],"D0":[[1,0]],"lambda":0.5}')],
    decode: (bytes) => readMatrixFile(Buffer.from(bytes).toString("utf8")),
    refusal: ofClass(MatrixError),
  },
  {
    name: "card manifest",
    examples: [manifest()],
    decode: (bytes) => parseManifest(Buffer.from(bytes).toString("utf8"), "card"),
    refusal: ofClass(CardError),
  },
]

/** Texts of other programs. */
const IMPORTED: readonly Target[] = [
  logTarget("scrobbler log", readScrobbler, [
    "#AUDIOSCROBBLER/1.1\n#TZ/UTC\nA\tB\tC\t1\t237\tL\t1500812596\t\nD\t\tE\t\t99\tS\t0\t\n",
    "\uFEFFA\tB\tC\t1\t237\tL\t1500812596\t\n",
  ]),
  logTarget("ListenBrainz log", readListenBrainz, [
    '[{"listened_at":1700000000,"track_metadata":{"artist_name":"A","track_name":"T","additional_info":{"duration_ms":1000}}}]',
    '{"listened_at":1700000000,"track_metadata":{"artist_name":"A","track_name":"T"}}\n{"listened_at":1,"track_metadata":{}}',
  ]),
  logTarget("Spotify history", readSpotify, [
    '[{"ts":"2024-02-03T04:05:06Z","ms_played":61000,"master_metadata_track_name":"T","master_metadata_album_artist_name":"A","reason_end":"fwdbtn"}]',
    '[{"endTime":"2024-02-03 04:05","artistName":"A","trackName":"T","msPlayed":60000}]',
  ]),
  logTarget("plays CSV", readPlaysCsv, [
    'artist,title,time,length_s,heard_s,end_reason\nA,"B, c",2024-01-01T10:00:00Z,180,30.5,skipped\n',
  ]),
  logTarget("playlist file", readPlaylist, [
    '<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><title>L</title><trackList><track><location>a.mp3</location><title>T</title><duration>1000</duration></track></trackList></playlist>',
    '{"playlist":{"title":"L","track":[{"location":["a.mp3"],"title":"T","creator":"A","duration":1000}]}}',
    "#EXTM3U\n#EXTINF:237,A - T\na.mp3\n",
  ]),
  {
    name: "archive",
    examples: [
      pack(
        new Map([
          ["data/a.csv", text("x,y\r\n1,2\r\n")],
          ["README.md", text("# Study\n")],
        ]),
      ),
    ],
    decode: (bytes) => unpack("archive.zip", bytes),
    refusal: ofClass(ArchiveError),
  },
]

/** Audio files: what is read of them before their sound is decoded, and the sound. */
const AUDIO: readonly Target[] = [
  audioTarget("MP3 tags", [mp3File()]),
  audioTarget("Ogg tags", [oggFile()], withPageChecksums),
  audioTarget("FLAC tags", [flacFile()]),
  audioTarget("M4A tags", [m4aFile()]),
  {
    name: "MP3 for a card",
    examples: [mp3File()],
    decode: (bytes) =>
      mp3FaultOf(async (at, length) => Buffer.from(bytes.subarray(at, Math.min(bytes.length, at + length)))),
    refusal: () => false,
  },
]

/** All of them, in a fixed order. */
export const TARGETS: readonly Target[] = [...OWN, ...IMPORTED, ...AUDIO]

/** One host's end of a bus for all pieces, so that they also meet what earlier ones left behind. */
const usb = new Exchanges(
  async () => ({ status: 200, body: new Uint8Array(500) }),
  () => {},
)

function ofClass(...kinds: (new (...args: never[]) => Error)[]): (error: unknown) => boolean {
  return (error) => kinds.some((kind) => error instanceof kind)
}

function logTarget(
  name: string,
  read: (text: string, timeZone: string | null) => unknown,
  examples: readonly string[],
): Target {
  const decode = (bytes: Uint8Array): unknown => read(Buffer.from(bytes).toString("utf8"), "Europe/Berlin")
  return { name, examples: examples.map(text), decode, refusal: ofClass(ImportError) }
}

function audioTarget(
  name: string,
  examples: readonly Uint8Array[],
  repair?: (bytes: Uint8Array) => Uint8Array,
): Target {
  return { name, examples, repair, decode: readHeaders, refusal: ofClass(AudioError) }
}

function text(given: string): Uint8Array {
  return new Uint8Array(Buffer.from(given))
}

function record(sequence: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES)
  const fields = { boot: 1, startMs: 1000, song: 7, listVersion: 3, position: 2, heardMs: 30_000 }
  packRecord({ sequence, ...fields, reason: 1, flags: 1, pauses: 0, volume: 8 }, bytes, 0)
  return bytes
}

function request(): Uint8Array {
  return encodeMessagePack({
    v: 1,
    fw: "0.1.0",
    epoch: 4_000_000_000,
    boot: 3,
    up: 1_000_000,
    n: 5,
    plays: [record(1), record(2)],
    gone: [[1, 3, 4, 2]],
    list: 3,
    next: 4,
    part: [4, 0],
    refused: [2, 1],
    open: [5, 7, 20_000],
    health: { log: 2, cap: 400, full: 0, audio: 0, fails: 0, store: 0, vol: 8, card: 1, bat: 90, rtc: 1e12 },
  })
}

function reply(): Uint8Array {
  return encodeMessagePack({
    v: 1,
    now: 1_700_000_000_000,
    ack: [[3, 12]],
    missing: [[0, 4, 6]],
    list: { ver: 4, k: 0, of: 1, size: 20, data: new Uint8Array(20) },
    plan: { sync: 15, vol: 12, ctl: 3, sleep: 30 },
  })
}

function sealed(plain: Uint8Array): Uint8Array {
  return new Uint8Array(sealRequest(KEY, DEVICE, SALT, plain))
}

function playlist(): Uint8Array {
  const songs = Array.from({ length: 12 }, (_, i) => ({ song: i + 1, lengthMs: 180_000, flags: i % 2 }))
  return new Uint8Array(packPlaylist(songs, 9))
}

/** The first bytes of SHA-256 over everything but themselves, as the board checks them. */
function withChecksum(given: Uint8Array): Uint8Array {
  if (given.length < LIST_CHECKSUM_AT + LIST_CHECKSUM_BYTES) return given
  const bytes = Buffer.from(given)
  const hash = createHash("sha256")
    .update(bytes.subarray(0, LIST_CHECKSUM_AT))
    .update(bytes.subarray(LIST_CHECKSUM_AT + LIST_CHECKSUM_BYTES))
    .digest()
  hash.copy(bytes, LIST_CHECKSUM_AT, 0, LIST_CHECKSUM_BYTES)
  return new Uint8Array(bytes)
}

function piece(kind: number): Uint8Array {
  const bytes = new Uint8Array(SERIAL_HEAD_BYTES + (kind === SERIAL_PUT ? 60 : 0))
  bytes.set(Buffer.from(DEVICE, "hex"))
  bytes.set([kind, 1, 0, 1], 8)
  return bytes
}

function manifest(): Uint8Array {
  const sha = "ab".repeat(32)
  return text(
    manifestText({
      schema: 1,
      study: "study",
      device: DEVICE,
      board: "dfplayer",
      catalogue: sha,
      writtenAt: 1_700_000_000_000,
      complete: true,
      files: [{ song: 1, name: "mp3/0001.mp3", bytes: 1000, sha256: sha, source: "a.mp3" }],
    }),
  )
}
