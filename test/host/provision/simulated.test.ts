import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { test } from "node:test"
import { loadFirmware } from "../../../host/firmware/build.js"
import { encodeMessagePack } from "../../../host/protocol/messagepack.js"
import { flashFleet } from "../../../host/provision/fleet.js"
import { SimulatedBench } from "../../../host/provision/simulated.js"
import { VirtualClock } from "../../../host/rehearsal/clock.js"
import { HostNetwork } from "../../../host/rehearsal/network.js"
import { runRound } from "../../../host/round.js"
import { buildServer } from "../../../host/server/server.js"
import { enrol } from "../../../host/study/enrol.js"
import { devicePlan } from "../../../host/study/plan.js"
import { initStudy } from "../../../host/study/study.js"
import { addSongs, START, withFolder } from "../study/folder.js"

test("three boards that were flashed boot, sync with the host's server, and play what it designed", () =>
  withFolder(async (dir) => {
    const study = await initStudy(`${dir}/study`, { seed: 7, playlistSize: 8, syncMinutes: 1 })
    const clock = new VirtualClock(START)
    const app = buildServer({ study, now: clock.now, random: (n) => new Uint8Array(randomBytes(n)) })
    await app.ready()
    await addSongs(study, 20)
    const net = new HostNetwork({ clock, server: app.server })
    const bench = new SimulatedBench({ count: 3, seed: 7, clock, net, lengthMs: () => 180_000 })
    const flash = () =>
      flashFleet({
        study,
        programmer: bench,
        content: {
          board: "esp32_devkitc_jacdac",
          bytecode: loadFirmware(),
          host: "http://10.0.0.1:8137",
          store: "flash",
          wifi: { ssid: "field", password: "a secret of the field" },
          plan: encodeMessagePack(devicePlan(study.plan)),
        },
        ports: "all",
        count: 3,
        now: clock.now,
        drawKey: () => new Uint8Array(randomBytes(32)),
        pause: () => assert.fail("nobody has to wait"),
      })
    const outcomes = await flash()
    assert.deepEqual(
      outcomes.map((o) => o.outcome),
      ["flashed", "flashed", "flashed"],
    )
    const devices = await study.store.subjects.devices()
    assert.equal(new Set(devices.map((d) => Buffer.from(d.key).toString("hex"))).size, 3)
    for (const [i, { id, key }] of devices.entries()) {
      await enrol(study.store, { subject: i + 1, device: id, arm: "model", key, at: clock.now() })
    }
    await runRound(study, { now: clock.now() })
    // A board syncs at its start; the next one, a minute later, finds what was designed meanwhile.
    await clock.advance(180_000)
    for (const board of bench.boards.values()) board.tap("play")
    await clock.advance(400_000)
    for (const board of bench.boards.values()) board.tap("skip")
    await clock.advance(120_000)
    const plays = await study.store.plays.all()
    assert.deepEqual(new Set(plays.map((play) => play.device)), new Set(devices.map((d) => d.id)))
    const lists = await study.store.playlists.all()
    assert.deepEqual(
      lists.map((list) => list.state),
      ["confirmed", "confirmed", "confirmed"],
    )
    // Nothing to do for a board that holds it all; the key stays.
    assert.deepEqual(
      (await flash()).map((o) => o.outcome),
      ["unchanged", "unchanged", "unchanged"],
    )
    assert.deepEqual(await study.store.subjects.devices(), devices)
    bench.close()
    await app.close()
    await study.close()
  }))
