// The container: a zip whose bytes follow from its files alone, and the reading of one that anybody may have made.
//
// Nothing is ever written to a path that an archive names: files stay in memory, under bounds.

import { unzipSync, zipSync } from "fflate"
import { ArchiveError } from "./error.js"

export type Files = ReadonlyMap<string, Uint8Array>

export const MAX_ARCHIVE_BYTES = 2 ** 30
const MAX_ENTRIES = 100_000
const MAX_ENTRY_BYTES = 2 ** 29
const MAX_TOTAL_BYTES = 2 ** 31
/** Deflate gives at most 1032 bytes for one (RFC 1951: 258 bytes for two bits). */
const MAX_RATIO = 1032
const NAME = /^[a-z0-9][a-z0-9_-]*(\/[a-z0-9][a-z0-9_-]*)*(\.[a-z]+)*$/i
/** Stored (0) and deflated (8). */
const METHODS = [0, 8]

/** The names in ascending order, one date, one level: the same files are the same bytes. */
export function pack(files: Files): Uint8Array {
  // Zip keeps local times; these digits are the same in every zone.
  const mtime = new Date(1980, 0, 1, 12)
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  return zipSync(Object.fromEntries(sorted), { level: 6, mtime })
}

/** @throws ArchiveError */
export function unpack(place: string, bytes: Uint8Array): Map<string, Uint8Array> {
  if (bytes.length > MAX_ARCHIVE_BYTES) {
    throw new ArchiveError(place, `must have at most ${MAX_ARCHIVE_BYTES} bytes`, String(bytes.length))
  }
  const seen = new Set<string>()
  let total = 0
  const accept = ({ name, size, originalSize, compression }: Entry): boolean => {
    const entry = `${place}, entry ${JSON.stringify(name.slice(0, 200))}`
    if (seen.size >= MAX_ENTRIES)
      throw new ArchiveError(place, `must have at most ${MAX_ENTRIES} entries`, "more")
    if (!NAME.test(name)) throw new ArchiveError(entry, "must have a plain relative name", name)
    if (seen.has(name)) throw new ArchiveError(entry, "must be there once", "twice")
    if (!METHODS.includes(compression)) {
      throw new ArchiveError(entry, "must be stored or deflated", `method ${compression}`)
    }
    if (!(originalSize >= 0 && originalSize <= MAX_ENTRY_BYTES)) {
      throw new ArchiveError(entry, `must have at most ${MAX_ENTRY_BYTES} bytes`, String(originalSize))
    }
    if (originalSize > MAX_RATIO * size) {
      throw new ArchiveError(
        entry,
        `must have at most ${MAX_RATIO} bytes for each of its ${size}`,
        String(originalSize),
      )
    }
    total += originalSize
    if (total > MAX_TOTAL_BYTES) {
      throw new ArchiveError(entry, `all entries must have at most ${MAX_TOTAL_BYTES} bytes`, String(total))
    }
    seen.add(name)
    return true
  }
  try {
    // First the names and sizes alone, so that nothing is unpacked of an archive that breaks a bound.
    unzipSync(bytes, { filter: (entry) => accept(entry) && false })
    const files = unzipSync(bytes)
    return new Map(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)))
  } catch (cause) {
    if (cause instanceof ArchiveError) throw cause
    throw new ArchiveError(place, "must be a zip that can be unpacked", (cause as Error).message)
  }
}

interface Entry {
  name: string
  /** Bytes in the archive, and unpacked. */
  size: number
  originalSize: number
  compression: number
}
