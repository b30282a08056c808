// The commands as a user runs them.

import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { join } from "node:path"
import { describe, test } from "node:test"
import { encodeMessagePack } from "../../../host/protocol/messagepack.js"
import { decodeReply } from "../../../host/protocol/reply.js"
import { openReply, sealRequest } from "../../../host/protocol/seal.js"
import { recordOf, requestOf, withFolder } from "../study/folder.js"
import { fieldtune, finished, firstLine, start } from "./run.js"

const Database = createRequire(import.meta.url)("libsql")
const CSV =
  "track_id,title,genre,duration_s,tempo\n1,One,Rock,100,120\n2,Two,Rock,200,90\n3,Three,Jazz,180,100\n"
const DEVICE = "3f2a9c01d4e5b678"

/** Runs the command, expects success, gives its JSON. */
async function json(args: string[], cwd: string): Promise<any> {
  const { code, stdout, stderr } = await fieldtune([...args, "--json"], cwd)
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

/** Runs the command and expects exit code 2 and one line that matches. */
async function refused(args: string[], cwd: string, line: RegExp): Promise<void> {
  const { code, stdout, stderr } = await fieldtune(args, cwd)
  assert.equal(code, 2, stderr)
  assert.equal(stdout, "")
  assert.match(stderr, line)
  assert.equal(stderr.trim().split("\n").length, 1, stderr)
}

describe("command line", () => {
  test("a study from nothing to a board that has synced", () =>
    withFolder(async (dir) => {
      writeFileSync(join(dir, "songs.csv"), CSV)
      const made = await json(
        ["init", "--study", "s", "--seed", "5", "--arm", "a:model:2", "--arm", "b:gower"],
        dir,
      )
      assert.equal(made.plan.seed, 5)
      assert.deepEqual(made.plan.arms, [
        { name: "a", design: "model", share: 2 },
        { name: "b", design: "gower", share: 1 },
      ])
      const added = await json(["catalogue", "add", "songs.csv", "--study", "s"], dir)
      assert.deepEqual([added.added, added.songs, added.attributes], [3, 3, ["tempo"]])
      assert.equal(readFileSync(join(dir, "s/catalogue/songs.csv"), "utf8"), CSV)
      const enrolled = await json(
        ["enrol", "1", "--device", DEVICE, "--study", "s", "--arm", "b", "--reason", "the first"],
        dir,
      )
      assert.deepEqual([enrolled.subject, enrolled.device, enrolled.arm], [1, DEVICE, "b"])
      assert.match(enrolled.key, /^[0-9a-f]{64}$/)

      const server = start(["serve", "--study", "s", "--port", "0", "--json", "--log-level", "warn"], dir)
      const ended = finished(server)
      const { url } = JSON.parse(await firstLine(server))
      const key = new Uint8Array(Buffer.from(enrolled.key, "hex"))
      const salt = new Uint8Array(16).fill(1)
      const plain = encodeMessagePack(requestOf({ plays: [recordOf({ sequence: 1, song: 2 })] }))
      const response = await fetch(`${url}/v1/sync/${DEVICE}`, {
        method: "POST",
        body: Buffer.from(sealRequest(key, DEVICE, salt, plain)),
      })
      assert.equal(response.status, 200)
      const body = new Uint8Array(await response.arrayBuffer())
      assert.deepEqual(decodeReply(openReply(key, DEVICE, salt, body)).ack, [[1, 1]])
      assert.equal(
        (await fetch(`${url}/v1/sync/ffffffffffffffff`, { method: "POST", body: "x" })).status,
        404,
      )
      const health = (await (await fetch(`${url}/v1/health`)).json()) as { plays: number }
      assert.equal(health.plays, 1)
      server.kill("SIGTERM")
      const { code, stderr } = await ended
      assert.equal(code, 0)
      assert.match(stderr, /"device":"ffffffffffffffff","code":"device"/)

      const status = await json(["status", "--study", "s"], dir)
      assert.deepEqual([status.plays, status.devices[0].plays, status.devices[0].logFill], [1, 1, 0])
      const text = await fieldtune(["status", "--study", "s"], dir)
      assert.match(text.stdout, /^\? subject 1, 3f2a9c01d4e5b678: no playlist published/)
      const over = await json(["enrol", "1", "--end", "--study", "s"], dir)
      assert.deepEqual([over.device, over.ended], [DEVICE, true])
    }))

  test("a server that is killed has on disk whatever it acknowledged", () =>
    withFolder(async (dir) => {
      writeFileSync(join(dir, "songs.csv"), CSV)
      await json(["init", "--study", "s", "--seed", "5"], dir)
      await json(["catalogue", "add", "songs.csv", "--study", "s"], dir)
      const enrolled = await json(["enrol", "1", "--device", DEVICE, "--study", "s"], dir)
      const key = new Uint8Array(Buffer.from(enrolled.key, "hex"))
      const salt = new Uint8Array(16).fill(1)
      let acknowledged = 0
      let n = 0
      for (const exchanges of [2, 9]) {
        const server = start(["serve", "--study", "s", "--port", "0", "--json", "--log-level", "silent"], dir)
        const ended = finished(server)
        const { url } = JSON.parse(await firstLine(server))
        const sync = async (): Promise<void> => {
          n++
          const plays = [1, 2].map((i) => recordOf({ sequence: acknowledged + i }))
          const body = sealRequest(key, DEVICE, salt, encodeMessagePack(requestOf({ n, plays })))
          const response = await fetch(`${url}/v1/sync/${DEVICE}`, {
            method: "POST",
            body: Buffer.from(body),
          })
          const sealed = new Uint8Array(await response.arrayBuffer())
          const { ack } = decodeReply(openReply(key, DEVICE, salt, sealed))
          if (ack.length > 0) acknowledged = ack[0][1]
        }
        for (let i = 0; i < exchanges; i++) await sync()
        const unanswered = sync().catch(() => {})
        server.kill("SIGKILL")
        await Promise.all([unanswered, ended])
        const raw = new Database(join(dir, "s/fieldtune.db"))
        const stored = new Set(
          raw
            .prepare("select sequence from play")
            .all()
            .map((r: any) => r.sequence),
        )
        raw.close()
        assert.ok(acknowledged >= 2 * exchanges, `${acknowledged} after ${exchanges} exchanges`)
        for (let i = 1; i <= acknowledged; i++) assert.ok(stored.has(i), `${i} of ${acknowledged}`)
      }
    }))

  test("every command has help with an example", () =>
    withFolder(async (dir) => {
      const { stdout } = await fieldtune(["--help"], dir)
      const names = [...stdout.matchAll(/^ {2}(\w+) .*$/gm)].map((m) => m[1])
      for (const name of ["init", "catalogue", "enrol", "serve", "status"])
        assert.ok(names.includes(name), name)
      for (const name of names.filter((n) => n !== "help")) {
        const inner: Record<string, string> = { catalogue: "add", rehearse: "power-cuts" }
        const args = name in inner ? [name, inner[name]] : [name]
        const help = await fieldtune([...args, "--help"], dir)
        assert.equal(help.code, 0)
        assert.match(help.stdout, new RegExp(`Example:\\n  \\$ fieldtune ${args.join(" ")}`), name)
        assert.match(help.stdout, /--json/, name)
      }
    }))

  test("a missing study, a second init, a bad plan, a newer database: one line and exit code 2", () =>
    withFolder(async (dir) => {
      await refused(["status"], dir, /^fieldtune: .*no study in this folder/)
      await json(["init", "--study", "s", "--seed", "1"], dir)
      await refused(["init", "--study", "s"], dir, /holds a study already/)
      await refused(
        ["init", "--study", "t", "--arm", "a:magic"],
        dir,
        /arms\.0\.design: must be .*got "magic"/,
      )
      const file = join(dir, "s/study.json")
      const plan = readFileSync(file, "utf8")
      writeFileSync(file, plan.replace('"draws": 500', '"draws": -1'))
      await refused(["status", "--study", "s"], dir, /study\.json: draws: must be >= 50, got -1/)
      writeFileSync(file, plan)
      const raw = new Database(join(dir, "s/fieldtune.db"))
      raw.exec("update meta set value = '7'")
      raw.close()
      await refused(["status", "--study", "s"], dir, /fieldtune\.db: the database has schema 7/)
      await refused(["serve", "--study", "s"], dir, /fieldtune\.db: the database has schema 7/)
    }))

  test("a port in use: one line and exit code 2", () =>
    withFolder(async (dir) => {
      await json(["init", "--study", "s", "--seed", "1"], dir)
      const other = createServer()
      await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve))
      const { port } = other.address() as { port: number }
      await refused(
        ["serve", "--study", "s", "--port", String(port)],
        dir,
        new RegExp(`port ${port} .*in use`),
      )
      other.close()
    }))

  test("a bad row of a catalogue is named, and --skip-bad imports the others", () =>
    withFolder(async (dir) => {
      await json(["init", "--study", "s", "--seed", "1"], dir)
      writeFileSync(join(dir, "songs.csv"), CSV.replace("200", "long"))
      const args = ["catalogue", "add", "songs.csv", "--study", "s"]
      const { code, stderr } = await fieldtune(args, dir)
      assert.equal(code, 2)
      assert.match(stderr, /nothing imported/)
      assert.match(stderr, /row 3, duration_s: must be seconds from 0\.001 to 16777\.215, got "long"/)
      const result = await json([...args, "--skip-bad"], dir)
      assert.deepEqual([result.added, result.skipped, result.songs], [2, 1, 2])
      await refused(["catalogue", "add", "none.csv", "--study", "s"], dir, /none\.csv/)
    }))

  test("what the caller gets wrong is said with the value, exit code 2", () =>
    withFolder(async (dir) => {
      await json(["init", "--study", "s", "--seed", "1"], dir)
      const enrol = ["enrol", "1", "--study", "s"]
      await refused(enrol, dir, /--device is needed/)
      await refused([...enrol, "--device", "xyz"], dir, /16 lower-case hexadecimal digits, got "xyz"/)
      await refused(
        [...enrol, "--device", DEVICE, "--arm", "z"],
        dir,
        /--arm: must be model \(study\.json\), got z/,
      )
      writeFileSync(join(dir, "key.txt"), "12\n")
      const withKey = ["enrol", "2", "--study", "s", "--device", DEVICE, "--key-file"]
      await refused([...withKey, "key.txt"], dir, /key\.txt: must hold 64 hexadecimal digits/)
      await refused([...withKey, "none.txt"], dir, /--key-file: ENOENT/)
      const key = "0123456789abcdef".repeat(4)
      writeFileSync(join(dir, "key.txt"), `${key}\n`)
      assert.equal((await json([...withKey, "key.txt"], dir)).key, key)
      await refused([...enrol, "--end"], dir, /no open enrolment/)
      await refused(["enrol", "0x1", "--study", "s"], dir, /'0x1' is invalid/)
      await refused(["serve", "--study", "s", "--log-level", "loud"], dir, /--log-level: .*got loud/)
    }))
})
