// Songs that models have used: what may change freely, and what only for a reason.

import assert from "node:assert/strict"
import { test } from "node:test"
import { storeSongs } from "../../../host/catalogue/change.js"
import { CatalogueError } from "../../../host/catalogue/columns.js"
import { importCatalogue } from "../../../host/catalogue/import.js"
import { readCatalogue } from "../../../host/round/listeners.js"
import { START, withStudy } from "../study/folder.js"

const CSV =
  "song,title,artist,genre,length_s,tempo\n1,A,X,Rock,100,90\n2,B,Y,Jazz,200,110\n3,C,Y,Jazz,150,95\n"

test("before the first pass everything may change, afterwards only titles, files and new songs", () =>
  withStudy(async ({ study }) => {
    const { store } = study
    const add = (csv: string, reason?: string) => importCatalogue(store, csv, { at: START, reason })
    await add(CSV)
    assert.equal((await add(CSV.replace("200,110", "201,110"))).updated, 1)
    await readCatalogue(study, START)
    assert.equal((await add(CSV.replace("200,110", "201,110"))).unchanged, 3)
    const grown = CSV.replace("200,110", "201,110").replace("1,A,", "1,Aa,") + "4,D,Z,Rock,99,88\n"
    const { updated, added } = await add(grown)
    assert.deepEqual([updated, added], [1, 1])
    const before = await store.songs.all()
    for (const [from, to, what] of [
      ["100,90", "101,90", "length of song 1"],
      ["100,90", "100,91", "tempo of song 1"],
      ["X,Rock", "Q,Folk", "artist, genre of song 1"],
    ]) {
      await assert.rejects(
        add(grown.replace(from, to)),
        (error) => error instanceof CatalogueError && error.message.includes(`have used ${what}. `),
      )
    }
    assert.deepEqual(await store.songs.all(), before)
    assert.equal((await add(grown.replace("100,90", "100,91"), "a slip of the tempo meter")).updated, 1)
    const [{ detail }] = await store.events.latest(1)
    assert.deepEqual(detail, {
      ...{ added: 0, updated: 1, skipped: 0 },
      ...{ changed: ["tempo of song 1"], reason: "a slip of the tempo meter" },
    })
  }))

test("an attribute that joins later is a change, too: the scales are frozen without it", () =>
  withStudy(async ({ study }) => {
    const { store } = study
    await importCatalogue(store, CSV, { at: START })
    await readCatalogue(study, START)
    const songs = (await store.songs.all()).map((song) => ({
      ...song,
      attributes: { ...song.attributes, valence: 0.5 },
    }))
    const counts = { added: 0, updated: 3, skipped: 0 }
    await assert.rejects(storeSongs(store, songs, counts, START), /valence of song 1; valence of song 2/)
  }))
