import assert from "node:assert/strict"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { type Finished, fieldtune } from "./run.js"

const PLAN = {
  name: "pilot",
  playlistSize: 6,
  draws: 60,
  waves: { count: 2, days: 2, gapDays: 1 },
  arms: [
    { name: "model", design: "model", share: 1 },
    { name: "gower", design: "gower", share: 1 },
  ],
}

let folder = ""
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "rehearse-"))
  await plannedStudy("pilot", PLAN)
})
after(() => rmSync(folder, { recursive: true, force: true }))

const run = (...args: string[]): Promise<Finished> => fieldtune(["rehearse", ...args], folder)

/** A planned study of 40 songs and short lists. */
async function plannedStudy(dir: string, plan: object): Promise<void> {
  const init = await fieldtune(["init", "--study", dir], folder)
  assert.equal(init.code, 0, init.stderr)
  writeFileSync(join(folder, dir, "study.json"), JSON.stringify(plan))
  const rows = Array.from(
    { length: 40 },
    (_, i) => `${i + 1},song ${i + 1},${20 + i},${(i * 7) % 11},${(i * 5) % 13}`,
  )
  writeFileSync(join(folder, "songs.csv"), ["song,title,duration_s,tempo,energy", ...rows].join("\n"))
  const added = await fieldtune(["catalogue", "add", "songs.csv", "--study", dir], folder)
  assert.equal(added.code, 0, added.stderr)
}

test("a planned study is rehearsed on its own songs, and stays as it is", async () => {
  const plan = ["--study", "pilot", "--subjects", "3", "--seed", "2"]
  const first = await run(...plan, "--workers", "1", "--json")
  assert.equal(first.code, 0, first.stderr)
  assert.equal(first.stderr, "")
  const found = JSON.parse(first.stdout)
  assert.deepEqual([found.seed, found.subjects, found.lost, found.duplicated], [2, 3, 0, 0])
  assert.match(found.sha, /^[0-9a-f]{64}$/)
  assert.deepEqual(Object.keys(found.arms), ["model", "gower"])
  for (const { shareHeard, shareFinished } of Object.values<any>(found.arms)) {
    for (const share of [...shareHeard, ...shareFinished]) assert.ok(share >= 0 && share <= 1)
    assert.deepEqual([shareHeard.length, shareFinished.length], [2, 2])
  }
  assert.deepEqual(
    found.table9.map(({ measure, wave }: any) => [measure, wave]),
    [
      ["shareHeard", 1],
      ["shareHeard", 2],
      ["shareHeard", "change"],
      ["shareFinished", 1],
      ["shareFinished", 2],
      ["shareFinished", "change"],
    ],
  )
  // Same seed, same bytes, whatever the number of threads.
  const again = await run(...plan, "--workers", "2", "--json")
  assert.equal(again.stdout, first.stdout)
  const status = JSON.parse((await fieldtune(["status", "--study", "pilot", "--json"], folder)).stdout)
  assert.equal(status.subjects?.length ?? 0, 0)
})

test("arms and waves can be tried that the plan does not have, and the study kept for its page", async () => {
  const { code, stdout, stderr } = await run(
    ...[
      "--study",
      "pilot",
      "--subjects",
      "3",
      "--waves",
      "1",
      "--arms",
      "a=utility:2,b=random",
      "--keep",
      "kept",
    ],
  )
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^The planned study, rehearsed: 3 virtual listeners, 1 wave,/)
  assert.match(stdout, /^a {2,}\d +1 /m)
  assert.match(stdout, /The population: an average song is heard for 137 s/)
  assert.match(stdout, /Nothing was lost and nothing doubled\./)
  assert.match(stdout, /Next: fieldtune report --study kept/)
  assert.ok(existsSync(join(folder, "kept", "study.json")))
  const status = await fieldtune(["status", "--study", "kept"], folder)
  assert.equal(status.code, 0, status.stderr)
  const twice = await run("--study", "pilot", "--subjects", "4", "--keep", "kept")
  assert.deepEqual([twice.code, twice.stderr], [2, "fieldtune: --keep: kept holds a study already\n"])
})

test("repeats tell power and coverage", async () => {
  const { code, stdout, stderr } = await run(
    "--study",
    "pilot",
    "--subjects",
    "4",
    "--repeat",
    "2",
    "--effect",
    "0",
  )
  assert.equal(code, 0, stderr)
  assert.match(stdout, /2 studies: power = share of them with p < \.05/)
  assert.match(stdout, /Nothing was lost and nothing doubled in 2 studies\./)
})

test("what can't be rehearsed is refused in one line", async () => {
  const refused = async (pattern: RegExp, ...args: string[]): Promise<void> => {
    const { code, stderr } = await run(...args)
    assert.equal(code, 2)
    assert.match(stderr, pattern)
  }
  await refused(/design must be model or gower/, "--arms", "model,best")
  await refused(/share of a must be above 0/, "--arms", "a=model:0,b=gower")
  await refused(/must be a number from 0 to 10/, "--effect", "-1")
  await refused(/must be vm or model/, "--firmware", "esp32")
  await refused(/must be a whole number from 2/, "--subjects", "1")
  await refused(/no study in this folder/, "--study", "nowhere")
  await plannedStudy("choosing", { ...PLAN, onDevice: {} })
  await refused(/^fieldtune: onDevice: .*--firmware vm does\n$/, "--study", "choosing")
})

test("the help has an example and names the rehearsals of faults", async () => {
  const { stdout } = await run("--help")
  assert.match(stdout, /\$ fieldtune rehearse --subjects 86 --seed 1/)
  for (const name of ["power-cuts", "network-faults", "hostile-input", "server-kills"]) {
    assert.ok(stdout.includes(name), name)
  }
  assert.match((await run("power-cuts", "--help")).stdout, /--cuts/)
})
