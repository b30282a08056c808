import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { test } from "node:test"
import { GONE_LOG_FULL } from "../../src/wire.js"
import { Board } from "./bench/board.js"
import { httpAnswer } from "./bench/network.js"
import { boardWithList, playsOf } from "./bench/session.js"

test("an acknowledgement frees exactly what it covers", async () => {
  const { board, host } = await boardWithList()
  host.ackUpTo = 2
  await board.press("play")
  for (let i = 0; i < 5; i++) {
    await board.clock.advance(3000)
    await board.press("skip")
  }
  await playsOf(board, host, 5)
  const before = host.requests.length
  await board.clock.advance(62_000)
  const later = host.requests[before]
  assert.equal(later.health.log, 3)
  assert.deepEqual(
    later.plays.map((bytes: Uint8Array) => bytes[0]),
    [3, 4, 5],
  )
  host.ackUpTo = Number.MAX_SAFE_INTEGER
  await board.press("stop")
  await board.clock.advance(130_000)
  assert.equal(host.requests.at(-1)!.health.log, 0)
  assert.deepEqual(host.gone, [])
})

test("an acknowledgement beyond what the board has told frees nothing that comes later", async () => {
  const { board, host } = await boardWithList()
  host.ackBeyond = 1000
  await board.press("play")
  await board.clock.advance(62_000)
  await board.press("skip")
  host.ackBeyond = 0
  const plays = await playsOf(board, host, 2)
  assert.deepEqual(plays.map((p) => p.sequence).slice(0, 2), [1, 2])
})

test("an acknowledgement beyond one request frees nothing that waits for the next", async () => {
  const { board, host } = await boardWithList()
  host.failure = "refused"
  await board.press("play")
  // More than one request holds.
  const listens = 150
  for (let i = 0; i < listens; i++) {
    await board.press("skip")
    await board.clock.advance(200)
  }
  host.failure = undefined
  host.ackBeyond = 1000
  const plays = await playsOf(board, host, listens)
  assert.deepEqual(
    plays.slice(0, listens).map((p) => p.sequence),
    Array.from({ length: listens }, (_, i) => i + 1),
  )
  assert.deepEqual(host.gone, [])
})

test("a host that has forgotten what it acknowledged is told again, though nothing new was heard", async () => {
  const { board, host } = await boardWithList()
  host.plan = { sync: 0, vol: 12 }
  await board.press("play")
  for (let i = 0; i < 160; i++) {
    await board.press("skip")
    await board.clock.advance(200)
  }
  await board.press("stop")
  await board.press("play", 2000)
  await board.clock.advance(10_000)
  const listens = host.plays.size
  assert.equal(listens, 161)
  const before = host.requests.length
  for (const sequence of host.plays.keys()) if (sequence > 30) host.plays.delete(sequence)
  await board.press("play", 2000)
  await board.clock.advance(10_000)
  assert.equal(host.plays.size, listens)
  assert.deepEqual(host.gone, [])
  // Once each: 131 records take two exchanges after the one that tells the board.
  const told = host.requests.slice(before).map((request) => request.plays.length)
  assert.deepEqual(told, [0, 120, 11])
  assert.deepEqual(board.panics, [])
})

test("a board that has left out more listens than health can say still syncs", async () => {
  const { board, host } = await boardWithList()
  await board.press("play")
  await board.clock.advance(10_000)
  await board.press("stop")
  // As after months without a host: listen 1 is in the log, 2 to 70,000 found it full.
  const state = Buffer.from(await board.get("ftstate"))
  board.powerOff()
  host.plays.clear()
  state.writeUInt32LE(0, 12)
  state.writeUInt32LE(70_000, 16)
  state.writeUInt32LE(69_999, 20)
  state[27] = 1
  state.writeUInt16LE(1, 28)
  state.writeUInt32LE(2, 30)
  state.writeUInt32LE(70_000, 34)
  createHash("sha256").update(state.subarray(0, 152)).digest().copy(state, 152, 0, 16)
  await board.powerOn()
  await board.clock.advance(1500)
  await board.set("ftstate", state)
  board.powerOff()
  const before = host.requests.length
  await board.powerOn()
  await board.clock.advance(30_000)
  const [first] = host.requests.slice(before)
  assert.deepEqual([first.health.log, first.health.full], [65_535, 69_999])
  assert.deepEqual([...host.plays.keys()], [1])
  assert.deepEqual(host.gone, [[1, 2, 70_000, GONE_LOG_FULL]])
})

test("a sync does not stop the music, whatever becomes of it", async () => {
  const { board, host } = await boardWithList()
  await board.press("play")
  for (const failure of ["silent", "refused", 404, 500] as const) {
    host.failure = failure
    await board.clock.advance(107_000)
  }
  host.failure = undefined
  const { sounded } = board.sound
  assert.deepEqual(
    sounded.slice(0, 5).map((s) => s.file),
    [7, 12, 300, 9, 7],
  )
  const lengths: Record<number, number> = { 7: 61_000, 12: 200_000, 300: 45_000, 9: 120_000 }
  for (const [i, sound] of sounded.slice(0, 3).entries()) {
    const gap = sounded[i + 1].from - sound.from - lengths[sound.file]
    assert.ok(gap >= 0 && gap < 150, `${gap} ms between songs`)
  }
  await board.press("play", 2000)
  await board.clock.advance(3000)
  assert.ok(host.plays.size >= 4)
  assert.deepEqual(board.panics, [])
})

test("failed syncs are tried again after pauses that double, apart by chance, and one at a time", async () => {
  const tries: number[] = []
  let board: Board | undefined
  board = await Board.start({
    settings: { ftkey: new Uint8Array(32).fill(9), fthost: Buffer.from("http://10.0.0.5:8137") },
    server: (request) => {
      if (request === undefined && board !== undefined) tries.push(board.clock.now())
      return request === undefined ? undefined : httpAnswer(503, new Uint8Array(0))
    },
  })
  await board.clock.advance(5 * 3_600_000)
  const pauses = tries.slice(1).map((at, i) => (at - tries[i]) / 1000)
  for (const [i, pause] of pauses.entries()) {
    const middle = Math.min(1800, 15 * 2 ** i)
    assert.ok(pause >= 0.74 * middle && pause <= 1.26 * middle, `pause ${i} is ${pause} s`)
  }
  assert.ok(pauses.length >= 12)
  assert.ok(new Set(pauses.slice(8).map((p) => Math.round(p))).size > 1)
})

test("a reply that another key sealed changes nothing", async () => {
  const { board, host } = await boardWithList()
  await board.press("play")
  await board.clock.advance(20_000)
  await board.press("skip")
  host.key[0] ^= 1
  const frozen = host.requests.length
  // The request does not open either; the host would answer 404.
  host.failure = 404
  await board.clock.advance(70_000)
  assert.equal(host.requests.length, frozen)
  host.key[0] ^= 1
  host.failure = undefined
  host.replyKeyFlip = 1
  await board.clock.advance(70_000, () => host.requests.length > frozen)
  await board.clock.advance(2000)
  assert.ok(board.lines.some((line) => line.includes("seal: does not open")))
  host.replyKeyFlip = 0
  await board.clock.advance(200_000, () => host.requests.at(-1)!.health.fails > 0)
  assert.ok(host.requests.at(-1)!.health.fails > 0)
  assert.ok(host.requests.at(-1)!.plays.length > 0)
})

test("a board without key and address plays nothing and calls nobody, and takes them when they come", async () => {
  const { host } = await boardWithList()
  const board = await Board.start({ server: host.serve })
  const before = host.requests.length
  await board.clock.advance(120_000)
  assert.equal(board.network.opened, 0)
  for (const [key, value] of Object.entries(host.settings)) await board.set(key, value)
  await board.clock.advance(70_000, () => host.requests.length > before)
  assert.ok(host.requests.length > before)
})

test("the plan's interval and highest volume are followed and outlive a power cut", async () => {
  const { board, host } = await boardWithList()
  host.plan = { sync: 7, vol: 3 }
  await board.press("play", 2000)
  await board.clock.advance(3000)
  board.powerOff()
  await board.clock.advance(1000)
  await board.powerOn()
  await board.clock.advance(20_000)
  const first = host.requests.length
  assert.equal(host.requests.at(-1)!.boot, 2)
  assert.equal(host.requests.at(-1)!.health.vol, 3)
  await board.clock.advance(6 * 60_000)
  assert.equal(host.requests.length, first)
  await board.clock.advance(90_000)
  assert.ok(host.requests.length > first)
  host.plan = { sync: 0, vol: 3 }
  await board.clock.advance(8 * 60_000)
  const last = host.requests.length
  await board.clock.advance(3_600_000)
  assert.equal(host.requests.length, last, "only on demand")
  await board.press("play", 2000)
  await board.clock.advance(3000)
  assert.ok(host.requests.length > last)
})
