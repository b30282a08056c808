// fieldtune catalogue add FOLDER as a user runs it: real files, good and bad ones.

import assert from "node:assert/strict"
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { openStudy } from "../../../host/study/study.js"
import { withFolder } from "../study/folder.js"
import { fieldtune } from "./run.js"

const REFERENCE = fileURLToPath(new URL("../../../../test/reference/audio/", import.meta.url))

test("a folder of music becomes the catalogue, what can't be a song is named, and again nothing changes", () =>
  withFolder(async (dir) => {
    assert.equal((await fieldtune(["init", "--study", "s"], dir)).code, 0)
    const music = join(dir, "music")
    mkdirSync(join(music, "deep/er"), { recursive: true })
    copyFileSync(join(REFERENCE, "beat.flac"), join(music, "deep/er/beat.flac"))
    copyFileSync(join(REFERENCE, "untagged.mp3"), join(music, "no name.mp3"))
    copyFileSync(join(REFERENCE, "beat.mp3"), join(music, "zz beat.mp3"))
    copyFileSync(join(REFERENCE, "opus.ogg"), join(music, "opus.ogg"))
    const cut = readFileSync(join(REFERENCE, "beat.ogg")).subarray(0, 20_000)
    writeFileSync(join(music, "cut.ogg"), cut)
    writeFileSync(join(music, "noise.mp3"), new Uint8Array(9000).fill(0x5a))
    writeFileSync(join(music, "._beat.mp3"), "left by another system")
    writeFileSync(join(music, "cover.jpg"), "no song")
    // A link leads out of the folder: whatever it names is not part of the study's music.
    copyFileSync(join(REFERENCE, "beat.ogg"), join(dir, "outside.ogg"))
    symlinkSync(join(dir, "outside.ogg"), join(music, "link.ogg"))
    const add = ["catalogue", "add", "music", "--study", "s"]
    const first = await fieldtune([...add, "--json"], dir)
    assert.equal(first.code, 0, first.stderr)
    const result = JSON.parse(first.stdout)
    assert.equal(result.files, 6)
    assert.equal(result.added, 1)
    assert.deepEqual(
      result.keptOut.map(({ file, why }: { file: string; why: string }) => [file, why]),
      [
        ["cut.ogg", "broken"],
        ["noise.mp3", "broken"],
        ["opus.ogg", "unsupported"],
        ["no name.mp3", "untagged"],
        ["zz beat.mp3", "duplicate"],
      ],
    )
    const study = await openStudy(join(dir, "s"))
    const [song] = await study.store.songs.all()
    await study.close()
    assert.equal(song.title, "Ninety-six")
    assert.equal(song.file, "deep/er/beat.flac")
    assert.equal(song.lengthMs, 12_000)
    assert.equal(Math.round(song.attributes.tempo_bpm), 96)
    const again = await fieldtune([...add, "--by-file-name"], dir)
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stdout, /music: 1 songs added, 0 changed, 1 as before, 4 of 6 files left out\./)
    assert.match(again.stdout, /left out, double: zz beat\.mp3: has artist and title of deep\/er\/beat\.flac/)
    assert.match(again.stdout, /1 songs are not MP3/)
  }))

test("a folder without music, and one in which nothing is a song, are errors that say so", () =>
  withFolder(async (dir) => {
    assert.equal((await fieldtune(["init", "--study", "s"], dir)).code, 0)
    mkdirSync(join(dir, "music"))
    const empty = await fieldtune(["catalogue", "add", "music", "--study", "s"], dir)
    assert.equal(empty.code, 2, empty.stdout)
    assert.match(empty.stderr, /has no files named \.mp3, \.ogg, \.flac or \.m4a/)
    writeFileSync(join(dir, "music/a.mp3"), "")
    const broken = await fieldtune(["catalogue", "add", "music", "--study", "s"], dir)
    assert.equal(broken.code, 2)
    assert.match(
      broken.stderr,
      /none of its 1 audio files became a song\n {2}left out, broken: a\.mp3: is empty/,
    )
  }))

test("attributes of one's own join the songs, are checked, dropped and listed", () =>
  withFolder(async (dir) => {
    const run = (...args: string[]) => fieldtune(["catalogue", ...args, "--study", "s"], dir)
    assert.equal((await fieldtune(["init", "--study", "s"], dir)).code, 0)
    const empty = await run("check")
    assert.match(empty.stdout, /The catalogue is empty\.\nNext: fieldtune catalogue add/)
    const rows = Array.from({ length: 12 }, (_, i) => `${i + 1},S${i + 1},Rock,180,${90 + i * i}`)
    writeFileSync(join(dir, "songs.csv"), ["song,title,genre,length_s,tempo", ...rows].join("\n"))
    assert.equal((await run("add", "songs.csv")).code, 0)
    const own = rows.map((_, i) => `${i + 1},${180 + 2 * i * i}`).filter((_, i) => i !== 5)
    writeFileSync(join(dir, "own.csv"), ["song,double_time", ...own, "99,4"].join("\n"))
    const joined = await run("join", "own.csv")
    assert.equal(joined.code, 0, joined.stderr)
    assert.match(joined.stdout, /row 13: no song has song "99"/)
    assert.match(joined.stdout, /11 songs changed \(0 values replaced\), 0 as before, 1 rows without a song/)
    assert.match(joined.stdout, /1 of 12 songs are in no row: 6\./)
    const checked = await run("check")
    assert.match(checked.stdout, /Missing: 1 of 12 songs have no double_time and count as average/)
    assert.match(checked.stdout, /tempo and double_time have a correlation of/)
    assert.match(checked.stdout, /Left out of models: genre is Rock for every song/)
    const dropped = await run("drop", "double_time")
    assert.match(dropped.stdout, /double_time: taken from 11 songs\. Left: tempo\./)
    assert.equal((await run("drop", "double_time")).code, 2)
    assert.match((await run("check")).stdout, /Left out of models: genre/)
    assert.equal(JSON.parse((await run("list", "--json")).stdout).songs.length, 12)
    assert.match((await run("list")).stdout, /^song {2}title/)
  }))
