// A disk that is full or read-only: what is said, and that nothing acknowledged is lost.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { chmodSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import { sql } from "kysely"
import { pino } from "pino"
import { fleetStudy } from "../../../host/rehearsal/fleet.js"
import { Ledger } from "../../../host/rehearsal/server-kills.js"
import { ServerProcess } from "../../../host/rehearsal/server-process.js"
import { buildServer } from "../../../host/server/server.js"
import { openEmbedded } from "../../../host/store/embedded.js"
import { StoreUnavailableError } from "../../../host/store/failure.js"
import { openStudy } from "../../../host/study/study.js"
import { fieldtune } from "../cli/run.js"
import { START, withFolder } from "../study/folder.js"

/** A user without rights, to whom a folder's mode applies: root may write everywhere. */
const NOBODY = 65534
const KIB = 1024

async function health(port: number): Promise<{ status: number; ok: boolean }> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/health`)
  return { status: response.status, ok: ((await response.json()) as { ok: boolean }).ok }
}

describe("a full disk", () => {
  test("is named as such, with what to do, and the transaction leaves nothing", () =>
    withFolder(async (dir) => {
      const { study } = await fleetStudy(join(dir, "study"), { seed: 1, count: 1 })
      await study.close()
      const db = openEmbedded(join(study.dir, "fieldtune.db"))
      try {
        const pages = await sql<{ pageCount: number }>`pragma page_count`.execute(db)
        await sql.raw(`pragma max_page_count = ${pages.rows[0].pageCount}`).execute(db)
        const fill = db.transaction().execute(async (tx) => {
          await sql`insert into meta values ('small', '1')`.execute(tx)
          await sql`insert into meta values ('large', hex(zeroblob(100000)))`.execute(tx)
        })
        await assert.rejects(fill, (error: Error) => {
          assert.ok(error instanceof StoreUnavailableError)
          assert.equal(error.reason, "full")
          assert.match(error.message, /fieldtune\.db: the disk is full; .* make room/)
          return true
        })
        const left = await db.selectFrom("meta").selectAll().where("key", "in", ["small", "large"]).execute()
        assert.deepEqual(left, [])
      } finally {
        await db.destroy()
      }
    }))

  test("refuses boards with 503, says so in health and log, keeps what it acknowledged, and goes on by itself", () =>
    withFolder(async (dir) => {
      const { study, boards } = await fleetStudy(join(dir, "study"), { seed: 2, count: 3 })
      await study.close()
      // No file of the process may grow beyond this: the kernel refuses the write, as it does on a full disk.
      const database = join(study.dir, "fieldtune.db")
      const limit = Math.ceil(statSync(database).size / KIB) + 300
      const wrap = ["bash", "-c", `ulimit -S -f ${limit}; exec "$@"`, "bash"]
      const server = ServerProcess.start(study.dir, { wrap })
      try {
        const port = await server.port
        const statuses = new Set<number>()
        for (let i = 0; i < 60 && !statuses.has(503); i++) {
          for (const board of boards) {
            board.hear(20)
            statuses.add(await board.exchange(port))
          }
        }
        assert.deepEqual([...statuses], [200, 503], server.log)
        assert.match(server.log, /full/)
        assert.deepEqual(await health(port), { status: 503, ok: false })
        const before = boards.map((board) => board.acked)
        assert.ok(before.some((acked) => acked > 0))
        const ledger = new Ledger(database, boards)
        await ledger.look()
        assert.deepEqual(ledger.violations, [])

        execFileSync("prlimit", [`--pid=${server.child.pid}`, "--fsize=unlimited"])
        for (const board of boards) {
          while (board.unacknowledged > 0) assert.equal(await board.exchange(port), 200)
        }
        assert.deepEqual(await health(port), { status: 200, ok: true })
        await ledger.look({ all: true })
        assert.deepEqual(ledger.violations, [])
        assert.equal(await server.kill("SIGTERM"), 0)
      } finally {
        await server.kill("SIGKILL")
      }
    }))
})

describe("a read-only disk", () => {
  /** Runs `body` where folder and files of the study can't be written to. */
  async function locked(dir: string, body: () => Promise<void>): Promise<void> {
    const files = ["fieldtune.db", "study.json"].map((name) => join(dir, name))
    const root = process.geteuid?.() === 0
    for (const file of files) chmodSync(file, 0o444)
    chmodSync(join(dir, ".."), 0o755)
    chmodSync(dir, 0o555)
    if (root) process.seteuid?.(NOBODY)
    try {
      await body()
    } finally {
      if (root) process.seteuid?.(0)
      chmodSync(dir, 0o755)
      for (const file of files) chmodSync(file, 0o644)
    }
  }

  test("lets what is there be read, refuses to store and says why, and works again when it can be written", () =>
    withFolder(async (dir) => {
      const { study, boards } = await fleetStudy(join(dir, "study"), { seed: 4, count: 1 })
      await study.close()
      // As somebody would copy it: the file alone, without a journal.
      for (const end of ["wal", "shm"]) rmSync(join(study.dir, `fieldtune.db-${end}`), { force: true })
      const before = readFileSync(join(study.dir, "fieldtune.db"))
      const [board] = boards
      board.hear(3)
      const lines: { code?: string; msg: string }[] = []
      const serve = async (body: (port: number) => Promise<void>): Promise<void> => {
        const opened = await openStudy(study.dir)
        const app = buildServer({
          study: opened,
          now: () => START,
          random: (n) => new Uint8Array(n),
          log: pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }),
        })
        await app.listen({ port: 0, host: "127.0.0.1" })
        try {
          await body((app.server.address() as { port: number }).port)
        } finally {
          await app.close()
          await opened.close()
        }
      }
      await locked(study.dir, () =>
        serve(async (port) => {
          const overview = await fetch(`http://127.0.0.1:${port}/api/overview`)
          assert.equal(((await overview.json()) as { plays: number }).plays, 0)
          assert.equal(await board.exchange(port), 503)
          assert.equal(lines.at(-1)?.code, "read-only")
          assert.match(String(lines.at(-1)?.msg), /can't be written: its disk, folder or file is read-only/)
          assert.deepEqual(await health(port), { status: 503, ok: false })
        }),
      )
      assert.deepEqual(readFileSync(join(study.dir, "fieldtune.db")), before)
      assert.equal(board.acked, 0)
      await serve(async (port) => assert.equal(await board.exchange(port), 200))
      assert.equal(board.acked, 3)
    }))

  test("a command that only reads answers from a copy without rights, one that writes says so in one line", () =>
    withFolder(async (dir) => {
      const { study } = await fleetStudy(join(dir, "study"), { seed: 4, count: 1 })
      await study.close()
      await locked(study.dir, async () => {
        const opened = await openStudy(study.dir)
        assert.equal((await opened.store.subjects.all()).length, 1)
        await assert.rejects(opened.store.playlists.startWave(1, START), StoreUnavailableError)
        await opened.close()
      })
      const { code } = await fieldtune(["status", "--study", study.dir], dir)
      assert.equal(code, 0)
    }))
})
