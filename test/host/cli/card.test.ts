// fieldtune card as a user runs it.

import assert from "node:assert/strict"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import { cardCommand } from "../../../host/cli/card.js"
import { openStudy } from "../../../host/study/study.js"
import { mp3 } from "../card/music.js"
import { withFolder } from "../study/folder.js"
import { type Finished, fieldtune } from "./run.js"

const DEVICE = "3f2a9c01d4e5b678"
const CSV = "song,title,length_s,file\n1,One,100,rock/one.mp3\n2,Two,200,\n7,Seven,180,\n"

interface Field {
  dir: string
  /** Runs in the study's folder and expects success; gives the JSON. */
  run(...args: string[]): Promise<any>
  card(...args: string[]): Promise<Finished>
}

/** A study of three songs and a board, its music and an empty card. */
function withField(body: (field: Field) => Promise<void>): Promise<void> {
  return withFolder(async (dir) => {
    const run = async (...args: string[]): Promise<any> => {
      const { code, stdout, stderr } = await fieldtune([...args, "--study", "s", "--json"], dir)
      assert.equal(code, 0, stderr)
      return JSON.parse(stdout)
    }
    const card = (...args: string[]): Promise<Finished> => fieldtune(["card", ...args, "--study", "s"], dir)
    writeFileSync(join(dir, "songs.csv"), CSV)
    mkdirSync(join(dir, "card"))
    mkdirSync(join(dir, "s/music/rock"), { recursive: true })
    writeFileSync(join(dir, "s/music/rock/one.mp3"), mp3(100, 1))
    writeFileSync(join(dir, "s/music/2.mp3"), mp3(50, 2))
    writeFileSync(join(dir, "s/music/0007.mp3"), mp3(70, 7))
    await run("init", "--seed", "1")
    await run("catalogue", "add", "songs.csv")
    await run("enrol", "1", "--device", DEVICE)
    await body({ dir, run, card })
  })
}

describe("fieldtune card", () => {
  test("writes, checks, writes again without naming the sound board, and tells the study", () =>
    withField(async ({ dir, run, card }) => {
      const first = await card("card", "--device", DEVICE.toUpperCase(), "--board", "dfplayer")
      assert.equal(first.code, 0, first.stderr)
      assert.match(first.stdout, /3 songs \(0\.1 MB\) for the DFPlayer of board 3f2a9c01d4e5b678: 3 copied/)
      assert.match(first.stdout, /^Next: eject the card/m)
      assert.ok(readFileSync(join(dir, "card/mp3/0007.mp3")).equals(mp3(70, 7)))
      const checked = (await run("card", "card", "--check")).cards[0]
      assert.deepEqual([checked.problems, checked.songs, checked.device], [[], 3, DEVICE])
      const again = (await run("card", "card", "--device", DEVICE)).cards[0]
      assert.deepEqual([again.board, again.copied, again.manifest], ["dfplayer", 0, checked.manifest])
      const study = await openStudy(join(dir, "s"))
      const events = await study.store.events.latest(10, "card")
      await study.close()
      assert.deepEqual(
        events.map(({ subject, device, detail }) => [
          subject,
          device,
          detail.outcome,
          detail.manifest,
          detail.copied,
        ]),
        [
          [1, DEVICE, "written", checked.manifest, 0],
          [1, DEVICE, "written", checked.manifest, 3],
        ],
      )
      assert.ok(!JSON.stringify(events).includes(dir))
      assert.ok(!readFileSync(join(dir, "card/fieldtune-card.json"), "utf8").includes(dir))
    }))

  test("a flipped bit is found by --check with exit code 2, and put right by writing again", () =>
    withField(async ({ dir, run, card }) => {
      await run("card", "card", "--device", DEVICE, "--board", "mp3trigger")
      const path = join(dir, "card/F002.mp3")
      const bytes = readFileSync(path)
      bytes[5000] ^= 16
      writeFileSync(path, bytes)
      const found = await card("card", "--check")
      assert.equal(found.code, 2)
      assert.match(found.stdout, /^! F002\.mp3: must have SHA-256/)
      assert.match(found.stdout, /1 problems on the card of board 3f2a9c01d4e5b678/)
      assert.equal((await run("card", "card", "--device", DEVICE)).cards[0].copied, 1)
      assert.equal((await card("card", "--check")).code, 0)
    }))

  test("a failure on the way is told to the study, a refusal is not", () =>
    withField(async ({ dir, card }) => {
      writeFileSync(join(dir, "card/F001.mp3"), "somebody's")
      const refused = await card("card", "--device", DEVICE, "--board", "mp3trigger")
      assert.deepEqual([refused.code, refused.stdout], [2, ""])
      assert.match(refused.stderr, /^fieldtune: .*1 files have the names of songs and are not ours/)
      mkdirSync(join(dir, "card/fieldtune.tmp"))
      const cut = await card("card", "--device", DEVICE, "--board", "dfplayer")
      assert.equal(cut.code, 2, cut.stderr)
      assert.match(cut.stderr, /^fieldtune: .*not finished, 0 of 3 songs copied/)
      const study = await openStudy(join(dir, "s"))
      const events = await study.store.events.latest(10, "card")
      await study.close()
      assert.deepEqual(
        events.map((event) => [event.device, event.detail]),
        [[DEVICE, { board: "dfplayer", outcome: "unfinished" }]],
      )
    }))

  test("--all writes every card, each for its device, and one that fails does not keep the others", () =>
    withField(async ({ dir, run }) => {
      const other = "00000000000000aa"
      await run("enrol", "2", "--device", other)
      const cards = ["a", "b", "c"].map((name) => join(dir, name))
      for (const card of cards) mkdirSync(card)
      const all = async (...args: string[]): Promise<void> => {
        const command = cardCommand(async () => ({ cards, left: [] }))
        const common = ["--all", "--board", "jacdac", "--study", join(dir, "s"), "--json"]
        await command.parseAsync([...common, ...args], { from: "user" })
      }
      const devices = (): string[] =>
        cards.map((card) => JSON.parse(readFileSync(join(card, "fieldtune-card.json"), "utf8")).device)
      await all("--device", DEVICE)
      assert.deepEqual(devices(), [DEVICE, DEVICE, DEVICE])
      rmSync(cards[0], { recursive: true })
      mkdirSync(cards[0])
      mkdirSync(join(cards[2], "fieldtune.tmp"))
      rmSync(join(cards[2], "0001.mp3"))
      assert.equal(process.exitCode, undefined)
      await assert.rejects(all("--device", `${DEVICE},${other}`), /3 cards are mounted and 2 devices named/)
      await all("--device", DEVICE)
      assert.equal(process.exitCode, 2)
      process.exitCode = undefined
      assert.ok(readFileSync(join(cards[0], "0001.mp3")).equals(mp3(100, 1)))
      const study = await openStudy(join(dir, "s"))
      const outcomes = (await study.store.events.latest(3, "card")).map((event) => event.detail.outcome)
      await study.close()
      assert.deepEqual(outcomes.sort(), ["unfinished", "written", "written"])
    }))

  test("what the caller gets wrong is one line with exit code 2", () =>
    withField(async ({ card }) => {
      const cases: [string[], RegExp][] = [
        [[], /needs the folder of the card, or --all/],
        [["card", "--all"], /needs the folder of the card, or --all/],
        [["card"], /--device is needed/],
        [["card", "--device", "ffffffffffffffff"], /the study has no board f{16}; fieldtune enrol/],
        [["card", "--device", DEVICE], /--board: is needed the first time, mp3trigger, dfplayer, jacdac/],
        [["card", "--device", `${DEVICE},${DEVICE}`], /one card is for one board, got 2/],
        [
          ["none", "--device", DEVICE, "--board", "jacdac"],
          /none: there is no such folder; is the card mounted/,
        ],
        [
          ["card", "--device", DEVICE, "--board", "jacdac", "--music", "x"],
          /x: there is no such folder of music/,
        ],
        [["card", "--check"], /has no fieldtune-card\.json/],
      ]
      for (const [args, line] of cases) {
        const { code, stdout, stderr } = await card(...args)
        assert.deepEqual([code, stdout], [2, ""], stderr)
        assert.match(stderr, line)
        assert.equal(stderr.trim().split("\n").length, 1, stderr)
      }
      const { code, stderr } = await card("card", "--device", DEVICE, "--board", "tape")
      assert.equal(code, 2)
      assert.match(stderr, /Allowed choices are mp3trigger, dfplayer, jacdac/)
    }))
})
