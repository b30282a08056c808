import assert from "node:assert/strict"
import { test } from "node:test"
import { outcomeValues } from "../../../host/study/outcomes.js"

const outcome = (measure: "shareHeard" | "shareFinished" | "secondsHeard" | "plays") => ({
  name: measure,
  measure,
  waves: [],
  minHeardMs: 500,
  primary: false,
})

test("outcomes are what a calculation by hand gives", () => {
  // Subject 1, wave 2: songs of 100 s and 200 s, heard 50 s, 200 s (finished), 300 s (longer than the song), and a slip.
  const play = (playlist: number | null, song: number, heardMs: number, reason = 1) => ({
    ...{ subject: 1, playlist, song, heardMs, reason },
  })
  const values = outcomeValues({
    outcomes: ["shareHeard", "shareFinished", "secondsHeard", "plays"].map((name) =>
      outcome(name as "shareHeard"),
    ),
    playlists: [
      { id: 1, subject: 1, wave: 1 },
      { id: 2, subject: 1, wave: 2 },
      { id: 3, subject: 2, wave: 2 },
    ],
    plays: [
      play(1, 1, 99_000),
      play(2, 1, 50_000),
      play(2, 2, 200_000, 0),
      play(2, 2, 300_000),
      play(2, 2, 499),
      play(null, 2, 100_000),
    ],
    lengths: new Map([
      [1, 100_000],
      [2, 200_000],
    ]),
  })
  const of = (subject: number) =>
    values.filter((value) => value.subject === subject).map(({ value }) => value)
  assert.deepEqual(of(1), [2.5 / 3, 1 / 3, 550 / 3, 3])
  assert.deepEqual(of(2), [null, null, null, 0])
  assert.ok(values.every(({ wave }) => wave === 2))
})

test("an outcome counts the waves that it names and the plays that are long enough", () => {
  const values = outcomeValues({
    outcomes: [{ ...outcome("secondsHeard"), waves: [1], minHeardMs: 2000, primary: true }],
    playlists: [
      { id: 1, subject: 1, wave: 1 },
      { id: 2, subject: 1, wave: 2 },
    ],
    plays: [1999, 2000, 4000].map((heardMs) => ({ subject: 1, playlist: 1, song: 1, heardMs, reason: 1 })),
    lengths: new Map([[1, 100_000]]),
  })
  assert.deepEqual(values, [
    {
      outcome: "secondsHeard",
      measure: "secondsHeard",
      primary: true,
      subject: 1,
      wave: 1,
      plays: 2,
      value: 3,
    },
  ])
})
