import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { test } from "node:test"
import { loadFirmware } from "../../../host/firmware/build.js"
import { Fram } from "../../../host/rehearsal/chips/fram.js"
import { runWorld, worldsOf } from "../../../host/rehearsal/power-cuts.js"

const rehearse = (...options: string[]): any => {
  const args = ["dist/host/cli/main.js", "rehearse", "power-cuts", "--json", ...options]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }))
}

test("600 power cuts with FRAM, a third of them within a write: nothing that ended is lost, nothing doubled", () => {
  const report = rehearse("--cuts", "600", "--flash-cuts", "100", "--seed", "3", "--workers", "2")
  assert.deepEqual(report.details, [])
  const { cuts, violations, lost, duplicated, flashOnlyCuts } = report
  assert.deepEqual([cuts, violations, lost, duplicated, flashOnlyCuts], [600, 0, 0, 0, 100])
  assert.ok(report.worstOpenLossMs > 3000 && report.worstOpenLossMs <= 5000, `${report.worstOpenLossMs} ms`)
  // Every situation came up, and every part of the memory was torn.
  for (const [kind, count] of Object.entries<number>(report.kinds))
    assert.ok(count >= 30, `${count} × ${kind}`)
  for (const place of ["state", "open listen", "record", "playlist", "settings"]) {
    assert.ok(report.torn[place] >= 5, `${report.torn[place]} tears of ${place}`)
  }
  // The promise of FRAM is one that flash alone can't give: the tears erase boards.
  assert.ok(report.flashOnlyErased > 0 && report.flashOnlyLosses > 0)
})

test("the same seed gives the same report with any number of threads", () => {
  const options = ["--cuts", "120", "--flash-cuts", "20", "--seed", "8"]
  const report = rehearse(...options, "--workers", "1")
  assert.deepEqual(rehearse(...options, "--workers", "3"), report)
})

/** A memory that keeps what it is told only for a while: what was written last is gone when power goes. */
class ForgetfulFram extends Fram {
  private kept = new Uint8Array(this.bytes)

  override transfer(write: Uint8Array, count: number): Uint8Array | undefined {
    if (write.length > 2) this.kept = new Uint8Array(this.bytes)
    return super.transfer(write, count)
  }

  override power(): void {
    super.power()
    this.bytes.set(this.kept)
  }
}

test("a memory that does not keep its promise is found out", async () => {
  const [world] = worldsOf({ seed: 1, cuts: 100, flashCuts: 0, bytecode: loadFirmware() })
  const { lost, violations } = await runWorld(world, new ForgetfulFram())
  assert.ok(lost > 0, "listens are lost")
  assert.ok(violations.length >= lost)
})
