import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { stream } from "../../../host/model/random.js"
import { NAMES, PRINTED, SONGS_PER_GENRE, SUBJECTS, TRUTH } from "../../../host/replicate/printed.js"
import { simulatePlays, simulateSongs, trueLogTimes } from "../../../host/replicate/simulate.js"
import { spreadOf } from "../../../host/replicate/spread.js"
import { near, readReference, spec } from "../model/reference.js"

test("songs are the thesis's: 400 of twelve genres, attributes standardised, lengths of 150 to 330 s", () => {
  const study = simulateSongs(stream(1, "songs"), true)
  assert.deepEqual(study.spec.names, NAMES)
  assert.deepEqual(NAMES, spec.names)
  const counts: Record<string, number> = {}
  for (const { genre, lengthS } of study.songs) {
    counts[genre] = (counts[genre] ?? 0) + 1
    assert.ok(137 * lengthS >= 150 && 137 * lengthS <= 330)
  }
  assert.deepEqual(counts, SONGS_PER_GENRE)
  for (let q = 1; q <= 6; q++) near(study.spec.variances[q], 1, 1e-9, NAMES[q])
  assert.ok(study.constants.every((value) => value >= 0 && value <= 0.25))
  assert.ok(simulateSongs(stream(1, "songs"), false).constants.every((value) => value === 0))
})

test("plays follow the true taste, a quarter to a third of them heard to the end, 500 a block", () => {
  const study = simulateSongs(stream(2, "songs"), false)
  const plays = simulatePlays(study, stream(2, "plays"))
  assert.equal(plays.length, SUBJECTS)
  plays.forEach((all, subject) => {
    const mu = trueLogTimes(study, subject)
    let squares = 0
    let events = 0
    for (const block of [1, 2]) {
      const some = all.filter((play) => play.block === block)
      assert.equal(some.length, 500)
      assert.equal(new Set(some.map((play) => play.song.id)).size, 50)
      const share = some.filter((play) => play.censored).length / 500
      assert.ok(share >= 0.25 && share <= 0.35, `censored ${share}`)
    }
    for (const { song, y, censored } of all) {
      const end = study.logLength[song.id - 1]
      assert.equal(censored, y === end)
      if (censored || mu[song.id - 1] > end - 1.5) continue
      squares += (y - mu[song.id - 1]) ** 2
      events++
    }
    // Far below the song's end nothing is censored: the spread is σ.
    if (events > 200) near(Math.sqrt(squares / events), 0.5, 0.06, `subject ${subject + 1}`)
  })
})

test("the printed figures are those that another program holds", () => {
  const url = new URL("../../../../test/reference/replicate/printed.json", import.meta.url)
  const printed = JSON.parse(readFileSync(url, "utf8"))
  for (const name of ["table1", "table2", "table3"] as const) {
    PRINTED[name].forEach(({ mean }, subject) => {
      NAMES.forEach((attribute, q) => {
        assert.equal(mean[q], printed[name][attribute]?.[subject] ?? 0, `${name} ${attribute} ${subject + 1}`)
      })
    })
  }
  assert.deepEqual(PRINTED.table5, printed.table5)
  for (const what of ["utility", "precision"] as const) {
    const { max, ...others } = printed.table6[what]
    assert.deepEqual(PRINTED.table6[what], { maximum: max, ...others })
  }
  const { truth } = readReference("particles.json")
  assert.deepEqual(TRUTH, truth.beta)
})

test("a spread is mean, standard deviation and range over the runs; of one run it has no width", () => {
  assert.deepEqual(
    spreadOf([
      [1, 5],
      [3, 5],
    ]),
    { mean: [2, 5], sd: [Math.SQRT2, 0], min: [1, 5], max: [3, 5] },
  )
  assert.deepEqual(spreadOf([[4]]), { mean: [4], sd: [0], min: [4], max: [4] })
})
