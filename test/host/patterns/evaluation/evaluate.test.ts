// What patterns tell of planted activities, and that they tell nothing of labels that belong to nobody.

import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { evaluate, PATTERNS } from "../../../../host/patterns/evaluation/evaluate.js"
import { judgedOfSimulation } from "../../../../host/patterns/evaluation/judged.js"
import {
  activityLabels,
  covariateMatrix,
  LabelError,
  labelled,
  labelsOfAnswers,
  readLabelsCsv,
} from "../../../../host/patterns/evaluation/labels.js"
import { DEFAULT_FIT } from "../../../../host/patterns/fit.js"
import { fieldtune } from "../../cli/run.js"
import { withFolder } from "../../study/folder.js"

const OPTIONS = { atoms: 12, lambda: 2, starts: 1, iterations: 40, seed: 1, folds: 5 }

test("patterns of simulated people tell their activities, and nothing of shuffled ones", () => {
  const { judged } = judgedOfSimulation(120, 12, 1, DEFAULT_FIT)
  // The raw week takes most of the time and is not what is asked about here.
  const evaluation = evaluate(
    {
      ...judged,
      activities: new Map([...judged.activities].filter(([name]) => name === "friends" || name === "asleep")),
    },
    { ...OPTIONS, permutations: 20 },
  )
  const patterns = evaluation.sets.find(({ features }) => features === PATTERNS)!
  for (const { activity, area, low, high } of patterns.byActivity) {
    assert.ok(area! > 0.65, `${activity}: ${area}`)
    assert.ok(low! < area! && area! < high! && low! > 0.5 && high! <= 1)
  }
  const { times, mean, sd } = evaluation.permuted!
  assert.equal(times, 20)
  // Twenty means, each of two activities.
  assert.ok(Math.abs(mean - 0.5) < (4 * sd) / Math.sqrt(20), `${mean} ± ${sd}`)
  const covariates = evaluation.sets.find(({ features }) => features === "covariates")!
  assert.ok(patterns.mean.area! > covariates.mean.area!)
})

test("an activity that almost everybody has is not judged, and says why", () => {
  const { judged } = judgedOfSimulation(40, 4, 2, DEFAULT_FIT)
  const everybody = new Uint8Array(40).fill(1)
  everybody[0] = 0
  const { sets, activities } = evaluate(
    { ...judged, covariates: null, activities: new Map([["breathing", everybody]]) },
    { ...OPTIONS, atoms: 4, permutations: 2 },
  )
  assert.match(
    activities[0].noAnswer ?? "",
    /^39 of 40 people have it; 10 with and 10 without are the least$/,
  )
  assert.ok(sets.every(({ byActivity, mean }) => byActivity.length === 0 && mean.area === null))
})

test("labels from CSV and from the survey: activities, covariates, what is neither, who has not answered", () => {
  const labels = readLabelsCsv(
    "subject,sports,Age,gender,note\n1,1,30,f,hm\n2,no,,m,\n4,YES,50,f,x\n7,,20,d,\n",
  )
  assert.deepEqual([labels.activities, labels.covariates], [["sports"], ["Age", "gender"]])
  assert.deepEqual(
    labels.ignored.map(({ column }) => column),
    ["note"],
  )
  assert.deepEqual(labelled(labels, [1, 2, 3, null, 4, 7]), [0, 1, 4])
  assert.deepEqual([...activityLabels(labels, [1, 2, 4]).get("sports")!], [1, 0, 1])
  // Age (the mean where it is missing), then m against f.
  assert.deepEqual([...covariateMatrix(labels, [1, 2, 4])!.values], [30, 0, 40, 1, 50, 0])
  for (const [text, expected] of [
    ["sports\n1\n", /needs a column subject, got "sports"/],
    ["subject,a\n1\n", /^row 2: must have 2 cells like the header, got 1/],
    ["subject,a\nx,1\n", /^row 2, subject: must be a number of a listener, got "x"/],
    ["subject,a\n1,1\n1,0\n", /^row 3, subject: 1 has a row already/],
    ["subject,a,a\n1,1,1\n", /found twice: "a"/],
    ['subject,a\n1,"1\n', /^row \d+: /],
  ] as const) {
    assert.throws(
      () => readLabelsCsv(text),
      (error) => error instanceof LabelError && expected.test(error.message),
      text,
    )
  }
  assert.throws(() => readLabelsCsv("subject,a\n1,1\n", ["b"]), /there is no column "b"/)
  const asked = labelsOfAnswers([
    { subject: 1, question: "sports", answer: "yes" },
    { subject: 1, question: "pay", answer: 3.5 },
    { subject: 2, question: "sports", answer: 0 },
  ])
  assert.deepEqual([asked.activities, asked.ignored.length], [["sports"], 1])
})

test("fieldtune patterns evaluate says what is missing, and judges simulated people", () =>
  withFolder(async (dir) => {
    assert.equal((await fieldtune(["init", "--study", "s"], dir)).code, 0)
    writeFileSync(join(dir, "labels.csv"), "subject,sports\n1,1\n")
    const none = await fieldtune(["patterns", "evaluate", "--study", "s", "--labels", "labels.csv"], dir)
    assert.equal(none.code, 0, none.stderr)
    assert.match(none.stdout, /^No answer, because 0 listeners have both enough plays and an answer/)
    const without = await fieldtune(["patterns", "evaluate", "--study", "s"], dir)
    assert.deepEqual([without.code, /--labels: is needed/.test(without.stderr)], [2, true])
    const args = [
      "--simulated",
      "40",
      "--weeks",
      "3",
      "--starts",
      "1",
      "--atoms",
      "4",
      "--permutations",
      "0",
      "--json",
    ]
    const made = await fieldtune(["patterns", "evaluate", ...args], dir)
    assert.equal(made.code, 0, made.stderr)
    const { people, sets, published } = JSON.parse(made.stdout)
    assert.deepEqual([people, published, sets.length], [40, [0.56, 0.74], 6])
  }))
