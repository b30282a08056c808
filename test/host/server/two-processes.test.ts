// Several processes on one study at once.

import assert from "node:assert/strict"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { fleetStudy } from "../../../host/rehearsal/fleet.js"
import { Ledger } from "../../../host/rehearsal/server-kills.js"
import { ServerProcess } from "../../../host/rehearsal/server-process.js"
import { openStudy } from "../../../host/study/study.js"
import { fieldtune } from "../cli/run.js"
import { withFolder } from "../study/folder.js"

const BOARDS = 8

test("two servers and a round on one study: every record once, every board answered, every playlist published", () =>
  withFolder(async (dir) => {
    const { study, boards } = await fleetStudy(join(dir, "study"), { seed: 5, count: BOARDS })
    await study.close()
    const servers = [ServerProcess.start(study.dir), ServerProcess.start(study.dir)]
    try {
      const ports = await Promise.all(servers.map((server) => server.port))
      let going = true
      const statuses = new Set<number>()
      const lanes = boards.map(async (board, i) => {
        for (let n = 0; going || n < 10; n++) {
          board.hear(3)
          statuses.add(await board.exchange(ports[(i + n) % 2]))
        }
      })
      const round = await fieldtune(["round", "--study", study.dir, "--json"], dir)
      going = false
      await Promise.all(lanes)
      assert.equal(round.code, 0, round.stderr)
      // A board is told to wait where it gets more than its burst (429) or the other processes hold the database for
      // longer than a sync may take (503, on a slow machine); nothing else may be refused.
      assert.ok(statuses.has(200))
      assert.deepEqual(
        [...statuses].filter((status) => ![200, 429, 503].includes(status)),
        [],
      )
      for (const board of boards) assert.deepEqual(board.violations, [])
      const codes = await Promise.all(servers.map((server) => server.kill("SIGTERM")))
      assert.deepEqual(codes, [0, 0])
    } finally {
      for (const server of servers) await server.kill("SIGKILL")
    }
    const ledger = new Ledger(join(study.dir, "fieldtune.db"), boards)
    await ledger.look()
    assert.deepEqual(ledger.violations, [])
    const again = await openStudy(study.dir)
    try {
      assert.equal((await again.store.playlists.all()).length, BOARDS)
      assert.equal(
        await again.store.plays.count(),
        boards.reduce((sum, board) => sum + board.acked, 0),
      )
    } finally {
      await again.close()
    }
  }))

test("two processes that bring one database up to date at the same time both find it so", () =>
  withFolder(async (dir) => {
    const { study } = await fleetStudy(join(dir, "study"), { seed: 6, count: 1 })
    await study.close()
    for (const end of ["", "-wal", "-shm"]) rmSync(join(study.dir, `fieldtune.db${end}`), { force: true })
    const servers = Array.from({ length: 3 }, () => ServerProcess.start(study.dir))
    try {
      for (const server of servers) assert.ok((await server.port) > 0)
      for (const server of servers) assert.equal(await server.kill("SIGTERM"), 0, server.log)
    } finally {
      for (const server of servers) await server.kill("SIGKILL")
    }
  }))
