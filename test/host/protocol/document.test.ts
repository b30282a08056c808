// The prose of the wire format says what the code does: its examples are computed, its limits are the constants.

import assert from "node:assert/strict"
import { hkdfSync } from "node:crypto"
import { readFileSync } from "node:fs"
import { describe, test } from "node:test"
import { unpackPlaylist } from "../../../host/protocol/playlist.js"
import { sealRequest } from "../../../host/protocol/seal.js"
import { END_REASONS, unpackRecord } from "../../../src/record.js"
import {
  MAX_BODY_BYTES,
  MAX_EXCHANGES,
  MAX_PLAYLIST_BYTES,
  MAX_PLAYLIST_ITEMS,
  MAX_PLAYS,
  MAX_RANGES,
  MAX_TEXT_BYTES,
  PART_BYTES,
  SEAL_DOWN,
  SEAL_UP,
  SYNC_PATH,
  WIRE_VERSION,
} from "../../../src/wire.js"
import { KEY } from "../study/folder.js"
import { bytesOfHex, hexOf } from "./vectors.js"

const TEXT = readFileSync(new URL("../../../../docs/wire-format.md", import.meta.url), "utf8")
const DEVICE = "00112233aabbccdd"

/** What stands behind `label` in the n-th example that has it, without spaces. */
function example(label: string, n: number): string {
  const found = [...TEXT.matchAll(new RegExp(`^${label} +([0-9a-f ]+)$`, "gm"))][n]
  assert.ok(found !== undefined, `${label} ${n}`)
  return found[1].replaceAll(" ", "")
}

function keyOf(salt: string, info: string): string {
  return hexOf(new Uint8Array(hkdfSync("sha256", KEY, bytesOfHex(salt), info + DEVICE, 32)))
}

describe("docs/wire-format.md", () => {
  test("the worked example of the seal is what the seal gives", () => {
    const salt = example("body", 0).slice(0, 32)
    assert.equal(example("message key", 0), keyOf(salt, SEAL_UP))
    assert.equal(example("body", 0), hexOf(sealRequest(KEY, DEVICE, bytesOfHex(salt), bytesOfHex("80"))))
    assert.equal(example("message key", 1), keyOf(example("key salt", 0), SEAL_DOWN))
  })

  test("the example record and the example playlist read as it says", () => {
    const record = TEXT.match(/Example: `([0-9a-f ]+)` is sequence 2/)
    assert.deepEqual(unpackRecord(bytesOfHex(record![1].replaceAll(" ", "")), 0), {
      sequence: 2,
      boot: 1,
      startMs: 4000,
      song: 300,
      listVersion: 1,
      position: 1,
      heardMs: 203456,
      reason: 0,
      flags: 1,
      pauses: 2,
      volume: 9,
    })
    const list = TEXT.match(
      /Example: `(4654 [0-9a-f ]+)` and then `([0-9a-f ]+)`, `([0-9a-f ]+)`, `([0-9a-f ]+)`/,
    )
    const bytes = bytesOfHex(list!.slice(1).join("").replaceAll(" ", ""))
    assert.deepEqual(
      unpackPlaylist(bytes).items.map((i) => [i.song, i.lengthMs, i.flags]),
      [
        [7, 168000, 0],
        [300, 237000, 1],
        [65535, 16777215, 0],
      ],
    )
  })

  test("the limits it states are the constants", () => {
    const thousands = (n: number): string => n.toLocaleString("en")
    for (const part of [
      `# Wire format, version ${WIRE_VERSION}`,
      `\`${SYNC_PATH}<device>\``,
      `24 to ${thousands(MAX_BODY_BYTES)} bytes`,
      `${MAX_PLAYS} records each, playlists in parts of ${thousands(PART_BYTES)} bytes, at most ${MAX_EXCHANGES} exchanges`,
      `text, at most ${MAX_TEXT_BYTES} bytes`,
      `at most ${MAX_PLAYS} binaries of 20 bytes`,
      `at most ${MAX_RANGES} \`[boot, from, to, why]\``,
      `at most ${MAX_RANGES} \`[boot, upTo]\``,
      `at most ${thousands(MAX_PLAYLIST_BYTES)} bytes and ${MAX_PLAYLIST_ITEMS} songs`,
      `End reasons: ${END_REASONS.map((reason, code) => `${code} ${reason}`).join(", ")};`,
    ]) {
      assert.ok(TEXT.includes(part), part)
    }
  })
})
