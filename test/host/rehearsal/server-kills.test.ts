import assert from "node:assert/strict"
import { createRequire } from "node:module"
import { join } from "node:path"
import { test } from "node:test"
import { fleetStudy } from "../../../host/rehearsal/fleet.js"
import { Ledger, rehearseServerKills } from "../../../host/rehearsal/server-kills.js"
import { ServerProcess } from "../../../host/rehearsal/server-process.js"
import { withFolder } from "../study/folder.js"

const Database = createRequire(import.meta.url)("libsql")

test("a server that is killed under load, while it starts and while it ends loses nothing that it acknowledged", async () => {
  const report = await rehearseServerKills({ seed: 1, kills: 10 })
  assert.deepEqual(report.details, [])
  assert.deepEqual([report.lost, report.doubled, report.violations], [0, 0, 0])
  assert.ok(report.moments.load >= 5)
  assert.ok(report.acknowledged > 50, String(report.acknowledged))
  assert.ok(report.broken > 0)
})

test("a record that is missing, doubled, changed or gone again is noticed", () =>
  withFolder(async (dir) => {
    const { study, boards } = await fleetStudy(join(dir, "study"), { seed: 3, count: 2 })
    await study.close()
    const path = join(study.dir, "fieldtune.db")
    const server = ServerProcess.start(study.dir)
    const port = await server.port
    for (const board of boards) {
      board.hear(5)
      await board.exchange(port)
    }
    assert.equal(await server.kill("SIGTERM"), 0)
    const ledger = new Ledger(path, boards)
    await ledger.look({ all: true })
    assert.deepEqual(ledger.violations, [])
    const found = async (statement: string): Promise<[number, number]> => {
      const raw = new Database(path)
      raw.exec(`begin; ${statement}; commit`)
      const changed = new Ledger(path, boards)
      await changed.look({ all: true })
      raw.close()
      return [changed.lost, changed.doubled]
    }
    assert.deepEqual(await found("update play set record = x'00' where id = 1"), [0, 1])
    assert.deepEqual(await found("delete from play where id = 2"), [1, 1])
    assert.deepEqual(await found("update play set sequence = 9 where id = 3"), [2, 2])
    await ledger.look()
    assert.equal(ledger.lost, 1)
  }))
