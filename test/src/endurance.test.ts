import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { firmwareManifest } from "../../host/firmware/manifest.js"
import { RIGS } from "./bench/rigs.js"

/** The board of the manifest lives three days; others run the same player, log and sync. */
const HOURS = 72
const HOURS_OF_OTHERS = 3
const SEED = "field"
const SYNCS_PER_HOUR = 6
/** Share of the time in which the host may be away, and listens an hour at least. */
const AWAY = 0.5
const LISTENS_PER_HOUR = 12

for (const { name, entry } of RIGS) {
  const hours = entry === firmwareManifest().entry ? HOURS : HOURS_OF_OTHERS
  test(`${name}: ${hours} hours of mixed use with a sync every ten minutes: no panic, no listen lost`, (t) => {
    const program = fileURLToPath(new URL("./endurance-run.js", import.meta.url))
    const args = [program, name, String(hours), SEED]
    const run = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 1 << 26 })
    assert.equal(run.status, 0, run.stderr)
    const found = JSON.parse(run.stdout)
    t.diagnostic(
      `${found.sequences.length} listens, ${found.exchanges} exchanges, ${found.seconds.toFixed(0)} s`,
    )
    assert.deepEqual(found.panics, [])
    assert.deepEqual(found.lines, [])
    assert.deepEqual(found.boots, [1], "the program did not start again")
    assert.deepEqual(found.gone, [])
    assert.ok(found.exchanges > hours * SYNCS_PER_HOUR * (1 - AWAY), `only ${found.exchanges} exchanges`)
    assert.equal(found.list, found.offered, "the last playlist has arrived and plays")
    assert.equal(found.waiting, 0, "the host has acknowledged everything")
    const sequences: number[] = found.sequences.sort((a: number, b: number) => a - b)
    assert.ok(sequences.length > hours * LISTENS_PER_HOUR, `only ${sequences.length} listens`)
    assert.deepEqual(
      sequences,
      sequences.map((_, i) => i + 1),
      "one record for every listen",
    )
  })
}
