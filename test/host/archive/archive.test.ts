import assert from "node:assert/strict"
import { mkdir } from "node:fs/promises"
import { test } from "node:test"
import { zipSync } from "fflate"
import Papa from "papaparse"
import { manifest } from "../../../host/archive/check.js"
import { pretty, sha256 } from "../../../host/archive/describe.js"
import { verifyArchive } from "../../../host/archive/verify.js"
import { buildArchive } from "../../../host/archive/write.js"
import { pack, unpack } from "../../../host/archive/zip.js"
import { runRound } from "../../../host/round.js"
import { unblind } from "../../../host/study/blind.js"
import { enrolSubject } from "../../../host/study/enrol.js"
import type { Plan } from "../../../host/study/plan.js"
import type { Study } from "../../../host/study/study.js"
import { withdraw } from "../../../host/study/withdraw.js"
import { KEY, START, withFolder } from "../study/folder.js"
import { deviceOf, HOUR, sync } from "../study/people.js"
import { BOARDS, LABEL, PROGRAM, SONG_FILE, withArchivable } from "./small-study.js"

const PSEUDONYM_KEY = new Uint8Array(32).fill(7)

async function verify(bytes: Uint8Array) {
  return withFolder(async (dir) => {
    await mkdir(dir, { recursive: true })
    return verifyArchive(bytes, { place: "archive.zip", dir })
  })
}

const texts = (bytes: Uint8Array): Map<string, string> =>
  new Map(
    [...unpack("archive.zip", bytes)].map(([path, content]) => [
      path,
      Buffer.from(content).toString("latin1"),
    ]),
  )

const lines = (bytes: Uint8Array, table: string): string[] =>
  texts(bytes).get(`data/${table}.csv`)!.trimEnd().split("\r\n")

test("a study is archived to the same bytes each time, and repeats to the same numbers", async () => {
  await withArchivable(async (study) => {
    const first = await buildArchive(study, { program: PROGRAM })
    assert.deepEqual(first.rerun!.differences, [])
    assert.deepEqual(first.rerun!.notRepeated, [])
    // Four first rounds of nobody's plays, then estimates of everybody for each of two rounds.
    assert.equal(first.rerun!.passes, 3 + 4 + 4)
    const second = await buildArchive(study, { program: PROGRAM, workers: 2 })
    assert.equal(Buffer.compare(first.bytes, second.bytes), 0)

    const verification = await verify(first.bytes)
    assert.deepEqual(verification.problems, [])
    assert.deepEqual(verification.notes, [])
    assert.ok(verification.valid)
    assert.equal(verification.rerun!.repeated, 11)

    const files = texts(first.bytes)
    for (const [path, content] of files) {
      assert.ok(!content.includes(LABEL), `${path} has a label`)
      assert.ok(!content.includes(SONG_FILE), `${path} has a path`)
      assert.ok(!content.includes("fell into a lake"), `${path} has what somebody wrote of a board`)
      assert.ok(!content.includes(Buffer.from(KEY).toString("hex")), `${path} has a key`)
      assert.ok(!content.includes(Buffer.from(KEY).toString("latin1")), `${path} has a key`)
      assert.ok(!content.includes("body of request"), `${path} has a sealed body`)
    }
    assert.equal(lines(first.bytes, "plans").length, 3)
    assert.match(lines(first.bytes, "plans")[2], /the lists were too short/)
    // Every design has every song as a candidate: 4 random lists, then 4 in two waves each.
    assert.equal(lines(first.bytes, "candidates").length - 1, 12 * 60)
    assert.equal(lines(first.bytes, "missing_sequences").length - 1, 1)
    assert.equal(lines(first.bytes, "quarantine").length - 1, 1)
    assert.match(files.get("README.md")!, /1 ranges of sequences have not arrived/)
  })
})

test("answers are archived with the question; a pseudonymised archive has no free text", async () => {
  await withArchivable(async (study) => {
    const asked = { text: "What did you like?", kind: "text" as const }
    const scale = { text: "Liked it?", kind: "likert" as const, points: 5 }
    const pick = { text: "Where?", kind: "choice" as const, options: ["home", "bus"] }
    const of = { subject: 2, source: "page" as const }
    await study.store.surveys.record(
      [
        { ...of, question: "what", asked, answer: "the song of my aunt Philippa" },
        { ...of, question: "liked", asked: scale, answer: 3 },
        { ...of, question: "where", asked: pick, answer: "bus" },
        { ...of, question: "liked", asked: scale, answer: 4 },
      ],
      START + 11 * HOUR,
    )
    const rows = (bytes: Uint8Array): string[][] => {
      const [header, ...rest] = Papa.parse<string[]>(lines(bytes, "surveys").join("\n")).data
      const named = ["question", "number", "choice", "text", "replaced"].map((name) => header.indexOf(name))
      return rest.map((row) => named.map((column) => row[column]))
    }
    const open = await buildArchive(study, { program: PROGRAM })
    assert.deepEqual(rows(open.bytes), [
      ["what", "", "", "the song of my aunt Philippa", "false"],
      ["liked", "3", "", "", "true"],
      ["where", "", "bus", "", "false"],
      ["liked", "4", "", "", "false"],
    ])
    assert.match(lines(open.bytes, "surveys")[1], /What did you like\?/)
    const hidden = await buildArchive(study, { program: PROGRAM, pseudonymKey: PSEUDONYM_KEY })
    assert.deepEqual(rows(hidden.bytes)[0], ["what", "", "", "", "false"])
    assert.equal(rows(hidden.bytes)[3][1], "4")
    for (const [path, content] of texts(hidden.bytes)) {
      assert.ok(!content.includes("Philippa"), `${path} has the free text`)
    }
    for (const { bytes } of [open, hidden]) assert.deepEqual((await verify(bytes)).problems, [])
  })
})

test("a pseudonymised archive verifies and has no number, id or date of the study", async () => {
  await withArchivable(async (study) => {
    const { bytes } = await buildArchive(study, { program: PROGRAM, pseudonymKey: PSEUDONYM_KEY })
    const again = await buildArchive(study, { program: PROGRAM, pseudonymKey: PSEUDONYM_KEY })
    assert.equal(Buffer.compare(bytes, again.bytes), 0)
    const verification = await verify(bytes)
    assert.deepEqual(verification.problems, [])
    assert.equal(verification.rerun!.repeated, verification.rerun!.passes)
    const days = new Set([START, START + 12 * HOUR].map((at) => new Date(at).toISOString().slice(0, 10)))
    for (const [path, content] of texts(bytes)) {
      for (const board of BOARDS) assert.ok(!content.includes(board), `${path} has the board ${board}`)
      for (const day of days) assert.ok(!content.includes(day), `${path} has the day ${day}`)
      for (const text of [LABEL, "the lists were too short"])
        assert.ok(!content.includes(text), `${path}: ${text}`)
    }
    const numbers = lines(bytes, "subjects")
      .slice(1)
      .map((line) => line.split(",").slice(0, 2).map(Number))
    assert.deepEqual(
      numbers.map(([subject]) => subject),
      [1, 2, 3, 4],
    )
    assert.notDeepEqual(
      numbers.map(([, number]) => number),
      [1, 2, 3, 4],
    )
    const shift = START - Date.parse(lines(bytes, "devices")[1].split(",")[1])
    assert.equal(shift % (7 * 24 * HOUR), 0)
    assert.ok(shift > 365 * 24 * HOUR)
  })
})

test("every changed, missing, added and renamed file of an archive is found", async () => {
  await withArchivable(async (study) => {
    const { bytes } = await buildArchive(study, { program: PROGRAM })
    const files = unpack("archive.zip", bytes)
    const tampered = async (change: (files: Map<string, Uint8Array>) => void): Promise<string[]> => {
      const copy = new Map(files)
      change(copy)
      // Not compressed: there are hundreds.
      const { problems, valid } = await verify(zipSync(Object.fromEntries(copy), { level: 0 }))
      assert.ok(!valid)
      return problems.map(({ message }) => message)
    }
    for (const [path, content] of files) {
      for (const at of [0, Math.floor(content.length / 2), content.length - 1]) {
        const problems = await tampered((copy) => {
          const other = new Uint8Array(content)
          other[at] ^= 1
          copy.set(path, other)
        })
        assert.ok(
          problems.some((message) => message.includes(path) || path === "manifest.json"),
          `byte ${at} of ${path}: ${problems[0]}`,
        )
      }
      const missing = await tampered((copy) => copy.delete(path))
      assert.ok(
        missing.some((message) => message.includes(path)),
        `without ${path}: ${missing[0]}`,
      )
    }
    const added = await tampered((copy) => copy.set("data/more.csv", new Uint8Array(3)))
    assert.match(added[0], /"data\/more.csv": must be listed in manifest.json/)
    const renamed = await tampered((copy) => {
      copy.set("data/song.csv", copy.get("data/songs.csv")!)
      copy.delete("data/songs.csv")
    })
    assert.match(
      renamed[0],
      /"data\/songs.csv": is listed in manifest.json and must be there, got no such file/,
    )
  })
})

/** The archive with one cell changed, and every hash made to fit. */
function forged(
  bytes: Uint8Array,
  name: string,
  column: string,
  change: (value: string) => string,
): Uint8Array {
  const files = unpack("archive.zip", bytes)
  const path = `data/${name}.csv`
  const [header, ...rows] = Buffer.from(files.get(path)!).toString().split("\r\n")
  const at = header.split(",").indexOf(column)
  // A row without quotes, so that commas are what they seem.
  const line = rows.findIndex((row) => !row.includes('"') && row.split(",")[at] !== "")
  const cells = rows[line].split(",")
  cells[at] = change(cells[at])
  rows[line] = cells.join(",")
  const content = Buffer.from([header, ...rows].join("\r\n"))
  files.set(path, new Uint8Array(content))
  const described = JSON.parse(Buffer.from(files.get("datapackage.json")!).toString())
  const resource = described.resources.find((candidate: { name: string }) => candidate.name === name)
  Object.assign(resource, { bytes: content.length, hash: `sha256:${sha256(content)}` })
  files.set("datapackage.json", new TextEncoder().encode(pretty(described)))
  files.delete("manifest.json")
  files.set("manifest.json", new TextEncoder().encode(manifest(files)))
  return pack(files)
}

test("a forged number is found by the repetition, whatever the hashes say", async () => {
  await withArchivable(async (study) => {
    const { bytes } = await buildArchive(study, { program: PROGRAM })
    const more = (value: string): string => String(Number(value) + 1)
    const forgeries: [string, string, (value: string) => string, RegExp][] = [
      ["plays", "heard_ms", more, /^model \d+ \(taste of subject 1, version 1\): the particles' SHA-256/],
      [
        "candidates",
        "utility",
        (value) => String(2 * Number(value)),
        /^data\/candidates\.csv, playlist 5, song \d+, utility: must be/,
      ],
      ["candidates", "propensity", () => "0.5", /propensity: must be .*, as repeated, got 0\.5/],
      [
        "weights",
        "log_weight",
        more,
        /^model \d+ \(taste of subject \d, version \d\): must have the averaging weights/,
      ],
      [
        "plays",
        "song",
        () => "60000",
        /^data\/plays\.csv, line 2, song: must be in song of data\/songs\.csv, got 60000/,
      ],
      [
        "plays",
        "sequence",
        () => "77",
        /^data\/plays\.csv: must have every sequence .*, got 00112233aabbcc01, epoch 9, 1 to 1/,
      ],
      ["plays", "volume", () => "16", /^data\/plays\.csv, line 2, volume: must be at most 15, got 16/],
      ["devices", "device", () => "x", /^data\/devices\.csv, line 2, device: must match/],
      ["plays", "play", () => "2", /^data\/plays\.csv, line 3: play must be there once, got \[2\]/],
      ["flow", "count", more, /^flow\.svg: must be the figure of data\/flow\.csv/],
    ]
    for (const [name, column, change, expected] of forgeries) {
      const { problems, valid } = await verify(forged(bytes, name, column, change))
      assert.ok(!valid, `${name}, ${column}`)
      assert.ok(
        problems.some(({ message }) => expected.test(message)),
        `${name}, ${column}: ${problems
          .map(({ message }) => message)
          .slice(0, 3)
          .join("\n")}`,
      )
    }
  })
})

test("an archive without one of its tables, or with one that makes no sense, is refused with a reason", async () => {
  await withArchivable(async (study) => {
    const { bytes } = await buildArchive(study, { program: PROGRAM })
    const changed = async (change: (described: any) => void): Promise<string[]> => {
      const files = unpack("archive.zip", bytes)
      const described = JSON.parse(Buffer.from(files.get("datapackage.json")!).toString())
      change(described)
      files.set("datapackage.json", new TextEncoder().encode(pretty(described)))
      files.delete("manifest.json")
      files.set("manifest.json", new TextEncoder().encode(manifest(files)))
      const { problems, valid } = await verify(pack(files))
      assert.ok(!valid)
      return problems.map(({ message }) => message)
    }
    const without = await changed((described) => {
      described.resources = described.resources.filter(({ name }: { name: string }) => name !== "plays")
    })
    assert.match(without[0], /^datapackage\.json: must describe data\/plays\.csv, got no such resource$/)
    const retyped = await changed((described) => {
      described.resources[0].schema.fields[0].type = "string"
    })
    assert.match(retyped[0], /must describe the column subject of data\/subjects\.csv as integer, got string/)
    const pattern = await changed((described) => {
      described.resources[1].schema.fields[0].constraints.pattern = "^(a+)+$"
    })
    assert.match(pattern[0], /must have a pattern that fieldtune writes, got \^\(a\+\)\+\$/)
    const path = await changed((described) => {
      described.resources[1].path = "../../etc/passwd"
    })
    assert.match(path[0], /resource devices must be data\/devices\.csv, once, got \.\.\/\.\.\/etc\/passwd/)
  })
})

test("what a withdrawal made impossible to repeat is listed and not failed", async () => {
  const leave = async (study: Study): Promise<void> => {
    await withdraw(study, 2, "no more time", START + 8 * HOUR + 5)
  }
  await withArchivable(
    async (study) => {
      const { bytes } = await buildArchive(study, { program: PROGRAM })
      const { problems, valid, rerun } = await verify(bytes)
      assert.deepEqual(problems, [])
      assert.ok(valid)
      assert.deepEqual(
        rerun!.notRepeated.map(({ what }) => what),
        ["round 2 (wave 2)"],
      )
      assert.match(rerun!.notRepeated[0].why, /withdrawal/)
      assert.equal(rerun!.repeated, rerun!.passes - 1)
      assert.ok(!lines(bytes, "plays").some((line) => line.includes(`,${BOARDS[1]},`)))
      const flow = lines(bytes, "flow").filter((line) => line.startsWith("withdrawn,"))
      assert.deepEqual(
        flow.map((line) => line.split(",").slice(0, 4).join()),
        ["withdrawn,model,,0", "withdrawn,gower,,1"],
      )
      assert.ok(![...texts(bytes).values()].some((content) => content.includes("no more time")))
    },
    {},
    leave,
  )
})

test("a blind study is archived on request only, and without what tells of an arm", async () => {
  await withArchivable(
    async (study) => {
      await assert.rejects(buildArchive(study, { program: PROGRAM }), /the study is blind: --blind/)
      const { bytes, rerun } = await buildArchive(study, { program: PROGRAM, blind: true })
      assert.equal(rerun, null)
      const { problems, valid, notes } = await verify(bytes)
      assert.deepEqual([problems, valid], [[], true])
      assert.match(notes[0], /blind/)
      const files = texts(bytes)
      assert.ok(!files.has("data/candidates.csv") && !files.has("data/allocations.csv"))
      for (const [path, content] of files) {
        if (path.startsWith("plans/")) continue
        assert.ok(!/gower/.test(content) || path === "codebook.md", `${path} names an arm`)
      }
      assert.match(lines(bytes, "subjects")[1], /^1,1,[XY],/)
      // Not even the plan says which code is which arm.
      assert.doesNotMatch(files.get("plans/plan-1.json")!, /"code"/)
      assert.equal(lines(bytes, "playlist_items")[0], "playlist,position,song")
      await unblind(study, "all have finished", START + 12 * HOUR)
      assert.notEqual((await buildArchive(study, { program: PROGRAM })).rerun, null)
    },
    {
      blind: "double",
      arms: [
        { name: "model", design: "model", share: 1, code: "X" },
        { name: "gower", design: "gower", share: 1, code: "Y" },
      ],
    },
  )
})

test("clocks of boots have what others saw of the host's clock", async () => {
  const moved = async (study: Study): Promise<void> => {
    // Two hours back on this computer's clock, as the first board's uptime shows.
    await sync(study, deviceOf(1), { up: 9 * HOUR }, START + 7 * HOUR)
    await study.store.clocks.settle(START + 9 * HOUR)
  }
  await withArchivable(
    async (study) => {
      const { bytes } = await buildArchive(study, { program: PROGRAM })
      assert.deepEqual((await verify(bytes)).problems, [])
      const [header, ...rows] = lines(bytes, "boot_clocks").map((line) => line.split(","))
      const [early, late] = ["early_ms", "late_ms"].map((name) => header.indexOf(name))
      assert.ok(rows.some((cells) => Number(cells[early]) < -HOUR || Number(cells[late]) > HOUR))
      assert.ok(rows.every((cells) => Number(cells[early]) <= 0 && Number(cells[late]) >= 0))
      assert.match(texts(bytes).get("codebook.md")!, /\| early_ms \| number \| ms \| How much earlier/)
    },
    {},
    moved,
  )
})

test("the key of the allocation is opened by unblinding, or on request, and verified", async () => {
  const blindPlan: Partial<Plan> = {
    blind: "double",
    arms: [
      { name: "model", design: "model", share: 1, code: "X" },
      { name: "gower", design: "gower", share: 1, code: "Y" },
    ],
  }
  const drawn = async (study: Study): Promise<void> => {
    for (const subject of [5, 6, 7]) {
      const wish = { subject, device: deviceOf(subject), key: KEY, at: START + 8 * HOUR + subject }
      await enrolSubject(study, wish, (bytes) => new Uint8Array(bytes).fill(0xa5))
    }
  }
  const opened = "a5".repeat(32)
  const has = (bytes: Uint8Array): boolean => lines(bytes, "allocation_key")[1].includes(opened)
  await withArchivable(
    async (study) => {
      const asked = { program: PROGRAM, blind: true, openAllocation: true }
      await assert.rejects(buildArchive(study, asked), /tells the arms of a blind study/)
      const blind = await buildArchive(study, { program: PROGRAM, blind: true })
      const closed = await verify(blind.bytes)
      assert.deepEqual([closed.valid, closed.allocation], [true, null])
      assert.match(closed.notes.join(), /the key of the allocation is not opened/)
      assert.ok(![...texts(blind.bytes).values()].some((content) => content.includes(opened)))
      const commitment = lines(blind.bytes, "allocation_key")[1].split(",")[0]

      await unblind(study, "all have finished", START + 12 * HOUR)
      const { bytes } = await buildArchive(study, { program: PROGRAM, pseudonymKey: PSEUDONYM_KEY })
      assert.ok(has(bytes))
      assert.equal(lines(bytes, "allocation_key")[1].split(",")[0], commitment)
      const { problems, allocation } = await verify(bytes)
      assert.deepEqual([problems, allocation], [[], { checked: 3, byHand: 4 }])
      const other = (arm: string): string => (arm === "model" ? "gower" : "model")
      const forgeries: [string, string, (value: string) => string, RegExp][] = [
        ["allocations", "arm", other, /must be the arm of subject 1 in/],
        ["allocations", "ordinal", () => "900000000", /place \d is missing or taken twice/],
        ["allocation_key", "key", () => "5a".repeat(32), /got key: its SHA-256 is/],
        ["allocation_key", "commitment", () => "00".repeat(32), /must be the commitment of the event/],
      ]
      for (const [name, column, change, expected] of forgeries) {
        const found = await verify(forged(bytes, name, column, change))
        assert.ok(!found.valid)
        assert.match(found.problems.map(({ message }) => message).join("\n"), expected)
      }
    },
    blindPlan,
    drawn,
  )
  await withArchivable(
    async (study) => {
      assert.ok(!has((await buildArchive(study, { program: PROGRAM })).bytes))
      const { bytes } = await buildArchive(study, { program: PROGRAM, openAllocation: true })
      assert.deepEqual((await verify(bytes)).allocation, { checked: 3, byHand: 4 })
    },
    {},
    drawn,
  )
})

test("every kind of design and policy repeats, and so does a round that was interrupted", async () => {
  const onDevice = {
    margin: 0.1,
    alternates: 4,
    lists: 2,
    after: 3,
    epsilon: 0.1,
    particles: 16,
    variables: 4,
  }
  const plans: Partial<Plan>[] = [
    { onDevice, songsPerListener: 30, designsBeforeRefit: 1 },
    {
      weights: "stacking",
      forgetting: 0.9,
      arms: [
        { name: "model", design: "thompson", share: 1 },
        { name: "gower", design: "utility", share: 1 },
      ],
    },
  ]
  const interrupt = async (study: Study): Promise<void> => {
    const progress = (done: number): void => {
      if (done === 2) throw new Error("the power went")
    }
    await assert.rejects(runRound(study, { now: START + 8 * HOUR + 9, progress }), /the power went/)
  }
  for (const plan of plans) {
    await withArchivable(
      async (study) => {
        const { bytes, rerun } = await buildArchive(study, { program: PROGRAM })
        assert.deepEqual(rerun!.differences, [])
        assert.equal(lines(bytes, "rounds").length - 1, 4)
        const { problems, rerun: again } = await verify(bytes)
        assert.deepEqual(problems, [])
        assert.equal(again!.repeated, 12)
      },
      plan,
      interrupt,
    )
  }
})

test("times are as exact as the plan exports them, and an archive without them verifies", async () => {
  for (const exportTimes of ["hour", "none"] as const) {
    await withArchivable(
      async (study) => {
        const { bytes } = await buildArchive(study, { program: PROGRAM })
        assert.deepEqual((await verify(bytes)).problems, [])
        const [header, ...rows] = lines(bytes, "plays")
        assert.ok(!/start_ms|record/.test(header))
        assert.ok(rows.length > 0)
        const all = [...texts(bytes)]
          .filter(([path]) => path.startsWith("data/"))
          .map(([, content]) => content)
        const times = all.join("").match(/\d{4}-\d\d-\d\dT[\d:.]+Z/g) ?? []
        if (exportTimes === "none") assert.deepEqual(times, [])
        else assert.ok(times.length > 0 && times.every((time) => time.endsWith(":00:00.000Z")))
      },
      { privacy: { labels: true, bodies: "until-archived", exportTimes } },
    )
  }
})
