import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { test } from "node:test"
import { fileURLToPath } from "node:url"

test("eight hours of the longest playlist with a sync every five minutes: no panic, no listen lost", () => {
  const program = fileURLToPath(new URL("./endurance-run.js", import.meta.url))
  const run = spawnSync(process.execPath, [program], { encoding: "utf8", maxBuffer: 1 << 26 })
  assert.equal(run.status, 0, run.stderr)
  const found = JSON.parse(run.stdout)
  assert.deepEqual(found.panics, [])
  assert.deepEqual(found.lines, [])
  assert.deepEqual(found.boots, [1], "the program did not start again")
  assert.deepEqual(found.gone, [])
  assert.ok(found.sounded > 150, `only ${found.sounded} listens`)
  assert.ok(found.exchanges > 90, `only ${found.exchanges} exchanges`)
  const sequences = found.sequences.sort((a: number, b: number) => a - b)
  assert.deepEqual(
    sequences,
    Array.from({ length: found.sounded }, (_, i) => i + 1),
    "one record for every listen",
  )
})
