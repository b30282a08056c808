// Exports: what is in them to the letter, the same bytes each time, and nothing that a blind study hides.

import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import fc from "fast-check"
import { parquetMetadata, parquetReadObjects } from "hyparquet"
import Papa from "papaparse"
import { concealmentOf } from "../../../host/archive/conceal.js"
import { writeCsv } from "../../../host/archive/csv.js"
import type { Row } from "../../../host/archive/field.js"
import { listenBrainzOf } from "../../../host/export/listenbrainz.js"
import { parquetOf } from "../../../host/export/parquet.js"
import { exportedItems } from "../../../host/export/playlist-items.js"
import { playlistText } from "../../../host/export/playlists.js"
import { exportedPlays } from "../../../host/export/plays.js"
import { safeForSpreadsheets, withGuard, withoutGuard } from "../../../host/export/spreadsheet.js"
import { readPlaysCsv } from "../../../host/import/csv.js"
import type { ImportedPlay } from "../../../host/import/imported.js"
import { readListenBrainz } from "../../../host/import/json.js"
import { exchange } from "../../../host/protocol/session.js"
import { startPlan } from "../../../host/study/amend.js"
import { enrol } from "../../../host/study/enrol.js"
import type { Plan } from "../../../host/study/plan.js"
import { publish } from "../../../host/study/publish.js"
import type { Study } from "../../../host/study/study.js"
import { fieldtune } from "../cli/run.js"
import { addSongs, DEVICE, KEY, recordOf, requestOf, START, withStudy } from "../study/folder.js"

const HOUR = 3_600_000
const HOSTILE = '=1+1, "quoted"\nnext <&> line'

/** Two plays of two songs, one with a hostile title, from a published list. */
function withPlays(body: (study: Study) => Promise<void>, plan: Partial<Plan> = {}): Promise<void> {
  return withStudy(async ({ study }) => {
    await addSongs(study, 2)
    const [one, two] = await study.store.songs.all()
    await study.store.songs.put([
      { ...one, title: "Song, one", artist: "A", file: "a b/ö.mp3" },
      { ...two, title: HOSTILE, artist: "-B", file: "/home/someone/music/two.mp3" },
    ])
    await startPlan(study, START)
    const item = {
      utility: 1,
      information: 0,
      tag: "explore" as const,
      propensity: 0.5,
      rank: 1,
      reason: null,
    }
    const items = [1, 2].map((song) => ({ ...item, song }))
    await publish(study.store, { subject: 1, wave: 1, design: "utility", at: START, items, summary: {} })
    const plays = [
      recordOf({ sequence: 1, startMs: 60_000, flags: 1 }),
      recordOf({
        sequence: 2,
        startMs: 120_000,
        song: 2,
        position: 1,
        heardMs: 180_000,
        reason: 0,
        flags: 2,
      }),
    ]
    await exchange(
      study,
      DEVICE,
      requestOf({ plays, list: 1, up: 600_000 }),
      new Uint8Array(1),
      START + 600_000,
    )
    await body(study)
  }, plan)
}

const exported = async (study: Study) => exportedPlays(study, await concealmentOf(study))

describe("plays", () => {
  test("as CSV: one row per play, formulas made harmless, the same bytes each time", () =>
    withPlays(async (study) => {
      const made = await exported(study)
      const csv = writeCsv(made.table, safeForSpreadsheets(made))
      assert.equal(writeCsv(made.table, safeForSpreadsheets(await exported(study))), csv)
      const [first, second] = Papa.parse<Record<string, string>>(csv, { header: true }).data
      const plan = (await study.store.plans.newest())!.hash
      assert.deepEqual(first, {
        play: "1",
        subject: "1",
        arm: "model",
        cohort: "",
        device: DEVICE,
        epoch: "9",
        boot: "1",
        sequence: "1",
        wave: "1",
        playlist_version: "1",
        position: "0",
        song: "1",
        source: "1",
        title: "Song, one",
        artist: "A",
        length_ms: "180000",
        heard_ms: "30000",
        share_heard: "0.16666666666666666",
        end_reason: "skipped",
        explore: "true",
        liked: "false",
        organic: "false",
        reordered: "false",
        pauses: "0",
        volume: "8",
        started_at: first.started_at,
        uncertainty_ms: first.uncertainty_ms,
        plan,
      })
      assert.ok(Math.abs(Date.parse(first.started_at) - (START + 60_000)) < 1000)
      assert.equal(second.title, `'${HOSTILE}`)
      assert.equal(second.artist, "'-B")
      assert.deepEqual([second.end_reason, second.share_heard, second.liked], ["finished", "1", "true"])
    }))

  test("as Parquet: typed, exact, stamped with the plan, the same bytes each time", () =>
    withPlays(async (study) => {
      const { table, rows } = await exported(study)
      const bytes = parquetOf(table, rows, { plan: "abc" })
      assert.deepEqual(parquetOf(table, rows, { plan: "abc" }), bytes)
      const file = bytes.slice().buffer as ArrayBuffer
      const read = await parquetReadObjects({ file })
      assert.equal(read.length, 2)
      for (const [i, row] of read.entries()) {
        for (const { name, type } of table.fields) {
          const value = rows[i][name]
          const wanted =
            value === null
              ? null
              : type === "integer"
                ? BigInt(value as number)
                : type === "datetime"
                  ? new Date(value as number)
                  : value
          assert.deepEqual(row[name] ?? null, wanted, name)
        }
      }
      const stamped = parquetMetadata(file).key_value_metadata?.find(({ key }) => key === "fieldtune")
      assert.deepEqual(JSON.parse(stamped?.value ?? ""), { plan: "abc" })
    }))

  test("as ListenBrainz listens: those whose time is known", () =>
    withPlays(async (study) => {
      const { rows } = await exported(study)
      const { text, leftOut } = listenBrainzOf(
        rows.map((row, i) => (i === 1 ? { ...row, uncertainty_ms: 1_800_001 } : row)),
        { plan: "abc" },
      )
      const { listen_type, payload } = JSON.parse(text)
      assert.deepEqual([listen_type, payload.length, leftOut], ["import", 1, 1])
      assert.ok(Math.abs(payload[0].listened_at - (START + 60_000) / 1000) <= 1)
      const { artist_name, track_name, additional_info } = payload[0].track_metadata
      assert.deepEqual([artist_name, track_name, additional_info.duration_ms], ["A", "Song, one", 180000])
    }))

  test("tell no more of times than the plan allows", async () => {
    const of = async (exportTimes: Plan["privacy"]["exportTimes"]) => {
      let at: unknown
      const privacy = { labels: true, bodies: "keep" as const, exportTimes }
      await withPlays(
        async (study) => {
          at = (await exported(study)).rows[0].started_at
        },
        { privacy, timeZone: "Asia/Kolkata" },
      )
      return at === null ? null : new Date(at as number).toISOString()
    }
    // START is 2023-11-14T22:13:20Z, which is 03:43:20 of the next day in Kolkata.
    assert.match((await of("exact")) ?? "", /^2023-11-14T22:14:2/)
    assert.equal(await of("hour"), "2023-11-14T21:30:00.000Z")
    assert.equal(await of("date"), "2023-11-14T18:30:00.000Z")
    assert.equal(await of("none"), null)
  })

  test("of a blind study tell neither arm nor design", () =>
    withPlays(
      async (study) => {
        const { table, rows } = await exported(study)
        const names = table.fields.map(({ name }) => name)
        assert.ok(!names.includes("explore") && !names.includes("reordered"))
        assert.ok(rows.every(({ arm }) => arm !== "model"))
      },
      { blind: "double" },
    ))
})

test("times are those that all boards' syncs allow, also where no server has worked them out", () =>
  withPlays(async (study) => {
    const device = "0000000000000002"
    await enrol(study.store, { subject: 2, device, arm: "model", key: KEY, at: START })
    const sync = (board: string, hour: number, request: object, wrongMs = 0) =>
      exchange(study, board, requestOf(request), new Uint8Array(1), START + hour * HOUR + wrongMs)
    const plays = [recordOf({ sequence: 1, startMs: 60_000 })]
    await sync(device, 2, { up: HOUR, plays })
    // The other board sees that this computer's clock was set back by two hours at some time before or after that.
    await sync(DEVICE, 3, { n: 2, up: 3 * HOUR }, -2 * HOUR)
    assert.equal(await study.store.clocks.unsettled(), true)
    const [before] = await study.store.plays.of(2)
    assert.ok(before.uncertaintyMs! < HOUR / 2, `${before.uncertaintyMs}`)
    const run = async (format: string) => {
      const made = await fieldtune(
        ["export", "plays", "--format", format, "--subject", "2", "--json", "--study", study.dir],
        study.dir,
      )
      assert.equal(made.code, 0, made.stderr)
      return JSON.parse(made.stdout)
    }
    assert.equal((await run("listenbrainz")).leftOut, 1)
    const text = readFileSync((await run("csv")).file, "utf8")
    const [row] = Papa.parse<Record<string, string>>(text, { header: true }).data
    assert.ok(Number(row.uncertainty_ms) > HOUR / 2, row.uncertainty_ms)
    assert.equal(await study.store.clocks.unsettled(), false)
  }))

describe("what is exported comes back", () => {
  const read = (plays: readonly ImportedPlay[]) =>
    plays.map(({ title, artist, startedAt, lengthMs, heardMs, endReason }) => ({
      title,
      artist,
      startedAt,
      lengthMs,
      heardMs,
      endReason,
    }))
  const wanted = (rows: readonly Row[], secondMs: number) =>
    rows.map((row) => ({
      // Names are one line there.
      title: String(row.title).replace(/\n/g, " "),
      artist: row.artist,
      startedAt: Math.floor((row.started_at as number) / secondMs) * secondMs,
      lengthMs: row.length_ms,
      heardMs: row.heard_ms,
      endReason: row.end_reason,
    }))

  test("from CSV", () =>
    withPlays(async (study) => {
      const made = await exported(study)
      const { plays, errors } = readPlaysCsv(writeCsv(made.table, safeForSpreadsheets(made)))
      assert.deepEqual([read(plays), errors], [wanted(made.rows, 1), []])
    }))

  test("from ListenBrainz listens, to the second", () =>
    withPlays(async (study) => {
      const { rows } = await exported(study)
      const { plays, errors } = readListenBrainz(listenBrainzOf(rows, { plan: null }).text)
      assert.deepEqual([read(plays), errors], [wanted(rows, 1000), []])
    }))

  test("from behind any apostrophes", () => {
    const starts = fc.constantFrom("", "'", "''", "=", "+", "-", "@", "\t", "\n", "＝", "x")
    const text = fc
      .array(fc.oneof(starts, fc.string({ maxLength: 3 })), { maxLength: 4 })
      .map((parts) => parts.join(""))
    fc.assert(
      fc.property(text, (given) => {
        assert.equal(withoutGuard(withGuard(given)), given)
        assert.doesNotMatch(withGuard(given), /^[=+\-@\t\r\n＝＋－＠]/)
      }),
      { seed: 1, numRuns: 2000 },
    )
  })
})

test("listens are refused where the plan does not export seconds: plays of one hour would be one listen", () =>
  withPlays(
    async (study) => {
      const run = (format: string) =>
        fieldtune(["export", "plays", "--format", format, "--study", study.dir], study.dir)
      const { code, stderr } = await run("listenbrainz")
      assert.deepEqual([code, /privacy\.exportTimes of the plan is hour; take csv/.test(stderr)], [2, true])
      assert.equal((await run("csv")).code, 0)
    },
    { privacy: { labels: true, bodies: "keep", exportTimes: "hour" } },
  ))

describe("playlists", () => {
  const songs = [
    { id: 1, source: "a/1", title: HOSTILE, artist: "\u0000A\uD800", lengthMs: 61_500, file: "a b/ö.mp3" },
    { id: 2, source: "2", title: "", artist: "", lengthMs: 1000, file: "/home/someone/two.mp3" },
    { id: 3, source: "3", title: "Three", artist: "B", lengthMs: 1000 },
  ]
  const list = { title: "study <1>", plan: "ab12", songs }

  test("as XSPF: escaped, without the machine's paths", () => {
    const text = playlistText("xspf", list)
    assert.match(
      text,
      /<playlist version="1" xmlns="http:\/\/xspf\.org\/ns\/0\/">\n {2}<title>study &lt;1&gt;<\/title>/,
    )
    assert.match(
      text,
      /<location>a%20b\/%C3%B6\.mp3<\/location>\n {6}<identifier>urn:fieldtune:song:a%2F1<\/identifier>/,
    )
    assert.match(
      text,
      /<title>=1\+1, &quot;quoted&quot;\nnext &lt;&amp;&gt; line<\/title>\n {6}<creator>A\uFFFD<\/creator>/,
    )
    assert.match(text, /<location>two\.mp3<\/location>[\s\S]*<location>3\.mp3<\/location>/)
    assert.doesNotMatch(text, /someone|\0/)
  })

  test("as JSPF and M3U8", () => {
    const { playlist } = JSON.parse(playlistText("jspf", list))
    assert.deepEqual(playlist.track[2], {
      location: ["3.mp3"],
      identifier: ["urn:fieldtune:song:3"],
      title: "Three",
      creator: "B",
      duration: 1000,
    })
    assert.deepEqual(playlistText("m3u8", list).split("\n"), [
      "#EXTM3U",
      "#PLAYLIST:study <1>",
      "# plan ab12",
      '#EXTINF:62,A\uD800 - =1+1, "quoted" next <&> line',
      "a b/ö.mp3",
      "#EXTINF:1,2",
      "two.mp3",
      "#EXTINF:1,Three - B".replace("Three - B", "B - Three"),
      "3.mp3",
      "",
    ])
  })
})

describe("the songs of playlists as a table", () => {
  const cells = async (study: Study) => {
    const made = await exportedItems(study, await concealmentOf(study))
    return Papa.parse<Record<string, string>>(writeCsv(made.table, safeForSpreadsheets(made)).trimEnd(), {
      header: true,
    }).data
  }

  test("have a row per place with song, state, times and reasons", () =>
    withPlays(async (study) => {
      const [first, second, ...more] = await cells(study)
      assert.deepEqual(more, [])
      assert.deepEqual(first, {
        playlist: "1",
        subject: "1",
        arm: "model",
        device: DEVICE,
        version: "1",
        wave: "1",
        design: "utility",
        position: "0",
        song: "1",
        source: "1",
        title: "Song, one",
        artist: "A",
        length_ms: "180000",
        state: "confirmed",
        published_at: new Date(START).toISOString(),
        sent_at: first.sent_at,
        confirmed_at: new Date(START + 600_000).toISOString(),
        refused_at: "",
        refused_code: "",
        utility: "1",
        information: "0",
        tag: "explore",
        propensity: "0.5",
        rank: "1",
        reason: "",
        plan: (await study.store.plans.newest())!.hash,
      })
      assert.deepEqual([second.position, second.title], ["1", `'${HOSTILE}`])
    }))

  test("keep older versions, which are what the listener heard then", () =>
    withPlays(async (study) => {
      const item = {
        utility: null,
        information: null,
        tag: "exploit" as const,
        propensity: null,
        rank: null,
        reason: { text: "again" },
      }
      const items = [{ ...item, song: 2 }]
      await publish(study.store, {
        subject: 1,
        wave: 2,
        design: "random",
        at: START + 700_000,
        items,
        summary: {},
      })
      const rows = await cells(study)
      assert.deepEqual(
        rows.map(({ version, song, state, reason }) => [version, song, state, reason]),
        [
          ["1", "1", "confirmed", ""],
          ["1", "2", "confirmed", ""],
          ["2", "2", "published", '{"text":"again"}'],
        ],
      )
    }))

  test("of a blind study tell nothing of an arm", () =>
    withPlays(
      async (study) => {
        const [row] = await cells(study)
        const hidden = ["design", "utility", "information", "tag", "propensity", "rank", "reason"]
        assert.deepEqual(
          hidden.filter((name) => name in row),
          [],
        )
        assert.notEqual(row.arm, "model")
        assert.deepEqual([row.song, row.state], ["1", "confirmed"])
      },
      { blind: "double" },
    ))

  test("tell times as exactly as the plan allows", () =>
    withPlays(
      async (study) => {
        const [row] = await cells(study)
        assert.equal(row.published_at, "2023-11-14T22:00:00.000Z")
      },
      { privacy: { labels: true, bodies: "keep", exportTimes: "hour" }, timeZone: "UTC" },
    ))
})

test("the command writes file and sheet, and names what is not there", () =>
  withPlays(async (study) => {
    const run = (...args: string[]) => fieldtune(["export", ...args, "--study", study.dir], study.dir)
    const { code, stdout, stderr } = await run("plays")
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^2 plays in exports\/plays\.csv\.\n/)
    const sheet = JSON.parse(readFileSync(join(study.dir, "exports", "plays.csv.meta.json"), "utf8"))
    assert.deepEqual([sheet.rows, sheet.plan], [2, (await study.store.plans.newest())!.hash])
    assert.equal(sheet.columns.find(({ name }: { name: string }) => name === "heard_ms").unit, "ms")
    for (const format of ["parquet", "listenbrainz"])
      assert.equal((await run("plays", "--format", format)).code, 0)
    for (const format of ["xspf", "jspf", "m3u8"]) {
      const made = JSON.parse((await run("playlists", "--format", format, "--json")).stdout)
      assert.match(readFileSync(made.files[0].file, "utf8"), /Song, one/)
    }
    const items = JSON.parse((await run("playlists", "--format", "csv", "--json")).stdout)
    assert.equal(items.items, 2)
    assert.match(readFileSync(items.file, "utf8"), /^playlist,subject,arm,.*\r\n1,1,model,/)
    assert.equal(JSON.parse(readFileSync(`${items.file}.meta.json`, "utf8")).rows, 2)
    const wrong = await run("plays", "--subject", "9")
    assert.deepEqual(
      [wrong.code, wrong.stderr],
      [2, "fieldtune: --subject: must be a subject of the study, got 9\n"],
    )
    writeFileSync(join(study.dir, "exports", "x"), "")
  }))
