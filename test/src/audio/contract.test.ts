// What every sound board's driver promises, in the real VM over a model of the board that knows what really sounded.
// A Jacdac sound player tells nothing but that it is there, so of it only those parts are asked.

import assert from "node:assert/strict"
import { test } from "node:test"
import { stream } from "../../../host/model/random.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import { soundedMs } from "../../../host/rehearsal/ledger.js"
import { Board } from "../bench/board.js"
import { type Chips, LOSSY_MS, RIGS, type Rig } from "./rigs.js"

const STOPPED = 0
const PLAYING = 1
const PAUSED = 2
const ABSENT = 3
const CARD_PRESENT = 1
const CARD_MISSING = 2

/** A listen never counts more than what sounded and this: the bound that docs/wire-format.md states. */
const ERROR_MS = 150
/** No call of a driver takes longer, whatever the board does. */
const BOUND_MS = 4000

/** Files 1 and 3 are long, file 2 is 10 s long; there are no others. */
const LENGTHS: Record<number, number> = { 1: 100_000, 2: 10_000, 3: 200_000 }
const lengthMs = (file: number): number | undefined => LENGTHS[file]

interface Line {
  step: string
  state: number
  position: number
  errors: number
  card: number
  /** Since the clock began, ms. */
  at: number
  /** What has really sounded since the last `play`, ms. */
  truth: number
  /** Begun in that time. */
  begun: number
}

interface Run {
  board: Board
  chips: Chips | undefined
  lines: Line[]
  /** The line of the n-th step (1 = first) that reads `step`: what held just before it. */
  before: (step: string, n?: number) => Line
  /** The first line after step `index` of the script was done. */
  last: Line
  largestError: number
}

interface Options {
  seed?: number
  /** By the number of ms after the first file was asked for. */
  faults?: Record<number, (run: Run) => void>
  /** How much less than what sounded may count meanwhile, ms. */
  shortMs?: number
}

async function run(
  rig: Rig,
  script: string,
  { seed = 1, faults = {}, shortMs = rig.shortMs }: Options = {},
): Promise<Run> {
  const clock = new VirtualClock()
  const chips = rig.chips?.(clock, lengthMs, seed)
  const board = await Board.start({
    entry: rig.script,
    clock,
    chips: chips?.chips,
    sound: chips?.sound,
    lengthMs,
    settings: { script: Buffer.from(script) },
  })
  const result: Run = {
    board,
    chips,
    lines: [],
    before: (step, n = 1) => {
      const found = result.lines.filter((line) => line.step === step)[n - 1]
      assert.ok(found, `no step ${step} number ${n} in "${script}"`)
      return found
    },
    get last() {
      return this.lines.at(-1)!
    },
    largestError: 0,
  }
  let read = 0
  let first = -1
  let armed = false
  const take = (): boolean => {
    for (; read < board.lines.length; read++) {
      const match = /= (\S+) (\d) ([\d.]+) (\d+) (\d)$/.exec(board.lines[read])
      if (match === null) continue
      const [, step, state, position, errors, card] = match
      const now = clock.now()
      if (/^P\d/.test(step)) {
        first = board.sound.sounded.length
        if (!armed)
          for (const [ms, fault] of Object.entries(faults)) clock.setTimeout(() => fault(result), Number(ms))
        armed = true
      }
      const own = first < 0 ? [] : board.sound.sounded.slice(first)
      const line = {
        step,
        state: Number(state),
        position: Number(position),
        errors: Number(errors),
        card: Number(card),
        at: now,
        truth: own.reduce((sum, sounded) => sum + soundedMs(sounded, now), 0),
        begun: own.length,
      }
      result.lines.push(line)
      const place = `"${script}", seed ${seed}, line ${result.lines.length} ${board.lines[read]}, ${line.truth} ms sounded`
      // The protocol takes whole milliseconds.
      assert.ok(Number.isInteger(line.position), place)
      if (/^P\d/.test(step)) continue
      const error = line.position - line.truth
      assert.ok(error <= ERROR_MS, place)
      if (line.state === PLAYING || line.state === PAUSED) {
        if (!board.i2c?.hangs && line.errors === 0) {
          result.largestError = Math.max(result.largestError, Math.abs(error))
          assert.ok(error >= -shortMs, place)
        }
      }
      const took = /^took(\d+)$/.exec(step)
      const waits = /^[WEB]/.test(result.lines.findLast((l) => /^[A-Z]/.test(l.step))?.step ?? "W")
      if (took && !waits) assert.ok(Number(took[1]) <= BOUND_MS, `${took[1]} ms: ${place}`)
      if (step === "end") return true
    }
    return false
  }
  assert.ok(await clock.advance(600_000, take), `no end of "${script}": ${board.lines.slice(-5).join(" | ")}`)
  assert.deepEqual(board.panics, [])
  board.powerOff()
  return result
}

for (const rig of RIGS) {
  test(`${rig.name}: heard time is what sounded, with start-up, pauses and stops at any moment`, async () => {
    let largest = 0
    for (let seed = 1; seed <= 6; seed++) {
      const rng = stream(seed, "script")
      const wait = (): string => `W${200 + rng.int(5000)}`
      const steps = ["V8", "B"]
      while (steps.length < 34) {
        steps.push(`P${rng.int(2) * 2 + 1}`, wait())
        // A sound player that can't pause begins the file again: its driver's position starts at 0, too.
        if (rig.chips) for (let i = rng.int(3); i > 0; i--) steps.push("H", wait(), "R", wait())
        if (rng.int(4) > 0) steps.push("S", `W${rng.int(300)}`)
      }
      const { lines, largestError } = await run(rig, [...steps, "S"].join(" "), { seed })
      assert.ok(lines.filter((line) => line.position > 0).length > 100)
      assert.equal(lines.at(-1)!.errors, 0, `seed ${seed}`)
      largest = Math.max(largest, largestError)
    }
    console.log(`${rig.name}: largest error ${largest} ms`)
  })

  test(`${rig.name}: volume is written when it changes, and only then`, async () => {
    const { chips, lines } = await run(rig, "V9 B P1 W700 S P1 W700 S V9 P3 W700 V3 V3 W700 S V3 P1 W700 S")
    assert.ok(lines.every((line) => line.errors === 0))
    if (chips)
      assert.deepEqual(
        chips.volumes,
        [9, 3].map((volume) => Math.round((volume * rig.loudest) / 15)),
      )
  })

  test(`${rig.name}: a stop before the first sound is a silence`, async () => {
    const { before, last } = await run(rig, "V8 B P3 S W1500 P3 W0 S W1500")
    assert.deepEqual([before("W1500").state, last.state], [STOPPED, STOPPED])
    if (rig.chips) assert.deepEqual([last.position, last.truth], [0, 0])
  })
}

for (const rig of RIGS.filter(({ chips }) => chips !== undefined)) {
  const at = (line: Line): [number, number] => [line.state, line.card]

  test(`${rig.name}: a pause that comes before the first sound is a pause`, async () => {
    const { before, last } = await run(rig, "V8 B P3 H W3000 R W4000 H W1000 S W500")
    assert.equal(before("W3000").state, PAUSED)
    assert.ok(before("R").truth < 400 && before("R").truth > 0, `${before("R").truth} ms before the pause`)
    assert.ok(last.truth > 3500, `${last.truth} ms in all`)
    assert.equal(last.errors, 0)
  })

  test(`${rig.name}: the end of a file is noticed`, async () => {
    const { before, last } = await run(rig, "V8 B P2 W4000 H W2000 R E W0 P2 E")
    for (const line of [before("W0"), last]) {
      assert.deepEqual([...at(line), line.errors], [STOPPED, CARD_PRESENT, 0])
      assert.ok(Math.abs(line.position - 10_000) <= rig.shortMs, `${line.position} of 10000 ms`)
    }
  })

  test(`${rig.name}: a file that is not there does not play, and the next one does`, async () => {
    const { before, last, lines } = await run(rig, "V8 B P99 E W0 P1 W3000 P98 E W1 P1 W3000 S")
    for (const line of [before("W0"), before("W1")]) {
      assert.deepEqual([...at(line), line.position, line.truth], [STOPPED, CARD_PRESENT, 0, 0])
    }
    assert.deepEqual([before("W0").errors, before("W1").errors], [1, 2])
    assert.ok(before("W0").at - before("P99").at < 3500)
    // Until then the player must not take it for one that has ended.
    const waiting = lines.slice(lines.indexOf(before("P99")) + 1).filter((line) => line.at < before("W0").at)
    assert.ok(waiting.some((line) => line.state === PLAYING && line.position === 0))
    assert.ok(last.truth > 2000)
  })

  test(`${rig.name}: a file begins only when the one before it is silent`, async () => {
    const { board, last } = await run(rig, "V8 B P3 W2000 P1 W2000 P3 W2000 S")
    assert.deepEqual(
      board.sound.sounded.map(({ file, cancelled }) => [file, cancelled]),
      [
        [3, true],
        [1, true],
        [3, true],
      ],
    )
    assert.equal(last.errors, 0)
  })

  test(`${rig.name}: what the board plays by itself is stopped`, async () => {
    const { board, before, last } = await run(rig, "V8 B P1 W2000 S W6000 P3 W2000 S", {
      faults: { 4000: ({ chips }) => chips!.key(1) },
    })
    const own = board.sound.sounded[1]
    assert.ok(soundedMs(own, own.until!) < 1500 && own.cancelled)
    assert.equal(before("P3").position, before("W6000").position)
    assert.deepEqual([board.sound.sounded[2].file, last.errors], [3, 0])
  })

  test(`${rig.name}: a card that is pulled ends the file, and is noticed when it comes back`, async () => {
    const { before, last } = await run(rig, "V8 B P1 E W3000 P1 W0 B P1 W4000 S", {
      faults: { 5000: ({ chips }) => chips!.pullCard(), 12000: ({ chips }) => chips!.insertCard() },
    })
    assert.deepEqual(at(before("W3000")), [ABSENT, CARD_MISSING])
    assert.ok(before("W3000").at - before("P1").at < 6500)
    assert.ok(before("W3000").position > 4000)
    assert.deepEqual(at(before("P1", 3)), [STOPPED, CARD_PRESENT])
    assert.ok(last.truth > 3000)
  })

  test(`${rig.name}: a card that is pulled in a pause ends the listen`, async () => {
    const { before, last } = await run(rig, "V8 B P1 W3000 H W6000 R E W0 B P1 W3000 S", {
      faults: { 5000: ({ chips }) => chips!.pullCard(), 14000: ({ chips }) => chips!.insertCard() },
    })
    assert.deepEqual(
      [...at(before("W0")), before("W0").position],
      [ABSENT, CARD_MISSING, before("R").position],
    )
    assert.deepEqual(at(before("P1", 2)), [STOPPED, CARD_PRESENT])
    assert.ok(last.truth > 2000)
  })

  test(`${rig.name}: a bus that hangs loses the board, and no more counts than what sounded`, async () => {
    const { before, last } = await run(rig, "V8 B P3 E P1 W1 B P1 W4000 S", {
      faults: {
        5000: ({ board }) => {
          board.i2c!.hangs = true
        },
        15000: ({ board }) => {
          board.i2c!.hangs = false
        },
      },
    })
    assert.equal(before("P1").state, ABSENT)
    assert.ok(before("P1").position > 4000 && before("P1").position < 5100)
    assert.ok(before("P1").at - before("P3").at < 7500)
    assert.equal(before("W1").state, ABSENT)
    assert.equal(before("P1", 2).state, STOPPED)
    assert.ok(before("P1", 2).errors >= 1 && last.errors === before("P1", 2).errors)
    assert.ok(last.truth > 3000)
  })

  test(`${rig.name}: a board that does not acknowledge for a moment is not lost`, async () => {
    const { before, last, lines } = await run(rig, "V8 B P3 W9000 S", {
      faults: { 5000: ({ chips }) => chips!.deaf(true), 5200: ({ chips }) => chips!.deaf(false) },
      shortMs: LOSSY_MS,
    })
    assert.equal(last.errors, 0)
    assert.ok(last.position > 8000 && Math.abs(last.position - last.truth) <= rig.shortMs)
    assert.ok(lines.slice(lines.indexOf(before("P3"))).every((line) => line.state !== ABSENT))
  })

  test(`${rig.name}: a board that resets is taken back, with its volume`, async () => {
    const { before, last, chips } = await run(rig, "V8 B P3 E W1500 B P1 W4000 H W9000 R W100 B P1 W4000 S", {
      faults: {
        5000: ({ chips }) => chips!.power(false),
        5200: ({ chips }) => chips!.power(true),
        18000: ({ chips }) => chips!.power(false),
        18100: ({ chips }) => chips!.power(true),
      },
    })
    assert.ok(before("W1500").state !== PLAYING && before("W1500").position <= 5000)
    assert.ok(before("H").truth > 3000)
    // A paused file is gone with the power: there is nothing to go on with.
    assert.ok(before("W100").state !== PLAYING)
    assert.ok(last.truth > 3000)
    const level = Math.round((8 * rig.loudest) / 15)
    assert.deepEqual([...new Set(chips!.volumes)], [level])
  })

  test(`${rig.name}: a board that is not there is absent, bounded, and found when it comes`, async () => {
    const { before, last } = await run(rig, "V8 P1 W2000 P1 W1 B P1 W3000 S", {
      faults: { 0: ({ chips }) => chips!.power(false), 9000: ({ chips }) => chips!.power(true) },
    })
    assert.deepEqual([before("P1", 2).state, before("W1").state], [ABSENT, ABSENT])
    assert.equal(before("P1", 3).state, STOPPED)
    assert.ok(last.truth > 2000)
  })
}
