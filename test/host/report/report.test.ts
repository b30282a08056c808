// The report of known stores: its files, its numbers against what a test can count, and what it must not tell.

import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { join } from "node:path"
import { test } from "node:test"
import Papa from "papaparse"
import { readCsv } from "../../../host/archive/csv.js"
import type { Part, TablePart } from "../../../host/report/part.js"
import { foreignLetters, rasterise } from "../../../host/report/raster.js"
import { buildReport, PAGE, type Report } from "../../../host/report/report.js"
import { runRound } from "../../../host/round.js"
import { commitmentOf } from "../../../host/study/allocate.js"
import { unblind } from "../../../host/study/blind.js"
import { welchTest } from "../../../host/study/statistics/welch.js"
import type { Study } from "../../../host/study/study.js"
import { withArchivable } from "../archive/small-study.js"
import { fieldtune } from "../cli/run.js"
import { storeStudy } from "../dashboard/known-study.js"
import { START, withFolder, withStudy } from "../study/folder.js"
import { HOUR, listen, withPeople } from "../study/people.js"

const VERSION = { version: "0.0.0-test" }
const KEY = new Uint8Array(32).fill(8)

const textOf = (report: Report, path: string): string => {
  const bytes = report.files.get(path)
  assert.ok(bytes !== undefined, `${path} is missing`)
  return new TextDecoder().decode(bytes)
}

/** All text of a report: what somebody could search. */
const allText = (report: Report): string =>
  [...report.files.keys()].flatMap((path) => (path.endsWith(".png") ? [] : [textOf(report, path)])).join("\n")

function partOf(report: Report, id: string): Part {
  const part = report.parts.find((candidate) => candidate.id === id)
  assert.ok(part !== undefined, `no part ${id}`)
  return part
}

function tableOf(report: Report, id: string): TablePart {
  const part = partOf(report, id)
  assert.equal(part.kind, "table", part.kind === "none" ? part.because : id)
  return part as TablePart
}

const because = (report: Report, id: string): string => {
  const part = partOf(report, id)
  assert.equal(part.kind, "none", id)
  return part.kind === "none" ? part.because : ""
}

/** Two waves of `count` listeners in two arms whose names and designs must not get out while the study is blind. */
function withArms<T>(blind: "none" | "double", body: (study: Study) => Promise<T>, count = 6): Promise<T> {
  const arms = [
    { name: "tailored", design: "model" as const, share: 1 },
    { name: "nearby", design: "gower" as const, share: 1 },
  ]
  return withPeople(count, { arms, blind, epsilon: 0.3 }, async (study) => {
    await study.store.allocations.begin(KEY, commitmentOf(KEY), START)
    const next = new Array(count + 1).fill(1)
    for (const wave of [0, 1]) {
      await runRound(study, { now: START + HOUR + wave * 6 * HOUR })
      for (let subject = 1; subject <= count; subject++) {
        next[subject] = await listen(study, subject, next[subject], START + (2 + wave * 6) * HOUR)
      }
    }
    return body(study)
  })
}

test("every figure has its SVG, its PNG and its numbers; every table is one that reads back as it was", async () => {
  await withArchivable(async (study) => {
    const report = await buildReport(study, VERSION)
    const [first] = report.files.keys()
    assert.equal(first, PAGE)
    const kinds = new Map(report.parts.map(({ id, kind }) => [id, kind]))
    assert.equal(kinds.size, report.parts.length, "names of files are unique")
    assert.ok(
      [...kinds.values()].filter((kind) => kind === "figure").length >= 10,
      JSON.stringify([...kinds]),
    )
    const expected = new Set([PAGE])
    for (const part of report.parts) {
      if (part.kind === "none") continue
      const folder = part.kind === "figure" ? "figures" : "tables"
      const csv = `${folder}/${part.id}.csv`
      expected.add(csv)
      const problems: string[] = []
      const rows = readCsv(csv, textOf(report, csv), part.columns, ({ message }) => problems.push(message))
      assert.deepEqual(problems, [])
      assert.equal(rows.length, part.rows.length, csv)
      assert.ok(rows.length > 0, csv)
      // Any other reader of CSV finds the same cells.
      const { data, errors } = Papa.parse<string[]>(textOf(report, csv).trimEnd())
      assert.deepEqual(errors, [])
      assert.ok(
        data.every((cells) => cells.length === part.columns.length),
        csv,
      )
      if (part.kind !== "figure") continue
      expected.add(`figures/${part.id}.svg`).add(`figures/${part.id}.png`)
      assert.match(part.svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/)
      assert.doesNotMatch(part.svg, /NaN|undefined|Infinity|<script|href=|<image/, part.id)
      const png = report.files.get(`figures/${part.id}.png`)!
      assert.deepEqual([...png.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47])
      const width = Number(/ width="(\d+)"/.exec(part.svg)![1])
      assert.equal(new DataView(png.buffer, png.byteOffset).getUint32(16), 2 * width, part.id)
    }
    assert.deepEqual(new Set(report.files.keys()), expected)
  })
})

test("the page holds everything and loads nothing; no number in it is none", async () => {
  await withArchivable(async (study) => {
    const report = await buildReport(study, VERSION)
    const page = textOf(report, PAGE)
    for (const { id } of report.parts) assert.ok(page.includes(`<article id="${id}">`), id)
    assert.doesNotMatch(page, /\ssrc=|url\(|@import|<script|<link|<iframe/)
    const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)
    for (const href of links) {
      assert.ok(href.startsWith("#") || report.files.has(href), `${href} leads to no file of the report`)
    }
    assert.doesNotMatch(page, /NaN|undefined|Infinity/)
    assert.doesNotMatch(page, /Philomena|secret-folder/)
  })
})

test("the same study gives the same bytes, pictures included", async () => {
  await withArms("none", async (study) => {
    const hash = async (): Promise<string[]> =>
      [...(await buildReport(study, VERSION)).files].map(
        ([path, bytes]) => `${path} ${createHash("sha256").update(bytes).digest("hex")}`,
      )
    assert.deepEqual(await hash(), await hash())
  })
})

test("numbers of a store that can be counted by hand", async () => {
  await withStudy(async ({ study }) => {
    await storeStudy(study)
    // One song of 180 s was skipped after 90 s, another was heard to its end.
    const report = await buildReport(study, VERSION)
    const [row, ...others] = tableOf(report, "descriptives").rows
    assert.deepEqual(others, [])
    assert.deepEqual(
      [row.wave, row.arm, row.listeners, row.plays, row.slips, row.songs, row.skipped],
      [1, "model", 1, 2, 0, 2, 0.5],
    )
    assert.ok(Math.abs((row.heard_mean as number) - 0.75) < 1e-12)
    assert.deepEqual([row.finished_mean, row.heard_sd, row.hours], [0.5, null, 0.075])
    assert.match(because(report, "arms-compared"), /^the study has one arm/)
    assert.match(because(report, "changes"), /^a change takes plays of a first wave and of a later one/)
    assert.match(because(report, "hazard"), /^no model has been estimated yet/)
    assert.match(because(report, "diagnostics"), /^no model/)
    const ends = tableOf(report, "ends").rows.map(({ end, plays, taken_as }) => [end, plays, taken_as])
    assert.deepEqual(ends, [
      ["finished", 1, "at least this long"],
      ["skipped", 1, "the listener's choice"],
    ])
    const page = textOf(report, PAGE)
    assert.ok(page.includes("No answer, because the study has one arm"), "the page says why")
  })
})

test("before the first song and the first play everything has a reason in place of an answer", async () => {
  await withStudy(
    async ({ study }) => {
      const report = await buildReport(study, VERSION)
      const answered = report.parts.flatMap(({ id, kind }) => (kind === "none" ? [] : [id]))
      // Somebody is enrolled, and the checks find that there are no songs.
      assert.deepEqual(answered, ["quality", "flow"])
      for (const part of report.parts) {
        if (part.kind === "none") assert.match(part.because, /^[a-z].{10,}[^.]$/)
      }
      assert.ok(textOf(report, PAGE).includes("No board has been in contact yet."))
    },
    { arms: [{ name: "model", design: "model", share: 1 }] },
  )
})

test("arms are compared by Welch's test over listeners, and the file has what the test was made from", async () => {
  await withArms("none", async (study) => {
    const report = await buildReport(study, VERSION)
    const compared = tableOf(report, "arms-compared")
    const [primary, ...others] = compared.rows
    assert.deepEqual(
      [primary.measure, primary.period, primary.primary, primary.arm, primary.versus],
      ["share heard", "wave 2", true, "tailored", "nearby"],
    )
    assert.ok(others.every((row) => row.primary === false))
    const people = partOf(report, "share-heard-by-arm")
    assert.ok(people.kind === "figure")
    const of = (arm: string): number[] =>
      people.rows
        .filter((row) => row.wave === 2 && row.arm === arm && row.row === "subject")
        .map(({ value }) => value as number)
    const expected = welchTest(of("tailored"), of("nearby"))
    assert.ok("t" in expected)
    assert.deepEqual(
      [primary.t, primary.df, primary.p, primary.low, primary.high, primary.difference],
      [expected.t, expected.df, expected.p, expected.low, expected.high, expected.difference],
    )
    assert.ok((primary.bootstrap_low as number) <= (primary.difference as number))
    assert.ok((primary.bootstrap_high as number) >= (primary.difference as number))
    // Everybody hears each song of ten once, so a mean over plays is the mean over listeners.
    assert.ok(Math.abs((primary.plays_difference as number) - expected.difference) < 1e-9)
    const change = compared.rows.find(({ period }) => period === "change from wave 1 to wave 2")!
    assert.deepEqual([change.n_arm, change.n_versus, change.plays_difference], [3, 3, null])
    const changes = tableOf(report, "changes").rows
    const tailored = changes.find((row) => row.measure === "share heard" && row.arm === "tailored")!
    assert.ok(Math.abs((tailored.mean as number) - (change.mean_arm as number)) < 1e-12)
    assert.ok((tailored.best as number) >= (tailored.median as number))
    assert.ok((tailored.median as number) >= (tailored.worst as number))
    assert.equal(report.findings.length, 1)
    assert.match(report.findings[0], /^Primary outcome, share heard, wave 2: tailored .* p (= |< )\.\d+\)\.$/)
  })
})

test("plays are foretold by models from before them only", async () => {
  await withArms("none", async (study) => {
    const foretold = partOf(await buildReport(study, VERSION), "foretold")
    assert.ok(foretold.kind === "figure")
    // Ten plays of each of six listeners in the second wave; the first had no model before it.
    assert.equal(
      foretold.rows.reduce((sum, { plays }) => sum + (plays as number), 0),
      60,
    )
    for (const { expected, happened } of foretold.rows) {
      assert.ok((expected as number) > 0 && (expected as number) < 1)
      assert.ok((happened as number) >= 0 && (happened as number) <= 1)
    }
  })
})

test("a blind report has codes in an order of their own and nothing of the designs; unblinding shows both", async () => {
  await withArms("double", async (study) => {
    const telling = /tailored|nearby|gower|thompson/i
    const blind = await buildReport(study, VERSION)
    assert.ok(blind.blind)
    assert.doesNotMatch(allText(blind), telling)
    assert.match(because(blind, "price"), /^the study is blind/)
    assert.match(textOf(blind, PAGE), /The study is blind\. Arms are shown by their codes/)
    const order = (report: Report): unknown[] => {
      const flow = partOf(report, "flow")
      assert.ok(flow.kind === "figure")
      return [...new Set(flow.rows.flatMap(({ arm }) => arm ?? []))]
    }
    // In the order of the plan, codes would tell their arms.
    assert.deepEqual(order(blind), ["A", "B"])
    assert.equal(tableOf(blind, "arms-compared").rows[0].arm, "A")
    await unblind(study, "the last wave is over", START + 20 * HOUR)
    const open = await buildReport(study, VERSION)
    assert.deepEqual(order(open), ["tailored", "nearby"])
    assert.equal(partOf(open, "price").kind, "figure")
    // What is measured does not depend on who looks.
    const sizes = (report: Report): number[] =>
      tableOf(report, "arms-compared").rows.map(({ difference }) => Math.abs(difference as number))
    const rounded = (report: Report): string[] => sizes(report).map((size) => size.toFixed(12))
    assert.deepEqual(rounded(open), rounded(blind))
  })
})

test("a blind study without codes compares nobody, and does not call its arms one", async () => {
  const arms = [
    { name: "tailored", design: "model" as const, share: 1 },
    { name: "nearby", design: "gower" as const, share: 1 },
  ]
  await withPeople(2, { arms, blind: "double" }, async (study) => {
    await runRound(study, { now: START + HOUR })
    await listen(study, 1, 1, START + 2 * HOUR)
    const report = await buildReport(study, VERSION)
    assert.equal(because(report, "arms-compared"), "the study is blind and its arms have no codes yet")
    assert.doesNotMatch(allText(report), /tailored|nearby/)
  })
})

test("times that the plan does not export are in no figure", async () => {
  const privacy = { labels: true, bodies: "until-archived" as const }
  await withPeople(2, { privacy: { ...privacy, exportTimes: "date" } }, async (study) => {
    await runRound(study, { now: START + HOUR })
    await listen(study, 1, 1, START + 2 * HOUR)
    const report = await buildReport(study, VERSION)
    assert.equal(partOf(report, "days").kind, "figure")
    assert.match(because(report, "hours"), /^the plan exports no hours/)
    assert.match(textOf(report, PAGE), /As of the last contact, \d{4}-\d\d-\d\d\./)
  })
  await withPeople(2, { privacy: { ...privacy, exportTimes: "none" } }, async (study) => {
    await runRound(study, { now: START + HOUR })
    await listen(study, 1, 1, START + 2 * HOUR)
    const report = await buildReport(study, VERSION)
    assert.match(because(report, "days"), /^the plan exports no times/)
    assert.match(because(report, "hours"), /^the plan exports no hours/)
    assert.doesNotMatch(allText(report), /2023-11/)
  })
})

test("names that are markup or formulas stay text", async () => {
  const arms = [
    { name: '=1+1</text><script>"x"', design: "model" as const, share: 1 },
    { name: "Θέλω & ≥", design: "random" as const, share: 1 },
  ]
  await withPeople(4, { arms, name: "a <b> & c" }, async (study) => {
    await runRound(study, { now: START + HOUR })
    for (const subject of [1, 2, 3, 4]) await listen(study, subject, 1, START + 2 * HOUR)
    const report = await buildReport(study, VERSION)
    const drawn = [...report.files.keys()].filter((path) => /\.(svg|html)$/.test(path))
    for (const path of drawn) assert.doesNotMatch(textOf(report, path), /<\/text><script|<b>/, path)
    assert.match(textOf(report, "tables/descriptives.csv"), /"'=1\+1<\/text><script>""x"""/)
  })
})

test("letters that the font lacks are known, and those it has need no font of the machine", () => {
  assert.equal(foreignLetters("Größe, Привет, Ελλάδα, עברית, العربية, σ ≤ β – ±"), "")
  assert.equal(foreignLetters("你好 한"), "你好한")
  const svg = (text: string): string =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><text x="2" y="15" font-family="nowhere">${text}</text></svg>`
  // Text leaves ink on a machine without fonts: the picture is another one than that of no text.
  assert.notDeepEqual(rasterise(svg("Привет")), rasterise(svg("")))
})

test("fieldtune report writes the files, says what to read first, and takes away what an older report left", async () => {
  await withFolder(async (dir) => {
    const made = await fieldtune(["init", "--study", "study", "--json"], dir)
    assert.equal(made.code, 0, made.stderr)
    const study = join(dir, "study")
    const { mkdirSync, writeFileSync, existsSync, readFileSync } = await import("node:fs")
    const stale = join(study, "exports", "report", "figures", "price.png")
    mkdirSync(join(stale, ".."), { recursive: true })
    writeFileSync(stale, "of an older report")
    const run = await fieldtune(["report", "--json"], study)
    assert.equal(run.code, 0, run.stderr)
    const { page, files, parts, blind } = JSON.parse(run.stdout)
    assert.equal(blind, false)
    for (const path of files) assert.ok(existsSync(join(study, "exports", "report", path)), path)
    assert.match(readFileSync(page, "utf8"), /^<!doctype html>/)
    assert.ok(!existsSync(stale))
    assert.ok(
      parts.every((part: { kind: string; noAnswer?: string }) => part.kind !== "none" || part.noAnswer),
    )
    const text = await fieldtune(["report", "--out", join(dir, "elsewhere")], study)
    assert.equal(text.code, 0, text.stderr)
    assert.match(text.stdout, /Read first: .*report\.html/)
    assert.match(text.stdout, /\nNext: fieldtune /)
    assert.ok(existsSync(join(dir, "elsewhere", PAGE)))
  })
})
