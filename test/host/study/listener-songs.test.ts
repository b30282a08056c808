import assert from "node:assert/strict"
import { test } from "node:test"
import { songsOf } from "../../../host/study/listener-songs.js"
import { checkPlan, PlanError } from "../../../host/study/plan.js"

const songs = (count: number) => Array.from({ length: count }, (_, i) => ({ id: i + 1 }))
const plan = checkPlan({ seed: 3, playlistSize: 20, songsPerListener: 50 }, "plan")
const idsOf = (count: number, subject: number): number[] =>
  songsOf(plan, songs(count), subject).map(({ id }) => id)

test("a listener's songs are a sample of the planned size, in the order of the catalogue", () => {
  const ids = idsOf(400, 1)
  assert.equal(new Set(ids).size, 50)
  assert.deepEqual(
    ids,
    [...ids].sort((a, b) => a - b),
  )
  assert.deepEqual(idsOf(400, 1), ids)
  assert.deepEqual(songsOf(plan, songs(400).reverse(), 1).reverse(), songsOf(plan, songs(400), 1))
})

test("every song is as likely as any other, and listeners are independent", () => {
  const counts = new Float64Array(101)
  const subjects = 400
  let shared = 0
  for (let subject = 1; subject <= subjects; subject++) {
    const ids = idsOf(100, subject)
    for (const id of ids) counts[id]++
    const next = new Set(idsOf(100, subject + 1))
    shared += ids.filter((id) => next.has(id)).length
  }
  // Binomial(400, 1/2): mean 200, standard deviation 10; five of them for the most extreme of 100 songs.
  for (const count of counts.subarray(1)) assert.ok(Math.abs(count - 200) < 50, `${count} of 400`)
  // Two independent samples of 50 of 100 share 25 songs, standard deviation 2.5, here of a mean over 400 pairs.
  assert.ok(Math.abs(shared / subjects - 25) < 1, `${shared / subjects} songs in common`)
})

test("when the catalogue grows, few songs change, and each new one takes the place of one", () => {
  const before = idsOf(400, 7)
  const after = idsOf(440, 7)
  const gone = before.filter((id) => !after.includes(id))
  const added = after.filter((id) => !before.includes(id))
  assert.equal(gone.length, added.length)
  assert.ok(added.every((id) => id > 400))
  // A new song gets in with probability 50/440: 4.5 of 40 on average, standard deviation 2.
  assert.ok(added.length >= 1 && added.length <= 12, `${added.length} new ones`)
})

test("0 and a small catalogue mean all songs; fewer songs than a playlist has are refused", () => {
  assert.equal(idsOf(50, 1).length, 50)
  assert.equal(songsOf({ ...plan, songsPerListener: 0 }, songs(400), 1).length, 400)
  assert.throws(
    () => checkPlan({ playlistSize: 40, songsPerListener: 39 }, "study.json"),
    (error: Error) =>
      error instanceof PlanError && /songsPerListener: .*playlistSize, 40, got 39/.test(error.message),
  )
})
