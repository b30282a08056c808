import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { near, readReference, referencePath } from "../model/reference.js"

const PLAYS = referencePath("plays.csv")
const SONGS = referencePath("songs.csv")
const folder = mkdtempSync(join(tmpdir(), "fieldtune-fit-"))

const MAIN = fileURLToPath(new URL("../../../host/cli/main.js", import.meta.url))

/** Runs the command as a person does; what it printed, or an error with its exit code and its stderr. */
async function fit(...args: string[]): Promise<string> {
  const run = spawn(process.execPath, [MAIN, "fit", ...args], { stdio: ["ignore", "pipe", "pipe"] })
  const [out, err, [code]] = await Promise.all([text(run.stdout), text(run.stderr), once(run, "close")])
  if (code !== 0) throw new Error(`exit ${code}\n${err}`)
  // Quiet when piped, unless there is something to say.
  if (err !== "") throw new Error(`stderr: ${err}`)
  return out
}

async function fitJson(...args: string[]): Promise<any[]> {
  return JSON.parse(await fit(...args, "--json")).subjects
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

async function refusal(plays: string, songs: string): Promise<string> {
  const args = ["--plays", file("plays.csv", plays), "--songs", file("songs.csv", songs)]
  const message: string = await fit(...args).then(
    () => assert.fail("was accepted"),
    (error) => error.message,
  )
  assert.match(message, /^exit 2\nfieldtune: /)
  return message
    .replace(/^exit 2\nfieldtune: /, "")
    .trimEnd()
    .replaceAll(folder, "")
}

test("the reference data: every subject within the stated bounds, in the order of names, the constant first", async () => {
  const subjects = await fitJson(
    "--plays",
    PLAYS,
    "--songs",
    SONGS,
    "--ignore",
    "song_constant",
    "--blocks",
    "1",
  )
  assert.deepEqual(
    subjects.map((s) => s.subject),
    [1, 2, 3, 4, 5],
  )
  const { names } = readReference("particles.json").truth
  for (const s of subjects) {
    assert.deepEqual(s.names, names)
    const reference = readReference("gibbs.json").numpy[`s${s.subject}_b1`]
    for (const q of names.keys()) {
      near(s.inclusion[q], reference.pip[q], 0.08, `subject ${s.subject} ${names[q]}`)
      near(s.mean[q], reference.mean[q], 0.25 * reference.sd[q], `subject ${s.subject} ${names[q]}`)
    }
    assert.deepEqual([s.plays, s.particles, s.khat, s.warnings], [500, 500, null, []])
    assert.ok(s.censored > 100 && s.ess > 100 && s.sigma > 0.4 && s.sigma < 0.6)
  }
})

test("without --blocks all blocks are taken in; --subject picks one; the seed decides every digit", async () => {
  const args = [
    "--plays",
    PLAYS,
    "--songs",
    SONGS,
    "--ignore",
    "song_constant",
    "--subject",
    "2",
    "--draws",
    "200",
  ]
  const [found, again] = [await fit(...args, "--json"), await fit(...args, "--json")]
  assert.equal(found, again)
  assert.notEqual(found, await fit(...args, "--json", "--seed", "2"))
  const [subject] = JSON.parse(found).subjects
  assert.deepEqual([subject.subject, subject.plays, subject.blocks], [2, 1000, 2])
  assert.equal(typeof subject.khat, "number")
  const { mean, sd, pip } = readReference("gibbs.json").numpy.s2_b12
  for (const q of mean.keys()) {
    near(subject.mean[q], mean[q], 0.3 * sd[q], `mean ${q}`)
    near(subject.inclusion[q], pip[q], 0.1, `inclusion ${q}`)
  }
})

test("as text: a table per subject, with the notes under it", async () => {
  const table = await fit(
    "--plays",
    PLAYS,
    "--songs",
    SONGS,
    "--subject",
    "1",
    "--blocks",
    "1",
    "--draws",
    "50",
  )
  assert.match(table, /^Subject 1: 500 plays, 150 of them censored; sigma 0\.\d+; 50 particles/)
  assert.match(table, /attribute +in model +mean +sd\n/)
  assert.match(table, /\nMood +1\.00 +0\.5\d\d/)
})

const SMALL_SONGS = "song,title,genre,tempo,flat\nA,One,Rock,1,3\nB,Two,Pop,2,3\nC,Three,Pop,4,3\n"

test("duration_s is in seconds and drops slips; log_duration wins and is taken as it is; texts are never attributes", async () => {
  const songs = file("small-songs.csv", SMALL_SONGS)
  const seconds = file(
    "seconds.csv",
    "subject,song,duration_s,censored\n7,A,60,0\n7,B,0.4,0\n7,C,200,1\n7,A,30,0\nx,B,0.1,0\n",
  )
  const [seven, x] = await fitJson("--plays", seconds, "--songs", songs, "--draws", "50")
  assert.deepEqual(seven.names, ["Constant", "tempo"])
  assert.deepEqual([seven.plays, seven.censored], [3, 1])
  assert.match(seven.warnings.join("\n"), /1 plays under 0.5 s left out/)
  assert.match(seven.warnings.join("\n"), /flat left out: is 3 for every song/)
  assert.deepEqual([x.subject, x.plays, x.mean], ["x", 0, null])
  assert.match(x.warnings[0], /no plays of half a second or more/)
  const logs = file(
    "logs.csv",
    "subject,song,duration_s,log_duration,censored,mood\n7,A,60,-3.5,0,ok\n7,B,0.4,-4,0,ok\n7,C,200,0.1,1,ok\n",
  )
  const [log] = await fitJson("--plays", logs, "--songs", songs, "--draws", "50")
  assert.equal(log.plays, 3)
  assert.ok(log.mean[0] < 1)
})

test("the thesis profile runs on the same files and pins the constant", async () => {
  const [subject] = await fitJson("--plays", PLAYS, "--songs", SONGS, "--subject", "1", "--profile", "thesis")
  assert.equal(subject.mean[0], 0)
  assert.equal(subject.blocks, 2)
  assert.match(subject.warnings.join(), /pins the constant/)
})

test("a bad cell is named by file, row, column, value and rule; nothing is estimated", async () => {
  const head = "subject,song,block,log_duration,censored\n"
  const bad = await refusal(`${head}1,A,1,0.3,0\n\n1,Q,1,long,2\n1,B,x,1e999,1\n`, SMALL_SONGS)
  assert.deepEqual(bad.split("\n  "), [
    '/plays.csv: row 4, column song: must be a song of /songs.csv, got "Q"',
    '/plays.csv: row 4, column censored: must be 0, or 1 for heard to the end, got "2"',
    '/plays.csv: row 4, column log_duration: must be a number, got "long"',
    '/plays.csv: row 5, column block: must be a whole number, got "x"',
    '/plays.csv: row 5, column log_duration: must be a number, got "1e999"',
  ])
  const good = `${head}1,A,1,0.3,0\n`
  assert.match(
    await refusal(good, SMALL_SONGS.replace("B,Two,Pop,2", "A,Two,Pop,fast")),
    /row 3, column song: must stand in one row only, got "A"\n.*row 3, column tempo: must be a number; .* got "fast"/,
  )
  assert.match(
    await refusal(good.replace("censored", "ended"), SMALL_SONGS),
    /row 1: needs a column censored; there are subject, song/,
  )
  assert.match(
    await refusal(good.replace("log_duration", "time"), SMALL_SONGS),
    /needs a column log_duration or duration_s/,
  )
  assert.match(await refusal(good, "song,a,a\nA,1,2\n"), /found twice: "a"/)
  assert.match(await refusal(head, SMALL_SONGS), /row 2: needs at least one row, found none/)
  assert.match(
    await refusal(`${head}1,A,1\n`, SMALL_SONGS),
    /row 2: must have 5 cells like the header, got 3/,
  )
  assert.match(
    await refusal("subject,song,duration_s,censored\n1,A,-1,0\n", SMALL_SONGS),
    /must be seconds, 0 or more, got "-1"/,
  )
  const many = Array.from({ length: 25 }, () => "1,Q,1,0,0\n").join("")
  assert.match(await refusal(head + many, SMALL_SONGS), /and 15 more$/)
})

test("a subject that is not there and options out of range are refused by name", async () => {
  const args = ["--plays", PLAYS, "--songs", SONGS]
  await assert.rejects(fit(...args, "--subject", "9"), /--subject: .*plays.csv has no plays of "9"/)
  await assert.rejects(
    fit(...args, "--subject", "1", "--ignore", "moood", "--draws", "5"),
    /has no column "moood"/,
  )
  await assert.rejects(fit(...args, "--blocks", "1,1"), /block 1 twice/)
  await assert.rejects(fit(...args, "--draws", "0"), /whole number from 1/)
  await assert.rejects(fit(...args, "--profile", "best"), /Allowed choices are default, thesis/)
  await assert.rejects(fit("--plays", PLAYS), /required option '--songs/)
})

test("the help has an example, and a byte order mark does not hide the first column", async () => {
  assert.match(await fit("--help"), /Example:\n {2}\$ fieldtune fit --plays plays.csv/)
  const songs = file("mark.csv", `\uFEFF${readFileSync(SONGS, "utf8")}`)
  const [subject] = await fitJson(
    "--plays",
    PLAYS,
    "--songs",
    songs,
    "--subject",
    "3",
    "--blocks",
    "1",
    "--draws",
    "20",
  )
  assert.equal(subject.names.length, 19)
})

test("a smaller expected model, SSP and forgetting are what they say, and wrong values are refused", async () => {
  const base = [
    "--plays",
    PLAYS,
    "--songs",
    SONGS,
    "--ignore",
    "song_constant",
    "--subject",
    "5",
    "--draws",
    "200",
  ]
  const [plain] = await fitJson(...base)
  const [sparse] = await fitJson(...base, "--expected-size", "0.5", "--resampling", "ssp")
  const size = (row: any): number => row.inclusion.reduce((sum: number, value: number) => sum + value, 0)
  assert.ok(size(sparse) < size(plain), `${size(sparse)} < ${size(plain)}`)
  const [faded] = await fitJson(...base, "--forgetting", "0.4")
  // 500 plays to the power .4 and 500 more are worth 700: the constant is less certain.
  near(faded.sd[0] / plain.sd[0], Math.sqrt(1000 / 700), 0.2, "ratio of standard deviations")
  assert.equal(typeof plain.drift.p, "number")
  for (const [args, message] of [
    [["--forgetting", "0"], /exit 2\nfieldtune: --forgetting: must be above 0 and at most 1, got 0/],
    [["--forgetting", "0.9", "--profile", "thesis"], /the thesis profile never forgets, got 0.9/],
    [["--expected-size", "17"], /--expected-size: must lie between 0 and the 17 attributes, got 17/],
    [["--expected-size", "many"], /must be a number/],
  ] as [string[], RegExp][]) {
    await assert.rejects(fit(...base, ...args), message)
  }
})

test("--hazard adds the curve of a song: in order, positive, and that of the posterior's own particles", async () => {
  const args = ["--plays", PLAYS, "--songs", SONGS, "--subject", "1", "--blocks", "1", "--draws", "100"]
  const [{ hazard, sigma }] = await fitJson(...args, "--hazard", "17")
  assert.equal(hazard.song, "17")
  assert.deepEqual(hazard.probabilities, [0.1, 0.5, 0.9])
  const [low, middle, high] = hazard.quantiles
  hazard.times.forEach((t: number, k: number) => {
    assert.ok(
      low[k] >= 0 && low[k] <= middle[k] && middle[k] <= high[k] && Number.isFinite(high[k]),
      `at ${t}`,
    )
    if (k > 0) assert.ok(t > hazard.times[k - 1])
  })
  // σ is near .5: the curve rises, then falls.
  assert.ok(sigma < 0.7)
  const top = middle.indexOf(Math.max(...middle))
  assert.ok(top > 0 && top < middle.length - 1)
  const text = await fit(...args, "--hazard", "17")
  assert.match(
    text,
    /\nHazard of song 17 per unit of time, with its central 80 %: peaks at [\d.]+\ntime +hazard +low +high\n/,
  )
  assert.ok(!("hazard" in (await fitJson(...args))[0]))
  await assert.rejects(fit(...args, "--hazard", "no such"), /--hazard: .*songs.csv has no song "no such"/)
})
