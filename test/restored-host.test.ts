// The host's disk dies and the database comes back from a backup, so the host has forgotten what it acknowledged.
// The board has freed those records, but its log still holds them: they must all come back, once.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { matchListens } from "../host/rehearsal/ledger.js"
import { Rehearsal } from "../host/rehearsal/study.js"
import { contentHash } from "../host/store/hash.js"

const Database = createRequire(import.meta.url)("libsql")

test("a board gives a host that was set back to a backup all that it had acknowledged since", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fieldtune-restored-"))
  const dir = join(folder, "study")
  const rehearsal = await Rehearsal.open({
    dir,
    seed: 5,
    boards: 1,
    waves: 1,
    songs: 120,
    sessionMinutes: 12,
  })
  const { study, participants } = rehearsal
  const { board, bootAt } = participants[0]
  const { plays } = study.store
  await rehearsal.sync()
  await rehearsal.session()
  await rehearsal.sync()
  const backup = join(folder, "backup.db")
  query(dir, `vacuum into '${backup}'`)
  const early = await plays.count()

  await rehearsal.session()
  await rehearsal.sync()
  const before = await contentHash(study.store)
  assert.ok(early > 0 && (await plays.count()) > early)
  restore(dir, backup)
  assert.equal(await plays.count(), early)
  // Nothing new is heard: the acknowledgement alone shows the board that the host has forgotten.
  await rehearsal.sync()
  assert.equal(await contentHash(study.store), before)

  restore(dir, backup)
  await rehearsal.cutPower(participants[0])
  await rehearsal.clock.advance(4000)
  await rehearsal.session()
  await rehearsal.sync()
  const stored = await plays.all()
  const { lost, duplicated } = matchListens(board.sound.sounded, stored, bootAt)
  assert.deepEqual([lost, duplicated], [[], []])
  assert.deepEqual(await study.store.syncs.gone(board.deviceId), [])
  assert.deepEqual(await study.store.syncs.quarantine(), [])
  assert.deepEqual(board.panics, [])
  await rehearsal.close()
  await study.close()
  rmSync(folder, { recursive: true, force: true })
})

function query(dir: string, statements: string): void {
  const database = new Database(join(dir, "fieldtune.db"))
  database.exec(statements)
  database.close()
}

/** What the board brings is again as in the backup; the server keeps its connection. */
function restore(dir: string, backup: string): void {
  const tables = ["play", "quarantine", "gone", "sync", "epoch"]
  const back = ["epoch", "sync", "gone", "quarantine", "play"]
  query(
    dir,
    `attach '${backup}' as backup;
    begin immediate;
    ${tables.map((table) => `delete from main.${table};`).join("\n")}
    ${back.map((table) => `insert into main.${table} select * from backup.${table};`).join("\n")}
    commit;`,
  )
}
