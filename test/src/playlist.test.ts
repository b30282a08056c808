import assert from "node:assert/strict"
import { test } from "node:test"
import { packPlaylist } from "../../host/protocol/playlist.js"
import { REFUSED_CHECKSUM, REFUSED_FORMAT, REFUSED_SONG } from "../../src/wire.js"
import type { Board } from "./bench/board.js"
import type { TestHost } from "./bench/host.js"
import { boardWithList, playsOf, powerCut } from "./bench/session.js"

const OTHER = Array.from({ length: 200 }, (_, i) => ({ song: 1000 + i, lengthMs: 30_000, flags: 0 }))

/** Offers `bytes` as version 2 and lets the board sync. */
async function offer(board: Board, host: TestHost, bytes: Uint8Array): Promise<void> {
  host.playlist = { version: 2, bytes }
  await board.press("play", 2000)
  await board.clock.advance(5000)
}

test("a new playlist comes in parts, waits for the end of the song and starts at its beginning", async () => {
  const { board, host } = await boardWithList()
  await board.press("play")
  await board.clock.advance(20_000)
  await offer(board, host, packPlaylist(OTHER, 2))
  const staged = host.requests.at(-1)!
  assert.deepEqual([staged.list, staged.next], [1, 2])
  assert.ok(host.requests.some((r) => r.part?.[0] === 2 && r.part[1] === 1))
  assert.equal(board.sound.sounded.length, 1)
  await board.clock.advance(72_000)
  assert.deepEqual(
    board.sound.sounded.slice(0, 3).map((s) => s.file),
    [7, 1000, 1001],
  )
  const [first, second] = await playsOf(board, host, 2)
  assert.deepEqual([first.listVersion, first.heardMs], [1, 61_000])
  assert.deepEqual([second.listVersion, second.position, second.song], [2, 0, 1000])
  assert.deepEqual([host.requests.at(-1)!.list, host.requests.at(-1)!.next], [2, undefined])
})

test("a playlist that waits outlives a power cut", async () => {
  const { board, host } = await boardWithList()
  await board.press("play")
  await board.clock.advance(20_000)
  await offer(board, host, packPlaylist(OTHER, 2))
  await powerCut(board)
  await board.clock.advance(12_000)
  assert.deepEqual(
    board.sound.sounded.map((s) => s.file),
    [7, 1000],
  )
  assert.equal(host.requests.at(-1)!.list, 2)
})

test("a playlist that does not check is refused with the reason, and the old one plays on", async () => {
  const good = packPlaylist(OTHER, 2)
  const flipped = new Uint8Array(good)
  flipped[40] ^= 4
  const cases: [Uint8Array, number][] = [
    [flipped, REFUSED_CHECKSUM],
    [packPlaylist(OTHER, 9), REFUSED_FORMAT],
    [packPlaylist([{ song: 10_000, lengthMs: 1000, flags: 0 }], 2), REFUSED_SONG],
  ]
  for (const [bytes, code] of cases) {
    const { board, host } = await boardWithList()
    await board.press("play")
    await board.clock.advance(20_000)
    await offer(board, host, bytes)
    const last = host.requests.at(-1)!
    assert.deepEqual(last.refused, [2, code])
    assert.deepEqual([last.list, last.next], [1, undefined])
    const asked = host.requests.length
    await board.clock.advance(45_000)
    assert.deepEqual(
      board.sound.sounded.map((s) => s.file),
      [7, 12],
    )
    assert.ok(host.requests.length - asked <= 2, "a refused list is not asked for again")
    assert.deepEqual(board.panics, [])
  }
})

test("power cuts while a playlist arrives leave the old one or the new one, whole", async () => {
  const { board, host } = await boardWithList()
  const good = packPlaylist(OTHER, 2)
  for (let i = 0; i < 10; i++) {
    host.playlist = { version: 2, bytes: good }
    board.tap("play", 1600)
    await board.clock.advance(1650 + i * 70)
    await powerCut(board)
    await board.clock.advance(3500)
    host.playlist = undefined
    await board.clock.advance(20_000)
    const { list } = host.requests.at(-1)!
    assert.ok(list === 1 || list === 2)
    if (list === 2) break
  }
  host.playlist = { version: 2, bytes: good }
  await board.press("play", 2000)
  await board.clock.advance(6000)
  assert.equal(host.requests.at(-1)!.list, 2)
  await board.press("play")
  await board.clock.advance(1000)
  assert.equal(board.sound.sounded.at(-1)!.file, 1000)
})
