import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { test } from "node:test"
import { setTimeout as wait } from "node:timers/promises"
import { encodeMessagePack } from "../../../host/protocol/messagepack.js"
import { sealRequest } from "../../../host/protocol/seal.js"
import { openStudy } from "../../../host/study/study.js"
import { recordOf, requestOf, withFolder } from "../study/folder.js"
import { fieldtune, finished, firstLine, start } from "./run.js"

const Database = createRequire(import.meta.url)("libsql")
const DEVICE = "3f2a9c01d4e5b678"
const SONGS = 30
const CSV = [
  "song,title,genre,length_s,tempo",
  ...Array.from(
    { length: SONGS },
    (_, i) => `${i + 1},Song ${i + 1},${i % 2 ? "Rock" : "Jazz"},200,${80 + 3 * i}`,
  ),
].join("\n")
/** A thread that has to load the model and estimate ten plays. */
const ESTIMATED_WITHIN_MS = 60_000

test("a served sync is estimated beside the server, and round designs from it", () =>
  withFolder(async (dir) => {
    const run = async (...args: string[]): Promise<any> => {
      const { code, stdout, stderr } = await fieldtune([...args, "--study", "s", "--json"], dir)
      assert.equal(code, 0, stderr)
      return JSON.parse(stdout)
    }
    writeFileSync(join(dir, "songs.csv"), CSV)
    await run("init", "--seed", "5", "--size", "10")
    await run("catalogue", "add", "songs.csv")
    const key = new Uint8Array(Buffer.from((await run("enrol", "1", "--device", DEVICE)).key, "hex"))
    const first = await run("round")
    assert.deepEqual([first.wave, first.subjects[0].design, first.subjects[0].version], [1, "random", 1])

    const server = start(["serve", "--study", "s", "--port", "0", "--json"], dir)
    const ended = finished(server)
    let told = ""
    server.stderr?.on("data", (chunk) => {
      told += chunk
    })
    const { url } = JSON.parse(await firstLine(server))
    const study = await openStudy(join(dir, "s"))
    const items = await study.store.playlists.items((await study.store.playlists.all())[0].id)
    const plays = items.map((item, position) =>
      recordOf({ sequence: position + 1, song: item.song, position, heardMs: 2000 * (item.song + 5) }),
    )
    const body = sealRequest(
      key,
      DEVICE,
      new Uint8Array(16),
      encodeMessagePack(requestOf({ list: 1, plays })),
    )
    const response = await fetch(`${url}/v1/sync/${DEVICE}`, { method: "POST", body: Buffer.from(body) })
    assert.equal(response.status, 200)
    const end = Date.now() + ESTIMATED_WITHIN_MS
    while ((await study.store.subjects.dirty()).length > 0) {
      assert.ok(Date.now() < end, "no estimate after a minute")
      await wait(100)
    }
    assert.equal((await study.store.models.latest(1, "taste"))?.summary.plays, 10)
    await study.close()
    while (!told.includes('"msg":"estimated"')) {
      assert.ok(Date.now() < end, "the server does not tell of the estimate")
      await wait(100)
    }
    server.kill("SIGTERM")
    const { code, stderr } = await ended
    assert.equal(code, 0)
    assert.match(stderr, /"subjects":\[1\],"msg":"estimated"/)

    const second = await run("round")
    const [row] = second.subjects
    assert.deepEqual([second.wave, row.design, row.version, row.plays], [2, "model", 2, 10])
    assert.ok(row.price >= 0 && row.price < 1)
    assert.deepEqual([second.weights.weighting, second.weights.from], ["switch", "rule"])
    const wrong = await fieldtune(["round", "--study", "s", "--workers", "0"], dir)
    assert.notEqual(wrong.code, 0)
    assert.match(wrong.stderr, /--workers: must be a whole number from 1, got "0"/)
    const text = await fieldtune(["round", "--study", "s", "--workers", "2"], dir)
    assert.match(text.stdout, /^Wave 3: 1 playlists? published/)
    assert.match(text.stdout, /Averaging: switch \(nothing is decided yet\)\. Forgetting: 1/)
    assert.match(text.stdout, /Next:/)
  }))

test("a round that can't be made ends with one line that says why, and with the stack where nobody foresaw it", () =>
  withFolder(async (dir) => {
    const run = (...args: string[]) => fieldtune([...args, "--study", "s"], dir)
    const done = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await run(...args)
      assert.equal(code, 0, stderr)
    }
    writeFileSync(join(dir, "songs.csv"), CSV)
    await done("init", "--seed", "5", "--size", `${SONGS + 1}`)
    await done("catalogue", "add", "songs.csv")
    for (const subject of [1, 2]) await done("enrol", `${subject}`, "--device", `3f2a9c01d4e5b67${subject}`)
    const large = await run("round")
    assert.deepEqual(
      [
        large.code,
        large.stderr.split("\n").filter((line) => line.startsWith("fieldtune") || /^ +at /.test(line)),
      ],
      [
        2,
        [
          "fieldtune: round: subject 1: size: a playlist has 1 to 30 songs (the catalogue), got 31; wave 1 is published for nobody, all others keep the list they have; fieldtune round --subject 1,2 completes it",
        ],
      ],
    )
    writeFileSync(join(dir, "songs.csv"), `${CSV}\n31,Song 31,Rock,200,90`)
    await done("catalogue", "add", "songs.csv")
    const db = new Database(join(dir, "s", "fieldtune.db"))
    db.exec(`create trigger broken before insert on playlist when new.subject = 2
      begin select raise(abort, 'nobody foresaw this'); end`)
    db.close()
    const broken = await run("round")
    assert.equal(broken.code, 2)
    assert.match(
      broken.stderr,
      /^fieldtune: round: subject 2: .*nobody foresaw this.*; wave 1 is published for subjects 1, .* fieldtune round --subject 2 completes it$/m,
    )
    assert.match(broken.stderr, /^ {2}caused by: .*nobody foresaw this[\s\S]*\n +at /m)
  }))
