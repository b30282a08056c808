import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import { Rehearsal } from "../../../host/rehearsal/study.js"
import { runRound } from "../../../host/round.js"
import { withFolder } from "../study/folder.js"

test("a board with the real firmware that misses a sync keeps its list, and takes the new one at its next", async () => {
  await withFolder(async (dir) => {
    const rehearsal = await Rehearsal.open({
      ...{ dir: join(dir, "study"), seed: 3, boards: 1, waves: 2 },
      ...{ songs: 60, playlistSize: 8, sessionMinutes: 10 },
    })
    const { study, clock } = rehearsal
    const lists = async (): Promise<[number, string][]> =>
      (await study.store.playlists.all()).map(({ version, state }) => [version, state])
    const listOf = new Map<number, number>()
    const versions = async (): Promise<Set<number | undefined>> => {
      for (const { id, version } of await study.store.playlists.all()) listOf.set(id, version)
      const plays = await study.store.plays.all()
      const fresh = plays.slice(seen)
      seen = plays.length
      assert.ok(fresh.length > 0)
      return new Set(fresh.map(({ playlist }) => (playlist === null ? undefined : listOf.get(playlist))))
    }
    let seen = 0
    try {
      await rehearsal.sync()
      await rehearsal.session()
      await rehearsal.sync()
      assert.deepEqual(await versions(), new Set([1]))
      await runRound(study, { now: clock.now() })
      // Nobody asks for a sync: the board plays on with what it has.
      await rehearsal.session()
      assert.deepEqual(await lists(), [
        [1, "confirmed"],
        [2, "published"],
      ])
      await rehearsal.sync()
      assert.deepEqual(await versions(), new Set([1]))
      await rehearsal.session()
      await rehearsal.sync()
      assert.equal((await lists())[1][1], "confirmed")
      // The song at which the board stood when the list came may still be one of the old list.
      assert.ok((await versions()).has(2))
      assert.deepEqual(
        rehearsal.participants.flatMap(({ board }) => board.panics),
        [],
      )
    } finally {
      await rehearsal.close()
      await study.close()
    }
  })
})
