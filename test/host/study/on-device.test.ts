// Adaptive playlists from the plan to the listens that come back.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { stream } from "../../../host/model/random.js"
import { unpackPlaylist } from "../../../host/protocol/playlist.js"
import { exchange } from "../../../host/protocol/session.js"
import { runRound } from "../../../host/round.js"
import type { Playlist } from "../../../host/store/playlists.js"
import { checkPlan, type Plan } from "../../../host/study/plan.js"
import { repeatChoices } from "../../../host/study/repeat-choices.js"
import type { Study } from "../../../host/study/study.js"
import { Adaptation } from "../../../src/adapt.js"
import { FLAG_REORDERED } from "../../../src/record.js"
import { DEVICE, recordOf, requestOf, START, withStudy } from "./folder.js"

const SONGS = 70
const LENGTH_MS = 180_000

const plan = (changes: Partial<Plan> = {}): Plan =>
  checkPlan({ playlistSize: 12, draws: 100, seed: 4, onDevice: {}, ...changes }, "plan")

/** `more`: attributes that nobody's taste has. */
async function addSongs(study: Study, more = 0): Promise<void> {
  const rng = stream(1, "songs")
  await study.store.songs.put(
    Array.from({ length: SONGS }, (_, i) => ({
      id: i + 1,
      source: String(i + 1),
      title: `Song ${i + 1}`,
      artist: "",
      genre: i % 3 === 0 ? "Rock" : "Pop",
      lengthMs: LENGTH_MS,
      attributes: {
        ...{ tempo: rng.normal(), energy: rng.normal() },
        ...Object.fromEntries(Array.from({ length: more }, (_, k) => [`more ${k}`, rng.normal()])),
      },
    })),
  )
}

let counter = 0

/** A sync of a board that has played `count` songs of `list`, choosing where the list lets it: those of high tempo are
 *  heard longer. `wrong`: a listen for which it does not play what it has chosen. */
async function listen(
  study: Study,
  list: Playlist,
  first: number,
  count: number,
  options: { wrong?: number; store?: number } = {},
): Promise<void> {
  const tempo = new Map((await study.store.songs.all()).map((song) => [song.id, song.attributes.tempo]))
  const rng = stream(2, "heard", first)
  const { items, adaptation } = unpackPlaylist(list.bytes)
  const board = adaptation && new Adaptation(list.bytes)
  const plays: Uint8Array[] = []
  const heard: [number, number, number][] = []
  for (let k = 0; k < count; k++) {
    const chosen = board !== undefined && k > board.after
    for (let item = 0; chosen && item < items.length; item++) board.rescore(item)
    let position = board === undefined ? k % items.length : board.published()
    if (chosen) position = board.choose(first + k)
    if (k === options.wrong) position = board!.candidates().find((item) => item !== position)!
    const { song } = items[position]
    const ms = 1000 * Math.exp(4 + 0.8 * tempo.get(song)! + 0.4 * rng.normal())
    const heardMs = Math.floor(Math.min(ms, LENGTH_MS))
    const reason = heardMs === LENGTH_MS ? 0 : 1
    if (k > 0) board?.weigh(...heard[k - 1])
    board?.mark(position)
    heard.push([position, heardMs, reason])
    const flags = chosen ? FLAG_REORDERED : 0
    plays.push(
      recordOf({ sequence: first + k, song, position, heardMs, reason, flags, listVersion: list.version }),
    )
  }
  const request = requestOf({ n: ++counter, list: list.version, plays })
  request.health.store = options.store ?? 0
  const result = await exchange(study, DEVICE, request, new Uint8Array(1), START)
  assert.ok(!result.replay && result.outcome.stored === count)
}

const newest = async (study: Study): Promise<Playlist> => (await study.store.playlists.of(1)).at(-1)!

describe("a board that may choose", () => {
  test("is asked for by the plan, whose other playlists stay as they were", () =>
    withStudy(
      async ({ study }) => {
        await addSongs(study)
        await runRound(study, { now: START })
        await listen(study, await newest(study), 1, 12)
        await runRound(study, { now: START })
        const list = await newest(study)
        assert.equal(unpackPlaylist(list.bytes).adaptation, undefined)
        assert.equal(list.bytes[2], 1)
        assert.ok(!("onDevice" in list.summary))
      },
      { ...plan(), onDevice: undefined },
    ))

  test("gets particles with the first designed playlist; what it then chooses is repeated from what it sends", () =>
    withStudy(async ({ study }) => {
      await addSongs(study)
      await runRound(study, { now: START })
      const random = await newest(study)
      // Without a model there is nothing to choose by.
      assert.equal(unpackPlaylist(random.bytes).adaptation, undefined)
      await listen(study, random, 1, 12)
      await runRound(study, { now: START })
      const list = await newest(study)
      const { items, adaptation } = unpackPlaylist(list.bytes)
      assert.ok(adaptation !== undefined && list.bytes.length <= 2000)
      const designed = (await study.store.playlists.items(list.id)).map((item) => item.song)
      assert.deepEqual(
        items.slice(0, 12).map((item) => item.song),
        designed,
      )
      assert.deepEqual([items.length, adaptation.size, adaptation.constants.numbers.length], [32, 12, 32])
      assert.deepEqual([adaptation.after, adaptation.margin, adaptation.epsilon], [3, 100, 0])
      assert.equal(list.summary.onDevice && (list.summary.onDevice as any).alternates, 20)
      await listen(study, list, 13, 20)
      const plays = (await study.store.plays.of(1)).filter((play) => play.playlist === list.id)
      const choices = repeatChoices(list.bytes, plays).filter((choice) => choice.chosen)
      assert.equal(choices.length, 16)
      assert.ok(choices.every((choice) => choice.agrees && choice.probability === 1))
      const { subjects } = await runRound(study, { now: START })
      assert.doesNotMatch(subjects[0].note ?? "", /on the device/)
    }, plan()))

  test("that plays something else than its rules say is named in the round", () =>
    withStudy(async ({ study }) => {
      await addSongs(study)
      await runRound(study, { now: START })
      await listen(study, await newest(study), 1, 12)
      await runRound(study, { now: START })
      await listen(study, await newest(study), 13, 12, { wrong: 7 })
      const { subjects } = await runRound(study, { now: START })
      assert.match(
        subjects[0].note!,
        /on the device: 1 of 8 choices from playlist 2 are not what its listens give/,
      )
    }, plan()))

  test("gets what its memory holds: 2,000 bytes of flash or 5,000 of FRAM, and the round says what is left out", () =>
    withStudy(
      async ({ study }) => {
        await addSongs(study, 10)
        await runRound(study, { now: START })
        const random = await newest(study)
        await listen(study, random, 1, 12)
        const flash = await runRound(study, { now: START })
        assert.match(flash.subjects[0].note!, /on the device: \d+ of 40 alternates fit 2000 bytes/)
        const small = await newest(study)
        assert.ok(small.bytes.length <= 2000)
        assert.equal(unpackPlaylist(small.bytes).adaptation?.constants.numbers.length, 32)
        await listen(study, small, 13, 2, { store: 1 })
        const fram = await runRound(study, { now: START })
        assert.doesNotMatch(fram.subjects[0].note ?? "", /fit/)
        const large = await newest(study)
        assert.ok(large.bytes.length > 2000 && large.bytes.length <= 5000)
        assert.equal(unpackPlaylist(large.bytes).items.length, 60)
      },
      plan({ playlistSize: 20, coolDownWaves: 0, onDevice: { ...plan().onDevice!, alternates: 40 } }),
    ))

  test("is described by a plan whose numbers are checked", () => {
    assert.equal(checkPlan({}, "plan").onDevice, undefined)
    assert.deepEqual(plan().onDevice, {
      ...{ margin: 0.1, alternates: 20, lists: 1, after: 3, epsilon: 0, particles: 32, variables: 12 },
    })
    for (const [given, message] of [
      [{ margin: -1 }, /onDevice.margin: .*got -1/],
      [{ lists: 4 }, /onDevice.lists: .*got 4/],
      [{ particles: 33 }, /onDevice.particles: .*got 33/],
      [{ epsilon: 1.5 }, /onDevice.epsilon: .*got 1.5/],
      [{ alternate: 2 }, /onDevice: unknown field alternate/],
      [true, /onDevice: must be object, got true/],
    ] as const) {
      assert.throws(() => checkPlan({ onDevice: given }, "plan"), { name: "PlanError", message })
    }
  })
})
