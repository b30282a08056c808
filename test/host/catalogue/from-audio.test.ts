// What becomes of each file of a folder, and of songs that the catalogue has.

import assert from "node:assert/strict"
import { test } from "node:test"
import type { FolderFile } from "../../../host/catalogue/audio/folder.js"
import type { AudioFile } from "../../../host/catalogue/audio/read.js"
import { CatalogueError } from "../../../host/catalogue/columns.js"
import { songsFromAudio } from "../../../host/catalogue/from-audio.js"
import type { Song } from "../../../host/store/songs.js"

const ATTRIBUTES = {
  loudness_lufs: -14,
  loudness_range_lu: 6,
  brightness_hz: 1500,
  tempo_bpm: 120,
  beat_clarity: 0.5,
}

function file(name: string, audio: Partial<AudioFile> = {}): FolderFile {
  return {
    file: name,
    outcome: {
      audio: {
        ...{ format: "mp3", sound: `hash of ${name}`, title: `Title of ${name}`, artist: "A", genre: "Rock" },
        ...{ seconds: 200, attributes: ATTRIBUTES, notes: [], ...audio },
      },
    },
  }
}

test("every file becomes a song with its own number, and the same files again change nothing", () => {
  const files = [file("b/1.mp3"), file("a.mp3")]
  const first = songsFromAudio(files, [])
  assert.deepEqual([first.added, first.updated, first.unchanged], [2, 0, 0])
  assert.deepEqual(
    first.songs.map(({ id, source, title, file: at, lengthMs }) => ({ id, source, title, at, lengthMs })),
    [
      {
        id: 1,
        source: "sound:hash of b/1.mp3",
        title: "Title of b/1.mp3",
        at: "b/1.mp3",
        lengthMs: 200_000,
      },
      { id: 2, source: "sound:hash of a.mp3", title: "Title of a.mp3", at: "a.mp3", lengthMs: 200_000 },
    ],
  )
  assert.deepEqual(first.songs[0].attributes, ATTRIBUTES)
  const again = songsFromAudio([...files].reverse(), first.songs)
  assert.deepEqual([again.added, again.updated, again.unchanged], [0, 0, 2])
  assert.deepEqual(again.songs, [])
})

test("a file that was moved and tagged anew is the same song", () => {
  const { songs } = songsFromAudio([file("a.mp3")], [])
  const moved = file("new/b.mp3", { sound: "hash of a.mp3", title: "Better" })
  const result = songsFromAudio([moved], songs)
  assert.deepEqual([result.added, result.updated], [0, 1])
  assert.equal(result.songs[0].id, 1)
  assert.equal(result.songs[0].title, "Better")
  assert.equal(result.songs[0].file, "new/b.mp3")
})

test("the copy beside a song is the double, whichever comes first by name", () => {
  const { songs } = songsFromAudio([file("m.mp3")], [])
  const copy = file("a.mp3", { sound: "hash of m.mp3" })
  const result = songsFromAudio([copy, file("m.mp3")], songs)
  assert.deepEqual(result.keptOut, [
    { file: "a.mp3", why: "duplicate", message: "has the same sound as m.mp3" },
  ])
  assert.equal(result.unchanged, 1)
})

test("another encoding with the same artist, title and length is a double; another length is another song", () => {
  const one = file("a.mp3", { title: "Song", artist: "Somebody" })
  const copy = file("b.mp3", { title: "SONG ", artist: "somebody", seconds: 201.5 })
  const live = file("c.mp3", { title: "Song", artist: "Somebody", seconds: 260 })
  // The trailing blank is trimmed by the reader of tags.
  if ("audio" in copy.outcome) copy.outcome.audio.title = "SONG"
  const result = songsFromAudio([one, copy, live], [])
  assert.equal(result.added, 2)
  assert.deepEqual(result.keptOut, [
    {
      file: "b.mp3",
      why: "duplicate",
      message: "has artist and title of a.mp3 and about its length (1.5 s of difference)",
    },
  ])
})

test("a song that was encoded anew keeps its number where its old file is gone", () => {
  const { songs } = songsFromAudio([file("a.ogg", { format: "ogg", title: "Song" }), file("z.mp3")], [])
  const result = songsFromAudio([file("a.mp3", { title: "Song", seconds: 200.02 })], songs)
  assert.deepEqual(result.replaced, [{ file: "a.mp3", before: "a.ogg" }])
  assert.deepEqual([result.added, result.updated], [0, 1])
  assert.equal(result.songs[0].id, 1)
  assert.equal(result.songs[0].source, "sound:hash of a.mp3")
})

test("a song of a CSV file keeps what was written there and gains length and measures", () => {
  const own: Song = {
    ...{ id: 7, source: "track-7", title: "By hand", artist: "", genre: "Folk", lengthMs: 199_000 },
    ...{ attributes: { valence: 0.3 }, file: "x/7.mp3" },
  }
  const result = songsFromAudio([file("x/7.mp3"), file("y.mp3")], [own])
  const song = result.songs.find(({ id }) => id === 7)
  assert.deepEqual(song, {
    ...own,
    artist: "A",
    lengthMs: 200_000,
    attributes: { valence: 0.3, ...ATTRIBUTES },
  })
  assert.deepEqual(result.lengths, [{ file: "x/7.mp3", before: 199_000, now: 200_000 }])
  assert.equal(result.songs.find(({ file: at }) => at === "y.mp3")?.id, 1)
})

test("broken, unsupported and untagged files stay out, each with its reason", () => {
  const result = songsFromAudio(
    [
      { file: "cut.mp3", outcome: { fault: "broken", message: "ends early" } },
      { file: "opus.ogg", outcome: { fault: "unsupported", message: "is Opus" } },
      file("no-title.mp3", { title: "" }),
      file("nothing.mp3", { title: "", artist: "" }),
      file("good.mp3"),
    ],
    [],
  )
  assert.equal(result.added, 1)
  assert.deepEqual(result.keptOut, [
    { file: "cut.mp3", why: "broken", message: "ends early" },
    { file: "opus.ogg", why: "unsupported", message: "is Opus" },
    { file: "no-title.mp3", why: "untagged", message: "has no tag for title" },
    { file: "nothing.mp3", why: "untagged", message: "has no tag for title and artist" },
  ])
})

test("untagged files may be named by their path", () => {
  const result = songsFromAudio(
    [file("Drascula/track 1.ogg", { title: "", artist: "", format: "ogg" })],
    [],
    {
      byFileName: true,
    },
  )
  const [{ title, artist }] = result.songs
  assert.deepEqual({ title, artist }, { title: "track 1", artist: "Drascula" })
  assert.deepEqual(result.notMp3, ["Drascula/track 1.ogg"])
})

test("what was not measured is named, what is to be ignored is not taken", () => {
  const { tempo_bpm: _, beat_clarity: __, ...rest } = ATTRIBUTES
  const result = songsFromAudio(
    [
      file("a.mp3", { attributes: rest }),
      file("b.mp3", { attributes: { ...ATTRIBUTES, beat_clarity: 0.02 } }),
    ],
    [],
    { ignore: ["loudness_range_lu"] },
  )
  assert.deepEqual(result.lacking, [{ file: "a.mp3", attributes: ["tempo_bpm", "beat_clarity"] }])
  assert.deepEqual(result.withoutBeat, ["b.mp3"])
  assert.deepEqual(Object.keys(result.songs[0].attributes), ["loudness_lufs", "brightness_hz"])
  assert.throws(() => songsFromAudio([file("a.mp3")], [], { ignore: ["energy"] }), CatalogueError)
})
