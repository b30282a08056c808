// Imports: known files read to known plays, what can't be known stays null, and nothing is taken in twice.

import assert from "node:assert/strict"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import fc from "fast-check"
import { playlistText } from "../../../host/export/playlists.js"
import { readPlaysCsv } from "../../../host/import/csv.js"
import { readListenBrainz, readSpotify } from "../../../host/import/json.js"
import { songMatcher } from "../../../host/import/match.js"
import { readM3u, readPlaylist, readXspf } from "../../../host/import/playlist.js"
import { readScrobbler } from "../../../host/import/scrobbler.js"
import { fieldtune } from "../cli/run.js"
import { addSongs, withStudy } from "../study/folder.js"

const REFERENCE = new URL("../../../../test/reference/import/", import.meta.url).pathname
const line = (...cells: unknown[]): string => cells.join("\t")

describe("scrobbler logs", () => {
  test("with a header and a clock in UTC", () => {
    const text = [
      "#AUDIOSCROBBLER/1.1",
      "#TZ/UTC",
      "#CLIENT/Rockbox h3xx 1.1",
      line("Artist", "Album", "Title", 3, 365, "L", 1143374412, "62c2e20a"),
      line("Other", "", "Skipped", "", 255, "S", 1143374777, ""),
    ].join("\r\n")
    const { plays, errors } = readScrobbler(text, null)
    assert.deepEqual(errors, [])
    assert.deepEqual(plays, [
      {
        row: 4,
        startedAt: 1143374412000,
        localSecond: null,
        artist: "Artist",
        title: "Title",
        album: "Album",
        lengthMs: 365000,
        heardMs: null,
        endReason: null,
      },
      {
        row: 5,
        startedAt: 1143374777000,
        localSecond: null,
        artist: "Other",
        title: "Skipped",
        album: "",
        lengthMs: 255000,
        heardMs: null,
        endReason: "skipped",
      },
    ])
  })

  test("a real one with a byte-order mark and no header: its times are local, and nobody knows where", () => {
    const text = readFileSync(join(REFERENCE, "album-play.scrobbler.log"), "utf8")
    const { plays, errors, notes } = readScrobbler(text, null)
    assert.deepEqual([plays.length, errors.length], [40, 0])
    assert.deepEqual([plays[0].artist, plays[0].title, plays[0].lengthMs], ["Ride", "All I Want", 237000])
    assert.ok(plays.every(({ startedAt }) => startedAt === null))
    assert.ok(notes.some((note) => /40 times left out: .*--time-zone/.test(note)))
    const berlin = readScrobbler(text, "Europe/Berlin").plays[0]
    // 1500812596 is 12:23:16 on that clock, in July two hours ahead of UTC.
    assert.equal(berlin.startedAt, (1500812596 - 7200) * 1000)
  })

  test("without a clock there are no times; broken rows are named and the others go through", () => {
    const text = [
      "#TZ/UNKNOWN",
      line("A", "B", "C", 1, 10, "L", 0, ""),
      line("A", "B"),
      line("A", "", "", 1, -3, "X", 5),
    ].join("\n")
    const { plays, errors, notes } = readScrobbler(text, "UTC")
    assert.equal(plays.length, 1)
    assert.equal(plays[0].startedAt, null)
    assert.ok(notes.some((note) => /1 entries without a time/.test(note)))
    assert.deepEqual(
      errors.map(({ row, column }) => [row, column]),
      [
        [3, ""],
        [3, "rating"],
        [3, "timestamp"],
        [3, "title"],
        [4, "rating"],
        [4, "timestamp"],
        [4, "title"],
        [4, "length"],
      ],
    )
  })
})

describe("JSON logs", () => {
  const listen = {
    listened_at: 1700000000,
    track_metadata: {
      artist_name: "A",
      track_name: "T",
      release_name: "R",
      additional_info: { duration_ms: 1000 },
    },
  }

  test("ListenBrainz: an array, a payload, or a listen per line", () => {
    const wanted = [
      {
        row: 1,
        startedAt: 1700000000000,
        localSecond: null,
        artist: "A",
        title: "T",
        album: "R",
        lengthMs: 1000,
        heardMs: null,
        endReason: null,
      },
    ]
    assert.deepEqual(readListenBrainz(JSON.stringify([listen])).plays, wanted)
    assert.deepEqual(
      readListenBrainz(JSON.stringify({ listen_type: "import", payload: [listen] })).plays,
      wanted,
    )
    const lines = `${JSON.stringify(listen)}\n\n{"broken":\n${JSON.stringify(listen).replace("1700000000", "1e999")}\n`
    const { plays, errors } = readListenBrainz(lines)
    assert.deepEqual(plays, wanted)
    assert.deepEqual([...new Set(errors.map(({ row }) => row))], [2, 3])
  })

  test("Spotify's extended history: the time is that of the end, podcasts are no songs", () => {
    const stream = {
      ts: "2024-02-03T04:05:06Z",
      ms_played: 61_000,
      master_metadata_track_name: "T",
      master_metadata_album_artist_name: "A",
      master_metadata_album_album_name: "R",
      reason_start: "clickrow",
      reason_end: "fwdbtn",
      skipped: true,
    }
    const text = JSON.stringify([
      stream,
      { ...stream, master_metadata_track_name: null, episode_name: "E" },
      { ...stream, ms_played: -1 },
    ])
    const { plays, errors, notes } = readSpotify(text)
    assert.deepEqual(plays, [
      {
        row: 1,
        startedAt: Date.parse("2024-02-03T04:04:05Z"),
        localSecond: null,
        artist: "A",
        title: "T",
        album: "R",
        lengthMs: null,
        heardMs: 61000,
        endReason: "skipped",
      },
    ])
    assert.deepEqual(
      errors.map(({ row, column }) => [row, column]),
      [[3, "ms_played"]],
    )
    assert.ok(notes.some((note) => note.startsWith("1 streams are no songs")))
    const account = [{ endTime: "2024-02-03 04:05", artistName: "A", trackName: "T", msPlayed: 60_000 }]
    assert.equal(readSpotify(JSON.stringify(account)).plays[0].startedAt, Date.parse("2024-02-03T04:04:00Z"))
  })

  test("deep nesting, other values and empty files are refused in words", () => {
    for (const text of ["", "[".repeat(100_000), "7", '{"payload":3}']) {
      assert.throws(() => readListenBrainz(text).plays.length || assert.fail("no plays"), {
        name: /ImportError|AssertionError/,
      })
    }
  })
})

test("CSV: columns by many names, times with a zone, apostrophes of spreadsheets taken off", () => {
  const { plays, errors, notes } = readPlaysCsv(
    "Track,Artist,started_at,heard_ms,duration_s,x\n'=1+1,A,2024-01-01T10:00:00+01:00,30000,61.5,\nT,A,2024-01-01 10:00,,,\nT,,1700000000,NaN,1e999,\n",
  )
  assert.deepEqual(plays, [
    {
      row: 2,
      startedAt: Date.parse("2024-01-01T09:00:00Z"),
      localSecond: null,
      artist: "A",
      title: "=1+1",
      album: "",
      lengthMs: 61500,
      heardMs: 30000,
      endReason: null,
    },
  ])
  assert.deepEqual(
    errors.map(({ row, column }) => [row, column]),
    [
      [3, "started_at"],
      [4, "artist"],
      [4, "duration_s"],
      [4, "heard_ms"],
    ],
  )
  assert.deepEqual(notes, ["the file does not say how they ended"])
  assert.throws(() => readPlaysCsv("a,b\n1,2\n"), {
    name: "ImportError",
    message: /needs columns artist and title, got "a, b"/,
  })
})

describe("playlists", () => {
  for (const file of readdirSync(join(REFERENCE, "xspf", "pass"))) {
    test(`XSPF: takes ${file}`, () => {
      readXspf(readFileSync(join(REFERENCE, "xspf", "pass", file), "utf8"))
    })
  }
  for (const file of readdirSync(join(REFERENCE, "xspf", "fail"))) {
    test(`XSPF: refuses ${file}`, () =>
      assert.throws(() => readXspf(readFileSync(join(REFERENCE, "xspf", "fail", file), "utf8")), {
        name: "ImportError",
      }))
  }

  test("XSPF: a document type is refused before any of its entities is looked at", () => {
    const bomb =
      '<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList/></playlist>'
    assert.throws(() => readXspf(bomb), { name: "ImportError", message: /document type/ })
  })

  test("what is exported comes back, in every format", () => {
    const songs = [
      { id: 1, source: "1", title: 'T <&> "1"', artist: "A", lengthMs: 61_000, file: "a b/ö.mp3" },
      { id: 2, source: "2", title: "U", artist: "B", lengthMs: 3000, file: "two.mp3" },
    ]
    for (const format of ["xspf", "jspf", "m3u8"] as const) {
      const { title, tracks } = readPlaylist(playlistText(format, { title: "L", plan: null, songs }))
      assert.equal(title, "L")
      assert.deepEqual(
        tracks.map(({ artist, title: name, lengthMs, location }) => [
          artist,
          name,
          lengthMs,
          decodeURIComponent(location ?? ""),
        ]),
        songs.map((song) => [song.artist, song.title, song.lengthMs, song.file]),
        format,
      )
    }
  })

  test("M3U without anything but paths", () => {
    assert.deepEqual(
      readM3u("a.mp3\n# x\nC:\\b.mp3\n").tracks.map(({ location }) => location),
      ["a.mp3", "C:\\b.mp3"],
    )
  })
})

describe("what is hostile or broken", () => {
  const rulesOf = ({ errors }: { errors: { row: number; rule: string }[] }): unknown[] =>
    errors.map(({ row, rule }) => `${row} ${rule}`)

  test("CSV: a name with a comma and without quotes is no other artist; a quote that is never closed is named", () => {
    const shifted = readPlaysCsv("artist,title\nTyler, The Creator,EARFQUAKE\nA,B,\nA\n")
    assert.deepEqual(
      shifted.plays.map(({ artist, title }) => [artist, title]),
      [["A", "B"]],
    )
    assert.deepEqual(rulesOf(shifted).slice(0, 2), [
      "2 must have 2 cells like the header",
      "4 must have 2 cells like the header",
    ])
    assert.equal(shifted.badRows, 2)
    const open = readPlaysCsv('title,artist\nT,A\n"U,B\nV,C\n')
    assert.deepEqual(
      open.plays.map(({ row, title }) => [row, title]),
      [
        [2, "T"],
        [4, "V"],
      ],
    )
    assert.deepEqual(rulesOf(open)[0], "3 must close its quotes within 65536 characters")
    const many = readPlaysCsv(
      `title,artist\n"U,B\n${"V,C\n".repeat(30_000)}W,"a"b\nX,"D\n""E"""\n7" single,F\n`,
    )
    assert.deepEqual(
      rulesOf(many).filter((rule) => /quotes/.test(String(rule))),
      [
        "2 must close its quotes within 65536 characters",
        "30003 must have its quotes in pairs (Trailing quote on quoted field is malformed)",
        "30005 must close its quotes within 65536 characters",
      ],
    )
    assert.deepEqual(many.plays.at(-1)?.artist, 'D "E"')
    assert.equal(many.plays.length, 30_001)
    const long = readPlaysCsv(`title,artist\n${"x".repeat(70_000)},A\nT,A\n`)
    assert.deepEqual([long.plays.length, rulesOf(long)[0]], [1, "2 must have at most 65536 characters"])
    assert.equal(readPlaysCsv("title,artist\rT,A\rU,B\r").plays.length, 2)
    for (const delimiter of [";", "\t", "|"]) {
      const text = "artist,title,time\nA,B,\n".replaceAll(",", delimiter)
      assert.deepEqual([readPlaysCsv(text).plays.length, readPlaysCsv(text).badRows], [1, 0], delimiter)
    }
    assert.throws(() => readPlaysCsv(`artist,title,${"x".repeat(1 << 16)}\nA,B,\n`), {
      message: /row 1: a header has/,
    })
    assert.throws(() => readPlaysCsv("artist,title,title\nA,B,C\n"), { message: /found twice: "title"/ })
    assert.throws(
      () => readPlaysCsv("\u001b[2J,b\n1,2\n"),
      (error: Error) => !error.message.includes("\u001b"),
    )
  })

  test("days that no month has, bytes that are not UTF-8 and lengths of 0 are nothing that is known", () => {
    const days = readPlaysCsv(
      "artist,title,time\nA,B,2023-02-29T00:00:00Z\nA,C,2024-02-29T00:00:00Z\nA,D,2024-04-31 10:00+02:00\n",
    )
    assert.deepEqual(
      days.plays.map(({ startedAt }) => startedAt),
      [Date.UTC(2024, 1, 29)],
    )
    const latin = Buffer.from("artist,title\nBj\u00f6rk,Hunter\nA,B\n", "latin1").toString("utf8")
    assert.deepEqual(rulesOf(readPlaysCsv(latin)), ["2 must be UTF-8, the file has other bytes here"])
    assert.equal(readScrobbler(line("A", "B", "C", 1, 0, "L", 0, ""), null).plays[0].lengthMs, null)
  })

  test("a scrobbler line that may be a comment or an artist called #1 is said, not dropped", () => {
    const log = `#TZ/UTC\n${line("#1 Dads", "B", "C", 1, 10, "L", 1700000000, "")}\n# a comment\n`
    assert.match(String(rulesOf(readScrobbler(log, null))), /^2 begins like a comment/)
  })

  test("values deeper than the stack are refused before they are built", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`
    const good = '{"track_metadata":{"artist_name":"A [[[","track_name":"T\\\\"}}'
    const { errors, plays } = readListenBrainz(
      `${good}\n{"listened_at":${deep},"track_metadata":${deep}}\n${good}`,
    )
    assert.deepEqual(
      plays.map(({ row, artist, title }) => [row, artist, title]),
      [1, 3].map((row) => [row, "A [[[", "T\\"]),
    )
    assert.deepEqual([errors[0].row, errors[0].rule], [2, "must be a JSON object"])
    assert.throws(() => readListenBrainz(`[${deep}]`), { name: "ImportError", message: /at most 64 levels/ })
    const within = `${"[".repeat(62)}${"]".repeat(62)}`
    assert.equal(readListenBrainz(`[{"track_metadata":${within}}]`).errors[0].value, "a list or object")
    const nested = `<playlist version="1" xmlns="http://xspf.org/ns/0/"><extension application="x">${"<a>".repeat(200)}`
    assert.throws(() => readXspf(nested), { name: "ImportError", message: /at most 100 deep, got a/ })
  })

  test("a file has a million plays at most, and the first ten thousand errors are kept", () => {
    const { errors, badRows } = readScrobbler("x\n".repeat(20_000), null)
    assert.deepEqual([errors.length, badRows], [10_000, 20_000])
    assert.throws(() => readScrobbler("x\n".repeat(1_000_001), null), {
      name: "ImportError",
      message: /row 1000001: a file has at most 1000000 plays/,
    })
    const empty = readPlaysCsv(`artist,title\n${",\n".repeat(1_050_000)}A,B\n`)
    assert.deepEqual(
      empty.plays.map(({ row }) => row),
      [1_050_002],
    )
    assert.throws(() => readPlaysCsv(`artist,title\n${"\n".repeat(2_000_001)}`), {
      message: /at most 2000000 rows/,
    })
    assert.throws(() => readListenBrainz(`[${"0,".repeat(1_000_000)}0]`), {
      message: /at most 1000000 plays/,
    })
    assert.throws(() => readPlaysCsv(`artist,title\n${"x\n".repeat(1_000_001)}`), {
      message: /at most 1000000 plays/,
    })
  })

  test("names of playlists are bounded, and nothing in them steers a terminal", () => {
    const [track] = readM3u("#EXTINF:1,A - \u001b]0;x\u0007T\na\u001b.mp3\n").tracks
    assert.deepEqual([track.title, track.location], ["]0;x T", "a .mp3"])
    const jspf = { playlist: { title: "\u001b[2J", track: [{ title: "x".repeat(1001) }] } }
    assert.throws(() => readPlaylist(JSON.stringify(jspf)), { message: /track\[0\]: title has at most 1000/ })
  })
})

test("Spotify's own word counts where it is one; where it says unknown, skipped does", () => {
  const stream = {
    ts: "2024-02-03T04:05:06Z",
    ms_played: 1000,
    master_metadata_track_name: "T",
    master_metadata_album_artist_name: "A",
    offline: true,
  }
  const ends = [
    { reason_end: "trackdone", skipped: false },
    { reason_end: "unknown", skipped: true },
    { reason_end: "unknown", skipped: null },
    { reason_end: "endplay", skipped: true },
    { reason_end: "constructor" },
    {},
  ]
  const { plays, notes } = readSpotify(JSON.stringify(ends.map((end) => ({ ...stream, ...end }))))
  assert.deepEqual(
    plays.map(({ endReason }) => endReason),
    ["finished", "skipped", null, "endplay", "constructor", null],
  )
  assert.ok(notes.some((note) => note.startsWith("6 streams were played offline")))
})

describe("plays that are held", () => {
  const text = (...seconds: number[]): string =>
    `#TZ/UNKNOWN\n${seconds.map((second) => line("A", "B", "C", 1, 10, "L", second, "")).join("\n")}\n`
  const taken = (log: string, zone: string | null, fileSha256: string) =>
    readScrobbler(log, zone).plays.map((play) => ({
      ...play,
      subject: null,
      listener: "friend",
      source: "scrobbler",
      file: "log",
      fileSha256,
      song: null,
      importedAt: 1,
    }))

  test("are known again in a log that has grown, with its zone or without, and get their time when it is said", () =>
    withStudy(async ({ study }) => {
      const { imports } = study.store
      assert.deepEqual(await imports.add(taken(text(1700000000), null, "a")), { added: 1, timed: 0 })
      const grown = text(1700000000, 1700000300)
      assert.deepEqual(await imports.add(taken(grown, null, "b")), { added: 1, timed: 0 })
      assert.deepEqual(await imports.add(taken(grown, "Europe/Berlin", "b")), { added: 0, timed: 2 })
      assert.deepEqual(await imports.add(taken(grown, "Asia/Tokyo", "b")), { added: 0, timed: 0 })
      assert.deepEqual(await imports.add(taken(grown, null, "c")), { added: 0, timed: 0 })
      assert.deepEqual(
        (await imports.all()).map(({ startedAt }) => startedAt),
        [(1700000000 - 3600) * 1000, (1700000300 - 3600) * 1000],
      )
    }))

  test("are one with the same play of another log, once both have their time", () =>
    withStudy(async ({ study }) => {
      const { imports } = study.store
      await imports.add(taken(text(1700000000), null, "a"))
      const [play] = taken(text(1700000000), "Europe/Berlin", "x")
      const listen = { ...play, localSecond: null, source: "listenbrainz" }
      assert.deepEqual(await imports.add([listen]), { added: 1, timed: 0 })
      assert.deepEqual(await imports.add(taken(text(1700000000), "Europe/Berlin", "a")), {
        added: 0,
        timed: 1,
      })
      assert.deepEqual(await imports.add(taken(text(1700000000), null, "b")), { added: 0, timed: 0 })
      assert.deepEqual(
        (await imports.all()).map(({ source }) => source),
        ["listenbrainz"],
      )
    }))

  test("are taken in parts, and counted over all of them", () =>
    withStudy(async ({ study }) => {
      const many = taken(text(...Array.from({ length: 2500 }, (_, i) => 1700000000 + i)), "UTC", "a")
      assert.deepEqual(await study.store.imports.add(many), { added: 2500, timed: 0 })
      assert.deepEqual(await study.store.imports.add(many), { added: 0, timed: 0 })
      assert.equal((await study.store.imports.all()).length, 2500)
    }))
})

test("songs are meant by artist and title, but for case, width and spaces; the length decides between two", () => {
  const song = {
    id: 1,
    source: "1",
    title: "The  Song",
    artist: "ARTIST",
    genre: "",
    lengthMs: 60_000,
    attributes: {},
  }
  const match = songMatcher([
    song,
    { ...song, id: 2, title: "Twice" },
    { ...song, id: 3, title: "twice", lengthMs: 90_000 },
  ])
  const meant = (title: string, lengthMs: number | null) => match("ａｒｔｉｓｔ", title, lengthMs).song
  assert.deepEqual(match("artist", "the song", null), { song: 1, otherLength: false })
  assert.equal(meant("The Song", null), 1)
  assert.equal(meant("the songs", null), null)
  assert.equal(meant("Twice", null), null)
  assert.equal(meant("Twice", 91_000), 3)
})

test("another length is another recording, also where one song alone has the name", () => {
  const song = { id: 1, source: "1", title: "Song", artist: "A", genre: "", attributes: {} }
  const match = songMatcher([
    { ...song, lengthMs: 60_000 },
    { ...song, id: 2, title: "Long", lengthMs: 600_000 },
    { ...song, id: 3, title: "Twice", lengthMs: 100_000 },
    { ...song, id: 4, title: "Twice", lengthMs: 103_000 },
  ])
  const of = (title: string, lengthMs: number) => {
    const { song: meant, otherLength } = match("A", title, lengthMs)
    return otherLength ? "other" : meant
  }
  // Beyond 5 s and 5 %: of a minute 5 s count, of ten minutes 30 s.
  assert.deepEqual([of("Song", 65_000), of("Song", 65_001), of("Song", 54_000)], [1, "other", "other"])
  assert.deepEqual([of("Long", 630_000), of("Long", 630_001), of("Long", 569_000)], [2, "other", "other"])
  assert.deepEqual([of("Twice", 99_000), of("Twice", 102_500), of("Twice", 200_000)], [3, 4, "other"])
  assert.equal(of("Twice", 101_500), null)
})

test("no text makes a reader throw anything but its own error", () => {
  const readers = [readScrobbler, readListenBrainz, readSpotify, readPlaysCsv, readPlaylist]
  const own = (body: () => unknown): void => {
    try {
      body()
    } catch (error) {
      assert.equal((error as Error).name, "ImportError", String(error))
    }
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: "binary" })), (text) => {
      for (const read of readers) own(() => read(text, null))
    }),
    { seed: 1, numRuns: 500 },
  )
})

test("the command keeps a play once, says what it could not know, and refuses what it can't read", () =>
  withStudy(async ({ study }) => {
    await addSongs(study, 2)
    const [one] = await study.store.songs.all()
    await study.store.songs.put([{ ...one, title: "All I Want", artist: "Ride", lengthMs: 237_000 }])
    const run = (...args: string[]) => fieldtune(["import", ...args, "--study", study.dir], study.dir)
    const log = join(REFERENCE, "album-play.scrobbler.log")
    const first = await run("plays", log, "--subject", "1", "--time-zone", "Europe/London", "--json")
    assert.equal(first.code, 0, first.stderr)
    const { format, plays, added, matched, timed } = JSON.parse(first.stdout)
    assert.deepEqual([format, plays, added, timed], ["scrobbler", 40, 40, 40])
    assert.ok(matched >= 1)
    await study.store.songs.put([{ ...one, title: "All I Want", artist: "Ride", lengthMs: 300_000 }])
    const stage = await run("plays", log, "--listener", "on stage")
    assert.match(stage.stdout, / 0 of songs of the catalogue; 0 rows/, stage.stderr)
    assert.match(stage.stdout, /another length .*:\n {2}Ride - All I Want, 237 s\n/)
    await study.store.songs.put([{ ...one, title: "All I Want", artist: "Ride", lengthMs: 237_000 }])
    const again = JSON.parse(
      (await run("plays", log, "--subject", "1", "--time-zone", "Europe/London", "--json")).stdout,
    )
    assert.equal(again.added, 0)
    const other = JSON.parse((await run("plays", log, "--listener", "friend", "--json")).stdout)
    assert.deepEqual([other.added, other.timed], [40, 0])
    const stored = await study.store.imports.all()
    assert.equal(stored.length, 120)
    assert.deepEqual(
      new Set(stored.map(({ source, file }) => `${source} ${file}`)),
      new Set(["scrobbler album-play.scrobbler.log"]),
    )
    assert.equal(await study.store.plays.count(), 0)
    const nobody = await run("plays", log)
    assert.deepEqual([nobody.code, /--subject or --listener/.test(nobody.stderr)], [2, true])
    writeFileSync(join(study.dir, "empty.log"), "")
    const empty = await run("plays", "empty.log", "--listener", "x")
    assert.equal(empty.code, 2, empty.stderr)
    writeFileSync(join(study.dir, "p.m3u8"), "#EXTM3U\n#EXTINF:237,Ride - All I Want\nx.mp3\nother.mp3\n")
    const list = await run("playlist", "p.m3u8")
    assert.match(
      list.stdout,
      /^song 1: Ride - All I Want\nnot in the catalogue: other\.mp3\np\.m3u8: 2 tracks, 1 of them/,
    )
  }))
