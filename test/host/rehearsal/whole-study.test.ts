import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { describeFeatures } from "../../../host/model/features.js"
import { type Findings, findingsOf } from "../../../host/rehearsal/whole-study/findings.js"
import {
  drawLife,
  POPULATION,
  type Population,
  scaledPopulation,
} from "../../../host/rehearsal/whole-study/population.js"
import { rehearse } from "../../../host/rehearsal/whole-study/rehearse.js"
import {
  checkWholeStudy,
  type Firmware,
  runWholeStudy,
  thesisPlan,
  type WholeStudy,
  type WholeStudyOptions,
} from "../../../host/rehearsal/whole-study/run.js"
import type { Play } from "../../../host/store/plays.js"

/** The thesis's experiment in small: short lists, few plays and particles. */
const SMALL = { ...thesisPlan(), playlistSize: 8, draws: 60 }
const FEW: Population = { ...POPULATION, plays: 12, typicalS: 40, dropsOut: 0.15, loses: 0.3 }

const options = (given: Partial<WholeStudyOptions>): Omit<WholeStudyOptions, "dir"> => ({
  plan: SMALL,
  subjects: 4,
  seed: 1,
  effect: 1,
  firmware: "model",
  workers: 1,
  population: FEW,
  ...given,
})

async function rehearsed<T>(
  given: Partial<WholeStudyOptions>,
  look: (whole: WholeStudy) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "whole-study-"))
  try {
    const whole = await runWholeStudy({ ...options(given), dir: join(folder, "study") })
    try {
      return await look(whole)
    } finally {
      await whole.study.close()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface Both {
  plays: Play[]
  findings: Findings
}

const both = async (whole: WholeStudy): Promise<Both> => ({
  plays: await whole.study.store.plays.all(),
  findings: await findingsOf(whole, 1),
})

/** A song follows the one before at most so much sooner in the VM than in the model, whose turn comes sooner where another
 *  frame is on the bus, ms; and so much later, where the firmware is still writing a checkpoint or the listen before. */
const SOONER_MS = 10
const LATER_MS = 50

/** Record by record: everything is equal but, by some milliseconds, the moment at which a song follows another. */
function sameRecords(vm: readonly Play[], model: readonly Play[]): void {
  assert.equal(vm.length, model.length)
  const key = ({ device, sequence }: Play): string => `${device} ${sequence}`
  const order = (plays: readonly Play[]): Play[] => [...plays].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  const modelled = new Map(model.map((play) => [key(play), play]))
  const before = new Map<string, [Play, Play]>()
  let exact = 0
  for (const play of order(vm).sort((a, b) => a.sequence - b.sequence)) {
    const stand = modelled.get(key(play))!
    const named = ({
      device,
      epoch,
      boot,
      sequence,
      subject,
      song,
      position,
      heardMs,
      reason,
      flags,
    }: Play) => ({
      ...{ device, epoch, boot, sequence, subject, song, position, heardMs, reason, flags },
    })
    assert.deepEqual(named(stand), named(play))
    assert.deepEqual([stand.pauses, stand.volume, stand.playlist], [play.pauses, play.volume, play.playlist])
    const [lastVm, lastModel] = before.get(`${play.device} ${play.boot}`) ?? []
    const apart = stand.startMs - play.startMs - ((lastModel?.startMs ?? 0) - (lastVm?.startMs ?? 0))
    if (lastVm === undefined) assert.equal(apart, 0, `${key(play)} is the first of its boot`)
    assert.ok(apart <= SOONER_MS && apart >= -LATER_MS, `${key(play)}: the model starts ${apart} ms later`)
    if (apart === 0) exact++
    before.set(`${play.device} ${play.boot}`, [play, stand])
  }
  assert.ok(exact > 0.85 * vm.length, `${exact} of ${vm.length} songs start at the same moment`)
}

/** What a researcher reads, without what tells the two apart by the millisecond. */
const read = ({ arms, table8, table9, price, estimates, lost, duplicated, lostWithBoards }: Findings) => ({
  ...{ arms, table8, table9, price, estimates, lost, duplicated, lostWithBoards },
})

test("the model of a board gives the listen records of the real firmware in the VM, and the same findings", async () => {
  const run = (firmware: Firmware): Promise<Both> => rehearsed({ firmware, workers: 2, seed: 3 }, both)
  const vm = await run("vm")
  const model = await run("model")
  sameRecords(vm.plays, model.plays)
  assert.deepEqual(read(model.findings), read(vm.findings))
  assert.ok(vm.plays.length > 60, `${vm.plays.length} plays`)
  assert.deepEqual([vm.findings.lost, vm.findings.duplicated, vm.findings.panics], [0, 0, 0])
  // Something has happened to the boards.
  assert.ok(vm.findings.boardsLost + vm.findings.droppedOut > 0)
})

test("a log that is full leaves out the same listens on both, and none of them counts as lost", async () => {
  const population = {
    ...FEW,
    plays: 430,
    playsSpread: 0,
    typicalS: 3,
    sigma: 1,
    reaches: 0,
    loses: 0,
    dropsOut: 0,
  }
  const waves = { count: 1, days: 1, gapDays: 0, first: "random" as const }
  const run = (firmware: Firmware): Promise<Both> =>
    rehearsed({ firmware, population, subjects: 1, plan: { ...SMALL, waves } }, both)
  const vm = await run("vm")
  const model = await run("model")
  sameRecords(vm.plays, model.plays)
  assert.equal(vm.findings.needs.notRecorded, 31)
  assert.equal(model.findings.needs.notRecorded, 31)
  assert.deepEqual([vm.plays.length, vm.findings.lost, model.findings.lost], [400, 0, 0])
})

test("the same seed gives the same findings with any number of threads, another seed others", async () => {
  const of = async (workers: number, seed: number) => rehearse({ ...options({ workers, seed }), repeats: 1 })
  const one = await of(1, 5)
  assert.deepEqual(await of(2, 5), one)
  assert.notEqual((await of(2, 6)).first.sha, one.first.sha)
  assert.deepEqual([one.lost, one.duplicated], [0, 0])
})

test("a listen that was not stored counts as lost, and one that did not sound as doubled", async () => {
  await rehearsed({ subjects: 3, population: { ...FEW, loses: 0 } }, async (whole) => {
    const [[device, ledger]] = whole.ledgers
    const [first] = ledger.sounded
    const missing = { ...first, from: first.from + 60_000 }
    whole.ledgers.set(device, { ...ledger, sounded: [...ledger.sounded, missing] })
    const less = await findingsOf(whole, 1)
    assert.deepEqual([less.lost, less.duplicated], [1, 0])
    whole.ledgers.set(device, { ...ledger, sounded: ledger.sounded.slice(1) })
    const more = await findingsOf(whole, 1)
    assert.deepEqual([more.lost, more.duplicated], [0, 1])
  })
})

test("a planned study with cohorts and strata is rehearsed as it is planned", async () => {
  const plan = {
    ...SMALL,
    arms: [
      { name: "a", design: "utility" as const, share: 1 },
      { name: "b", design: "random" as const, share: 1 },
    ],
    cohorts: [
      { name: "spring", subjects: 2 },
      { name: "autumn", subjects: 3 },
    ],
    allocation: { strata: [{ name: "site", levels: ["north", "south"] }] } as any,
    syncMinutes: 15,
    blind: "double" as const,
  }
  await rehearsed({ plan, subjects: 5 }, async (whole) => {
    const { study } = whole
    const people = await study.store.subjects.all()
    assert.deepEqual(
      people.map(({ cohort }) => cohort),
      ["spring", "spring", "autumn", "autumn", "autumn"],
    )
    assert.ok(people.every(({ strata }) => ["north", "south"].includes(strata.site)))
    assert.deepEqual(
      whole.waves.map(({ cohort, wave }) => [cohort, wave]),
      [
        ["spring", 1],
        ["spring", 2],
        ["autumn", 1],
        ["autumn", 2],
      ],
    )
    const periods = await study.store.waves.periods()
    assert.ok(periods.length === 4 && periods.every(({ closedAt }) => closedAt !== null))
    const findings = await findingsOf(whole, 1)
    assert.deepEqual(Object.keys(findings.arms), ["a", "b"])
    assert.deepEqual([findings.lost, findings.duplicated], [0, 0])
    // No step of the host's clock was rehearsed, so none is found.
    const subjects = (await study.store.plays.all()).map(({ startedAt }) => startedAt)
    assert.ok(subjects.every((at) => at !== null))
  })
})

test("many repeats tell power and coverage, each repeatable by its own seed", async () => {
  const given = options({ subjects: 4, plan: { ...SMALL, draws: 50 }, population: { ...FEW, plays: 8 } })
  const { first, comparisons } = await rehearse({ ...given, repeats: 2 })
  assert.equal(comparisons.length, 6)
  for (const { measure, wave, tests, mean, power, coverage } of comparisons) {
    assert.ok(tests <= 2, `${measure} ${wave}`)
    if (tests < 2) continue
    assert.ok(mean !== null && power !== null && coverage !== null && power >= 0 && coverage <= 1)
  }
  const alone = await rehearse({ ...given, seed: 1, repeats: 1 })
  assert.deepEqual(alone.first, first)
  assert.deepEqual(alone.comparisons, [])
})

const songs = Array.from({ length: 30 }, (_, i) => ({
  id: i + 1,
  attributes: {
    tempo: (i * 7) % 11,
    energy: (i * 5) % 13,
    mood: (i * 3) % 7,
    voice: (i * 11) % 5,
    age: i % 4,
  },
  lengthS: 200,
}))
const spec = describeFeatures(songs)
const life = (population: Population, subject: number, seed = 1) =>
  drawLife({ seed, population, spec }, subject, { waves: 3, days: 5 })

test("listeners are those of the stated population", () => {
  const lives = Array.from({ length: 400 }, (_, i) => life(POPULATION, i + 1))
  const first = lives.map(({ waves }) => waves[0])
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const plays = mean(first.map(({ outings }) => outings.reduce((sum, outing) => sum + outing.plays, 0)))
  // Standard errors: 98·.3/20 = 1.5 plays; 2·.1/20 = .01; .25/20 = .0125.
  assert.ok(Math.abs(plays - POPULATION.plays) < 6, `${plays} plays`)
  assert.ok(Math.abs(mean(first.map(({ taste }) => taste.sigma)) - 2) < 0.05)
  assert.ok(Math.abs(mean(first.map(({ taste }) => taste.beta[0])) - Math.log(137)) < 0.05)
  for (const { taste } of first) assert.equal(taste.beta.filter((b) => b !== 0).length, 1 + POPULATION.liked)
  // Tastes move between waves by the stated amount: .15 with a standard error of .15/√(2·1600).
  const moves = lives.flatMap(({ waves }) =>
    [...waves[1].taste.beta.slice(1)].flatMap((b, q) => (b === 0 ? [] : [b - waves[0].taste.beta[q + 1]])),
  )
  assert.ok(Math.abs(Math.sqrt(mean(moves.map((step) => step * step))) - POPULATION.drift) < 0.015)
})

test("who has dropped out listens no more, and loses no board", () => {
  for (let subject = 1; subject <= 100; subject++) {
    const { waves } = life({ ...POPULATION, dropsOut: 0.5, loses: 0.5 }, subject)
    const leaves = waves.findIndex(({ leavesAfter }) => leavesAfter !== null)
    if (leaves < 0) continue
    const { leavesAfter, outings, losesAfter } = waves[leaves]
    assert.ok(outings.every(({ day }) => day <= leavesAfter!))
    assert.ok(losesAfter === null || losesAfter < leavesAfter!)
    for (const later of waves.slice(leaves + 1)) {
      assert.deepEqual([later.outings, later.leavesAfter, later.losesAfter], [[], null, null])
    }
  }
})

test("without an effect every song is the same to everybody, in every wave", () => {
  const none = scaledPopulation(POPULATION, 0)
  for (const { taste } of life(none, 7).waves) {
    assert.ok([...taste.beta.slice(1)].every((b) => b === 0))
    assert.ok(taste.beta[0] > 0)
  }
})

test("what can't be rehearsed is refused before anything is begun", () => {
  const check = (given: Partial<WholeStudyOptions>) => () => checkWholeStudy({ ...options(given), dir: "" })
  assert.throws(check({ plan: { ...SMALL, onDevice: {} as any } }), /onDevice: the model does not choose/)
  assert.doesNotThrow(check({ plan: { ...SMALL, onDevice: {} as any }, firmware: "vm" }))
  const cohorts = [{ name: "spring", subjects: 3 }]
  assert.throws(check({ plan: { ...SMALL, cohorts }, subjects: 4 }), /room for 3, got 4/)
  const song = { id: 10_000, source: "x", title: "", artist: "", genre: "", lengthMs: 1, attributes: {} }
  assert.throws(check({ songs: [song] }), /song 10000: the rehearsed boards have files 1 to 9999/)
})
