// Attribute tables: which row is which song, and which rows break a rule.

import assert from "node:assert/strict"
import { test } from "node:test"
import { CatalogueError } from "../../../host/catalogue/columns.js"
import { joinAttributes } from "../../../host/catalogue/join.js"
import type { Song } from "../../../host/store/songs.js"

function song(id: number, title: string, artist: string, attributes: Record<string, number> = {}): Song {
  return { id, source: `s${id}`, title, artist, genre: "", lengthMs: 1000, attributes, file: `m/${id}.mp3` }
}
const SONGS = [
  song(1, "Red", "Ann", { tempo: 100 }),
  song(2, "Blue", "Ben"),
  song(3, "Blue", "Cy"),
  song(4, "Blue", "Cy"),
]

test("rows find their songs by any key, and every column of numbers joins", () => {
  for (const [csv, key] of [
    ["song,mood,valence\n2,sad,0.25\n", "song"],
    ["source,mood,valence\ns2,sad,0.25\n", "source"],
    ["file,mood,valence\nm/2.mp3,sad,0.25\n", "file"],
    ["title,artist,mood,valence\n blue  ,BEN,sad,0.25\n", "title+artist"],
  ]) {
    const result = joinAttributes(SONGS, csv)
    assert.equal(result.key, key)
    assert.deepEqual(result.attributes, ["valence"])
    assert.deepEqual(result.errors, [])
    assert.deepEqual(result.songs, [{ ...SONGS[1], attributes: { valence: 0.25 } }])
    assert.deepEqual(result.without, [1, 3, 4])
  }
})

test("the same table again changes nothing; another value is counted as replaced; an empty cell leaves it", () => {
  const csv = "song,tempo,energy\n1,100,\n2,90,0.5\n"
  const first = joinAttributes(SONGS, csv)
  assert.deepEqual([first.updated, first.unchanged, first.replaced], [1, 1, 0])
  const after = [SONGS[0], ...first.songs]
  const again = joinAttributes(after, csv)
  assert.deepEqual([again.updated, again.unchanged, again.songs], [0, 2, []])
  const other = joinAttributes(after, "song,tempo,energy\n1,101,\n")
  assert.deepEqual([other.updated, other.replaced], [1, 1])
  assert.deepEqual(other.songs[0].attributes, { tempo: 101 })
})

test("rows that break a rule are named, and the rest is there to be joined", () => {
  const result = joinAttributes(
    SONGS,
    "title,artist,valence\nRed,Ann,0.1\nRed,Ann,0.2\nBlue,Cy,0.3\nBlue,Ben,high\nGreen,Ed,0.4\nBlue,Ben\n",
  )
  assert.deepEqual(
    result.errors.map(({ row, column, rule }) => [row, column, rule]),
    [
      [3, "title+artist", "must stand once, is in row 2 too"],
      [4, "title+artist", "must name one song, names 3, 4"],
      [5, "valence", "must be a number like the rest of its column"],
      [7, "", "must have 3 cells like the header"],
    ],
  )
  assert.deepEqual(result.unmatched, [{ row: 6, key: "Green + Ed" }])
  assert.deepEqual([result.updated, result.badRows], [1, 4])
})

test("a table that can't be joined as a whole says why", () => {
  const refused = (csv: string, rule: RegExp, key?: "file"): void =>
    assert.throws(
      () => joinAttributes(SONGS, csv, key),
      (error) => error instanceof CatalogueError && rule.test(error.message),
    )
  refused("name,valence\nRed,1\n", /needs the columns of a key/)
  refused("song,valence\n1,1\n", /needs the columns of a key \(file\)/, "file")
  refused("song,mood\n1,sad\n", /no column holds numbers besides song/)
  refused("song,a,a\n1,1,2\n", /found twice: "a"/)
})
