// Enrolment, boards, withdrawal and unblinding as a user runs them.

import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { openStudy } from "../../../host/study/study.js"
import { withFolder } from "../study/folder.js"
import { fieldtune } from "./run.js"

const CSV = [
  "song,title,genre,length_s,tempo",
  ...Array.from({ length: 20 }, (_, i) => `${i + 1},S,Rock,200,${80 + i}`),
]
const board = (n: number): string => `3f2a9c01d4e5b6${n.toString(16).padStart(2, "0")}`

test("listeners are drawn, boards lost and replaced, one withdraws, and the study is unblinded", () =>
  withFolder(async (dir) => {
    const run = (...args: string[]) => fieldtune([...args, "--study", "s"], dir)
    const json = async (...args: string[]): Promise<any> => {
      const { code, stdout, stderr } = await run(...args, "--json")
      assert.equal(code, 0, stderr)
      return JSON.parse(stdout)
    }
    const refused = async (line: RegExp, ...args: string[]): Promise<void> => {
      const { code, stdout, stderr } = await run(...args)
      assert.deepEqual([code, stdout], [2, ""], stderr)
      assert.match(stderr, line)
      assert.equal(stderr.trim().split("\n").length, 1, stderr)
    }
    writeFileSync(join(dir, "songs.csv"), CSV.join("\n"))
    await json("init", "--seed", "5", "--size", "5", "--arm", "tailored:model:1", "--arm", "chance:random:1")
    const file = join(dir, "s/study.json")
    const allocation = { strata: [{ name: "site", levels: ["north", "south"] }], blocks: [1] }
    const plan = { ...JSON.parse(readFileSync(file, "utf8")), blind: "double", allocation }
    writeFileSync(file, JSON.stringify(plan))
    await json("catalogue", "add", "songs.csv")

    await refused(/stratum site: is needed: north or south/, "enrol", "1", "--device", board(1))
    await refused(/--stratum: must be name=level, got "north"/, "enrol", "1", "--stratum", "north")
    // Processes that enrol at once take different places, and one key is drawn.
    const all = await Promise.all(
      [1, 2, 3, 4].map((n) => json("enrol", String(n), "--device", board(n), "--stratum", "site=north")),
    )
    const arms = all.map(({ arm }) => arm)
    assert.deepEqual([...arms].sort(), ["A", "A", "B", "B"])
    const study = await openStudy(join(dir, "s"))
    const rows = await study.store.allocations.all()
    assert.deepEqual(rows.map(({ ordinal }) => ordinal).sort(), [0, 1, 2, 3])
    assert.equal((await study.store.events.latest(9, "allocation-key")).length, 1)
    await study.close()
    assert.equal((await json("round")).subjects.length, 4)

    const lost = await run("board", "lost", board(1), "--reason", "on a train")
    assert.match(lost.stdout, /is lost\. Subject 1 no longer carries it\.\nNext: fieldtune board replace/)
    const swapped = await json("board", "replace", board(1), "--by", board(9), "--reason", "lost")
    assert.deepEqual([swapped.subject, swapped.version, swapped.key.length], [1, 1, 64])
    await refused(
      /is lost and can't be handed out/,
      "enrol",
      "7",
      "--device",
      board(1),
      "--stratum",
      "site=south",
    )
    const { boards } = await json("board", "status")
    assert.deepEqual(
      boards.map((b: { state: string; subject: number | null }) => [b.state, b.subject]),
      [
        ["lost", null],
        ["handed-out", 2],
        ["handed-out", 3],
        ["handed-out", 4],
        ["handed-out", 1],
      ],
    )
    const over = await json("enrol", "3", "--end", "--reason", "completed")
    assert.deepEqual([over.ended, over.reason], [true, "completed"])
    await refused(
      /an enrolment ends as returned, completed, .*, got tired/,
      "enrol",
      "4",
      "--end",
      "--reason",
      "tired",
    )
    await refused(/must be handed-out, is returned/, "board", "return", board(3))
    await refused(
      /--old: must be returned or lost or retired, got x/,
      "board",
      "replace",
      board(4),
      "--by",
      board(8),
      "--reason",
      "r",
      "--old",
      "x",
    )

    const preview = await json("withdraw", "2", "--dry-run")
    assert.deepEqual([preview.counts.play, preview.counts.playlists], [0, 1])
    await refused(/withdraw: --reason is needed/, "withdraw", "2")
    await refused(/nobody is there to confirm it; --yes does without/, "withdraw", "2", "--reason", "asked")
    const gone = await run("withdraw", "2", "--reason", "asked", "--yes")
    assert.equal(gone.code, 0, gone.stderr)
    assert.match(gone.stdout, /^Subject 2 has withdrawn\. Deleted:\n {2}0 plays/)
    assert.match(gone.stdout, new RegExp(`Next: fieldtune board return ${board(2)} when it is back`))
    assert.match((await run("withdraw", "2", "--reason", "asked")).stdout, /has withdrawn before/)
    await refused(/subject 2: has withdrawn/, "enrol", "2", "--device", board(7))
    assert.deepEqual(
      (await json("round")).subjects.map((row: { subject: number }) => row.subject),
      [1, 3, 4],
    )

    const shown = await json("unblind", "--reason", "done")
    assert.deepEqual(
      shown.codes.map(({ code }: { code: string }) => code),
      ["A", "B"],
    )
    const [{ arm }] = (await json("status")).devices
    assert.ok(arm === "tailored" || arm === "chance", arm)
    await refused(/was unblinded before/, "unblind", "--reason", "done")
  }))
