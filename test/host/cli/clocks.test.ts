import assert from "node:assert/strict"
import { test } from "node:test"
import { exchange } from "../../../host/protocol/session.js"
import { addSongs, DEVICE, recordOf, requestOf, START, withStudy } from "../study/folder.js"
import { fieldtune } from "./run.js"

const HOUR = 3_600_000

test("a moved clock is told of, and put right from the command line", () =>
  withStudy(async ({ study }) => {
    await addSongs(study, 1)
    for (const hour of [1, 2, 3, 4]) {
      const plays = [recordOf({ sequence: hour, startMs: (hour - 0.5) * HOUR })]
      const request = requestOf({ n: hour, up: hour * HOUR, plays })
      await exchange(
        study,
        DEVICE,
        request,
        new Uint8Array(1),
        START + hour * HOUR - (hour > 2 ? 2 * HOUR : 0),
      )
    }
    const run = (...args: string[]) => fieldtune(["clocks", ...args], study.dir)
    const text = await run()
    assert.equal(text.code, 0, text.stderr)
    assert.match(
      text.stdout,
      /^! this computer's clock was moved by -7200 ± 3\d s, after sync 2 .* before sync 3 /,
    )
    assert.match(
      text.stdout,
      /^4 plays: the time of 0 is known to 30 minutes or better, of 4 less well, of 0 not/m,
    )
    assert.match(text.stdout, /host clock moved/)
    const far = await run(
      "correct",
      "--from",
      "3",
      "--to",
      "5",
      "--behind",
      "7200",
      "--reason",
      "summer time",
    )
    assert.match(far.stderr, /--to: must be 3 to 4, which is the newest sync/)
    assert.notEqual(far.code, 0)
    const put = await run(
      "correct",
      "--from",
      "3",
      "--to",
      "4",
      "--behind",
      "7200",
      "--reason",
      "summer time",
    )
    assert.match(
      put.stdout,
      /^Syncs 3 to 4 count as 7200 s later .* 4 plays have another time now/,
      put.stderr,
    )
    const { boots, plays, steps, corrections } = JSON.parse((await run("--json")).stdout)
    assert.deepEqual([plays, steps], [{ known: 4, uncertain: 0, unplaced: 0 }, []])
    assert.equal(corrections[0].reason, "summer time")
    assert.deepEqual([boots.length, boots[0].state, boots[0].contacts], [1, "placed", 4])
    assert.ok(Math.abs(boots[0].began - START) <= boots[0].uncertaintyMs)
  }))
