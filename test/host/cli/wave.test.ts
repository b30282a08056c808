import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import type { Plan } from "../../../host/study/plan.js"
import { withFolder } from "../study/folder.js"
import { type Finished, fieldtune } from "./run.js"

const CSV = [
  "song,title,artist,genre,length_s,tempo",
  ...Array.from({ length: 30 }, (_, i) => `${i + 1},Song ${i + 1},Band ${i % 4},Rock,200,${80 + 3 * i}`),
].join("\n")

type Run = (...args: string[]) => Promise<Finished>

/** A study of two listeners in `s`, with the plan's fields as given. */
async function withTwo(
  plan: Partial<Plan>,
  body: (run: Run, json: (...args: string[]) => Promise<any>) => Promise<void>,
) {
  await withFolder(async (dir) => {
    const run: Run = (name, ...args) => fieldtune([name, ...args, "--study", "s"], dir)
    const json = async (...args: string[]): Promise<any> => {
      const { code, stdout, stderr } = await run(...args, "--json")
      assert.equal(code, 0, stderr)
      return JSON.parse(stdout)
    }
    writeFileSync(join(dir, "songs.csv"), CSV)
    await json("init", "--seed", "5", "--size", "6")
    const file = join(dir, "s", "study.json")
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...plan }))
    await json("catalogue", "add", "songs.csv")
    const cohort = plan.cohorts ? ["--cohort", plan.cohorts[0].name] : []
    for (const subject of [1, 2]) {
      await json("enrol", `${subject}`, "--device", `3f2a9c01d4e5b67${subject}`, ...cohort)
    }
    await body(run, json)
  })
}

test("a wave is looked at, opened, followed and closed from the command line", () =>
  withTwo({ waves: { count: 2, days: 5, gapDays: 2, first: "random" } }, async (run, json) => {
    const { waves } = await json("wave", "status")
    assert.deepEqual(
      waves.map(({ wave, state }: { wave: number; state: string }) => [wave, state]),
      [
        [1, "planned"],
        [2, "planned"],
      ],
    )
    const dry = await run("wave", "open", "1", "--dry-run")
    assert.equal(dry.code, 0, dry.stderr)
    assert.match(dry.stdout, /^Wave 1 was not opened\. This is what every board would play next\./)
    assert.match(dry.stdout, /Subject 2, board 3f2a9c01d4e5b672\n {2}now {3}nothing that it has told of\n/)
    assert.match(dry.stdout, / {2}next {2}playlist 1 \(wave 1\):\n +# +song +title +artist +tag +reason\n/)
    assert.match(dry.stdout, /Next: fieldtune wave open 1 publishes exactly this/)
    const shown = await json("wave", "open", "1", "--dry-run")
    assert.deepEqual(
      (await json("wave", "status")).waves.map(({ state }: { state: string }) => state),
      ["planned", "planned"],
    )
    const opened = await run("wave", "open", "1", "--workers", "1")
    assert.equal(opened.code, 0, opened.stderr)
    assert.match(opened.stdout, /^Wave 1 is open\.\nWave 1: 2 playlists published\./)
    assert.match(opened.stdout, /Next: boards fetch them at their next sync; fieldtune wave status/)
    const anew = await json("round", "--subject", "1", "--dry-run")
    // Without new plays a list that is designed anew is the same list.
    assert.deepEqual(anew.boards[0].next.songs, shown.boards[0].next.songs)
    const again = await run("wave", "open", "2")
    assert.deepEqual([again.code, again.stdout], [2, ""])
    assert.equal(again.stderr, "fieldtune: wave 2: wave 1 is still open: fieldtune wave close 1 first\n")
    const status = await run("wave", "status")
    assert.match(status.stdout, /^wave +state +planned from +to +opened \(UTC\)/)
    assert.match(status.stdout, /Next: fieldtune wave close 1 when it is over/)
    const closed = await run("wave", "close", "1")
    assert.equal(closed.code, 0)
    assert.match(closed.stdout, /! closes before the end of its last day/)
    assert.match(closed.stdout, /! subject 1, 3f2a9c01d4e5b671: has not synced since the wave was opened/)
    assert.match(closed.stdout, /\nWave 1 is closed: 0 plays so far; plays that come later still count\.\n/)
    const wrong = await run("wave", "open", "0")
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /must be a whole number from 1 to 1000/)
    const help = await run("wave", "open", "--help")
    assert.match(help.stdout, /Example:\n {2}\$ fieldtune wave open 2 --dry-run/)
  }))

test("a cohort has to be one of the plan, and is asked for where there are several", () =>
  withTwo({ cohorts: [{ name: "spring" }, { name: "autumn" }] }, async (run) => {
    const none = await run("wave", "open", "1")
    assert.deepEqual(
      [none.code, none.stderr],
      [2, "fieldtune: cohort: the plan has spring, autumn: say which, got none\n"],
    )
    const other = await run("wave", "open", "1", "--cohort", "winter")
    assert.match(other.stderr, /cohort: must be spring or autumn \(study\.json\), got "winter"/)
  }))

test("a blind study's dry run and round name songs, and neither designs nor reasons", () =>
  withTwo({ blind: "double" }, async (run) => {
    const dry = await run("round", "--dry-run")
    assert.equal(dry.code, 0, dry.stderr)
    assert.match(dry.stdout, /# +song +title +artist\n/)
    const round = await run("round")
    assert.match(round.stdout, /^Wave 1: 2 playlists published/)
    for (const { stdout } of [dry, round]) assert.doesNotMatch(stdout, /random|model|explore|exploit|price/i)
  }))
