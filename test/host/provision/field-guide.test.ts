import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { firmwareManifest } from "../../../host/firmware/manifest.js"

const { root, boards } = firmwareManifest()
const guide = readFileSync(join(root, "docs", "field-guide.md"), "utf8")

/** Rows of the first table behind the heading, cells as text; the line under its head is left out. */
function tableUnder(heading: string): string[][] {
  const lines = guide.slice(guide.indexOf(`\n## ${heading}\n`)).split("\n")
  const first = lines.findIndex((line) => line.startsWith("|"))
  const rows = lines.slice(first)
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith("|")),
    )
    .filter((line) => !/^[|-]+$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim().replaceAll("`", "")),
    )
}

test("the wiring table agrees with the boards' files", () => {
  const [head, ...rows] = tableUnder("Wiring")
  const pins = rows.filter(([name]) => name === name.toUpperCase())
  const names = rows.filter(([name]) => name !== name.toUpperCase())
  assert.deepEqual(names.flatMap(([, ...ids]) => ids).sort(), boards.map((b) => b.id).sort())
  for (let column = 1; column < head.length; column++) {
    const written = Object.fromEntries(pins.map((row) => [row[0], Number(row[column])]))
    for (const row of names) {
      const file = join(root, "boards", `${row[column]}.board.json`)
      const board = JSON.parse(readFileSync(file, "utf8"))
      const { JACDAC, ...others } = written
      const expected = row[0].startsWith("Jacdac") ? { ...others, JACDAC } : others
      assert.deepEqual(board.pins, expected, row[column])
    }
  }
})

test("the guide explains every pattern of the light, and names commands by their options", () => {
  // Twelve conditions of src/status-light.ts and none, below the head row.
  assert.equal(tableUnder("Status light").length, 14)
  const source = readFileSync(join(root, "host", "cli", "flash.ts"), "utf8")
  for (const [option] of guide.matchAll(
    /--(?:all-ports|store|wifi-file|address|count|force|simulate|esptool)\b/g,
  )) {
    assert.ok(source.includes(`"${option}`), option)
  }
})
