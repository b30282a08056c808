// Patterns of a study: from its plays to a stored dictionary; who is too little heard; matrices from files.

import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { DEFAULT_FIT, fitPatterns } from "../../../host/patterns/fit.js"
import { MatrixError, readMatrixFile } from "../../../host/patterns/matrix-file.js"
import { storedDictionary, storedPattern } from "../../../host/patterns/stored.js"
import { EVERYBODY } from "../../../host/store/models.js"
import type { Study } from "../../../host/study/study.js"
import { withdraw } from "../../../host/study/withdraw.js"
import { FLAG_LIKED, FLAG_ORGANIC } from "../../../src/record.js"
import { fieldtune } from "../cli/run.js"
import { recordOf, START, withFolder } from "../study/folder.js"
import { deviceOf, HOUR, sync, withPeople } from "../study/people.js"

const DAY = 24 * HOUR
const WEEKS = 3

/** `count` plays of a subject, three a day from `hour` on, brought by one sync at the end. */
async function listenDaily(study: Study, subject: number, hour: number, days: number): Promise<void> {
  const plays = Array.from({ length: 3 * days }, (_, i) =>
    recordOf({
      sequence: i + 1,
      song: 1 + (i % 7),
      heardMs: 100_000,
      reason: 1,
      startMs: Math.floor(i / 3) * DAY + hour * HOUR + (i % 3) * 300_000,
      flags: (i % 2 === 0 ? FLAG_ORGANIC : 0) + (subject % 2 === 0 && i % 3 === 0 ? FLAG_LIKED : 0),
    }),
  )
  await sync(study, deviceOf(subject), { plays, up: WEEKS * 7 * DAY }, START + WEEKS * 7 * DAY)
}

const OPTIONS = { ...DEFAULT_FIT, starts: 2 }

test("a dictionary is learnt from those with enough plays; others are placed; a second fit is the same bits", () =>
  withPeople(10, { timeZone: "UTC" }, async (study) => {
    for (let subject = 1; subject <= 8; subject++)
      await listenDaily(study, subject, subject % 2 === 0 ? 7 : 20, 20)
    await listenDaily(study, 9, 12, 4)
    const END = START + WEEKS * 7 * DAY + HOUR
    const fit = await fitPatterns(study, OPTIONS, END)
    assert.equal(fit.noAnswer, null)
    assert.deepEqual([fit.atoms, fit.fitted, fit.version, fit.ratios], [2, 8, 1, "shrunk"])
    assert.deepEqual(fit.dropped, [])
    assert.deepEqual(
      fit.people.map(({ standing }) => standing),
      [...Array(8).fill("fitted"), "projected", "empty"],
    )
    assert.equal(fit.people[9].codes, null)
    // Those who listen in the morning share a pattern that those of the evening do not have.
    const strongest = fit.people.slice(0, 8).map(({ codes }) => codes!.indexOf(Math.max(...codes!)))
    assert.ok(strongest[0] !== strongest[1])
    assert.deepEqual(
      strongest,
      Array.from({ length: 8 }, (_, i) => strongest[i % 2]),
    )
    const again = await fitPatterns(study, OPTIONS, END + 1)
    assert.equal(again.version, 2)
    assert.deepEqual({ ...again, version: 1 }, fit)
    const stored = await storedPattern(study, 3)
    assert.deepEqual(stored?.codes, fit.people[2].codes)
    assert.equal(stored?.dictionary, fit.id)
    assert.equal(
      stored?.counts.reduce((sum, n) => sum + n, 0),
      60,
    )
    assert.equal((await storedDictionary(study))?.atoms.rows, 2)
    // What was learnt with a listener who has withdrawn is marked; the listener's own place is deleted.
    await withdraw(study, 3, "asked to", START + 30 * DAY)
    assert.equal(await storedPattern(study, 3), undefined)
    assert.equal((await study.store.models.latest(EVERYBODY, "patterns"))?.withdrawnData, true)
    const after = await fitPatterns(study, OPTIONS, START + 31 * DAY)
    assert.deepEqual([after.fitted, after.people.length], [7, 9])
  }))

test("patterns of another study place everybody, and learn nothing", () =>
  withPeople(8, { timeZone: "UTC" }, async (study) => {
    for (let subject = 1; subject <= 8; subject++)
      await listenDaily(study, subject, subject % 2 === 0 ? 7 : 20, 20)
    const own = await fitPatterns(study, OPTIONS, START)
    const { summary, atoms } = (await storedDictionary(study))!
    await withPeople(2, { timeZone: "UTC" }, async (other) => {
      for (const subject of [1, 2]) await listenDaily(other, subject, subject % 2 === 0 ? 7 : 20, 20)
      const dictionary = { ...summary, id: summary.id as string, atoms }
      const placed = await fitPatterns(other, { ...OPTIONS, lambda: 7, dictionary }, START)
      assert.deepEqual([placed.id, placed.atoms, placed.lambda, placed.fitted], [own.id, 2, 2, 0])
      assert.deepEqual(
        placed.people.map(({ standing, codes }) => ({ standing, codes })),
        own.people.slice(0, 2).map(({ codes }) => ({ standing: "projected", codes })),
      )
      assert.equal((await storedPattern(other, 1))?.dictionary, own.id)
    })
  }))

test("a study that is too small says why there are no patterns, and keeps nothing", () =>
  withPeople(3, { timeZone: "UTC" }, async (study) => {
    const none = await fitPatterns(study, OPTIONS, START)
    assert.match(none.noAnswer ?? "", /^nobody has 30 plays of at least 30 s in 2 weeks/)
    for (const subject of [1, 2, 3]) await listenDaily(study, subject, 8, 20)
    const few = await fitPatterns(study, OPTIONS, START)
    assert.match(few.noAnswer ?? "", /^a pattern takes 4 listeners .*, and there are 3$/)
    assert.ok(few.people.every(({ codes, plays }) => codes === null && plays === 60))
    assert.equal(await storedDictionary(study), undefined)
    const forced = await fitPatterns(study, { ...OPTIONS, atoms: 1 }, START)
    assert.equal(forced.noAnswer, null)
  }))

test("matrices from files are hostile until checked", () => {
  const good = readMatrixFile('{"X":[[1,2],[3,4]],"D0":[[1,0]],"lambda":0.5}')
  assert.deepEqual([good.x.rows, good.x.columns, good.start?.rows, good.lambda], [2, 2, 1, 0.5])
  for (const [text, expected] of [
    ["{", /^must be JSON/],
    ["[]", /^must be an object/],
    ['{"D0":[[1]]}', /^X: must be a list of rows/],
    ['{"X":[]}', /^X: must be a list of rows/],
    ['{"X":[[]]}', /^X\[0\]: must be a list of numbers/],
    ['{"X":[[1,2],[3]]}', /^X\[1\]: must have 2 numbers like the first row, got 1 numbers/],
    ['{"X":[[1,"2"]]}', /^X\[0\]\[1\]: must be a number of at most 1000000000000, got "2"/],
    ['{"X":[[1,1e300]]}', /^X\[0\]\[1\]: must be a number/],
    ['{"X":[[1,null]]}', /^X\[0\]\[1\]: must be a number .* got null/],
    ['{"X":[[1,2]],"D0":[[1]]}', /^D0: its rows must have 2 numbers like those of X, got 1/],
    ['{"X":[[1,2]],"lambda":-1}', /^lambda: must be a number from 0/],
  ] as const) {
    assert.throws(
      () => readMatrixFile(text),
      (error) => error instanceof MatrixError && expected.test(error.message),
      text,
    )
  }
})

test("fieldtune patterns codes and learns any matrix, and says what is missing", () =>
  withFolder(async (dir) => {
    const matrix = {
      X: [
        [2, 0],
        [0, 3],
        [1, 1],
      ],
      D0: [
        [1, 0],
        [0, 1],
      ],
      lambda: 0.5,
    }
    writeFileSync(join(dir, "m.json"), JSON.stringify(matrix))
    const coded = await fieldtune(["patterns", "code", "--matrix", "m.json", "--json"], dir)
    assert.equal(coded.code, 0, coded.stderr)
    // Atoms at right angles: codes are the entries less λ.
    const { objective, codes, atoms } = JSON.parse(coded.stdout)
    assert.deepEqual(codes, [
      [1.5, 0],
      [0, 2.5],
      [0.5, 0.5],
    ])
    assert.deepEqual(atoms, matrix.D0)
    assert.ok(Math.abs(objective - (4 * 0.125 + 0.5 * 5)) < 1e-12, `${objective}`)
    const learnt = await fieldtune(
      ["patterns", "learn", "--matrix", "m.json", "--lambda", "0.1", "--json"],
      dir,
    )
    assert.equal(learnt.code, 0, learnt.stderr)
    assert.deepEqual(Object.keys(JSON.parse(learnt.stdout)), ["objective", "codes", "atoms"])
    writeFileSync(join(dir, "x.json"), JSON.stringify({ X: matrix.X, lambda: 1 }))
    const without = await fieldtune(["patterns", "code", "--matrix", "x.json"], dir)
    assert.deepEqual([without.code, /D0: must be in the file/.test(without.stderr)], [2, true])
    const drawn = await fieldtune(["patterns", "learn", "--matrix", "x.json", "--atoms", "2", "--json"], dir)
    assert.equal(JSON.parse(drawn.stdout).atoms.length, 2)
    const missing = await fieldtune(["patterns", "learn", "--matrix", "none.json"], dir)
    assert.deepEqual([missing.code, /none\.json/.test(missing.stderr)], [2, true])
  }))
