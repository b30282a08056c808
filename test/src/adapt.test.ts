// What the board chooses, repeated on the host from the listen records alone.

import assert from "node:assert/strict"
import { test } from "node:test"
import { exp as hostExp, log as hostLog } from "../../host/model/elementary.js"
import { logNormalCdf as hostLogNormalCdf } from "../../host/model/normal-cdf.js"
import { expectedShare as hostExpectedShare } from "../../host/model/predict.js"
import { stream } from "../../host/model/random.js"
import { packPlaylist, unpackPlaylist } from "../../host/protocol/playlist.js"
import { type RecordedListen, repeatChoices } from "../../host/study/repeat-choices.js"
import { Adaptation, exp, expectedShare, log, logNormalCdf } from "../../src/adapt.js"
import { END_SKIPPED, END_STOPPED, FLAG_REORDERED, RECORD_BYTES, unpackRecord } from "../../src/record.js"
import { adaptivePlaylist } from "./bench/adaptive.js"
import { Board } from "./bench/board.js"
import { httpAnswer } from "./bench/network.js"
import { countSteps, MAX_STEPS, WORK } from "./bench/steps.js"

const LISTENS = 1
const SCORES = 2
const LISTENS_WITH_A_LOSS = 3

/** What the board answers to each job. */
async function answers(jobs: { kind: number; list: Uint8Array }[]): Promise<Uint8Array[]> {
  const given: Uint8Array[] = []
  let asked = 0
  const board = await Board.start({
    entry: "test/src/programs/adapt.ts",
    server: (request) => {
      if (request === undefined) return undefined
      if (asked > 0) given.push(request.body)
      const job = jobs[asked++]
      return httpAnswer(200, job ? Buffer.from([job.kind, ...job.list]) : new Uint8Array(0))
    },
  })
  await board.line("END", 3_600_000)
  assert.deepEqual(board.panics, [])
  assert.equal(given.length, jobs.length)
  return given
}

function listensOf(bytes: Uint8Array): RecordedListen[] {
  return Array.from({ length: bytes.length / RECORD_BYTES }, (_, i) => unpackRecord(bytes, i * RECORD_BYTES)!)
}

test("the host repeats every choice that the board made in 400 listens, from the records alone", async (t) => {
  const lists = [
    adaptivePlaylist(1, 1, { items: 50 }),
    adaptivePlaylist(1, 2, { items: 46, size: 30, epsilon: 200, margin: 0 }),
    adaptivePlaylist(1, 3, { items: 40, size: 25, lists: 3, after: 4, worth: "seconds" }),
    adaptivePlaylist(1, 4, {
      items: 12,
      size: 8,
      particles: 7,
      variables: 3,
      after: 0,
      lists: 2,
      epsilon: 30,
    }),
  ]
  const given = await answers(lists.map((list) => ({ kind: LISTENS, list })))
  let chosen = 0
  let moved = 0
  for (const [i, bytes] of given.entries()) {
    const listens = listensOf(bytes)
    assert.equal(listens.length, 100)
    const repeated = repeatChoices(lists[i], listens)
    const own = repeated.filter((choice) => choice.chosen)
    assert.deepEqual(
      own.filter((choice) => choice.agrees !== true),
      [],
    )
    assert.ok(own.every((choice) => choice.probability! > 0 && choice.probability! <= 1))
    // Those in a hurry, and the first ones, were not chosen.
    assert.ok(own.length > 50 && own.length < 99, `${own.length} choices`)
    assert.ok(listens.some((listen) => listen.heardMs < 500))
    chosen += own.length
    moved += own.filter((choice) => choice.item !== choice.published).length
    const { size } = unpackPlaylist(lists[i]).adaptation!
    if (i === 1) assert.ok(own.some((choice) => choice.item >= size && choice.probability! > 0.5))
  }
  t.diagnostic(`${chosen} choices, ${moved} of them not the published song`)
  assert.ok(chosen >= 300 && moved >= 100)
})

test("board and host expect the same of every song, to the last bit", async () => {
  const list = adaptivePlaylist(5, 9, { items: 50 })
  const [bytes] = await answers([{ kind: SCORES, list }])
  assert.equal(bytes.length, 400)
  const given = new Float64Array(bytes.slice().buffer)
  assert.ok(new Set(given).size > 40)
  const [listens] = await answers([{ kind: LISTENS, list }])
  const adaptation = new Adaptation(list)
  // The program hears items 7, 14, … mod 50 with sequences 1 to 12; its lengths are made up the same way.
  for (let i = 1; i <= 12; i++) {
    const { heardMs, reason } = madeUp(list, (i * 7) % 50, i)
    adaptation.weigh((i * 7) % 50, heardMs, reason)
  }
  for (let item = 0; item < 50; item++) {
    adaptation.rescore(item)
    assert.equal(given[item], adaptation.score(item), `item ${item}`)
  }
  for (const { position, sequence, heardMs, reason } of listensOf(listens)) {
    assert.deepEqual(madeUp(list, position, sequence), { heardMs, reason })
  }
})

test("a board whose log has lost a listen chooses no more, and after a restart goes on in the published order", async () => {
  const list = adaptivePlaylist(1, 1, { items: 50 })
  const [bytes] = await answers([{ kind: LISTENS_WITH_A_LOSS, list }])
  const listens = listensOf(bytes)
  const own = listens.filter((listen) => listen.flags === FLAG_REORDERED)
  assert.ok(own.length > 10)
  // Listen 20 is weighed while 21 plays; only then is it missed.
  assert.ok(own.every((listen) => listen.sequence <= 21))
  const told = repeatChoices(
    list,
    listens.filter((listen) => listen.sequence !== 20),
  )
  assert.ok(told.every((choice) => choice.agrees !== false))
  for (let i = 40; i < listens.length; i++) {
    const { position, reason } = listens[i - 1]
    assert.equal(
      listens[i].position,
      reason === END_STOPPED ? position : (position + 1) % 50,
      `listen ${i + 1}`,
    )
  }
})

/** The twin of `listen` in programs/adapt.ts. */
function madeUp(list: Uint8Array, item: number, sequence: number): { heardMs: number; reason: number } {
  const { song, lengthMs } = unpackPlaylist(list).items[item]
  const noise = (a: number, b: number): number => {
    let h = Math.imul(a, 73856093) ^ Math.imul(b, 19349663)
    h = Math.imul(h ^ (h >>> 13), 1274126177)
    return ((h ^ (h >>> 16)) & 1048575) % 1000
  }
  const liking = noise(song, 7)
  const heardMs = Math.floor(200 + (liking * liking * (100 + noise(song, sequence))) / 1500)
  const end = noise(sequence, 3)
  if (heardMs >= lengthMs) return { heardMs: lengthMs, reason: 0 }
  return { heardMs, reason: end < 60 ? 2 : end < 120 ? 4 : 1 }
}

/** Listens of a board that chooses at once, each song heard for a made-up time. */
function imitate(list: Uint8Array, count: number): RecordedListen[] {
  const adaptation = new Adaptation(list)
  const { items } = unpackPlaylist(list)
  const listens: RecordedListen[] = []
  for (let sequence = 1; sequence <= count; sequence++) {
    const chosen = sequence > 1 && adaptation.heard >= adaptation.after
    if (chosen) for (let item = 0; item < adaptation.items; item++) adaptation.rescore(item)
    if (chosen) adaptation.decide()
    const position = chosen ? adaptation.choose(sequence) : adaptation.published()
    const before = listens.at(-1)
    if (before !== undefined) adaptation.weigh(before.position, before.heardMs, before.reason)
    adaptation.mark(position)
    const { heardMs, reason } = madeUp(list, position, sequence)
    const flags = chosen ? FLAG_REORDERED : 0
    listens.push({ sequence, song: items[position].song, position, heardMs, reason, flags })
  }
  return listens
}

test("a choice that the rules do not give is found, and one that can't be repeated is not called wrong", () => {
  const list = adaptivePlaylist(2, 1, { items: 30, size: 20 })
  const listens = imitate(list, 60)
  assert.ok(repeatChoices(list, listens).every((choice) => choice.agrees !== false))
  const other = listens.map((listen) => ({ ...listen }))
  const at = 30
  const wrong = (other[at].position + 1) % 30
  other[at].position = wrong
  other[at].song = unpackPlaylist(list).items[wrong].song
  assert.equal(repeatChoices(list, other)[at].agrees, false)
  const heard = listens.map((listen) => ({ ...listen }))
  heard[3].heardMs = 9000 - heard[3].heardMs / 40
  assert.ok(repeatChoices(list, heard).some((choice) => choice.agrees === false))
  const holed = repeatChoices(list, [...listens.slice(0, 9), ...listens.slice(10)])
  assert.equal(holed[9].agrees, null)
  assert.ok(holed.every((choice) => choice.agrees !== false))
  const plain = packPlaylist(unpackPlaylist(list).items, 1)
  assert.throws(() => repeatChoices(plain, listens), /must be of layout 2/)
})

test("with epsilon the probabilities are those of the draws, and of all candidates they sum to 1", () => {
  const list = adaptivePlaylist(3, 1, { items: 12, size: 8, epsilon: 250, margin: 100 })
  const listens = imitate(list, 3000)
  const repeated = repeatChoices(list, listens).filter((choice) => choice.chosen)
  const likely = repeated.filter((choice) => choice.probability! >= 0.75)
  // Expected: .75 and the chance that a uniform draw hits the preferred one, at most 1/2 here.
  const share = likely.length / repeated.length
  assert.ok(share > 0.75 && share < 0.9, `${share}`)
  const unlikely = repeated.filter((choice) => choice.probability! < 0.75)
  assert.ok(unlikely.length > 300 && unlikely.every((choice) => choice.probability! > 0))
  const adaptation = new Adaptation(list)
  for (let item = 0; item < 12; item++) adaptation.rescore(item)
  const candidates = adaptation.candidates()
  const counts = new Map<number, number>()
  const draws = 40_000
  for (let sequence = 1; sequence <= draws; sequence++) {
    const item = adaptation.choose(sequence)
    counts.set(item, (counts.get(item) ?? 0) + 1)
  }
  const preferred = adaptation.preferred(candidates)
  for (const item of candidates) {
    const p = 0.25 / candidates.length + (item === preferred ? 0.75 : 0)
    const error = Math.sqrt((p * (1 - p)) / draws)
    assert.ok(Math.abs((counts.get(item) ?? 0) / draws - p) < 5 * error, `item ${item}`)
  }
})

test("a pass plays as many songs as a list has, none twice, and alternates take the place of listed ones", () => {
  const list = adaptivePlaylist(4, 1, { items: 30, size: 20, margin: 0, after: 0 })
  const listens = imitate(list, 60)
  for (let pass = 0; pass < 3; pass++) {
    const items = listens.slice(20 * pass, 20 * pass + 20).map((listen) => listen.position)
    assert.equal(new Set(items).size, 20)
    assert.ok(items.some((item) => item >= 20))
  }
  assert.ok(listens.every((listen, i) => i === 0 || listen.position !== listens[i - 1].position))
})

test("after the first listens the board takes the list that is worth more by the margin, and stays with it", () => {
  const found = new Set<number>()
  for (let seed = 1; seed <= 30; seed++) {
    const list = adaptivePlaylist(seed, 1, {
      items: 24,
      size: 8,
      lists: 3,
      after: 4,
      margin: 20,
      variables: 4,
    })
    const adaptation = new Adaptation(list)
    const settle = () => {
      for (let item = 0; item < adaptation.items; item++) adaptation.rescore(item)
      adaptation.decide()
    }
    for (let i = 0; i < 4; i++) adaptation.weigh(i, 20_000 + 50_000 * (i % 2), END_SKIPPED)
    settle()
    const { lists } = unpackPlaylist(list).adaptation!
    const all = [Array.from({ length: 8 }, (_, i) => i), ...lists]
    const worth = all.map((items) => items.reduce((sum, item) => sum + adaptation.score(item), 0))
    const best = worth.indexOf(Math.max(...worth))
    assert.equal(adaptation.list, worth[best] > 1.02 * worth[0] ? best : 0)
    found.add(adaptation.list)
    const kept = adaptation.list
    adaptation.weigh(5, 150_000, END_SKIPPED)
    settle()
    assert.equal(adaptation.list, kept)
  }
  assert.deepEqual([...found].sort(), [0, 1, 2])
})

test("exp, log, log Φ and the expected share are those of the host", () => {
  const rng = stream(1, "elementary")
  const relative = (a: number, b: number): number => Math.abs(a - b) / Math.max(Math.abs(b), 1e-300)
  for (let i = 0; i < 20_000; i++) {
    const x = 1400 * rng.uniform() - 700
    assert.ok(relative(exp(x), hostExp(x)) < 1e-15, `exp ${x}`)
    const y = hostExp(0.2 * x)
    assert.ok(Math.abs(log(y) - hostLog(y)) < 4e-15 * Math.max(1, Math.abs(hostLog(y))), `log ${y}`)
    const z = 50 * rng.uniform() - 42
    assert.ok(Math.abs(logNormalCdf(z) - hostLogNormalCdf(z)) < 1e-9, `log Φ ${z}`)
    const [mu, sigma, length] = [8 * rng.uniform(), 0.05 + 3 * rng.uniform(), 3 + 4 * rng.uniform()]
    const share = hostExpectedShare(mu, sigma, length)
    assert.ok(Math.abs(expectedShare(mu, sigma, length) - share) < 1e-9, `share ${mu} ${sigma} ${length}`)
  }
  assert.deepEqual([exp(-701), exp(0), log(1)], [0, 1, 0])
})

test("extreme numbers give choices, not numbers that are none", () => {
  for (const scale of [2 ** -126, 2 ** 127, 1]) {
    for (const sigma of [1, 65535]) {
      const list = packPlaylist(
        Array.from({ length: 3 }, (_, i) => ({ song: i + 1, lengthMs: i === 0 ? 1 : 16_777_215, flags: 0 })),
        1,
        {
          ...{ size: 3, lists: [], worth: "seconds", after: 0, margin: 0, epsilon: 0, seed: 1 },
          constants: { scale, numbers: [32767, -32768] },
          sigmas: { scale: 2 ** (scale > 1 ? -126 : 127), numbers: [sigma, 1] },
          variables: [{ scale, attributes: [127, -128, 0], coefficients: [-32768, 32767] }],
        },
      )
      const adaptation = new Adaptation(list)
      for (const [item, heardMs, reason] of [
        [0, 600, 1],
        [1, 16_777_215, 0],
        [2, 999, 4],
      ]) {
        adaptation.weigh(item, heardMs, reason)
        for (let i = 0; i < 3; i++) {
          adaptation.rescore(i)
          assert.ok(Number.isFinite(adaptation.score(i)), `${scale} ${sigma} ${item} ${i}`)
        }
      }
      assert.ok(adaptation.choose(4) < 3)
    }
  }
})

test("no piece of work takes more than half the steps that may run without a yield, with the largest playlists", async (t) => {
  const wide = adaptivePlaylist(6, 1, { items: 180, size: 120, lists: 3, variables: 10 })
  const long = adaptivePlaylist(6, 2, { items: 256, size: 256, lists: 3, variables: 8, particles: 24 })
  const { weighSkipped, weighCensored, rescore, choose, mark, load, check } = WORK
  const jobs = [
    ...[weighSkipped, weighCensored, rescore].map((work) => ({ work, list: adaptivePlaylist(6, 3) })),
    ...[choose, mark, load, check].flatMap((work) => [
      { work, list: wide },
      { work, list: long },
    ]),
  ]
  const steps = await countSteps(jobs)
  for (const [i, count] of steps.entries()) {
    t.diagnostic(`work ${jobs[i].work}, ${jobs[i].list.length} bytes: ${count} steps`)
    assert.ok(count > 0 && count < MAX_STEPS / 2, `work ${jobs[i].work}: ${count} steps`)
  }
})
