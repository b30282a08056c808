// Cards that come back: right, changed, hostile.

import assert from "node:assert/strict"
import {
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import { type CheckedCard, checkCard, manifestOf } from "../../../host/card/check.js"
import { catalogueHash } from "../../../host/card/manifest.js"
import { writeCard } from "../../../host/card/write.js"
import { appleDouble, DEVICE, filesIn, type Music, songOf, withMusic } from "./music.js"

const MANIFEST = "fieldtune-card.json"

async function check({ card, songs }: Music, fields: object = {}): Promise<CheckedCard> {
  const expected = { study: "s", catalogue: catalogueHash(songs), ...fields }
  return checkCard(card, await manifestOf(card), expected)
}

/** A written card of songs 1 to 3. */
function withCard(body: (music: Music) => Promise<void>): Promise<void> {
  return withMusic([1, 2, 3], async (music) => {
    await writeCard(await music.job())
    await body(music)
  })
}

describe("checking a card", () => {
  test("a card as it was written is right, and nothing on it changes", () =>
    withCard(async (music) => {
      const before = filesIn(music.card)
      const checked = await check(music, { device: DEVICE, board: "mp3trigger" })
      assert.deepEqual([checked.problems, checked.warnings, checked.songs], [[], [], 3])
      assert.deepEqual(filesIn(music.card), before)
    }))

  test("every bit of every song counts", () =>
    withCard(async (music) => {
      const path = join(music.card, "F003.mp3")
      const bytes = readFileSync(path)
      for (const at of [0, 1000, bytes.length - 1]) {
        const changed = Buffer.from(bytes)
        changed[at] ^= 0x80
        writeFileSync(path, changed)
        const { problems } = await check(music)
        assert.equal(problems.length, 1)
        assert.match(problems[0], /^F003\.mp3: must have SHA-256 [0-9a-f]{64}, has [0-9a-f]{64}$/)
      }
    }))

  test("missing, truncated, replaced by a link: each is named", () =>
    withCard(async (music) => {
      unlinkSync(join(music.card, "F001.mp3"))
      truncateSync(join(music.card, "F002.mp3"), 10)
      rmSync(join(music.card, "F003.mp3"))
      symlinkSync(join(music.music, "3.mp3"), join(music.card, "F003.mp3"))
      assert.deepEqual((await check(music)).problems, [
        "F001.mp3: is missing",
        `F002.mp3: must have ${music.content(2).length} bytes, has 10`,
        "F003.mp3: must be a file, is a folder or a link",
      ])
    }))

  test("another device, study, board or catalogue is a problem", () =>
    withCard(async (music) => {
      const fields = { device: "ffffffffffffffff", study: "t", board: "jacdac" }
      assert.deepEqual((await check({ ...music, songs: [songOf(1)] }, fields)).problems, [
        `${MANIFEST}: study must be t, is s`,
        `${MANIFEST}: device must be ffffffffffffffff, is ${DEVICE}`,
        `${MANIFEST}: board must be jacdac, is mp3trigger`,
        `${MANIFEST}: the catalogue has changed since the card was written`,
      ])
    }))

  test("the catalogue's hash follows what a number means, not what is known of the song", () => {
    const hash = catalogueHash([songOf(1), songOf(2)])
    assert.equal(catalogueHash([songOf(2), songOf(1)]), hash)
    assert.equal(
      catalogueHash([songOf(1), songOf(2, { attributes: { tempo: 1 }, file: "x", genre: "y" })]),
      hash,
    )
    for (const other of [{ id: 3 }, { source: "x" }, { title: "x" }, { artist: "x" }, { lengthMs: 1 }]) {
      assert.notEqual(catalogueHash([songOf(1), songOf(2, other)]), hash, JSON.stringify(other))
    }
  })

  test("a card whose writing was cut is not right, whatever is on it", () =>
    withCard(async (music) => {
      let writes = 0
      const put = async (): Promise<void> => {
        if (++writes === 2) throw Object.assign(new Error("card pulled out"), { code: "EIO" })
      }
      unlinkSync(join(music.card, "F001.mp3"))
      const job = await music.job()
      await assert.rejects(
        writeCard({
          ...job,
          disk: {
            put: async (file, bytes) => {
              await put()
              await file.write(bytes)
            },
          },
        }),
      )
      assert.deepEqual((await check(music)).problems, [
        `${MANIFEST}: the writing of the card was never finished`,
        "F001.mp3: is missing",
      ])
    }))

  test("macOS files and strangers with numbers are warned about and left", () =>
    withCard(async (music) => {
      writeFileSync(join(music.card, "._F001.mp3"), appleDouble())
      writeFileSync(join(music.card, "F001b.mp3"), "x")
      mkdirSync(join(music.card, "mp3"))
      const { problems, warnings } = await check(music)
      assert.deepEqual(problems, [])
      assert.equal(warnings.length, 2)
      assert.match(warnings[0], /^\._F001\.mp3: left by macOS/)
      assert.match(warnings[1], /^F001b\.mp3: .*may play it instead of song 1/)
      assert.ok(filesIn(music.card).has("._F001.mp3"))
    }))

  test("a folder without a manifest is said to have none", () =>
    withMusic([1], async ({ card }) => {
      await assert.rejects(manifestOf(card), {
        name: "CardError",
        message: /has no fieldtune-card\.json; is this the card\?/,
      })
    }))
})

describe("hostile manifests", () => {
  const change = (edit: (manifest: any) => void) => (text: string) => {
    const manifest = JSON.parse(text)
    edit(manifest)
    return JSON.stringify(manifest)
  }
  const cases: [string, (text: string) => string, RegExp][] = [
    ["empty", () => "", /a manifest is JSON, got ""/],
    ["no JSON", () => "{".repeat(100_000), /a manifest is JSON, got "\{{40}"/],
    ["not an object", () => "[]", /not a manifest of a card: the whole/],
    ["oversized", (text) => text + " ".repeat(9 << 20), /has at most 8388608 bytes, got 94\d{5}/],
    ["a newer schema", change((m) => (m.schema = 2)), /not a manifest of a card: schema/],
    ["a field too many", change((m) => (m.x = 1)), /not a manifest of a card/],
    ["no files", change((m) => delete m.files), /not a manifest of a card/],
    ["a device that is none", change((m) => (m.device = "../../etc")), /device/],
    ["a board that is none", change((m) => (m.board = "__proto__")), /board/],
    [
      "a path up",
      change((m) => (m.files[0].name = "../F001.mp3")),
      /song 1: its name on this board is F001\.mp3, got "\.\.\/F001\.mp3"/,
    ],
    [
      "an absolute path",
      change((m) => (m.files[1].name = "/etc/passwd")),
      /song 2: its name on this board is F002\.mp3/,
    ],
    [
      "the number of another song",
      change((m) => (m.files[0].name = "F002.mp3")),
      /song 1: its name on this board is F001/,
    ],
    ["a song twice", change((m) => m.files.push(m.files[2])), /song 3: songs ascend/],
    [
      "a number that the board can't name",
      change((m) => (m.files[2].song = 300)),
      /song 300: its name on this board is none/,
    ],
    ["a negative size", change((m) => (m.files[0].bytes = -1)), /files\.0\.bytes/],
    ["a hash that is none", change((m) => (m.files[0].sha256 = "0")), /files\.0\.sha256/],
    [
      "complete without hashes",
      change((m) => (m.files[0].sha256 = null)),
      /song 1: a complete card has its hash/,
    ],
  ]
  for (const [name, edit, line] of cases) {
    test(`${name}: refused in one line, and nothing is touched`, () =>
      withCard(async (music) => {
        const path = join(music.card, MANIFEST)
        writeFileSync(path, edit(readFileSync(path, "utf8")))
        const before = filesIn(music.card)
        const isClear = (error: Error): boolean => {
          assert.equal(error.name, "CardError")
          assert.match(error.message, line)
          assert.ok(!error.message.includes("\n"))
          assert.ok(error.message.length < 400, error.message)
          return true
        }
        await assert.rejects(manifestOf(music.card), isClear)
        await assert.rejects(writeCard(await music.job()), (error: Error) => {
          assert.match(error.message, /; --replace writes the card anew$/)
          return isClear(error)
        })
        assert.deepEqual(filesIn(music.card), before)
        const { warnings, copied } = await writeCard(await music.job({ replace: true }))
        assert.ok(warnings.some((warning) => warning.endsWith("; replaced")))
        assert.equal(copied, 0)
        assert.deepEqual((await check(music)).problems, [])
      }))
  }

  test("a link or a folder in place of the manifest is not followed", () =>
    withCard(async (music) => {
      const path = join(music.card, MANIFEST)
      const outside = join(music.music, "m.json")
      writeFileSync(outside, readFileSync(path))
      rmSync(path)
      symlinkSync(outside, path)
      await assert.rejects(manifestOf(music.card), {
        name: "CardError",
        message: /a manifest is a file, got a link/,
      })
      rmSync(path)
      mkdirSync(path)
      await assert.rejects(manifestOf(music.card), {
        name: "CardError",
        message: /a manifest is a file, got something else/,
      })
    }))
})
