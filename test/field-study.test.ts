// A whole study through the commands alone: from a plan to a verified archive, with what goes wrong in the field.

import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { stream } from "../host/model/random.js"
import { drawCatalogue, NO_ATTRIBUTES } from "../host/rehearsal/catalogue.js"
import { matchListens, soundedMs } from "../host/rehearsal/ledger.js"
import { EVERYBODY } from "../host/store/models.js"
import type { Play } from "../host/store/plays.js"
import { verifyAllocation } from "../host/study/allocate.js"
import { checkPlan } from "../host/study/plan.js"
import { openStudy, type Study } from "../host/study/study.js"
import { Field } from "./field/field.js"
import { withFolder } from "./host/study/folder.js"

const SEED = 11
const SUBJECTS = 12
const SONGS = 80
const SESSION_MINUTES = 10
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The day before the first wave, 09:00 in Berlin. Summer time begins within the first wave, on 29 March. */
const START = Date.UTC(2026, 2, 26, 8)
/** A stored time heard is this near the truth. */
const HEARD_MS = 150
/** A board that gets power looks for its buttons and its sound board first. */
const BOOT_MS = 5000
/** A sync of twelve boards takes more connections than this. */
const CRASH_AT = 9
const LOST_SUBJECT = 3
const WITHDRAWN_SUBJECT = 8
/** Arms and designs of this study as no other text has them. */
const ARMS = /tailored|customary|gower/i

const deviceOf = (n: number): string => `f1e1d700000000${n.toString(16).padStart(2, "0")}`

test("a study of 12 boards goes from its plan to a verified archive", () =>
  withFolder(async (folder) => {
    const field = new Field(folder, SEED, START)
    /** What anybody who helps with the study gets to see. */
    const seen: string[] = []
    const json = async (...args: string[]): Promise<any> => {
      const text = await field.run(...args, "--json")
      seen.push(text)
      return JSON.parse(text)
    }
    const look = async <T>(what: (study: Study) => Promise<T>): Promise<T> => {
      const study = await openStudy(field.dir)
      try {
        return await what(study)
      } finally {
        await study.close()
      }
    }
    try {
      // The plan.
      await field.json(
        ...["init", "--name", "spring", "--seed", String(SEED), "--size", "10"],
        ...["--arm", "tailored:model:2", "--arm", "customary:gower:1"],
      )
      const planFile = join(field.dir, "study.json")
      const edit = (change: object): void =>
        writeFileSync(planFile, JSON.stringify({ ...JSON.parse(readFileSync(planFile, "utf8")), ...change }))
      edit({
        blind: "double",
        timeZone: "Europe/Berlin",
        allocation: { blocks: [1], strata: [{ name: "site", levels: ["north", "south"] }] },
        waves: { count: 2, days: 5, gapDays: 2, start: "2026-03-27" },
        draws: 100,
        syncMinutes: 0,
      })
      const planned = await field.json("plan")
      assert.deepEqual([planned.version, planned.plan.timeZone], [null, "Europe/Berlin"])
      const csv = join(folder, "songs.csv")
      writeFileSync(csv, drawCatalogue(SONGS, stream(SEED, "catalogue")))
      const added = await json("catalogue", "add", csv, "--ignore", NO_ATTRIBUTES.join(","))
      assert.equal(added.songs, SONGS)

      // Listeners.
      const keys = new Map<string, Uint8Array>()
      for (let subject = 1; subject <= SUBJECTS; subject++) {
        const device = deviceOf(subject)
        const stratum = `site=${subject % 2 === 0 ? "north" : "south"}`
        const { key, ...shown } = await field.json(
          ...["enrol", String(subject), "--device", device, "--stratum", stratum],
          ...["--label", `Person ${subject}`],
        )
        seen.push(JSON.stringify(shown))
        assert.match(shown.arm, /^[AB]$/)
        keys.set(device, new Uint8Array(Buffer.from(key, "hex")))
      }

      // The first wave, on its day; what is shown before is what is published.
      await field.clock.advance(DAY_MS)
      const dry = await json("wave", "open", "1", "--dry-run")
      assert.equal((await json("wave", "status")).waves[0].state, "planned")
      const opening = await json("wave", "open", "1")
      assert.deepEqual([opening.warnings, dry.boards.length], [[], SUBJECTS])
      const published = await newestLists(field)
      for (const { subject, next } of dry.boards) {
        const songs = next.songs.map(({ song }: { song: number }) => song)
        assert.deepEqual(published.get(subject), songs)
      }
      const { spec, songs } = await look(async ({ store }) => ({
        spec: (await store.models.latest(EVERYBODY, "features"))!.summary as any,
        songs: new Map(
          (await store.songs.all()).map(({ id, genre, attributes, lengthMs }) => [
            id,
            { id, genre: genre || undefined, attributes, lengthS: lengthMs / 1000 },
          ]),
        ),
      }))
      await field.serve()
      const handOut = async (subject: number, device: string): Promise<void> => {
        const lengthMs = (file: number): number | undefined => {
          const song = songs.get(file)
          return song && Math.round(song.lengthS * 1000)
        }
        await field.powerUp(device, keys.get(device)!, lengthMs)
        field.listen(subject, device, spec, songs)
      }
      for (let subject = 1; subject <= SUBJECTS; subject++) await handOut(subject, deviceOf(subject))
      const carried = [...keys.keys()]
      await field.sync(carried)
      await field.session(carried, SESSION_MINUTES)

      // The host dies in the middle of a sync. The boards keep what was not acknowledged, and bring it later.
      const before = await look(({ store }) => store.plays.count())
      let connections = 0
      field.crashAt = () => connections++ === CRASH_AT
      await field.sync(carried)
      assert.ok(connections > CRASH_AT, `only ${connections} connections`)
      field.crashAt = () => false
      const brought = await look(({ store }) => store.plays.count())
      const heard = total(field)
      assert.ok(before < brought && brought < heard, `${brought} of ${heard} plays came before the crash`)
      await field.serve()
      await field.sync(carried)
      assert.equal(await look(({ store }) => store.plays.count()), heard)

      // The boards are off until the clocks have been put forward.
      const night = async (ms: number): Promise<void> => {
        for (const device of carried) field.boards.get(device)!.board.powerOff()
        // What else is on their buses would live through every second of it.
        field.clock.jump(ms)
        for (const device of carried) await field.restart(device, 0)
        await field.clock.advance(BOOT_MS)
      }
      await night(2 * DAY_MS)
      const lost = deviceOf(LOST_SUBJECT)
      const lostAt = field.clock.now()
      await field.session(carried, SESSION_MINUTES)
      // A board is lost before its listens are synced.
      field.boards.get(lost)!.board.powerOff()
      carried.splice(carried.indexOf(lost), 1)
      await field.sync(carried)
      const spare = deviceOf(SUBJECTS + 1)
      await json("board", "lost", lost, "--reason", "on a train")
      const { key, ...swap } = await field.json("board", "replace", lost, "--by", spare, "--reason", "lost")
      assert.deepEqual([swap.subject, swap.version], [LOST_SUBJECT, 1])
      keys.set(spare, new Uint8Array(Buffer.from(key, "hex")))
      await handOut(LOST_SUBJECT, spare)
      carried.push(spare)
      await field.sync([spare])
      await field.session([spare], SESSION_MINUTES)
      await field.sync([spare])

      // An amendment: an edit alone is not in force.
      edit({ waves: { count: 2, days: 5, gapDays: 3, start: "2026-03-27" }, maxVolume: 10 })
      const edited = await field.attempt("wave", "open", "2")
      assert.deepEqual([edited.code, edited.stdout], [2, ""])
      assert.match(edited.stderr, /plan amend --reason/)
      const amended = await json("plan", "amend", "--reason", "a holiday, and complaints about the loudness")
      assert.deepEqual(amended.changes.map(({ place }: { place: string }) => place).sort(), [
        "maxVolume",
        "waves.gapDays",
      ])
      await night(3 * DAY_MS)
      await field.sync(carried)
      const closing = await json("wave", "close", "1")
      assert.equal(closing.plays, await look(({ store }) => store.plays.count()))

      // The second wave, on its day by the amended plan: 4 April.
      await night(3 * DAY_MS)
      const designed = await json("wave", "open", "2", "--dry-run")
      assert.deepEqual((await json("wave", "open", "2")).warnings, [])
      const lists = await newestLists(field)
      for (const { subject, next } of designed.boards) {
        const wanted = next.songs.map(({ song }: { song: number }) => song)
        assert.deepEqual(lists.get(subject), wanted)
      }
      await field.sync(carried)
      await field.session(carried, SESSION_MINUTES)
      await field.sync(carried)

      const { waves } = await json("wave", "status")
      const none = { published: 0, sent: 0, refused: 0, superseded: 0 }
      assert.deepEqual(waves[0].lists, { ...none, confirmed: SUBJECTS + 1 })
      assert.deepEqual(waves[1].lists, { ...none, confirmed: SUBJECTS })
      const { plans } = await json("plan", "history")
      assert.deepEqual(
        plans.map(({ version, reason, changes }: any) => [version, reason, changes.length]),
        [
          [1, "", 0],
          [2, "a holiday, and complaints about the loudness", 2],
        ],
      )
      await look(async ({ store }) => {
        for (const { wave, plan } of await store.playlists.all()) assert.equal(plan, plans[wave - 1].hash)
      })

      // A listener withdraws. His board goes on until it is back; nothing of it is kept.
      assert.equal(await field.stopServing(), 0)
      const gone = await json("withdraw", String(WITHDRAWN_SUBJECT), "--reason", "asked for it", "--yes")
      assert.ok(gone.counts.play > 0 && gone.counts.markedPlaylists > 0 && gone.forgotten)
      await field.serve()
      await field.session(carried, SESSION_MINUTES)
      await field.sync(carried)
      const status = await json("wave", "status")
      assert.deepEqual(status.waves[1].missed, [])

      const checked = await field.attempt("check", "--json")
      seen.push(checked.stdout)
      const findings = JSON.parse(checked.stdout).findings as { severity: string; device: string }[]
      // Nothing is wrong that the study was not told of.
      assert.deepEqual(
        findings.filter(({ severity }) => severity === "problem"),
        [],
      )
      const clocks = await json("clocks")
      assert.deepEqual([clocks.plays.uncertain, clocks.plays.unplaced, clocks.steps], [0, 0, []])
      await json("wave", "close", "2")
      const blindPlays = await json("export", "plays", "--out", join(folder, "blind.csv"))
      const rows = readFileSync(blindPlays.file, "utf8")
      assert.doesNotMatch(rows, /Person/)
      seen.push(rows)
      for (const text of seen) assert.doesNotMatch(text, ARMS)
      assert.equal(await field.stopServing(), 0)
      await look((study) => ledger(study, field, { lost, lostAt }))
      await look((study) => allocation(study))

      // The archive.
      const { codes } = await json("unblind", "--reason", "the analysis plan is signed")
      assert.deepEqual(codes.map(({ arm }: { arm: string }) => arm).sort(), ["customary", "tailored"])
      const open = await json("export", "plays", "--out", join(folder, "open.csv"))
      assert.match(readFileSync(open.file, "utf8"), ARMS)
      const archive = await json("archive")
      // The second wave was designed with what the listener who withdrew has had deleted; all else can be made again.
      const { passes, repeated, notRepeated, differences } = archive.rerun
      assert.deepEqual(differences, [])
      assert.equal(repeated, passes - notRepeated.length)
      assert.deepEqual(
        notRepeated.map(({ what }: { what: string }) => what),
        ["round 2 (wave 2)"],
      )
      const again = await json("archive", "--out", join(folder, "again.zip"))
      assert.equal(archive.sha256, again.sha256)
      assert.deepEqual(readFileSync(archive.file), readFileSync(again.file))
      const { code, stdout } = await field.elsewhere("archive", "verify", archive.file, "--json")
      assert.equal(code, 0, stdout)
      const verified = JSON.parse(stdout)
      assert.deepEqual([verified.valid, verified.problems, verified.notes], [true, [], []])
      assert.deepEqual(verified.rerun, { passes, repeated, notRepeated })
      assert.equal(verified.sha256, archive.sha256)
    } finally {
      await field.close()
    }
  }))

/** How many listens have sounded on all boards. */
function total(field: Field): number {
  return [...field.boards.values()].reduce((sum, { board }) => sum + board.sound.sounded.length, 0)
}

/** The songs of every subject's newest playlist, in playing order. */
async function newestLists(field: Field): Promise<Map<number, number[]>> {
  const study = await openStudy(field.dir)
  try {
    const lists = new Map<number, number[]>()
    for (const { id, subject } of await study.store.playlists.all()) {
      lists.set(
        subject,
        (await study.store.playlists.items(id)).map(({ song }) => song),
      )
    }
    return lists
  } finally {
    await study.close()
  }
}

/** Every listen that sounded is stored once, with the time heard and the time of day; no other one is missing than
 *  those that the lost board took with it and those that the withdrawn listener has had deleted. */
async function ledger(
  { store }: Study,
  field: Field,
  { lost, lostAt }: { lost: string; lostAt: number },
): Promise<void> {
  const plays = await store.plays.all()
  const withdrawn = deviceOf(WITHDRAWN_SUBJECT)
  for (const [device, { board, bootAt }] of field.boards) {
    const own = plays.filter((play) => play.device === device)
    const { sounded } = board.sound
    if (device === withdrawn) {
      assert.deepEqual(own, [])
      continue
    }
    const matched = matchListens(sounded, own, bootAt)
    const missing = sounded.filter(({ from }) => device === lost && from > lostAt)
    assert.equal(missing.length > 0, device === lost)
    assert.deepEqual([matched.lost, matched.duplicated], [missing, []])
    assert.ok(matched.pairs.length > 0)
    for (const pair of matched.pairs) {
      const subject = Number.parseInt(device.slice(-2), 16)
      assert.equal(pair.play.subject, subject > SUBJECTS ? LOST_SUBJECT : subject)
      assert.ok(Math.abs(soundedMs(pair.sounded, field.clock.now()) - pair.play.heardMs) <= HEARD_MS)
      onTime(pair.play, pair.sounded.from)
    }
    assert.deepEqual(board.panics, [])
  }
  assert.deepEqual(await store.syncs.quarantine(), [])
}

function onTime({ startedAt, uncertaintyMs, device, sequence }: Play, from: number): void {
  const off = Math.abs(startedAt! - from)
  assert.ok(off <= uncertaintyMs!, `${device}, ${sequence}: off by ${off}, said ${uncertaintyMs}`)
}

/** Every block has its two to one in both strata, and the sequences follow from the key that was committed to. */
async function allocation({ store }: Study): Promise<void> {
  const rows = await store.allocations.all()
  assert.equal(rows.length, SUBJECTS)
  const key = (await store.allocations.key())!
  const plans = (await store.plans.all()).map(({ document }) => checkPlan(JSON.parse(document), "plan"))
  const [event] = await store.events.latest(1, "allocation-key")
  const { checked, faults } = verifyAllocation(key.key, String(event.detail.commitment), plans, rows)
  assert.deepEqual([checked, faults], [SUBJECTS, []])
  for (const stratum of ["north", "south"].map((site) => JSON.stringify([["site", site]]))) {
    const places = rows.filter((row) => row.stratum === stratum)
    assert.equal(places.length, SUBJECTS / 2)
    for (let first = 0; first < places.length; first += 3) {
      const arms = places.slice(first, first + 3).map(({ arm }) => arm)
      assert.deepEqual(arms.sort(), ["customary", "tailored", "tailored"])
    }
  }
}
