// Writing a card, so that it can be cut at any moment and taken up again.
//
// A song is copied to one temporary file in the root, flushed, and renamed to its name: what has its name is whole, as
// far as the file system keeps the order, and what was half written has the temporary name. When all are there, every
// file is read back and compared with its source; one that differs is written once more. A second run copies only what
// is missing or has another size, and finds the rest right or not when it reads everything back.

import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { type FileHandle, lstat, mkdir, open, rename, rm, stat, statfs } from "node:fs/promises"
import { dirname, join } from "node:path"
import { AUDIO_BOARDS, type AudioBoard, type BoardName } from "./boards.js"
import { CardError, isAbsent, listed } from "./card-error.js"
import { numberedStrangers, removeAppleDouble } from "./foreign.js"
import { MANIFEST_NAME, type Manifest, manifestHash, manifestText, readManifest } from "./manifest.js"
import { ReadBack, type ReadFrom } from "./read-back.js"
import type { CardSong } from "./sources.js"

/** What a test replaces: the room on the card, and how bytes are written. */
export interface CardDisk {
  /** Bytes that are free for the user, and how many a file's last block takes. */
  room(dir: string): Promise<{ free: number; block: number }>
  /** Appends the bytes to the file. */
  put(file: FileHandle, bytes: Uint8Array): Promise<void>
}

export interface CardJob {
  /** Folder where the card is mounted. */
  dir: string
  study: string
  device: string
  board: BoardName
  /** catalogueHash. */
  catalogue: string
  songs: readonly CardSong[]
  /** Unix milliseconds, for the manifest. */
  at: number
  /** Take a card of another device or study, and files that are in the way. */
  replace?: boolean
  disk?: Partial<CardDisk>
  /** Told the bytes that were copied or read back; `2 * songs` bytes make the whole. */
  progress?: (bytes: number) => void
}

export interface WrittenCard {
  dir: string
  device: string
  board: BoardName
  songs: number
  bytes: number
  /** Songs and bytes that this run wrote; the rest was there and right. */
  copied: number
  copiedBytes: number
  /** Songs of an older manifest that were taken off. */
  removed: number
  /** manifestHash. */
  manifest: string
  readFrom: ReadFrom
  warnings: string[]
}

/** In the root, without a number and not .mp3: no board takes it for a song. */
const TEMPORARY_NAME = "fieldtune.tmp"
const CHUNK_BYTES = 1 << 20
/** Linux statfs: a FAT file system. */
const FAT_TYPE = 0x4d44

const DISK: CardDisk = {
  async room(dir) {
    const status = await statfs(dir)
    return { free: status.bavail * status.bsize, block: status.bsize }
  },
  async put(file, bytes) {
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
  },
}

/** Is the folder a file system of its own, FAT where the system says what it is? */
export async function isFatCard(dir: string): Promise<boolean> {
  return (await placeWarnings(dir)).length === 0
}

/** Warnings about the folder itself: not a card, or one that boards can't read. */
async function placeWarnings(dir: string): Promise<string[]> {
  const warnings: string[] = []
  const parent = join(dir, "..")
  if (parent !== dir && (await stat(dir)).dev === (await stat(parent)).dev) {
    warnings.push(`${dir}: is a folder of a larger disk; is the card mounted here?`)
  } else if (process.platform === "linux" && (await statfs(dir)).type !== FAT_TYPE) {
    warnings.push(`${dir}: is not formatted as FAT, the only format that all boards read`)
  }
  return warnings
}

/** Refuses, or writes the card and reads it back; CardError says what is wrong and, where it can be, what to do. */
export async function writeCard(job: CardJob): Promise<WrittenCard> {
  return new CardWriter(job).run()
}

/** Writing or reading back has failed on the way. Any other CardError is a refusal before the card was touched. */
export class UnfinishedCardError extends CardError {
  override name = "UnfinishedCardError"
}

class CardWriter {
  private readonly board: AudioBoard
  private readonly disk: CardDisk
  private readonly reader = new ReadBack()
  private readonly tmp: string
  private readonly names: ReadonlySet<string>
  private readonly hashes = new Map<number, string>()
  private readonly warnings: string[] = []
  private copied = 0
  private copiedBytes = 0
  private removed = 0
  /** An unfinished manifest is on the card. */
  private begun = false

  constructor(private readonly job: CardJob) {
    this.board = AUDIO_BOARDS[job.board]
    this.disk = { ...DISK, ...job.disk }
    this.tmp = join(job.dir, TEMPORARY_NAME)
    this.names = new Set(job.songs.map((song) => song.name))
  }

  async run(): Promise<WrittenCard> {
    let refusing = true
    try {
      await this.refuseFolder()
      const old = await this.oldManifest()
      const sizes = await this.sizesOnCard(old)
      const missing = this.job.songs.filter((song) => sizes.get(song.song) !== song.bytes)
      const stale = await this.staleFiles(old)
      if (missing.length > 0 || old === undefined) await this.refuseRoom(missing, sizes, stale)
      refusing = false
      await this.write(missing, stale.names)
      return this.outcome(await this.finish(old))
    } catch (error) {
      const ours = error instanceof CardError
      // Without a system's code it is a mistake of this program, and keeps its stack.
      if (ours ? refusing : (error as NodeJS.ErrnoException).code === undefined) throw error
      throw this.unfinished(error as NodeJS.ErrnoException)
    }
  }

  private async write(missing: readonly CardSong[], stale: readonly string[]): Promise<void> {
    const { dir, songs } = this.job
    await rm(this.tmp, { force: true })
    for (const name of stale) {
      await rm(this.path(name))
      this.removed++
    }
    if (missing.length > 0) await this.begin()
    for (const song of missing) await this.copy(song)
    const written = new Set(missing)
    this.progressOf(songs.filter((song) => !written.has(song)))
    await this.verify()
    this.warnings.push(...(await removeAppleDouble(dir, this.board)))
    this.warnings.push(...(await numberedStrangers(dir, this.board, this.names)))
  }

  private path(name: string): string {
    return join(this.job.dir, name)
  }

  private progressOf(songs: readonly CardSong[]): void {
    this.job.progress?.(songs.reduce((sum, song) => sum + song.bytes, 0))
  }

  private async refuseFolder(): Promise<void> {
    const { dir } = this.job
    try {
      if (!(await stat(dir)).isDirectory()) throw new CardError(`${dir}: a card is a folder, this is a file`)
    } catch (error) {
      if (isAbsent(error)) throw new CardError(`${dir}: there is no such folder; is the card mounted?`)
      throw error
    }
    this.warnings.push(...(await placeWarnings(dir)))
    const { folder } = this.board
    const status = folder === "" ? undefined : await this.status(folder)
    if (status !== undefined && !status.isDirectory()) {
      throw new CardError(
        `${this.path(folder)}: must be a folder, it holds the songs of a ${this.board.title}`,
      )
    }
  }

  /** lstat of a name on the card, undefined where there is none. */
  private async status(name: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
    try {
      return await lstat(this.path(name))
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  }

  /** The card's manifest where it is one of this device and study, or is to be replaced. */
  private async oldManifest(): Promise<Manifest | undefined> {
    const { dir, device, study, replace } = this.job
    let old: Manifest | undefined
    try {
      old = await readManifest(dir)
    } catch (error) {
      if (!(error instanceof CardError)) throw error
      if (!replace) throw new CardError(`${error.message}; --replace writes the card anew`)
      this.warnings.push(`${error.message}; replaced`)
    }
    if (old === undefined || replace) return old
    const other =
      old.device !== device ? `device ${old.device}` : old.study !== study ? `study ${old.study}` : undefined
    if (other === undefined) return old
    throw new CardError(
      `${dir}: is the card of ${other}, not of ${old.device !== device ? `device ${device}` : study}; --replace takes it over`,
    )
  }

  /** Bytes of the songs that are on the card; refuses where a file of somebody else has the name of a song. */
  private async sizesOnCard(old: Manifest | undefined): Promise<Map<number, number>> {
    const { job } = this
    const ours = new Set(old?.files.map((file) => file.name))
    const sizes = new Map<number, number>()
    const inTheWay: string[] = []
    for (const song of job.songs) {
      const status = await this.status(song.name)
      if (status === undefined) continue
      if (!status.isFile())
        throw new CardError(`${this.path(song.name)}: must be a file, is a folder or a link`)
      sizes.set(song.song, Number(status.size))
      if (ours.has(song.name) || job.replace) continue
      const same =
        Number(status.size) === song.bytes &&
        (await this.reader.sha256(this.path(song.name))) === (await sha256Of(song.path))
      if (!same) inTheWay.push(song.name)
    }
    if (inTheWay.length > 0) {
      throw new CardError(
        `${job.dir}: ${inTheWay.length} files have the names of songs and are not ours (--replace overwrites them): ${listed(inTheWay)}`,
      )
    }
    return sizes
  }

  /** Files of the old manifest that are no longer wanted, as long as they are what was written then. */
  private async staleFiles(old: Manifest | undefined): Promise<{ names: string[]; bytes: number[] }> {
    const stale: { names: string[]; bytes: number[] } = { names: [], bytes: [] }
    for (const file of old?.files ?? []) {
      if (this.names.has(file.name)) continue
      const status = await this.status(file.name)
      if (status === undefined) continue
      const same =
        status.isFile() &&
        Number(status.size) === file.bytes &&
        (await this.reader.sha256(this.path(file.name))) === file.sha256
      if (same) {
        stale.names.push(file.name)
        stale.bytes.push(file.bytes)
      } else this.warnings.push(`${file.name}: of an earlier catalogue, changed since; left`)
    }
    return stale
  }

  /** Refuses where the most that is on the card at any moment of the run would not fit. */
  private async refuseRoom(
    missing: readonly CardSong[],
    sizes: ReadonlyMap<number, number>,
    stale: { bytes: readonly number[] },
  ): Promise<void> {
    const { dir } = this.job
    const { free, block } = await this.disk.room(dir)
    const blocks = (bytes: number): number => Math.ceil(bytes / block) * block
    const temporary = Number((await this.status(TEMPORARY_NAME))?.size ?? 0)
    let used = -blocks(temporary)
    for (const bytes of stale.bytes) used -= blocks(bytes)
    // The manifest stands there twice while it is replaced.
    used += 2 * blocks(Buffer.byteLength(manifestText(this.manifest(true, "f".repeat(64)))))
    let most = used
    for (const song of missing) {
      used += blocks(song.bytes)
      most = Math.max(most, used)
      used -= blocks(sizes.get(song.song) ?? 0)
    }
    if (most <= free) return
    throw new CardError(
      `${dir}: ${megabytes(most)} MB are needed and ${megabytes(free)} MB are free, nothing was written: take a larger card, or free it`,
    )
  }

  private manifest(complete: boolean, placeholder: string | null = null): Manifest {
    const { study, device, board, catalogue, at, songs } = this.job
    return {
      schema: 1,
      study,
      device,
      board,
      catalogue,
      writtenAt: at,
      complete,
      files: songs.map(({ song, name, bytes, source }) => ({
        song,
        name,
        bytes,
        sha256: complete ? (this.hashes.get(song) ?? placeholder) : null,
        source,
      })),
    }
  }

  /** Marks the card as being written, before the first change to a song. */
  private async begin(): Promise<void> {
    this.begun = true
    if (this.board.folder !== "") await mkdir(this.path(this.board.folder), { recursive: true })
    await this.writeManifest(this.manifest(false))
  }

  private async writeManifest(manifest: Manifest): Promise<void> {
    await this.place(MANIFEST_NAME, (file) => this.disk.put(file, Buffer.from(manifestText(manifest))))
  }

  /** A file that is there whole or not at all. */
  private async place(name: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
    const file = await open(this.tmp, "w")
    try {
      await fill(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(this.tmp, this.path(name))
    await syncFolder(this.job.dir)
    if (dirname(name) !== ".") await syncFolder(this.path(dirname(name)))
  }

  private async copy(song: CardSong): Promise<void> {
    const hash = createHash("sha256")
    let bytes = 0
    await this.place(song.name, async (file) => {
      for await (const chunk of createReadStream(song.path, { highWaterMark: CHUNK_BYTES })) {
        hash.update(chunk)
        await this.disk.put(file, chunk)
        bytes += chunk.length
        this.copiedBytes += chunk.length
        this.job.progress?.(chunk.length)
      }
      if (bytes !== song.bytes) {
        throw new CardError(`${song.path}: changed while it was copied, ${song.bytes} bytes became ${bytes}`)
      }
    })
    this.hashes.set(song.song, hash.digest("hex"))
    this.copied++
  }

  /**
   * Reads all songs back. Those that differ are written once more, and then all are read again: a card that is smaller
   * than it says writes one song over another.
   */
  private async verify(): Promise<void> {
    const different = await this.differing()
    if (different.length === 0) return
    await this.begin()
    for (const song of different) await this.copy(song)
    const wrong = await this.differing()
    if (wrong.length === 0) return
    throw new CardError(
      `${wrong.length} files are not what was written, twice; the card is broken or smaller than it says, take another: ${listed(wrong.map((song) => song.name))}`,
    )
  }

  private async differing(): Promise<CardSong[]> {
    const different: CardSong[] = []
    for (const song of this.job.songs) if (!(await this.isRight(song))) different.push(song)
    return different
  }

  private async isRight(song: CardSong): Promise<boolean> {
    let wanted = this.hashes.get(song.song)
    if (wanted === undefined) {
      wanted = await sha256Of(song.path)
      this.hashes.set(song.song, wanted)
    }
    return (await this.reader.sha256(this.path(song.name), this.job.progress)) === wanted
  }

  /** Writes the manifest, unless the card has the same but for its time. */
  private async finish(old: Manifest | undefined): Promise<Manifest> {
    const manifest = this.manifest(true)
    if (old !== undefined && !this.begun) {
      if (manifestHash({ ...manifest, writtenAt: old.writtenAt }) === manifestHash(old)) return old
    }
    await this.writeManifest(manifest)
    if ((await this.reader.sha256(this.path(MANIFEST_NAME))) !== manifestHash(manifest)) {
      throw new CardError(`${MANIFEST_NAME} is not what was written, take another card`)
    }
    return manifest
  }

  private outcome(manifest: Manifest): WrittenCard {
    const { dir, device, board, songs } = this.job
    return {
      dir,
      device,
      board,
      songs: songs.length,
      bytes: songs.reduce((sum, song) => sum + song.bytes, 0),
      copied: this.copied,
      copiedBytes: this.copiedBytes,
      removed: this.removed,
      manifest: manifestHash(manifest),
      readFrom: this.reader.from,
      warnings: this.warnings,
    }
  }

  private unfinished(error: NodeJS.ErrnoException): UnfinishedCardError {
    const { dir, songs } = this.job
    const why =
      error.code === "ENOSPC"
        ? "the card is full, although it said that it had room"
        : error.code === "EROFS" || error.code === "EACCES" || error.code === "EPERM"
          ? `the card cannot be written (is its lock closed?): ${error.message}`
          : error.message
    const again = error instanceof CardError ? "" : "; the same command takes it up where it was"
    return new UnfinishedCardError(
      `${dir}: not finished, ${this.copied} of ${songs.length} songs copied: ${why}${again}`,
      { cause: error },
    )
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256")
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) hash.update(chunk)
  return hash.digest("hex")
}

/** Flushes the names of a folder. Windows opens no folders; there the flush of the file has to do. */
async function syncFolder(dir: string): Promise<void> {
  if (process.platform === "win32") return
  const folder = await open(dir, "r")
  try {
    await folder.sync()
  } catch (error) {
    if (!["EINVAL", "ENOTSUP"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error
  } finally {
    await folder.close()
  }
}
