// fieldtune-card.json in the root of a card: for which device of which study, with which files. It is written before
// the first song with complete = false, so that a card whose writing was interrupted is known for what it is, and
// again after the last.
//
// A card comes back from the field and may hold anything: the file is bounded, its shape is checked, and a name in it
// is taken only where it is the name that the board's own rule gives for the song's number.

import { createHash } from "node:crypto"
import { constants, open } from "node:fs/promises"
import { join } from "node:path"
import Type from "typebox"
import Value from "typebox/value"
import type { Song } from "../store/songs.js"
import { AUDIO_BOARDS, BOARD_NAMES, type BoardName, pathOnCard } from "./boards.js"
import { CardError, isAbsent } from "./card-error.js"

export const MANIFEST_NAME = "fieldtune-card.json"
/** 9999 songs with long names take 5 MB. */
const MAX_BYTES = 8 << 20

const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" })

const ManifestSchema = Type.Object(
  {
    schema: Type.Literal(1),
    study: Type.String({ minLength: 1, maxLength: 120 }),
    device: Type.String({ pattern: "^[0-9a-f]{16}$" }),
    board: Type.Unsafe<BoardName>(Type.Union(BOARD_NAMES.map((name) => Type.Literal(name)))),
    /** catalogueHash of the study when the card was written. */
    catalogue: Sha256,
    /** Unix milliseconds. */
    writtenAt: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    /** False while the card is being written. */
    complete: Type.Boolean(),
    /** Ascending song. */
    files: Type.Array(
      Type.Object(
        {
          song: Type.Integer({ minimum: 1, maximum: 65535 }),
          /** From the card's root, with slashes. */
          name: Type.String({ maxLength: 64 }),
          bytes: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
          /** null until the file was read back. */
          sha256: Type.Union([Sha256, Type.Null()]),
          source: Type.String({ maxLength: 4096 }),
        },
        { additionalProperties: false },
      ),
      { maxItems: 9999 },
    ),
  },
  { additionalProperties: false },
)

export type Manifest = Type.Static<typeof ManifestSchema>

/** SHA-256, hexadecimal, of what ties a card to the catalogue: which number is which song. */
export function catalogueHash(songs: readonly Song[]): string {
  const hash = createHash("sha256")
  for (const song of [...songs].sort((a, b) => a.id - b.id)) {
    hash.update(`${JSON.stringify([song.id, song.source, song.title, song.artist, song.lengthMs])}\n`)
  }
  return hash.digest("hex")
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 1)}\n`
}

/** SHA-256, hexadecimal, of the manifest's file. */
export function manifestHash(manifest: Manifest): string {
  return createHash("sha256").update(manifestText(manifest)).digest("hex")
}

/** The manifest of the card in folder `dir`, undefined where it has none; CardError where it is not one of ours. */
export async function readManifest(dir: string): Promise<Manifest | undefined> {
  const path = join(dir, MANIFEST_NAME)
  const refuse = refusalAt(path)
  let text: string
  try {
    // A link or a pipe of that name is not followed and not waited for.
    const file = await open(
      path,
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    )
    try {
      const status = await file.stat()
      if (!status.isFile()) throw refuse("a manifest is a file", "something else")
      if (status.size > MAX_BYTES) {
        throw refuse(`a manifest has at most ${MAX_BYTES} bytes`, String(status.size))
      }
      const bytes = Buffer.alloc(status.size)
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
      text = bytes.toString("utf8", 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isAbsent(error)) return undefined
    if ((error as NodeJS.ErrnoException).code === "ELOOP") throw refuse("a manifest is a file", "a link")
    throw error
  }
  return parseManifest(text, path)
}

function refusalAt(place: string): (rule: string, got: string) => CardError {
  return (rule, got) => new CardError(`${place}: ${rule}, got ${got}`)
}

/** The manifest that the text of the file `path` is; throws CardError. */
export function parseManifest(text: string, path: string): Manifest {
  const refuse = refusalAt(path)
  let manifest: unknown
  try {
    manifest = JSON.parse(text)
  } catch {
    throw refuse("a manifest is JSON", JSON.stringify(text.slice(0, 40)))
  }
  if (!Value.Check(ManifestSchema, manifest)) {
    const [first] = Value.Errors(ManifestSchema, manifest)
    const place = first.instancePath.slice(1).replaceAll("/", ".") || "the whole"
    throw new CardError(`${path}: not a manifest of a card: ${place}: ${first.message}`)
  }
  const board = AUDIO_BOARDS[manifest.board]
  let before = 0
  for (const { song, name, sha256 } of manifest.files) {
    const rule = `files: song ${song}`
    if (song <= before) throw refuse(`${rule}: songs ascend`, `it after ${before}`)
    const wanted = song <= board.maxFile ? pathOnCard(board, song) : "none"
    if (name !== wanted) throw refuse(`${rule}: its name on this board is ${wanted}`, JSON.stringify(name))
    if (manifest.complete && sha256 === null) throw refuse(`${rule}: a complete card has its hash`, "null")
    before = song
  }
  return manifest
}
