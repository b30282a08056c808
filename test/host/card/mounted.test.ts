// Which folders are cards, and which device each is for.

import assert from "node:assert/strict"
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, test } from "node:test"
import { assignCards, mountedCards } from "../../../host/card/mounted.js"
import { isFatCard } from "../../../host/card/write.js"
import { withFolder } from "../study/folder.js"

const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(16))

describe("mounted cards", () => {
  test("empty ones and ours, of any user, and not what holds other files or is no card", () =>
    withFolder(async (dir) => {
      const place = (path: string, ...files: string[]): string => {
        mkdirSync(join(dir, path), { recursive: true })
        for (const file of files) writeFileSync(join(dir, path, file), "x")
        return join(dir, path)
      }
      const empty = place("media/me/SONGS", ".DS_Store")
      mkdirSync(join(empty, "System Volume Information"))
      const ours = place("media/you/OURS", "fieldtune-card.json", "holiday.jpg")
      const own = place("media/me/STICK", "thesis.docx")
      place("media/me/DISK")
      const old = place("Volumes/CARD")
      const { cards, left } = await mountedCards(
        [
          { dir: join(dir, "media"), depth: 2 },
          { dir: join(dir, "Volumes"), depth: 1 },
          { dir: join(dir, "none"), depth: 1 },
        ],
        async (path) => !path.endsWith("DISK"),
      )
      assert.deepEqual(cards, [old, empty, ours].sort())
      assert.deepEqual(left, [own])
    }))

  test("a folder of a disk is no card", () =>
    withFolder(async (dir) => assert.equal(await isFatCard(dir), false)))

  test("a card that is pulled out while it is looked at is passed over", () =>
    withFolder(async (dir) => {
      mkdirSync(join(dir, "gone"))
      mkdirSync(join(dir, "there"))
      const found = await mountedCards([{ dir, depth: 1 }], async (path) => {
        if (path.endsWith("gone")) rmdirSync(path)
        return true
      })
      assert.deepEqual(found, { cards: [join(dir, "there")], left: [] })
    }))

  test("one device is for all cards; of several, a card keeps its own", () => {
    const cards = [undefined, A, undefined].map((device, i) => ({ dir: `/c${i}`, device }))
    const devices = (names: string[]) => assignCards(cards, names).map((card) => card.device)
    assert.deepEqual(devices([B]), [B, B, B])
    assert.deepEqual(devices([A, B, C]), [B, A, C])
    assert.deepEqual(devices([C, B, A]), [C, A, B])
    assert.throws(() => devices([A, B]), /3 cards are mounted and 2 devices named/)
  })
})
