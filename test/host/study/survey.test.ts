// Answers from the page, a command or a file: what is taken, what is refused with which words, what correlates.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { runRound } from "../../../host/round.js"
import { amendPlan } from "../../../host/study/amend.js"
import { checkPlan, type Plan } from "../../../host/study/plan.js"
import { openStudy, writePlanFile } from "../../../host/study/study.js"
import { importAnswers, recordSheet, surveyState } from "../../../host/study/survey.js"
import { correlateSurvey } from "../../../host/study/survey-correlate.js"
import { DEFAULT_QUESTIONS } from "../../../host/study/survey-questions.js"
import { withdraw } from "../../../host/study/withdraw.js"
import { START } from "./folder.js"
import { HOUR, listen, withPeople } from "./people.js"

const OWN: Plan["survey"] = [
  { id: "liked", text: "Liked it?", kind: "likert", points: 7 },
  { id: "price", text: "Worth?", kind: "amount", currency: "EUR", maximum: 100 },
  { id: "hours", text: "Hours?", kind: "number", minimum: -2, maximum: 24 },
  { id: "where", text: "Where?", kind: "choice", options: ["home", "bus"] },
  { id: "why", text: "Why?", kind: "text" },
]

describe("questions of a plan", () => {
  test("are five where it names none, willingness to pay among them", () => {
    assert.deepEqual(
      DEFAULT_QUESTIONS.map(({ id, kind }) => `${id} ${kind}`),
      ["satisfaction likert", "fit likert", "surprise likert", "continue likert", "pay amount"],
    )
    assert.deepEqual(checkPlan({ survey: DEFAULT_QUESTIONS }, "plan").survey, DEFAULT_QUESTIONS)
    assert.equal(checkPlan({}, "plan").survey, undefined)
  })

  const cases: [unknown[], RegExp][] = [
    [[OWN[0], OWN[0]], /survey: every question has its own id, found twice: "liked"/],
    [[{ ...OWN[0], id: "answer" }], /survey\.0\.id: answer is the name of a column/],
    [[{ id: "a", text: "?", kind: "choice" }], /survey\.0\.options: a choice has options and nothing else/],
    [[{ ...OWN[0], currency: "EUR" }], /survey\.0\.currency: is for amount only, got likert/],
    [[{ ...OWN[1], maximum: 0 }], /survey\.0\.maximum: must be above 0, got 0/],
    [[{ ...OWN[0], points: 1 }], /survey\.0\.points: must be >= 2, got 1/],
    [[{ ...OWN[0], kind: "stars" }], /survey\.0\.kind: must be "likert" or "amount"/],
    [[{ ...OWN[0], id: "Ünder" }], /survey\.0\.id: must match pattern/],
  ]
  for (const [survey, message] of cases) {
    test(`refused: ${message.source}`, () =>
      assert.throws(() => checkPlan({ survey }, "study.json"), { name: "PlanError", message }))
  }
})

describe("a sheet", () => {
  test("is recorded as a whole, with the question as it was asked and an event", () =>
    withPeople(2, { survey: OWN }, async (study) => {
      const answers = { liked: "6", price: "EUR 4.50", hours: -1.5, where: "bus", why: "it\nrocks" }
      const counts = await recordSheet(study, { subject: 2, answers }, "page", START + 5)
      assert.deepEqual(counts, { added: 5, replaced: 0, same: 0 })
      const [first] = await study.store.surveys.history(2)
      assert.deepEqual(first.asked, { text: "Liked it?", kind: "likert", points: 7 })
      const state = await surveyState(study)
      assert.deepEqual(state.subjects, [
        { subject: 1, arm: "model", answers: {} },
        {
          subject: 2,
          arm: "model",
          answers: { liked: 6, price: 4.5, hours: -1.5, where: "bus", why: "it\nrocks" },
        },
      ])
      const [event] = await study.store.events.latest(1, "answered")
      assert.deepEqual(
        [event.subject, event.at, event.detail],
        [2, START + 5, { source: "page", added: 5, replaced: 0 }],
      )
      await recordSheet(study, { subject: 2, answers: { liked: 5 } }, "command", START + 6)
      const after = await surveyState(study)
      assert.deepEqual([after.subjects[1].answers.liked, after.replaced], [5, 1])
      await recordSheet(study, { subject: 2, answers: { liked: 5 } }, "command", START + 7)
      assert.equal((await study.store.events.latest(9, "answered")).length, 2, "nothing new, no event")
    }))

  const sheets: [unknown, RegExp][] = [
    [null, /answers: must be an object/],
    [{ subject: 1, answers: [] }, /answers: must be an object/],
    [{ subject: 1, answers: {} }, /answers: must hold an answer, found none/],
    [{ subject: 9, answers: { liked: 1 } }, /subject: must be a subject of the study, got 9/],
    [{ subject: "1", answers: { liked: 1 } }, /subject: must be a subject of the study, got "1"/],
    [{ subject: 1, answers: { nosuch: 1 } }, /question: must be one of the plan \(liked, .*\), got "nosuch"/],
    [{ subject: 1, answers: { liked: 8 } }, /subject 1, liked: must be a whole number from 1 to 7, got 8/],
    [{ subject: 1, answers: { liked: 2.5 } }, /liked: must be a whole number/],
    [{ subject: 1, answers: { liked: Number.NaN } }, /liked: must be a whole number/],
    [{ subject: 1, answers: { price: "4,50" } }, /price: must be an amount in EUR from 0 to 100/],
    [{ subject: 1, answers: { price: "USD 4" } }, /price: must be an amount in EUR/],
    [{ subject: 1, answers: { price: -1 } }, /price: must be an amount in EUR/],
    [{ subject: 1, answers: { price: 4.505 } }, /price: must be an amount in EUR/],
    [{ subject: 1, answers: { hours: 25 } }, /hours: must be a number from -2 to 24, got 25/],
    [{ subject: 1, answers: { where: "train" } }, /where: must be "home" or "bus", got "train"/],
    [{ subject: 1, answers: { why: " " } }, /why: must be text of 1 to 2000 characters/],
    [{ subject: 1, answers: { why: "a\u001b[2J" } }, /why: must be text/],
    [{ subject: 1, answers: { why: { deep: [] } } }, /why: must be text.*got a list or object/],
    [{ subject: 1, answers: { liked: 1, price: "x", where: "y" } }, /price: .*; subject 1, where: /],
  ]
  test("that breaks a rule records nothing and says every rule", () =>
    withPeople(1, { survey: OWN }, async (study) => {
      for (const [sheet, message] of sheets) {
        await assert.rejects(recordSheet(study, sheet, "page", START), { name: "SurveyError", message })
      }
      assert.deepEqual(await study.store.surveys.history(), [])
    }))

  test("of somebody who has withdrawn is refused", () =>
    withPeople(2, {}, async (study) => {
      await withdraw(study, 2, "asked", START + 1)
      const sheet = { subject: 2, answers: { fit: 3 } }
      await assert.rejects(recordSheet(study, sheet, "page", START + 2), { name: "WithdrawnError" })
      assert.deepEqual(
        (await surveyState(study)).subjects.map(({ subject }) => subject),
        [1],
      )
    }))
})

describe("a file of answers", () => {
  const LONG = '\uFEFFsubject,question,answer\n1,liked,6\n1,why,"so, so"\n2,liked,NA\n2,price,3\n'

  test("in long form goes in once", () =>
    withPeople(2, { survey: OWN }, async (study) => {
      const { added, empty, errors } = await importAnswers(study, LONG, START)
      assert.deepEqual([added, empty, errors], [3, 1, []])
      const again = await importAnswers(study, LONG, START + 1)
      assert.deepEqual([again.added, again.replaced, again.same], [0, 0, 3])
      assert.equal((await study.store.surveys.history()).length, 3)
    }))

  test("in wide form, with semicolons and the line ends of Windows, is the same", () =>
    withPeople(2, { survey: OWN }, async (study) => {
      const wide = "Subject;LIKED;why;price;Timestamp\r\n1;6;so, so;;x\r\n2;;;3;y\r\n;;;;\r\n"
      const { added, empty, errors, ignored } = await importAnswers(study, wide, START)
      assert.deepEqual([added, empty, errors, ignored], [3, 3, [], ["timestamp"]])
      const { same } = await importAnswers(study, LONG, START)
      assert.equal(same, 3)
    }))

  test("loses only the cells that break a rule, and each is named", () =>
    withPeople(3, { survey: OWN }, async (study) => {
      await withdraw(study, 3, "asked", START + 1)
      const text = [
        "subject,liked,price",
        "1,9,4.50",
        "1,5,4.60",
        "2,5",
        "x,5,1",
        "8,5,1",
        "3,5,NA",
        '2,7,"=1+1"',
      ].join("\n")
      const { added, errors } = await importAnswers(study, text, START + 2)
      assert.equal(added, 3)
      assert.deepEqual(
        errors.map(({ row, column, value, rule }) => `${row} ${column} ${value}: ${rule}`),
        [
          "2 liked 9: must be a whole number from 1 to 7",
          "3 price 4.60: must say what row 2 says of subject 1: 4.5",
          "4  2: must have 3 cells like the header",
          "5 subject x: must be the number of a subject",
          "6 subject 8: must be a subject of the study",
          "6 subject 8: must be a subject of the study",
          "7 subject 3: has withdrawn: no answer is kept",
          "8 price =1+1: must be an amount in EUR from 0 to 100, such as 4.50",
        ],
      )
      assert.deepEqual(
        (await study.store.surveys.current()).map(({ subject, question, answer }) => [
          subject,
          question,
          answer,
        ]),
        [
          [1, "liked", 5],
          [1, "price", 4.5],
          [2, "liked", 7],
        ],
      )
    }))

  test("that holds no answers is refused as a whole", () =>
    withPeople(1, { survey: OWN }, async (study) => {
      const wants =
        /row 1: needs a column subject, and question and answer or questions of the plan \(liked, /
      for (const text of ["", "who,liked\n1,2", "subject,other\n1,2", "liked\n1"]) {
        await assert.rejects(importAnswers(study, text, START), { name: "ImportError", message: wants })
      }
      await assert.rejects(importAnswers(study, "subject,liked,liked\n1,2,2", START), /found twice: "liked"/)
    }))
})

describe("answers and listening", () => {
  test("are correlated over the listeners who have both, on the plan's scale", () =>
    withPeople(6, { arms: [{ name: "random", design: "random", share: 1 }] }, async (study) => {
      await runRound(study, { now: START + HOUR })
      const next: number[] = []
      for (let subject = 1; subject <= 5; subject++) {
        next[subject] = await listen(study, subject, 1, START + 2 * HOUR)
      }
      await runRound(study, { now: START + 4 * HOUR })
      for (let subject = 1; subject <= 4; subject++) {
        await listen(study, subject, next[subject], START + 5 * HOUR)
      }
      const fit = [2, 5, 3, 4, 4, 1]
      for (const [i, answer] of fit.entries()) {
        const answers = { fit: answer, satisfaction: 3, ...(i < 3 ? { pay: i } : {}) }
        await recordSheet(study, { subject: i + 1, answers }, "page", START + 9 * HOUR)
      }
      const { correlations, waves, otherScale } = await correlateSurvey(study)
      assert.deepEqual([waves, otherScale, correlations.length], [[1, 2], 0, 25])
      const of = (question: string, measure: string) =>
        correlations.find((row) => row.question === question && row.measure === measure)!
      // The sixth has a playlist and no plays: 0 plays is an answer, a share of them is none.
      const n = (measure: string) => (of("fit", measure).pearson as { n: number }).n
      assert.deepEqual([n("shareHeard"), n("plays"), n("changeHeard")], [5, 6, 4])
      // By hand, from the plays.
      const plays = await study.store.plays.all()
      const share = [1, 2, 3, 4, 5].map((subject) => {
        const own = plays.filter((play) => play.subject === subject && play.heardMs >= 500)
        return own.reduce((sum, { heardMs }) => sum + Math.min(1, heardMs / 180_000), 0) / own.length
      })
      const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length
      const dot = (a: number[], b: number[]): number =>
        a.reduce((sum, value, i) => sum + (value - mean(a)) * (b[i] - mean(b)), 0)
      const given = fit.slice(0, 5)
      const r = dot(given, share) / Math.sqrt(dot(given, given) * dot(share, share))
      assert.ok(Math.abs((of("fit", "shareHeard").pearson as { r: number }).r - r) < 1e-12)
      assert.deepEqual(of("satisfaction", "plays").pearson, { reason: "all 6 answers are the same" })
      assert.deepEqual(of("pay", "shareHeard").spearman, { reason: "fewer than 4 subjects have both: 3" })
    }))

  test("leave out answers that were given on another scale", () =>
    withPeople(2, { survey: OWN }, async (study) => {
      const counts = await recordSheet(study, { subject: 1, answers: { liked: 7, why: "x" } }, "page", START)
      assert.equal(counts.added, 2)
      await runRound(study, { now: START + HOUR })
      const survey = [{ ...OWN[0], points: 5 }]
      writePlanFile(study.dir, { ...study.plan, survey })
      await amendPlan(study, "five steps are enough", START + 2 * HOUR)
      const amended = await openStudy(study.dir)
      try {
        const { correlations, otherScale } = await correlateSurvey(amended)
        assert.deepEqual([otherScale, correlations.length], [1, 5])
        assert.deepEqual(correlations[0].pearson, { reason: "fewer than 4 subjects have both: 0" })
        assert.equal((await surveyState(amended)).unasked, 1)
      } finally {
        await amended.close()
      }
    }))
})
