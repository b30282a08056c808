import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { test } from "node:test"
import { loadFirmware } from "../../../host/firmware/build.js"
import { networkWorlds, runNetworkWorld } from "../../../host/rehearsal/network-faults.js"
import { FAULT_KINDS } from "../../../host/rehearsal/proxy.js"
import type { AcceptedRecord, Contact, SyncStore } from "../../../host/store/syncs.js"
import { GONE_CHECKSUM } from "../../../src/wire.js"

const rehearse = (...options: string[]): any => {
  const args = ["dist/host/cli/main.js", "rehearse", "network-faults", "--json", ...options]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }))
}

test("300 syncs over a network on which everything goes wrong: nothing is lost, nothing is stored twice", () => {
  const report = rehearse("--syncs", "300", "--seed", "2", "--workers", "2")
  assert.deepEqual(report.details, [])
  const { syncs, violations, lost, duplicated } = report
  assert.deepEqual([syncs, violations, lost, duplicated], [300, 0, 0, 0])
  for (const kind of FAULT_KINDS) assert.ok(report.faults[kind] >= 2, `${report.faults[kind]} × ${kind}`)
  // Neither so bad that nothing gets through nor so good that nothing is tried.
  assert.ok(report.completed > 60 && report.completed < 240, `${report.completed} syncs went through`)
  assert.ok(
    report.listens > 600 && report.confirmed > 30,
    `${report.listens} listens, ${report.confirmed} lists`,
  )
})

test("the same seed gives the same report with any number of threads, another seed another one", () => {
  const report = rehearse("--syncs", "110", "--seed", "8", "--workers", "1")
  assert.deepEqual(rehearse("--syncs", "110", "--seed", "8", "--workers", "3"), report)
  assert.notEqual(rehearse("--syncs", "10", "--seed", "9", "--workers", "1").databaseSha, report.databaseSha)
})

/** A host whose store does something else with contacts that bring listen SPOILED. */
function hostThatErrs(
  err: (syncs: SyncStore, contact: Contact, spoiled: AcceptedRecord) => ReturnType<SyncStore["commit"]>,
): (syncs: SyncStore) => SyncStore {
  return (syncs) => ({
    ...syncs,
    commit: (contact) => {
      const spoiled = contact.plays.find(({ record }) => record.sequence === SPOILED)
      if (contact.device !== DEVICE || spoiled === undefined) return syncs.commit(contact)
      return err(syncs, contact, spoiled)
    },
  })
}

const DEVICE = "f1e1d7d000000200"
const SPOILED = 4
const [world] = networkWorlds({ seed: 4, syncs: 16, bytecode: loadFirmware() })

test("a host that keeps what it is told has no violations", async () => {
  const { violations, lost, duplicated } = await runNetworkWorld(world)
  assert.deepEqual([violations, lost, duplicated], [[], 0, 0])
})

test("a host that acknowledges a listen and does not store it is found out", async () => {
  const host = hostThatErrs((syncs, contact, { record }) => {
    const plays = contact.plays.filter(({ record: { sequence } }) => sequence !== SPOILED)
    const gone = [...contact.gone, [record.boot, SPOILED, SPOILED, GONE_CHECKSUM]]
    return syncs.commit({ ...contact, plays, gone })
  })
  const { violations, lost, duplicated } = await runNetworkWorld(world, host)
  assert.deepEqual([lost, duplicated], [1, 0])
  const found = `${DEVICE}: the board has freed record ${SPOILED}, and the store does not have it`
  assert.ok(
    violations.some((text) => text.includes(found)),
    violations.join("\n"),
  )
})

test("a host that stores a listen twice is found out", async () => {
  const host = hostThatErrs(async (syncs, contact, spoiled) => {
    await syncs.commit({ ...contact, epoch: contact.epoch ^ 1, plays: [spoiled] })
    return syncs.commit(contact)
  })
  const { violations, lost, duplicated } = await runNetworkWorld(world, host)
  assert.deepEqual([lost, duplicated], [0, 1])
  const found = `${DEVICE}: play ${SPOILED} did not sound, or is stored twice`
  assert.ok(
    violations.some((text) => text.includes(found)),
    violations.join("\n"),
  )
})
