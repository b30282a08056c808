// Which file is which song.

import assert from "node:assert/strict"
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import { AUDIO_BOARDS } from "../../../host/card/boards.js"
import { findSources } from "../../../host/card/sources.js"
import { appleDouble, mp3, songOf, withMusic } from "./music.js"

const { mp3trigger, dfplayer, jacdac } = AUDIO_BOARDS

/** Expects a refusal of one line that matches all. */
async function refused(work: Promise<unknown>, ...lines: RegExp[]): Promise<void> {
  await assert.rejects(work, (error: Error) => {
    assert.equal(error.name, "CardError")
    assert.ok(!error.message.includes("\n"))
    for (const line of lines) assert.match(error.message, line)
    return true
  })
}

describe("files of songs", () => {
  test("each board has its names", () =>
    withMusic([1, 200], async ({ songs, music }) => {
      const names = async (board: typeof jacdac) =>
        (await findSources(songs, board, music)).map((song) => [song.song, song.name, song.source])
      assert.deepEqual(await names(mp3trigger), [
        [1, "F001.mp3", "1.mp3"],
        [200, "F200.mp3", "200.mp3"],
      ])
      assert.deepEqual(await names(dfplayer), [
        [1, "mp3/0001.mp3", "1.mp3"],
        [200, "mp3/0200.mp3", "200.mp3"],
      ])
      assert.deepEqual(await names(jacdac), [
        [1, "0001.mp3", "1.mp3"],
        [200, "0200.mp3", "200.mp3"],
      ])
    }))

  test("by the catalogue's file, by identifier in any folder, or by number where the identifier is a word", () =>
    withMusic([1], async ({ music }) => {
      mkdirSync(join(music, "a b"))
      renameSync(join(music, "1.mp3"), join(music, "a b", "One.mp3"))
      writeFileSync(join(music, "a b", "F002.MP3"), mp3(4))
      writeFileSync(join(music, "000070000.mp3"), mp3(5))
      writeFileSync(join(music, "Blue Moon.mp3"), mp3(6))
      writeFileSync(join(music, "0005.mp3"), mp3(7))
      writeFileSync(join(music, "._0005.mp3"), appleDouble())
      const songs = [
        songOf(1, { file: "a b/One.mp3" }),
        songOf(2),
        songOf(3, { source: "70000" }),
        songOf(4, { source: "blue moon" }),
        songOf(5, { source: "x" }),
      ]
      const found = await findSources(songs.reverse(), mp3trigger, music)
      assert.deepEqual(
        found.map((song) => [song.song, song.source, song.bytes / 417]),
        [
          [1, "a b/One.mp3", 4],
          [2, "a b/F002.MP3", 4],
          [3, "000070000.mp3", 5],
          [4, "Blue Moon.mp3", 6],
          [5, "0005.mp3", 7],
        ],
      )
      const absolute = [songOf(1, { file: join(music, "a b", "One.mp3") })]
      assert.equal((await findSources(absolute, jacdac, music)).at(0)?.source, "a b/One.mp3")
    }))

  test("never outside the music folder: not by path, not by link", () =>
    withMusic([1], async ({ music }) => {
      const inner = join(music, "inner")
      mkdirSync(inner)
      symlinkSync(join(music, "1.mp3"), join(inner, "link.mp3"))
      for (const file of ["../1.mp3", join(music, "1.mp3"), "link.mp3", "x/../../1.mp3"]) {
        await refused(
          findSources([songOf(1, { file })], jacdac, inner),
          /song 1.*: its file lies outside .*inner: .*--music names a folder that holds it/,
        )
      }
    }))

  test("every song without a good file is named, up to five", () =>
    withMusic([1, 2, 3, 4, 5, 6, 7, 8, 9], async ({ songs, music }) => {
      rmSync(join(music, "1.mp3"))
      writeFileSync(join(music, "2.mp3"), "RIFF0000WAVE")
      writeFileSync(join(music, "F003.mp3"), mp3(5))
      songs[3].file = "F005.mp3"
      songs[4].file = "gone.mp3"
      await refused(
        findSources(songs, mp3trigger, music),
        /^5 of 9 songs cannot go/,
        /song 1 \(Song 1\): no file for it in /,
        /song 2 \(Song 2\): .*2\.mp3 is a WAV file/,
        /song 3 \(Song 3\): more than one file in .*: 3\.mp3 and F003\.mp3/,
        /song 4 \(Song 4\): its file is named for song 5: F005\.mp3/,
        /song 5 \(Song 5\): missing: .*gone\.mp3$/,
      )
      for (const id of [6, 7]) rmSync(join(music, `${id}.mp3`))
      await refused(findSources(songs, mp3trigger, music), /^7 of 9/, /; and 2 more$/)
    }))

  test("one file for two songs is a mistake of the catalogue", () =>
    withMusic([1], async ({ music }) => {
      const songs = [1, 2].map((id) => songOf(id, { file: "one.mp3" }))
      writeFileSync(join(music, "one.mp3"), mp3(5))
      await refused(findSources(songs, jacdac, music), /songs 1 and 2: have the same file: .*one\.mp3/)
    }))

  test("256 songs are too many for the MP3 Trigger, not for the others", () =>
    withMusic(
      Array.from({ length: 256 }, (_, i) => i + 1),
      async ({ songs, music }) => {
        await refused(
          findSources(songs, mp3trigger, music),
          /MP3 Trigger plays files F001\.mp3 to F255\.mp3, 1 of 256 songs have a higher number, the first is 256/,
          /use a DFPlayer \(--board dfplayer.*or a smaller catalogue/,
        )
        assert.equal((await findSources(songs, dfplayer, music)).length, 256)
        assert.equal((await findSources(songs.slice(0, 255), mp3trigger, music)).length, 255)
      },
    ))

  test("few songs with high numbers need other numbers, none at all need a catalogue", () =>
    withMusic([], async ({ music }) => {
      await refused(
        findSources([songOf(300)], mp3trigger, music),
        /numbers from 1 to 255 in the catalogue's column song/,
      )
      await refused(findSources([songOf(10_000)], dfplayer, music), /0001\.mp3 to 9999\.mp3/)
      await refused(findSources([], dfplayer, music), /catalogue is empty: fieldtune catalogue add/)
      await refused(findSources([songOf(1)], dfplayer, join(music, "x")), /no such folder of music; --music/)
    }))
})
