import assert from "node:assert/strict"
import { test } from "node:test"
import { withFolder } from "../study/folder.js"
import { fieldtune } from "./run.js"

test("demo --once --json prints one object with what it found; options out of range are refused", () =>
  withFolder(async (dir) => {
    const words = ["demo", "--once", "--json", "--seed", "3", "--boards", "1", "--waves", "1"]
    const { code, stdout, stderr } = await fieldtune(words, dir)
    assert.equal(code, 0, stderr)
    const found = JSON.parse(stdout)
    assert.deepEqual([found.seed, found.boards, found.lost, found.duplicated], [3, 1, 0, 0])
    assert.equal(found.playsStored, found.playsOnBoards)
    assert.ok(found.playsStored > 10)
    assert.deepEqual([found.playlistsPublished, found.playlistsConfirmed], [1, 1])
    assert.match(found.databaseSha, /^[0-9a-f]{64}$/)
    const [wave] = found.waves
    assert.deepEqual([wave.wave, wave.arm], [1, "random"])
    assert.ok(wave.meanShareHeard > 0 && wave.meanShareHeard < 1)
    assert.ok(wave.shareFinished >= 0 && wave.shareFinished < 1)
    assert.ok(found.tasteCorrelation > 0 && found.tasteCorrelation <= 1)
    const refused = await fieldtune(["demo", "--boards", "0"], dir)
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /--boards.*1 to 40/)
  }))

test("demo --keep leaves a study of the last days that other commands work on, and overwrites none", () =>
  withFolder(async (dir) => {
    const words = ["demo", "--once", "--json", "--boards", "1", "--waves", "1", "--keep", "kept"]
    const { code, stdout, stderr } = await fieldtune(words, dir)
    assert.equal(code, 0, stderr)
    const found = JSON.parse(stdout)
    const status = await fieldtune(["status", "--study", "kept", "--json"], dir)
    assert.equal(JSON.parse(status.stdout).plays, found.playsStored)
    const again = await fieldtune(words, dir)
    assert.equal(again.code, 2)
    assert.match(again.stderr, /study\.json: this folder holds a study already/)
  }))
