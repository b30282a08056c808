import assert from "node:assert/strict"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { withArchivable } from "../archive/small-study.js"
import { fieldtune } from "./run.js"

test("a study is archived, verified and only then parted from its sealed bodies, when asked", async () => {
  await withArchivable(async (study) => {
    const { dir, store } = study
    const syncs = await store.syncs.count()
    const written = await fieldtune(["archive", "--json", "--workers", "1"], dir)
    assert.equal(written.code, 0, written.stderr)
    const report = JSON.parse(written.stdout)
    assert.deepEqual([report.unchanged, report.rerun.differences, report.bodiesForgotten], [false, [], null])
    const file = join(dir, "exports", "archive.zip")
    assert.equal(statSync(file).size, report.bytes)
    assert.ok((await store.syncs.body(1))!.length > 0)

    const verified = await fieldtune(["archive", "verify", "exports/archive.zip", "--workers", "1"], dir)
    assert.equal(verified.code, 0, verified.stdout)
    assert.match(verified.stdout, /is whole and true to itself/)
    assert.match(verified.stdout, new RegExp(report.sha256))

    const pseudonymised = await fieldtune(
      ["archive", "--pseudonymise", "--forget-bodies", "--workers", "1"],
      dir,
    )
    assert.equal(pseudonymised.code, 2)
    assert.match(pseudonymised.stderr, /a pseudonymised archive is no substitute/)
    assert.equal(statSync(join(dir, "pseudonyms.key")).mode & 0o777, 0o600)

    const forgotten = await fieldtune(["archive", "--forget-bodies", "--workers", "1"], dir)
    assert.equal(forgotten.code, 0, forgotten.stderr)
    assert.match(
      forgotten.stdout,
      new RegExp(`Is there already.*\\n(.*\\n)*Deleted the sealed bytes of ${syncs} contacts`),
    )
    assert.equal((await store.syncs.body(1))!.length, 0)
    const [event] = await store.events.latest(1)
    assert.deepEqual([event.kind, event.detail.sha256], ["bodies-forgotten", report.sha256])

    // The study went on by that event: another archive does not take the place of the first.
    const other = await fieldtune(["archive", "--workers", "1"], dir)
    assert.equal(other.code, 2)
    assert.match(other.stderr, /is there and holds something else; --out names another file/)

    const bytes = readFileSync(file)
    bytes[Math.floor(bytes.length / 2)] ^= 1
    writeFileSync(join(dir, "broken.zip"), bytes)
    const broken = await fieldtune(["archive", "verify", "broken.zip", "--json"], dir)
    assert.equal(broken.code, 1)
    const { valid, problems } = JSON.parse(broken.stdout)
    assert.ok(!valid && problems[0].place !== "" && problems[0].rule !== "")
  })
})
