import assert from "node:assert/strict"
import { test } from "node:test"
import * as jd from "jacdac-ts"
import { stream } from "../../host/model/random.js"
import { Board } from "./bench/board.js"
import { Mailbox } from "./bench/mailbox.js"

const SHOW = 1
const PATTERN_OF = 2
const LOG_CONDITION = 3
const FAIL = 4

/** Blinks that are further apart belong to different groups. */
const GROUP_GAP_MS = 500
const LONG_MS = 300
/** The scheduler's grain, once per sleep. */
const GRAIN_MS = 40
/** The runtime takes the light back after this. */
const PROTECTED_MS = 2000

interface Blink {
  at: number
  ms: number
  color: string
}

interface Change {
  at: number
  color: string
}

async function boardWithLight() {
  const mailbox = new Mailbox()
  const board = await Board.start({ entry: "test/src/programs/status-light.ts", chips: [mailbox] })
  return { board, mailbox, show: (conditions: number) => mailbox.call(board, SHOW, conditions) }
}

function changesOf(lines: readonly string[]): Change[] {
  return lines.flatMap((line) => {
    const match = /LIGHT (\d+) (.*)/.exec(line)
    return match ? [{ at: Number(match[1]), color: match[2] }] : []
  })
}

/** The complete groups of blinks in a stretch of changes. */
function groupsOf(changes: readonly Change[]): Blink[][] {
  const groups: Blink[][] = []
  let end = Number.NEGATIVE_INFINITY
  for (const [i, { at, color }] of changes.entries()) {
    if (color === "0 0 0" || i + 1 === changes.length) continue
    const ms = changes[i + 1].at - at
    if (at - end > GROUP_GAP_MS) groups.push([])
    groups.at(-1)!.push({ at, ms, color })
    end = at + ms
  }
  return groups.slice(1, -1)
}

/** Condition, colour, long and short blinks, period in seconds: the table of the field guide, worst first. */
const PATTERNS: [number, string, string, number][] = [
  [1, "255 0 0", "L.", 6],
  [2, "255 0 0", "L..", 6],
  [4, "255 0 0", "L...", 6],
  [8, "255 0 0", "L....", 6],
  [16, "255 160 0", "LL.", 12],
  [32, "255 160 0", "LL..", 12],
  [64, "255 160 0", "LL...", 12],
  [128, "255 160 0", "LL....", 12],
  [256, "255 255 255", ".", 1],
  [512, "0 0 255", "...", 3],
  [1024, "0 255 0", "..", 6],
  [2048, "0 255 0", ".", 6],
  [0, "0 255 0", ".", 12],
]

test("each condition has its own rhythm and colour, and the dark between never ends by itself", async (t) => {
  const { board, show } = await boardWithLight()
  const onBus: string[] = []
  board.onFrame = (frame) => {
    for (const packet of jd.Packet.fromFrame(frame, 0)) {
      if (packet.serviceCommand !== jd.ControlCmd.SetStatusLight || packet.serviceIndex !== 0) continue
      if (packet.isCommand && packet.deviceIdentifier === board.deviceId)
        onBus.push([...packet.data].join(" "))
    }
  }
  for (const [condition, color, rhythm, seconds] of PATTERNS) {
    await show(condition)
    await board.clock.advance(15_000)
    const from = board.lines.length
    onBus.length = 0
    await board.clock.advance(5 * seconds * 1000)
    const changes = changesOf(board.lines.slice(from))
    const groups = groupsOf(changes)
    assert.ok(groups.length >= 2, `condition ${condition}: ${groups.length} groups`)
    for (const [i, group] of groups.entries()) {
      assert.equal(
        group.map(({ ms }) => (ms > LONG_MS ? "L" : ".")).join(""),
        rhythm,
        `condition ${condition}`,
      )
      for (const blink of group) assert.equal(blink.color, color, `condition ${condition}`)
      if (i === 0) continue
      const late = group[0].at - groups[i - 1][0].at - seconds * 1000
      assert.ok(late >= -1 && late < 20 * GRAIN_MS, `condition ${condition}: ${late} ms late`)
    }
    const still = Math.max(...changes.slice(1).map(({ at }, i) => at - changes[i].at))
    assert.ok(still < PROTECTED_MS, `condition ${condition}: not set for ${still} ms`)
    // The service of the board gets the same.
    assert.equal(onBus.length, changes.length)
    assert.deepEqual(
      onBus,
      changes.map((change) => `${change.color} 0`),
    )
    const on = changes.reduce(
      (sum, change, i) =>
        sum + (change.color === "0 0 0" ? 0 : (changes[i + 1]?.at ?? change.at) - change.at),
      0,
    )
    const share = (100 * on) / (5 * seconds * 1000)
    t.diagnostic(`condition ${condition}: ${rhythm} on for ${share.toFixed(1)} % of the time`)
    assert.ok(share <= 17)
  }
  assert.deepEqual(board.panics, [])
})

test("of several conditions the worst is shown", async () => {
  const { board, mailbox } = await boardWithLight()
  const random = stream(3, "conditions")
  const sums = [0, ...Array.from({ length: 12 }, (_, bit) => 1 << bit)]
  for (let i = 0; i < 100; i++) sums.push(random.int(4096))
  for (const conditions of sums) {
    const worst = PATTERNS.findIndex(([condition]) => (conditions & condition) !== 0)
    assert.equal(await mailbox.call(board, PATTERN_OF, conditions), worst < 0 ? 12 : worst, `${conditions}`)
  }
})

test("a new condition shows within four seconds, whatever was shown before", async () => {
  const { board, show } = await boardWithLight()
  for (const [before, after] of [
    [0, 1],
    [128, 2],
    [2048, 32],
    [16, 2048],
  ]) {
    await show(before)
    await board.clock.advance(16_000)
    const from = board.lines.length
    await show(after)
    await board.clock.advance(4000)
    const [, color] = PATTERNS.find(([condition]) => condition === after)!
    assert.ok(
      changesOf(board.lines.slice(from)).some((change) => change.color === color),
      `${before}, ${after}`,
    )
  }
})

test("the log is nearly full from 90 percent, and full when it is", async () => {
  const { board, mailbox } = await boardWithLight()
  for (const [count, condition] of [
    [0, 0],
    [359, 0],
    [360, 64],
    [399, 64],
    [400, 2],
    [401, 2],
  ]) {
    assert.equal(await mailbox.call(board, LOG_CONDITION, count), condition, `${count} listens`)
  }
})

test("a light that fails costs nothing but the light", async () => {
  const { board, mailbox, show } = await boardWithLight()
  await mailbox.call(board, FAIL)
  await board.line("light: no light")
  await board.clock.advance(10_000)
  await show(1)
  const from = board.lines.length
  await board.clock.advance(10_000)
  assert.ok(changesOf(board.lines.slice(from)).some((change) => change.color === "255 0 0"))
  assert.deepEqual(board.panics, [])
})
