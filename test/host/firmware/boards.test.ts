import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { buildFirmware } from "../../../host/firmware/build.js"
import { boardLayout } from "../../../host/firmware/bundle.js"
import { firmwareManifest } from "../../../host/firmware/manifest.js"

const { root, boards, bytecodeBytes } = firmwareManifest()

/**
 * Pins that a chip reads at its start, or that its flash, its memory or its USB needs, and those that have no pull-up
 * (Espressif's data sheets of ESP32, ESP32-C3 and ESP32-S3, sections on strapping pins and pin overview).
 */
const NOT_THESE: Record<string, number[]> = {
  esp32: [0, 2, 5, 12, 15, 6, 7, 8, 9, 10, 11, 16, 17, 34, 35, 36, 37, 38, 39],
  esp32c3: [2, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19],
  esp32s3: [0, 3, 45, 46, 19, 20, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37],
}

interface BoardFile {
  archId: string
  devName: string
  productId: string
  i2c: { pinSDA: string; pinSCL: string; kHz: number }
  jacdac?: { pin: string }
  $services: { service: string; name: string; pin: string }[]
  pins: Record<string, number>
}

const fileOf = (id: string): BoardFile =>
  JSON.parse(readFileSync(join(root, "boards", `${id}.board.json`), "utf8"))

test("the manifest lists the boards of the folder, each chip with each sound board", () => {
  const files = readdirSync(join(root, "boards")).map((name) => name.replace(".board.json", ""))
  assert.deepEqual(boards.map((b) => b.id).sort(), files.sort())
  assert.equal(new Set(boards.map((b) => `${b.id.replace(/_[^_]+$/, "")} ${b.soundBoard}`)).size, 9)
  assert.equal(new Set(boards.map((b) => fileOf(b.id).productId)).size, 9)
})

for (const { id, soundBoard, entry } of boards) {
  test(`${id}: pins that can do their work, and a program within the limit`, async () => {
    const board = fileOf(id)
    assert.deepEqual(board.i2c, { pinSDA: "SDA", pinSCL: "SCL", kHz: 100 })
    assert.deepEqual(
      board.$services.map(({ service, name, pin }) => [service, name, pin]),
      [
        ["button", "play", "PLAY"],
        ["button", "skip", "SKIP"],
        ["button", "stop", "STOP"],
      ],
    )
    assert.equal(board.jacdac?.pin, soundBoard === "jacdac" ? "JACDAC" : undefined)
    const used = Object.values(board.pins)
    assert.equal(new Set(used).size, used.length, "a pin has two uses")
    assert.deepEqual(
      used.filter((pin) => NOT_THESE[board.archId].includes(pin)),
      [],
    )
    const layout = boardLayout(root, id)
    assert.deepEqual([layout.chip, layout.partitionBytes], [board.archId, 256 * 1024])
    assert.ok(Buffer.from(layout.configuration).includes(board.devName))

    const build = await buildFirmware(id)
    assert.equal(build.file, join(root, "dist", "firmware", `${id}.devs`))
    assert.ok(build.bytes <= bytecodeBytes, `${build.bytes} bytes of ${bytecodeBytes}, from ${entry}`)
    // The buttons are on this board's pins, by the names that the configuration resolves.
    const bytecode = readFileSync(build.file)
    for (const name of ["PLAY", "SKIP", "STOP"])
      assert.ok(bytecode.includes(`${name}\0`), `${name} is not started`)
    assert.equal((await buildFirmware(id)).built, false)
  })
}
