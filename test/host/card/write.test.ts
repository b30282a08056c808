// Writing cards into real folders: whole, cut at every write, full, broken, somebody else's.

import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from "node:fs"
import type { FileHandle } from "node:fs/promises"
import { join } from "node:path"
import { describe, test } from "node:test"
import { AUDIO_BOARDS, type BoardName } from "../../../host/card/boards.js"
import { manifestHash, readManifest } from "../../../host/card/manifest.js"
import { findSources } from "../../../host/card/sources.js"
import { type CardDisk, type WrittenCard, writeCard } from "../../../host/card/write.js"
import { AT, appleDouble, DEVICE, FRAME_BYTES, filesIn, type Music, mp3, withMusic } from "./music.js"

const MANIFEST = "fieldtune-card.json"
const OTHER = "ffffffffffffffff"

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex")

/** Expects a refusal: nothing on the card has changed. */
async function refused(card: string, work: Promise<unknown>, line: RegExp): Promise<void> {
  const before = filesIn(card)
  await assert.rejects(work, (error: Error) => {
    assert.equal(error.name, "CardError")
    assert.match(error.message, line)
    assert.ok(!error.message.includes("\n"))
    return true
  })
  assert.deepEqual(filesIn(card), before)
}

/** All songs and a complete manifest with their hashes are on the card, and nothing else. */
async function assertWhole(
  { card, songs, content }: Music,
  board: BoardName,
  written: WrittenCard,
): Promise<void> {
  const files = filesIn(card)
  const { folder, name } = AUDIO_BOARDS[board]
  const names = songs.map((song) => join(folder, name(song.id)))
  assert.deepEqual([...files.keys()].sort(), [...names, MANIFEST].sort())
  songs.forEach((song, i) => {
    assert.ok(files.get(names[i])?.equals(content(song.id)), names[i])
  })
  const manifest = (await readManifest(card))!
  assert.equal(manifest.complete, true)
  assert.deepEqual(
    manifest.files.map((file) => [file.song, file.bytes, file.sha256]),
    songs.map((song) => [song.id, content(song.id).length, sha256(content(song.id))]),
  )
  assert.equal(written.manifest, sha256(files.get(MANIFEST)!))
  assert.equal(written.manifest, manifestHash(manifest))
}

/** Writes as the disk does, and calls `before` with the number of the write, from 1; half of it is on the disk. */
function watched(before: (write: number) => void): CardDisk["put"] {
  let writes = 0
  return async (file: FileHandle, bytes: Uint8Array) => {
    const half = bytes.length >> 1
    await file.write(bytes, 0, half)
    before(++writes)
    await file.write(bytes, half)
  }
}

describe("writing a card", () => {
  for (const board of ["mp3trigger", "dfplayer", "jacdac"] as const) {
    test(`${board}: every song under its name, read back, in the manifest`, () =>
      withMusic([1, 2, 7, 255], async (music) => {
        let progress = 0
        const written = await writeCard(
          await music.job({
            board,
            progress: (bytes) => {
              progress += bytes
            },
          }),
        )
        await assertWhole(music, board, written)
        assert.deepEqual([written.songs, written.copied, written.copiedBytes], [4, 4, written.bytes])
        assert.equal(progress, 2 * written.bytes)
      }))
  }

  test("a second run copies nothing and leaves the manifest as it was", () =>
    withMusic([1, 2, 3], async (music) => {
      const first = await writeCard(await music.job())
      const before = filesIn(music.card)
      const again = await writeCard(await music.job({ at: AT + 1000 }))
      assert.deepEqual([again.copied, again.copiedBytes, again.manifest], [0, 0, first.manifest])
      assert.deepEqual(filesIn(music.card), before)
    }))

  test("cut at every write and taken up, only what was missing is copied", () =>
    withMusic([1, 2, 3, 4, 5], async (music) => {
      const { card, content, songs } = music
      let writes = 0
      await writeCard(await music.job({ disk: { put: watched((write) => (writes = write)) } }))
      assert.equal(writes, songs.length + 2)
      for (let cut = 1; cut <= writes; cut++) {
        for (const name of filesIn(card).keys()) unlinkSync(join(card, name))
        const put = watched((write) => {
          if (write === cut) throw Object.assign(new Error("card pulled out"), { code: "EIO" })
        })
        await assert.rejects(writeCard(await music.job({ disk: { put } })), {
          name: "UnfinishedCardError",
          message: /not finished, . of 5 songs copied: card pulled out; the same command takes it up/,
        })
        const left = filesIn(card)
        const whole = songs.filter((song) => left.has(`F00${song.id}.mp3`))
        for (const song of whole) assert.ok(left.get(`F00${song.id}.mp3`)?.equals(content(song.id)))
        assert.equal(whole.length, Math.max(0, Math.min(cut - 2, songs.length)))
        assert.equal((await readManifest(card))?.complete, cut === 1 ? undefined : false)
        const again = await writeCard(await music.job())
        const missing = songs.filter((song) => !whole.includes(song))
        assert.deepEqual(
          [again.copied, again.copiedBytes],
          [missing.length, missing.reduce((sum, song) => sum + content(song.id).length, 0)],
        )
        await assertWhole(music, "mp3trigger", again)
      }
    }))

  test("a truncated file is written again, and so is one with a flipped bit; only those", () =>
    withMusic([1, 2, 3, 4], async (music) => {
      await writeCard(await music.job())
      truncateSync(join(music.card, "F002.mp3"), 100)
      const flipped = music.content(4)
      flipped[700] ^= 4
      writeFileSync(join(music.card, "F004.mp3"), flipped)
      const again = await writeCard(await music.job())
      assert.deepEqual(
        [again.copied, again.copiedBytes],
        [2, music.content(2).length + music.content(4).length],
      )
      await assertWhole(music, "mp3trigger", again)
    }))

  test("songs of many chunks arrive whole", () =>
    withMusic([1], async (music) => {
      const long = mp3(8000, 3)
      writeFileSync(join(music.music, "1.mp3"), long)
      const written = await writeCard(await music.job())
      assert.equal(written.copiedBytes, 8000 * FRAME_BYTES)
      await assertWhole({ ...music, content: () => long }, "mp3trigger", written)
    }))

  test("a card that changes a bit of what it is given is found and named", () =>
    withMusic([1, 2, 3], async (music) => {
      const put: CardDisk["put"] = async (file, bytes) => {
        const wrong = Buffer.from(bytes)
        if (wrong.equals(music.content(2))) wrong[500] ^= 1
        await file.write(wrong)
      }
      await assert.rejects(writeCard(await music.job({ disk: { put } })), {
        name: "UnfinishedCardError",
        message: /1 files are not what was written, twice; the card is broken .*: F002\.mp3$/,
      })
      assert.equal((await readManifest(music.card))?.complete, false)
    }))

  test("a card smaller than it says, that writes later songs over earlier ones, is found", () =>
    withMusic([1, 2, 3], async (music) => {
      const path = (id: number): string => join(music.card, `F00${id}.mp3`)
      const put: CardDisk["put"] = async (file, bytes) => {
        await file.write(bytes)
        if (Buffer.from(bytes).equals(music.content(3))) writeFileSync(path(1), music.content(1).fill(9, 600))
        if (Buffer.from(bytes).equals(music.content(1))) {
          try {
            writeFileSync(path(3), readFileSync(path(3)).fill(9, 600))
          } catch {
            // Not there yet.
          }
        }
      }
      await assert.rejects(writeCard(await music.job({ disk: { put } })), {
        message: /1 files are not what was written, twice.*: F003\.mp3$/,
      })
    }))

  test("a full card is refused before anything is written; to the byte", () =>
    withMusic([1, 2, 3], async (music) => {
      const block = 512
      const free = (bytes: number): Partial<CardDisk> => ({ room: async () => ({ free: bytes, block }) })
      const attempt = async (bytes: number) => writeCard(await music.job({ disk: free(bytes) }))
      await refused(music.card, attempt(1000), /MB are needed and 0\.0 MB are free, nothing was written/)
      const songs = [1, 2, 3].reduce((sum, id) => sum + Math.ceil(music.content(id).length / block), 0)
      await writeCard(await music.job())
      const manifest = Math.ceil(readFileSync(join(music.card, MANIFEST)).length / block)
      for (const name of filesIn(music.card).keys()) unlinkSync(join(music.card, name))
      const needed = (songs + 2 * manifest) * block
      await refused(music.card, attempt(needed - 1), /are needed/)
      assert.equal((await attempt(needed)).copied, 3)
      // What is there already needs no room.
      assert.equal((await attempt(0)).copied, 0)
    }))

  test("a card that is full although it said that it had room says so", () =>
    withMusic([1, 2, 3], async (music) => {
      const put = watched((write) => {
        if (write === 3) throw Object.assign(new Error("no space"), { code: "ENOSPC" })
      })
      await assert.rejects(writeCard(await music.job({ disk: { put } })), {
        name: "UnfinishedCardError",
        message: /1 of 3 songs copied: the card is full, although it said that it had room/,
      })
    }))

  test("the card of another device or study is refused, and taken over with replace", () =>
    withMusic([1, 2], async (music) => {
      await writeCard(await music.job())
      const attempt = async (fields: object) => writeCard(await music.job(fields))
      await refused(
        music.card,
        attempt({ device: OTHER }),
        /is the card of device 00112233aabbccdd, not of device f{16}; --replace/,
      )
      await refused(music.card, attempt({ study: "t" }), /is the card of study s, not of t; --replace/)
      const taken = await attempt({ device: OTHER, replace: true })
      assert.deepEqual([taken.copied, (await readManifest(music.card))?.device], [0, OTHER])
    }))

  test("so is one whose writing for another device was cut", () =>
    withMusic([1, 2], async (music) => {
      const put = watched((write) => {
        if (write === 2) throw Object.assign(new Error("card pulled out"), { code: "EIO" })
      })
      await assert.rejects(writeCard(await music.job({ disk: { put } })))
      await refused(music.card, writeCard(await music.job({ device: OTHER })), /is the card of device 0011/)
    }))

  test("songs that left the catalogue leave the card, unless somebody has changed them", () =>
    withMusic([1, 2, 3], async (music) => {
      const all = await music.job()
      await writeCard(all)
      writeFileSync(join(music.card, "F003.mp3"), "mine now")
      const less = await writeCard({ ...all, songs: all.songs.slice(0, 1) })
      assert.equal(less.removed, 1)
      assert.ok(
        less.warnings.some((line) => /^F003\.mp3: of an earlier catalogue, changed since; left/.test(line)),
      )
      assert.ok(less.warnings.some((line) => /^F003\.mp3: not ours.*as song 3/.test(line)))
      assert.deepEqual([...filesIn(music.card).keys()], ["F001.mp3", "F003.mp3", MANIFEST])
      assert.equal((await readManifest(music.card))?.files.length, 1)
    }))

  test("another sound board has other names: the old ones go", () =>
    withMusic([1, 2], async (music) => {
      await writeCard(await music.job())
      const written = await writeCard(await music.job({ board: "dfplayer" }))
      assert.deepEqual([written.copied, written.removed], [2, 2])
      await assertWhole(music, "dfplayer", written)
    }))

  test("foreign files stay; one with the name of a song is in the way, unless it is the song", () =>
    withMusic([1, 2], async (music) => {
      const { card } = music
      writeFileSync(join(card, "holiday.jpg"), "x")
      writeFileSync(join(card, "F001.mp3"), "somebody's")
      writeFileSync(join(card, "F002.mp3"), music.content(2))
      await refused(
        card,
        writeCard(await music.job()),
        /1 files have the names of songs and are not ours \(--replace.*: F001\.mp3$/,
      )
      const written = await writeCard(await music.job({ replace: true }))
      assert.equal(written.copied, 1)
      assert.equal(readFileSync(join(card, "holiday.jpg"), "utf8"), "x")
      unlinkSync(join(card, "F001.mp3"))
      mkdirSync(join(card, "F001.mp3"))
      await refused(card, writeCard(await music.job({ replace: true })), /F001\.mp3: must be a file/)
    }))

  test("a link in the place of a song or of the folder is not followed", () =>
    withMusic([1], async (music) => {
      symlinkSync(join(music.music, "1.mp3"), join(music.card, "F001.mp3"))
      await refused(
        music.card,
        writeCard(await music.job()),
        /F001\.mp3: must be a file, is a folder or a link/,
      )
      symlinkSync(music.music, join(music.card, "mp3"))
      await refused(music.card, writeCard(await music.job({ board: "dfplayer" })), /mp3: must be a folder/)
    }))

  test("a file that the board would take for a song is warned about", () =>
    withMusic([1, 2], async (music) => {
      writeFileSync(join(music.card, "F002 (copy).mp3"), "x")
      writeFileSync(join(music.card, "f009.mp3"), "x")
      const { warnings } = await writeCard(await music.job())
      assert.ok(warnings.some((line) => /^F002 \(copy\)\.mp3: .*may play it instead of song 2/.test(line)))
      assert.ok(warnings.some((line) => /^f009\.mp3: .*would play it as song 9/.test(line)))
      // The Jacdac service is given whole names.
      const jacdac = await writeCard(await music.job({ board: "jacdac" }))
      assert.ok(!jacdac.warnings.some((line) => line.includes("F002 (copy)")))
    }))

  test("AppleDouble files are removed when their content proves them, and only then", () =>
    withMusic([1], async (music) => {
      mkdirSync(join(music.card, "mp3"))
      const cut = appleDouble().subarray(0, 60)
      writeFileSync(join(music.card, "._F001.mp3"), appleDouble())
      writeFileSync(join(music.card, "mp3", "._0001.mp3"), appleDouble())
      writeFileSync(join(music.card, "mp3", "._0002.mp3"), cut)
      writeFileSync(join(music.card, "mp3", "._0003.mp3"), mp3(3))
      const { warnings } = await writeCard(await music.job({ board: "dfplayer" }))
      assert.deepEqual(
        [...filesIn(music.card).keys()],
        [MANIFEST, "mp3/._0002.mp3", "mp3/._0003.mp3", "mp3/0001.mp3"],
      )
      assert.ok(warnings.includes("2 AppleDouble files of macOS removed, the first ._F001.mp3"))
      assert.equal(warnings.filter((line) => /named like a macOS file but is none/.test(line)).length, 2)
    }))

  test("a source that changes while it is copied is no song", () =>
    withMusic([1], async (music) => {
      const job = await music.job()
      writeFileSync(join(music.music, "1.mp3"), mp3(40))
      await assert.rejects(writeCard(job), {
        message: /1\.mp3: changed while it was copied, 1668 bytes became 16680/,
      })
    }))

  test("a folder that is not there, or is none, is refused", () =>
    withMusic([1], async (music) => {
      await refused(
        music.card,
        writeCard(await music.job({ dir: join(music.card, "x") })),
        /no such folder; is the card mounted\?/,
      )
      await refused(
        music.card,
        writeCard(await music.job({ dir: join(music.music, "1.mp3") })),
        /this is a file/,
      )
      assert.ok(
        (await writeCard(await music.job())).warnings.some((line) => /is the card mounted here\?/.test(line)),
      )
    }))

  test("the same catalogue gives the same manifest on every card of a device", () =>
    withMusic([1, 2, 3], async (music) => {
      const other = join(music.card, "..", "spare")
      mkdirSync(other)
      const [one, two] = [
        await writeCard(await music.job()),
        await writeCard(await music.job({ dir: other })),
      ]
      assert.equal(one.manifest, two.manifest)
      assert.deepEqual((await findSources(music.songs, AUDIO_BOARDS.mp3trigger, music.music)).length, 3)
      assert.equal(one.device, DEVICE)
    }))
})
