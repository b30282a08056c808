import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { test } from "node:test"
import { loadFirmware } from "../../../host/firmware/build.js"
import { makePartition, readPartition } from "../../../host/provision/partition.js"
import { Board, FLASH_BYTES } from "../../../host/rehearsal/board.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"

const key = new Uint8Array(32).map((_, i) => 255 - i)
const settings = { ftkey: key, fthost: Buffer.from("http://10.0.0.5:8137"), ftstore: Buffer.from("flash") }
const wifi = { ssid: "Feldküche", password: "correct horse battery staple" }

test("a partition gives back what went in, and the runtime starts from it with everything in place", async () => {
  const bytecode = loadFirmware()
  const partition = await makePartition({ bytecode, settings, wifi })
  assert.equal(partition.length, FLASH_BYTES)
  const held = readPartition(partition)
  assert.equal(held.program, createHash("sha256").update(bytecode).digest("hex"))
  assert.deepEqual(held.wifi, wifi)
  assert.deepEqual(
    Object.fromEntries([...held.settings].map(([name, value]) => [name, Buffer.from(value)])),
    Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, Buffer.from(value)])),
  )

  const board = await Board.start({
    deviceId: "fe0102030405ffff",
    flash: partition,
    clock: new VirtualClock(),
    net: {
      createConnection: () => {
        throw new Error("no network")
      },
    },
    entropy: (count) => new Uint8Array(count).fill(1),
  })
  await board.line("fieldtune ", 10_000)
  assert.ok(!board.lines.some((line) => line.includes("formatting")), board.lines.join("\n"))
  await board.clock.advance(1000)
  assert.deepEqual(Buffer.from(await board.get("ftkey")), Buffer.from(key))
  // What the firmware has written since stands beside what was there before.
  const later = readPartition(new Uint8Array(FLASH_BYTES).fill(0xff).map((b, i) => board.flash[i] ?? b))
  assert.ok(later.settings.size > held.settings.size)
  assert.deepEqual([later.program, later.wifi], [held.program, wifi])
  board.powerOff()
})

test("what is no partition is refused by name", () => {
  assert.throws(
    () => readPartition(new Uint8Array(4096)),
    /settings partition: does not begin with the magic/,
  )
})
