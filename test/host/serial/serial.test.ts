// Boards without a network bring their listens over the bus: the firmware in the VM, frames that get lost, doubled and
// out of order, the real server and store, and the development server's port.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import * as jd from "jacdac-ts"
import { importCatalogue } from "../../../host/catalogue/import.js"
import { loadFirmware } from "../../../host/firmware/build.js"
import { stream } from "../../../host/model/random.js"
import { Board } from "../../../host/rehearsal/board.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import { joinBus } from "../../../host/serial/bridge.js"
import { type Collection, collection } from "../../../host/serial/collect.js"
import { SerialDesk } from "../../../host/serial/desk.js"
import { buildServer } from "../../../host/server/server.js"
import { enrol } from "../../../host/study/enrol.js"
import { publish } from "../../../host/study/publish.js"
import { initStudy, type Study } from "../../../host/study/study.js"
import { SERIAL_HEAD_BYTES, SERIAL_PUT } from "../../../src/wire.js"

const START = Date.UTC(2025, 0, 6, 8)
const SONGS = 30
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i + 1)

interface Bench {
  study: Study
  clock: VirtualClock
  boards: Board[]
  collected: Collection
  app: ReturnType<typeof buildServer>
  close(): Promise<void>
}

/** Boards with a key and no network, each with a playlist waiting for it. */
async function bench(devices: readonly string[]): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "fieldtune-serial-"))
  const study = await initStudy(join(folder, "study"), { name: "serial", seed: 1, syncMinutes: 30 })
  const rows = Array.from({ length: SONGS }, (_, i) => `${i + 1},song ${i + 1},${60 + i},${i % 7}`)
  await importCatalogue(study.store, ["song,title,duration_s,tempo", ...rows].join("\n"), { at: START })
  const clock = new VirtualClock(START)
  const app = buildServer({ study, now: clock.now, random: (n) => new Uint8Array(randomBytes(n)) })
  await app.ready()
  const boards: Board[] = []
  for (const [i, device] of devices.entries()) {
    await enrol(study.store, { subject: i + 1, device, arm: "model", key: KEY, at: START })
    const items = Array.from({ length: SONGS }, (_, k) => ({
      song: k + 1,
      utility: null,
      information: null,
      tag: "exploit" as const,
      propensity: null,
      rank: null,
      reason: null,
    }))
    await publish(study.store, { subject: i + 1, wave: 1, design: "random", at: START, items, summary: {} })
    boards.push(
      await Board.start({
        deviceId: device,
        bytecode: loadFirmware(),
        clock,
        net: {
          createConnection: () => {
            throw new Error("a board without an address uses no network")
          },
        },
        entropy: (count) => new Uint8Array(randomBytes(count)),
        lengthMs: (file) => (59 + file) * 1000,
        settings: { ftkey: KEY, ftstore: Buffer.from("flash") },
      }),
    )
  }
  const collected = await collection(study, app, clock.now)
  return {
    study,
    clock,
    boards,
    collected,
    app,
    close: async () => {
      for (const board of boards) board.powerOff()
      await app.close()
      await study.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Lets time pass in which the server outside virtual time can answer. */
async function pass(clock: VirtualClock, ms: number, done: () => boolean = () => false): Promise<void> {
  for (let at = 0; at < ms && !done(); at += 20) {
    await clock.advance(20)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test("two boards without a network sync over the bus although frames get lost, doubled and late", async () => {
  const { study, clock, boards, collected, close } = await bench(["f1e1d7c000000200", "f1e1d7c000000300"])
  const rng = stream(4, "frames")
  const trouble = { lost: 0, doubled: 0, late: 0 }
  for (const board of boards) {
    // Each board has the desk on its own bus; the desk is one, as on the bus of a laptop.
    const desk = new SerialDesk(async (device, body) => collected.deliver(device, body))
    const send = desk.sendPacketAsync.bind(desk)
    desk.sendPacketAsync = async (packet: jd.Packet) => {
      const kind = rng.uniform()
      if (kind < 0.15) trouble.lost++
      else if (kind < 0.3) {
        trouble.late++
        clock.setTimeout(() => void send(packet), 600)
      } else {
        await send(packet)
        if (kind < 0.45) {
          trouble.doubled++
          await send(packet)
        }
      }
    }
    board.plug(desk, "desk")
  }
  await pass(clock, 60_000)
  for (const board of boards) {
    await board.press("play")
    for (let i = 0; i < 150; i++) {
      await clock.advance(300)
      await board.press("skip")
    }
    await board.press("stop")
  }
  const ended = boards.map((board) => board.sound.sounded.length)
  for (const board of boards) board.tap("play", 1800)
  const stored = async (): Promise<number> => (await study.store.plays.all()).length
  for (let i = 0; i < 60 && (await stored()) < ended[0] + ended[1]; i++) {
    await pass(clock, 5000)
    for (const board of boards) board.tap("play", 1800)
  }
  await pass(clock, 20_000)
  const plays = await study.store.plays.all()
  for (const [i, board] of boards.entries()) {
    const own = plays.filter((play) => play.device === board.deviceId)
    assert.deepEqual(
      own.map((play) => play.sequence).sort((a, b) => a - b),
      Array.from({ length: ended[i] }, (_, k) => k + 1),
    )
  }
  const report = await collected.report()
  assert.deepEqual(
    report.map(({ plays: count, list, outcome }) => [count, list, outcome]),
    ended.map((count) => [count, 1, "synced"]),
  )
  assert.ok(
    Object.values(trouble).every((count) => count >= 5),
    JSON.stringify(trouble),
  )
  await close()
})

test("a board that the study does not know is refused, and says so to nobody else", async () => {
  const { study, clock, boards, app, close } = await bench(["f1e1d7c000000400"])
  const other = await collection(study, app, clock.now, "f1e1d7c0000004ff")
  boards[0].plug(other.desk, "desk")
  await pass(clock, 20_000)
  assert.deepEqual(await other.report(), [])
  assert.equal((await study.store.syncs.latest()).length, 0)
  await close()
})

test("the desk takes nothing that does not fit: garbage, too many pieces, answers out of turn", async () => {
  const bodies: Uint8Array[] = []
  const desk = new SerialDesk(async (_, body) => {
    bodies.push(body)
    return { status: 200, body: new Uint8Array([1]) }
  })
  const answers: Uint8Array[] = []
  desk.sendPacketAsync = async (packet: jd.Packet) => {
    answers.push(packet.data)
  }
  const ask = (...tail: number[]): void => {
    const data = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, ...tail])
    const packet = jd.Packet.from(jd.SerialCmd.Send, data)
    packet.isCommand = true
    desk.handlePacket(packet)
  }
  ask()
  ask(SERIAL_PUT, 1, 0, 0, 9)
  ask(SERIAL_PUT, 1, 0, 200, 9)
  ask(SERIAL_PUT, 1, 3, 2, 9)
  ask(SERIAL_PUT, 1, 0, 1)
  ask(77, 1, 0, 1, 9)
  ask(SERIAL_PUT, 1, 0, 1, ...new Array(201).fill(0))
  assert.deepEqual([answers.length, bodies.length], [0, 0])
  ask(SERIAL_PUT, 2, 1, 2, 8)
  ask(SERIAL_PUT, 2, 1, 2, 8)
  ask(SERIAL_PUT, 2, 0, 2, 7)
  ask(SERIAL_PUT, 2, 0, 2, 7)
  assert.deepEqual(bodies, [new Uint8Array([7, 8])], "delivered once")
  assert.ok(answers.every((answer) => answer.length === SERIAL_HEAD_BYTES))
})

test("frames reach a board through the development server's port", async () => {
  const { study, clock, boards, collected, close } = await bench(["f1e1d7c000000500"])
  const [board] = boards
  // The development server: what one client sends, and what the board sends, goes to all others.
  const server = createServer((socket) => {
    let rest = Buffer.alloc(0)
    board.onFrame = (frame) => {
      if (frame.length < 255) socket.write(Buffer.concat([Buffer.from([frame.length]), frame]))
    }
    socket.on("data", (data) => {
      rest = Buffer.concat([rest, data])
      while (rest.length > 0 && rest.length > rest[0]) {
        board.receiveFrame(new Uint8Array(rest.subarray(1, 1 + rest[0])))
        rest = rest.subarray(1 + rest[0])
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as { port: number }
  const bridge = await joinBus("127.0.0.1", port, collected.desk)
  const synced = async (): Promise<boolean> => (await study.store.syncs.latest())[0]?.list === 1
  for (let i = 0; i < 600 && !(await synced()); i++) {
    await clock.advance(50)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.ok(await synced(), "the board plays its list")
  bridge.close()
  server.close()
  await assert.rejects(joinBus("127.0.0.1", port, collected.desk), /no DeviceScript development server/)
  await close()
})
