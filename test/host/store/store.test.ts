// The embedded store: the contract, newer and broken files, two processes, and a kill in the middle of commits.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { describe, test } from "node:test"
import { fileURLToPath } from "node:url"
import { openEmbedded } from "../../../host/store/embedded.js"
import { migrate } from "../../../host/store/migrations.js"
import { openStore, type Store } from "../../../host/store/store.js"
import { withFolder } from "../study/folder.js"
import { type OpenStore, storeContract } from "./contract.js"

const Database = createRequire(import.meta.url)("libsql")
const COMMITTER = fileURLToPath(new URL("./committer.js", import.meta.url))

const embedded: OpenStore = (body) =>
  withFolder(async (dir) => {
    const path = join(dir, "fieldtune.db")
    let store: Store = await openStore(path)
    try {
      await body(store, async () => {
        await store.close()
        store = await openStore(path)
        return store
      })
    } finally {
      await store.close()
    }
  })

storeContract("embedded", embedded)

describe("embedded store", () => {
  test("refuses a database that a newer program wrote, in one line", () =>
    withFolder(async (dir) => {
      const path = join(dir, "fieldtune.db")
      await (await openStore(path)).close()
      const raw = new Database(path)
      raw.exec("update meta set value = '99' where key = 'schema'")
      raw.close()
      await assert.rejects(openStore(path), (error: Error) => {
        assert.equal(error.name, "NewerDatabaseError")
        assert.match(error.message, /fieldtune\.db: the database has schema 99, this program knows schema 3/)
        assert.ok(!error.message.includes("\n"))
        return true
      })
    }))

  test("takes a database of schema 1 to the present one with its songs and answers", () =>
    withFolder(async (dir) => {
      const path = join(dir, "fieldtune.db")
      const old = openEmbedded(path)
      await migrate(old, path, 1)
      await old.destroy()
      const raw = new Database(path)
      raw.exec("insert into song values (7, 's7', 'Seven', '', '', 1000, '{\"tempo\":1}')")
      raw.exec("insert into subject (id, label, arm, created_at) values (1, '', 'model', 1)")
      raw.exec('insert into survey values (4, 1, 9, \'exit\', \'{"liked":4.5,"why":"it \\"rocks\\""}\')')
      raw.close()
      const store = await openStore(path)
      const text = { source: "s7", title: "Seven", artist: "", genre: "" }
      const song = { id: 7, ...text, lengthMs: 1000, attributes: { tempo: 1 } }
      assert.deepEqual(await store.songs.all(), [song])
      await store.songs.put([{ ...song, file: "7.mp3" }])
      assert.deepEqual(await store.songs.all(), [{ ...song, file: "7.mp3" }])
      const answers = await store.surveys.history(1)
      assert.deepEqual(
        answers.map(({ question, asked, answer, at }) => [question, asked.kind, answer, at]),
        [
          ["liked", "number", 4.5, 9],
          ["why", "text", 'it "rocks"', 9],
        ],
      )
      await store.close()
    }))

  test("names the file when it is no database", () =>
    withFolder(async (dir) => {
      const path = join(dir, "fieldtune.db")
      writeFileSync(path, "this is text and no database at all, long enough to have a header of one")
      await assert.rejects(openStore(path), /fieldtune\.db/)
    }))

  test("keeps a write-ahead journal, foreign keys, and events that nobody can change", () =>
    withFolder(async (dir) => {
      const path = join(dir, "fieldtune.db")
      const store = await openStore(path)
      await store.events.append({ at: 1, kind: "note", subject: null, device: null, detail: {} })
      const raw = new Database(path)
      assert.equal(raw.pragma("journal_mode")[0].journal_mode, "wal")
      assert.throws(() => raw.exec("update event set kind = 'x'"), /append-only/)
      assert.throws(() => raw.exec("delete from event"), /append-only/)
      raw.exec("insert into subject (id, label, arm, created_at) values (1, '', 'model', 1)")
      raw.exec(
        "insert into survey (subject, question, asked, answer, at, source) values (1, 'q', '{}', '1', 1, 'page')",
      )
      assert.throws(() => raw.exec("update survey set answer = '2'"), /append-only/)
      raw.close()
      await assert.rejects(store.models.saveWeights(12345, new Map([[1, 0]])), /FOREIGN KEY/)
      await store.close()
    }))

  test("a process killed while committing loses nothing that it acknowledged", () =>
    withFolder(async (dir) => {
      const path = join(dir, "fieldtune.db")
      let next = 1
      for (const commits of [3, 17, 40]) {
        const acknowledged = await killAfter(path, next, commits)
        const store = await openStore(path)
        const stored = new Set((await store.plays.all()).map((play) => play.sequence))
        for (let sequence = 1; sequence <= acknowledged; sequence++) {
          assert.ok(stored.has(sequence), `sequence ${sequence} of ${acknowledged} is stored`)
        }
        assert.equal(stored.size, await store.plays.count())
        // Each contact brings three records: all of them are there or none.
        assert.equal(stored.size % 3, 0)
        next = stored.size + 1
        await store.close()
      }
    }))
})

/** Starts a committing process, kills it once it has acknowledged `commits` contacts; gives the last sequence. */
function killAfter(path: string, first: number, commits: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMITTER, path, String(first)], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    let text = ""
    child.stdout.on("data", (chunk) => {
      text += chunk
      if (text.split("\n").length > commits) child.kill("SIGKILL")
    })
    child.on("error", reject)
    child.on("close", (_code, signal) => {
      if (signal !== "SIGKILL") reject(new Error(`the committing process ended by itself: ${text}`))
      // The last line may be cut.
      else resolve(Number(text.split("\n").slice(0, -1).at(-1)))
    })
  })
}
