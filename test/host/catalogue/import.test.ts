// Catalogue import into a real store.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { importCatalogue } from "../../../host/catalogue/import.js"
import { START, withStudy } from "../study/folder.js"

const HEADER = "track_id,title,genre,duration_s,tempo,valence,licence"
const GOOD = [
  HEADER,
  '2,"Food, and drink",Hip-Hop,168,165.922,0.576661,CC BY',
  "3,Electric Ave,Hip-Hop,237,126.957,0.26924,CC BY",
  "5,This World,Rock,206.5,100.26,0.621661,CC0",
].join("\n")

async function run(
  csv: string,
  options: { ignore?: string[]; skipBad?: boolean } = {},
  body: (songs: any[], result: any) => void,
): Promise<void> {
  await withStudy(async ({ study }) => {
    const result = await importCatalogue(study.store, csv, { at: START, ...options })
    body(await study.store.songs.all(), result)
  })
}

describe("catalogue import", () => {
  test("keeps fitting identifiers as file numbers, numeric columns as attributes, texts as texts", () =>
    run(GOOD, {}, (songs, result) => {
      assert.deepEqual(songs[0], {
        id: 2,
        source: "2",
        title: "Food, and drink",
        artist: "",
        genre: "Hip-Hop",
        lengthMs: 168000,
        attributes: { tempo: 165.922, valence: 0.576661 },
      })
      assert.equal(songs[2].lengthMs, 206500)
      assert.deepEqual(result, {
        added: 3,
        updated: 0,
        unchanged: 0,
        skipped: 0,
        errors: [],
        attributes: ["tempo", "valence"],
      })
    }))

  test("numbers all rows in order where one identifier is no file number, and keeps it as source", () =>
    run(GOOD.replace("\n5,", "\n70000,"), {}, (songs) => {
      assert.deepEqual(
        songs.map((s) => [s.id, s.source]),
        [
          [1, "2"],
          [2, "3"],
          [3, "70000"],
        ],
      )
    }))

  test("keeps the audio file of a song, and takes a change of it for a change of the song", () =>
    withStudy(async ({ study }) => {
      const csv = "song,length_s,file\n1,100,a b/one.mp3\n2,100,"
      const result = await importCatalogue(study.store, csv, { at: START })
      assert.deepEqual(result.attributes, [])
      const files = async () => (await study.store.songs.all()).map((song) => song.file)
      assert.deepEqual(await files(), ["a b/one.mp3", undefined])
      const moved = await importCatalogue(study.store, csv.replace("one", "uno"), { at: START })
      assert.deepEqual([moved.updated, moved.unchanged], [1, 1])
      assert.deepEqual(await files(), ["a b/uno.mp3", undefined])
    }))

  test("leaves out columns that it is told to ignore", () =>
    run(GOOD, { ignore: ["valence"] }, (_songs, result) => assert.deepEqual(result.attributes, ["tempo"])))

  test("the same file twice changes nothing, a changed row changes one song", () =>
    withStudy(async ({ study }) => {
      const csv = GOOD.replace("\n5,", "\n70000,")
      await importCatalogue(study.store, csv, { at: START })
      const again = await importCatalogue(study.store, csv, { at: START })
      assert.deepEqual([again.added, again.updated, again.unchanged], [0, 0, 3])
      const other = await importCatalogue(study.store, csv.replace("126.957", "127"), { at: START })
      assert.deepEqual([other.added, other.updated, other.unchanged], [0, 1, 2])
      assert.equal((await study.store.songs.all())[1].attributes.tempo, 127)
      const kinds = (await study.store.events.latest(10, "imported")).length
      assert.equal(kinds, 2)
    }))

  test("a bad row is named by row, column, value and rule, and nothing is imported", () =>
    run(GOOD.replace("237", "-4"), {}, (songs, result) => {
      assert.deepEqual(result.errors, [
        { row: 3, column: "duration_s", value: "-4", rule: "must be seconds from 0.001 to 16777.215" },
      ])
      assert.equal(songs.length, 0)
      assert.equal(result.added, 0)
    }))

  test("with skipBad the other rows are imported", () =>
    run(GOOD.replace("126.957", "fast"), { skipBad: true }, (songs, result) => {
      assert.deepEqual(result.errors, [
        { row: 3, column: "tempo", value: "fast", rule: "must be a number like the rest of its column" },
      ])
      assert.deepEqual(
        songs.map((s) => s.id),
        [2, 5],
      )
      assert.deepEqual([result.added, result.skipped], [2, 1])
    }))

  test("finds rows with too few cells, an identifier twice, and control characters", () =>
    run(
      [HEADER, "1,A,Rock,100,1,1,x", "1,B,Rock,100,1,1,x", "2,C\u0000,Rock,100,1,1,x", "3,D,Rock,100,1"].join(
        "\n",
      ),
      {},
      (_songs, result) => {
        assert.deepEqual(
          result.errors.map((e: any) => [e.row, e.column]),
          [
            [3, "track_id"],
            [4, "title"],
            [5, ""],
            [5, "valence"],
          ],
        )
      },
    ))

  test("a file that is no catalogue is refused as a whole", () =>
    withStudy(async ({ study }) => {
      const attempt = (csv: string, ignore: string[] = []) =>
        importCatalogue(study.store, csv, { at: START, ignore })
      await assert.rejects(attempt(""), { name: "CatalogueError", message: /row 2: .* found none/ })
      await assert.rejects(attempt("song,title\n1,A"), {
        name: "CatalogueError",
        message: /duration_s or length_s/,
      })
      await assert.rejects(attempt("song,song,length_s\n1,2,3"), { message: /found twice: "song"/ })
      await assert.rejects(attempt(GOOD, ["valance"]), { message: /"valance"; there are track_id/ })
    }))

  test("any text gives songs, errors that name a row, or a refusal, and never half a row", () =>
    withStudy(async ({ study }) => {
      const cell = fc.oneof(
        fc.constantFrom("1", "", '"', "x,y", "\n", "-1", "1e999"),
        fc.string({ maxLength: 5 }),
      )
      const row = fc.array(cell, { maxLength: 7 }).map((cells) => cells.join(","))
      await fc.assert(
        fc.asyncProperty(fc.array(row, { maxLength: 4 }), async (rows) => {
          const before = await study.store.songs.count()
          try {
            const result = await importCatalogue(study.store, [HEADER, ...rows].join("\n"), { at: START })
            for (const error of result.errors) assert.ok(error.row >= 2 && error.rule !== "")
            assert.equal(await study.store.songs.count(), before + result.added)
          } catch (error) {
            assert.equal((error as Error).name, "CatalogueError")
          }
        }),
        { numRuns: 200, seed: 1 },
      )
    }))
})
