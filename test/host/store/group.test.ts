// Contacts that come together share a transaction; each stands for itself.

import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import { openStore, type Store } from "../../../host/store/store.js"
import { unpackRecord } from "../../../src/record.js"
import { recordOf, withFolder } from "../study/folder.js"
import { contactOf } from "./contract.js"

async function withStore(body: (store: Store) => Promise<void>): Promise<void> {
  await withFolder(async (dir) => {
    const store = await openStore(join(dir, "fieldtune.db"))
    try {
      const text = { title: "", artist: "", genre: "" }
      await store.songs.put([{ id: 1, source: "1", ...text, lengthMs: 60000, attributes: {} }])
      const device = contactOf({}).device
      const key = new Uint8Array(32)
      await store.subjects.enrol({ subject: 1, label: "", arm: "model", device, key, at: 1 })
      await body(store)
    } finally {
      await store.close()
    }
  })
}

/** A play of a song that is not there: the database refuses it after it has taken the others. */
function bad(counter: number, sequences: number[]) {
  const contact = contactOf({ counter }, sequences)
  const bytes = recordOf({ sequence: 1000 + counter, song: 99 })
  return { ...contact, plays: [...contact.plays, { bytes, record: unpackRecord(bytes, 0)!, playlist: null }] }
}

test("one that fails among many leaves nothing behind and spoils no other", () =>
  withStore(async (store) => {
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) => {
        const counter = i + 1
        return store.syncs.commit(
          counter % 7 === 0 ? bad(counter, [counter]) : contactOf({ counter }, [counter]),
        )
      }),
    )
    const good = results.flatMap(({ status }, i) => (status === "fulfilled" ? [i + 1] : []))
    assert.deepEqual(
      good,
      Array.from({ length: 100 }, (_, i) => i + 1).filter((counter) => counter % 7 !== 0),
    )
    const plays = await store.plays.all()
    assert.deepEqual(
      plays.map(({ sequence }) => sequence),
      good,
    )
    assert.equal(await store.syncs.count(), good.length)
  }))

test("one that fails alone leaves nothing behind, and the next one is taken", () =>
  withStore(async (store) => {
    await assert.rejects(store.syncs.commit(bad(1, [1, 2])), /FOREIGN KEY/)
    assert.equal(await store.syncs.count(), 0)
    const outcome = await store.syncs.commit(contactOf({ counter: 2 }, [1, 2]))
    assert.equal(outcome.replay, false)
    assert.equal(await store.plays.count(), 2)
  }))
