// A whole study, as a researcher runs it: twelve boards with the real firmware, two arms, two waves, a board that is lost,
// a listener who withdraws, a host that crashes, a plan that is amended, and in the end an archive that is verified.
// Every step is a command in a process of its own.

import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import type { FeatureSpec, Song } from "../host/model/features.js"
import { stream } from "../host/model/random.js"
import { drawCatalogue } from "../host/rehearsal/catalogue.js"
import { matchListens, soundedMs } from "../host/rehearsal/ledger.js"
import { EVERYBODY } from "../host/store/models.js"
import { openStudy, type Study } from "../host/study/study.js"
import { Field } from "./field/field.js"

const SEED = 5
const SUBJECTS = 12
/** Monday, 08:00 in Berlin. */
const START = Date.UTC(2026, 2, 2, 7)
const HOUR = 3_600_000
const SESSION_MINUTES = 5
const LOST = 4
const WITHDRAWN = 9
const deviceOf = (n: number): string => `f1e1d700000000${n.toString(16).padStart(2, "0")}`
const SPARE = deviceOf(200)

test("a study from its plan to a verified archive, by its commands alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fieldtune-field-"))
  const field = new Field(folder, SEED, START)
  try {
    // The plan.
    await field.json(
      "init",
      "--seed",
      String(SEED),
      "--size",
      "10",
      "--arm",
      "model:model:2",
      "--arm",
      "control:gower:1",
    )
    editPlan(field, {
      timeZone: "Europe/Berlin",
      draws: 100,
      syncMinutes: 0,
      blind: "double",
      allocation: { method: "blocked", blocks: [1], strata: [{ name: "site", levels: ["north", "south"] }] },
      waves: { count: 2, days: 1, gapDays: 1, first: "random" },
    })
    const songsFile = join(folder, "songs.csv")
    writeFileSync(songsFile, drawCatalogue(80, stream(SEED, "catalogue")))
    assert.equal(
      (await field.json("catalogue", "add", songsFile, "--ignore", "listens,audio_licence")).added,
      80,
    )

    // Enrolment: arms are drawn, and nobody is told which.
    const keys = new Map<string, Uint8Array>()
    for (let subject = 1; subject <= SUBJECTS; subject++) {
      const site = subject % 2 === 0 ? "north" : "south"
      const args = ["enrol", String(subject), "--device", deviceOf(subject), "--stratum", `site=${site}`]
      const enrolled = await field.json(...args, "--label", `Person ${subject}`)
      assert.doesNotMatch(JSON.stringify(enrolled), /model|control|gower/)
      keys.set(deviceOf(subject), new Uint8Array(Buffer.from(enrolled.key, "hex")))
    }

    // The first wave: seen before it is published, then published.
    const shown = await field.json("wave", "open", "1", "--dry-run")
    const opened = await field.run("wave", "open", "1")
    assert.doesNotMatch(opened, /control|gower|random/)
    await field.serve()
    const study = await openStudy(field.dir)
    const { songs, spec } = await catalogueOf(study)
    const lengthMs = (file: number): number | undefined => {
      const song = songs.get(file)
      return song && Math.round(song.lengthS * 1000)
    }
    const published = await study.store.playlists.all()
    assert.equal(published.length, SUBJECTS)
    for (const { subject, id } of published) {
      const items = await study.store.playlists.items(id)
      const foretold = shown.boards.find((board: { subject: number }) => board.subject === subject)
      assert.deepEqual(
        items.map(({ song }) => song),
        foretold.next.songs.map(({ song }: { song: number }) => song),
      )
    }
    for (const [device, key] of keys) {
      await field.powerUp(device, key, lengthMs)
      field.listen(Number.parseInt(device.slice(-2), 16), device, spec, songs)
    }
    const all = [...keys.keys()]
    await field.sync(all)
    await field.session(all, SESSION_MINUTES)

    // The host crashes while boards sync; what it had acknowledged is there, the rest comes again.
    let exchanges = 0
    field.crashAt = () => ++exchanges === 7
    await field.sync(all)
    field.crashAt = () => false
    assert.ok(exchanges >= 7)
    await field.serve()
    await field.sync(all)

    // A board is lost with what it had not synced; the listener goes on with another one and the same songs.
    const lost = deviceOf(LOST)
    await field.session([lost], 1)
    field.boards.get(lost)!.board.powerOff()
    await field.run("board", "lost", lost)
    const spare = await field.json("enrol", String(LOST), "--device", SPARE)
    keys.set(SPARE, new Uint8Array(Buffer.from(spare.key, "hex")))
    await field.run("round", "--subject", String(LOST))
    await field.powerUp(SPARE, keys.get(SPARE)!, lengthMs)
    field.listen(LOST, SPARE, spec, songs)
    const carried = [...all.filter((device) => device !== lost), SPARE]
    await field.sync(carried)
    await field.session(carried, SESSION_MINUTES)
    await field.sync(carried)

    // The plan is amended; without a reason an edit counts for nothing.
    editPlan(field, { maxVolume: 10 })
    const edited = await field.attempt("wave", "open", "2")
    assert.equal(edited.code, 2)
    assert.match(edited.stderr, /plan amend/)
    assert.equal((await field.json("plan", "amend", "--reason", "too loud on the tram")).version, 2)

    // Somebody withdraws; the second wave goes without.
    await field.run("withdraw", String(WITHDRAWN), "--reason", "asked to", "--yes")
    assert.deepEqual(await study.store.plays.of(WITHDRAWN), [])
    await field.run("wave", "close", "1")
    // A simulated hour of all boards takes real seconds: the gap is short, and the wave opens early.
    await field.clock.advance(HOUR / 4)
    await field.run("wave", "open", "2")
    const rest = carried.filter((device) => device !== deviceOf(WITHDRAWN))
    await field.sync(rest)
    await field.session(rest, SESSION_MINUTES)
    await field.sync(rest)
    await field.run("wave", "close", "2")
    assert.equal(await field.stopServing(), 0)

    // Every listen that sounded is stored once, with the time it was heard and the time of day at which it began.
    const plays = await study.store.plays.all()
    let compared = 0
    for (const [device, { board, bootAt }] of field.boards) {
      const own = plays.filter((play) => play.device === device)
      if (device === deviceOf(WITHDRAWN)) {
        assert.deepEqual(own, [])
        continue
      }
      const { pairs, lost: unsynced, duplicated } = matchListens(board.sound.sounded, own, bootAt)
      assert.deepEqual(duplicated, [], device)
      if (device !== lost) assert.deepEqual(unsynced, [], device)
      for (const { sounded, play } of pairs) {
        compared++
        assert.ok(Math.abs(soundedMs(sounded, field.clock.now()) - play.heardMs) <= 150)
        assert.ok(
          play.startedAt !== null && Math.abs(play.startedAt - sounded.from) <= play.uncertaintyMs! + 150,
        )
      }
      assert.deepEqual(board.panics, [])
    }
    assert.ok(compared > 100, `${compared} listens`)
    assert.equal(compared, plays.length)

    // What is looked at tells of no arm, and the checks know what happened.
    for (const command of [["status"], ["wave", "status"], ["check"], ["clocks"]]) {
      const { stdout } = await field.attempt(...command)
      assert.doesNotMatch(stdout, /control|gower/, command.join(" "))
    }
    const { findings } = JSON.parse((await field.attempt("check", "--json")).stdout)
    const rules = findings.map(({ rule }: { rule: string }) => rule)
    for (const rule of ["missing", "impossible", "quarantine", "two-boards"])
      assert.ok(!rules.includes(rule), rule)
    await field.run("export", "plays", "--format", "csv")
    const csv = readFileSync(join(field.dir, "exports", "plays.csv"), "utf8")
    assert.equal(csv.trimEnd().split("\r\n").length, plays.length + 1)
    assert.doesNotMatch(csv, /control|gower|Person/)

    // Arms have their shares within every stratum.
    await field.run("unblind", "--reason", "the study is over")
    for (const site of [0, 1]) {
      const arms = (await study.store.subjects.all())
        .filter(({ id }) => id % 2 === site)
        .map(({ arm }) => arm)
      assert.equal(arms.filter((arm) => arm === "control").length, SUBJECTS / 6)
    }
    await study.close()

    // The archive: the same bytes each time, and everything in it can be repeated.
    const [one, two] = [join(folder, "one.zip"), join(folder, "two.zip")]
    await field.run("archive", "--out", one)
    await field.run("archive", "--out", two)
    assert.deepEqual(readFileSync(one), readFileSync(two))
    const verified = await field.elsewhere("archive", "verify", one, "--json")
    assert.equal(verified.code, 0, verified.stderr + verified.stdout)
    const history = await field.json("plan", "history")
    assert.deepEqual(
      history.plans.map(({ version, reason }: { version: number; reason: string }) => [version, reason]),
      [
        [1, ""],
        [2, "too loud on the tram"],
      ],
    )
  } finally {
    await field.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

function editPlan(field: Field, changes: object): void {
  const file = join(field.dir, "study.json")
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...changes }, null, 2))
}

async function catalogueOf({ store }: Study): Promise<{ songs: Map<number, Song>; spec: FeatureSpec }> {
  const songs = new Map(
    (await store.songs.all()).map(({ id, genre, attributes, lengthMs }) => [
      id,
      { id, genre: genre || undefined, attributes, lengthS: lengthMs / 1000 },
    ]),
  )
  const spec = (await store.models.latest(EVERYBODY, "features"))!.summary as unknown as FeatureSpec
  return { songs, spec }
}
