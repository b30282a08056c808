// What is said of attributes, against numpy's least squares and tables with known troubles.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { describeCatalogue } from "../../../host/catalogue/describe.js"
import type { Song } from "../../../host/store/songs.js"

interface Reference {
  table: Record<string, number[]>
  inflation: Record<string, number>
  "correlation of a and near_a": number
}
const reference: Reference = JSON.parse(
  readFileSync(new URL("../../../../test/reference/catalogue/inflation.json", import.meta.url), "utf8"),
)

function songsOf(table: Record<string, (number | undefined)[]>, genre = (_: number): string => ""): Song[] {
  const [first] = Object.values(table)
  return first.map((_, i) => ({
    ...{ id: i + 1, source: String(i + 1), title: `Song ${i + 1}`, artist: "A", genre: genre(i) },
    lengthMs: 200_000,
    attributes: Object.fromEntries(
      Object.entries(table).flatMap(([name, values]) => {
        const value = values[i]
        return value === undefined ? [] : [[name, value]]
      }),
    ),
  }))
}

test("variance inflation and correlations are those of numpy", () => {
  const { inflation, pairs, dependent } = describeCatalogue(songsOf(reference.table))
  assert.deepEqual(dependent, [])
  assert.equal(inflation.length, 5)
  for (const { name, factor } of inflation) {
    assert.ok(Math.abs(factor / reference.inflation[name] - 1) < 1e-9, `${name}: ${factor}`)
  }
  assert.deepEqual(
    pairs.map(({ a, b }) => [a, b]),
    [["a", "near_a"]],
  )
  assert.ok(Math.abs(pairs[0].correlation - reference["correlation of a and near_a"]) < 1e-12)
})

test("a column that others give exactly is named with them, whatever its unit", () => {
  const { a, b, free } = reference.table
  const sum = a.map((value, i) => 7 - 1000 * (value + 2 * b[i]))
  const { dependent, inflation } = describeCatalogue(songsOf({ a, b, free, sum, twice: a.map((v) => 2 * v) }))
  assert.deepEqual(dependent, [
    { name: "sum", of: ["a", "b"] },
    { name: "twice", of: ["a"] },
  ])
  assert.deepEqual(
    inflation.map(({ name }) => name),
    ["free"],
  )
})

test("indicators of genres count as columns: one that an attribute repeats is found", () => {
  const { a, b } = reference.table
  const jazz = a.map((_, i) => (i % 3 === 0 ? 1 : 0))
  const { dependent, genres } = describeCatalogue(
    songsOf({ a, b, jazz }, (i) => (i % 3 === 0 ? "Jazz" : i === 1 ? "Folk" : "Rock")),
  )
  assert.deepEqual(dependent, [{ name: "genre=Jazz", of: ["jazz"] }])
  assert.deepEqual(genres, [
    { genre: "Rock", songs: 52 },
    { genre: "Jazz", songs: 27 },
    { genre: "Folk", songs: 1 },
  ])
})

test("missing values, constants, outliers and untitled songs are named", () => {
  const { a, b } = reference.table
  const songs = songsOf({
    a: a.map((value, i) => (i === 10 ? undefined : value)),
    b: b.map((value, i) => (i === 3 ? 1e6 : value)),
    same: a.map(() => 4),
  })
  songs[7].title = ""
  const report = describeCatalogue(songs)
  const [first, second, third] = report.attributes
  assert.deepEqual([first.songs, first.missing, first.outliers], [79, [11], []])
  assert.deepEqual([second.songs, second.missing, second.outliers], [80, [], [4]])
  assert.deepEqual(third.outliers, [])
  assert.deepEqual(report.leftOut, [{ name: "same", reason: "is 4 for every song" }])
  assert.deepEqual(report.untitled, [8])
})

test("an empty catalogue and one without attributes are described, too", () => {
  assert.equal(describeCatalogue([]).songs, 0)
  const plain = songsOf({ a: [1, 2, 3] }).map((song) => ({ ...song, attributes: {} }))
  assert.deepEqual(describeCatalogue(plain).attributes, [])
})
