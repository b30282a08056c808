import assert from "node:assert/strict"
import { test } from "node:test"
import { Fram } from "../../../host/rehearsal/chips/fram.js"
import { END_FINISHED, END_POWER_LOST, END_SKIPPED } from "../../../src/record.js"
import { GONE_LOG_FULL, GONE_UNKNOWN } from "../../../src/wire.js"
import { boardWithList, FOUR_SONGS, playsOf, powerCut } from "../bench/session.js"

const MEMORIES: { name: string; capacity: number; chip: () => Fram | undefined }[] = [
  { name: "flash", capacity: 400, chip: () => undefined },
  { name: "FRAM", capacity: 1000, chip: () => new Fram() },
]

for (const { name, capacity, chip } of MEMORIES) {
  test(`${name}: a power cut costs at most 5 s of the open listen, and the song starts again by itself`, async () => {
    const fram = chip()
    const { board, host } = await boardWithList(FOUR_SONGS, { fram })
    await board.press("play")
    await board.clock.advance(88_000)
    const heard = board.clock.now() - board.sound.sounded[1].from
    await powerCut(board)
    await board.clock.advance(20_000)
    assert.deepEqual(
      board.sound.sounded.map((s) => s.file),
      [7, 12, 12],
    )
    await board.press("skip")
    const plays = (await playsOf(board, host, 3)).slice(0, 3)
    assert.deepEqual(
      plays.map((p) => [p.sequence, p.boot, p.song, p.reason]),
      [
        [1, 1, 7, END_FINISHED],
        [2, 1, 12, END_POWER_LOST],
        [3, 2, 12, END_SKIPPED],
      ],
    )
    assert.ok(
      plays[1].heardMs <= heard && heard - plays[1].heardMs <= 5000,
      `${plays[1].heardMs} of ${heard}`,
    )
    const epochs = new Set(host.requests.map((r) => r.epoch))
    assert.equal(epochs.size, 1)
    assert.deepEqual(host.gone, [])
  })

  test(`${name}: a listen that dies before its first checkpoint takes no sequence`, async () => {
    const fram = chip()
    const { board, host } = await boardWithList(FOUR_SONGS, { fram })
    await board.press("play")
    await board.clock.advance(3000)
    await powerCut(board)
    await board.clock.advance(20_000)
    assert.equal(board.sound.sounded.length, 1)
    await board.press("play")
    await board.clock.advance(10_000)
    await board.press("skip")
    const [first] = await playsOf(board, host, 1)
    assert.deepEqual([first.sequence, first.boot, first.reason], [1, 2, END_SKIPPED])
    assert.deepEqual(host.gone, [])
  })

  test(`${name}: a board that lost its power in a pause stays silent, however often it starts`, async () => {
    const fram = chip()
    const { board, host } = await boardWithList(FOUR_SONGS, { fram })
    await board.press("play")
    await board.clock.advance(30_000)
    await board.press("play")
    await board.clock.advance(10_000)
    await powerCut(board)
    await board.clock.advance(10_000)
    await powerCut(board)
    await board.clock.advance(10_000)
    assert.equal(board.sound.sounded.length, 1)
    const [paused] = await playsOf(board, host, 1)
    assert.equal(paused.reason, END_POWER_LOST)
    const { from, until } = board.sound.sounded[0]
    assert.ok(Math.abs(paused.heardMs - (until! - from)) < 150)
    await board.press("play")
    assert.equal(board.sound.sounded.at(-1)?.file, 7)
  })

  test(`${name}: power cuts at awkward moments lose and double nothing that had ended`, async () => {
    const fram = chip()
    const { board, host } = await boardWithList(FOUR_SONGS, { fram })
    await board.press("play")
    let ended = 0
    for (let i = 0; i < 16; i++) {
      await board.clock.advance(6000)
      const skipped = board.sound.sounded.length
      board.tap("skip", 30)
      await board.clock.advance(60, () => board.sound.sounded.length > skipped)
      ended++
      // From before the record is on flash to well after, and across the next checkpoint.
      await board.clock.advance(i < 12 ? i * 11 : 4400 + (i - 12) * 60)
      await powerCut(board)
      await board.clock.advance(4500)
    }
    await board.press("stop")
    await board.clock.advance(70_000)
    const plays = [...host.plays.values()].sort((a, b) => a.sequence - b.sequence)
    const numbers = plays.map((p) => p.sequence)
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i + 1),
    )
    assert.deepEqual(host.gone, [])
    // A skip whose record the cut prevented is there as what its checkpoint knew.
    const closed = plays.filter((p) => p.reason === END_SKIPPED || p.reason === END_POWER_LOST)
    assert.ok(closed.length >= ended, `${closed.length} of ${ended}`)
    assert.deepEqual(board.panics, [])
  })

  test(`${name}: a full log keeps what is not acknowledged, counts the rest, and names it until nothing is left open`, async () => {
    const fram = chip()
    const { board, host } = await boardWithList(FOUR_SONGS, { fram })
    host.failure = "refused"
    await board.press("play")
    const extra = 25
    for (let i = 0; i < capacity + extra; i++) {
      await board.press("skip")
      await board.clock.advance(200)
    }
    await board.press("stop")
    // A skip that comes before its song could be heard is none.
    const over = board.sound.sounded.length - capacity
    assert.ok(over > extra / 2, `only ${over} listens found no room`)
    await powerCut(board)
    host.failure = undefined
    await board.clock.advance(60_000, () => host.gone.length > 0 && host.requests.at(-1)!.health.log === 0)
    const last = host.requests.at(-1)!
    assert.equal(last.health.cap, capacity)
    assert.equal(last.health.full, over)
    assert.equal(host.plays.size, capacity)
    assert.deepEqual(
      [...host.plays.keys()].sort((a, b) => a - b),
      Array.from({ length: capacity }, (_, i) => i + 1),
    )
    assert.deepEqual(host.gone.at(-1), [1, capacity + 1, capacity + over, GONE_LOG_FULL])
    await board.press("play")
    await board.clock.advance(10_000)
    await board.press("skip")
    const plays = await playsOf(board, host, capacity + 1)
    assert.equal(plays[capacity].sequence, capacity + over + 1)
    assert.deepEqual(board.panics, [])
  })

  test(`${name}: a host that has forgotten a full log gets all of it again`, async () => {
    const fram = chip()
    const { board, host } = await boardWithList(FOUR_SONGS, { fram })
    host.failure = "refused"
    await board.press("play")
    const extra = 25
    for (let i = 0; i < capacity + extra - 1; i++) {
      await board.press("skip")
      await board.clock.advance(200)
    }
    await board.press("stop")
    const all = board.sound.sounded.length
    host.failure = undefined
    await board.press("play", 2000)
    await board.clock.advance(60_000, () => host.gone.length > 0)
    await board.clock.advance(5000)
    host.plays.clear()
    host.gone.length = 0
    await board.clock.advance(90_000)
    assert.equal(host.plays.size, capacity)
    assert.equal(Math.max(...host.plays.keys()), capacity)
    // The board no longer knows why, but says that there is nothing.
    assert.deepEqual(host.gone, [[0, capacity + 1, all, GONE_UNKNOWN]])
  })

  test(`${name}: what the host misses is sent again, and what is no longer there is named as unknown`, async () => {
    const fram = chip()
    const { board, host } = await boardWithList(FOUR_SONGS, { fram })
    await board.press("play")
    for (let i = 0; i < 5; i++) await board.press("skip")
    await playsOf(board, host, 5)
    host.plays.delete(2)
    host.missing = [
      [1, 2, 3],
      [0, 4000, 9000],
    ]
    await board.clock.advance(130_000, () => host.plays.has(2))
    assert.ok(host.plays.has(2))
    // Nothing has ended under those numbers: no statement about them.
    assert.deepEqual(host.gone, [])
  })
}

test("erased state starts a new epoch, and no record of the old one is taken for the new one's", async () => {
  const { board, host } = await boardWithList()
  host.ackUpTo = 0
  await board.press("play")
  for (let i = 0; i < 15; i++) await board.press("skip")
  await board.press("stop")
  const before = host.requests.at(-1)!.epoch
  await board.set("ftstate", Buffer.from("nonsense"))
  board.powerOff()
  host.plays.clear()
  await board.powerOn()
  await board.clock.advance(30_000, () => host.requests.at(-1)!.epoch !== before)
  const request = host.requests.at(-1)!
  assert.notEqual(request.epoch, before)
  assert.deepEqual([request.boot, request.plays.length, request.gone], [1, 0, []])
  assert.equal(host.plays.size, 0)
})

test("with a flash that takes no more, the music plays on and nothing is told that could be forgotten", async () => {
  const { board, host } = await boardWithList(FOUR_SONGS)
  for (let i = 0; i < 70; i++) await board.set(`junk${i}`, new Uint8Array(200).fill(i + 1))
  await board.press("play")
  for (let i = 0; i < 20; i++) await board.press("skip", 2000)
  await board.clock.advance(70_000)
  assert.ok(board.sound.sounded.length >= 21)
  assert.equal(board.sound.sounded.at(-1)?.until, undefined)
  assert.deepEqual(board.panics, [])
  const told = host.plays.size
  // What found room neither on flash nor in RAM is counted, and the host hears of it.
  const ended = board.sound.sounded.length - 1
  await board.press("play", 2000)
  await board.clock.advance(5000)
  const { full } = host.requests.at(-1)!.health
  assert.ok(full > 0 && told + 12 + full >= ended, `${told} told and ${full} counted of ${ended}`)
  await powerCut(board)
  await board.clock.advance(90_000)
  const numbers = [...host.plays.keys()].sort((a, b) => a - b)
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => i + 1),
  )
  assert.ok(numbers.length >= told)
  assert.ok(host.gone.every(([, , , why]) => why === GONE_UNKNOWN))
})
