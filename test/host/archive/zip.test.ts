import assert from "node:assert/strict"
import { test } from "node:test"
import { strToU8, zipSync } from "fflate"
import { pack, unpack } from "../../../host/archive/zip.js"
import { stream } from "../../../host/model/random.js"

const FILES = new Map([
  ["data/b.csv", strToU8("x\r\n1\r\n")],
  ["data/a.csv", strToU8("y\r\n".repeat(1000))],
])

test("the same files are the same bytes, in whatever order and time zone", () => {
  const zone = process.env.TZ
  const packed = ["Asia/Tokyo", "America/Lima"].map((name) => {
    process.env.TZ = name
    return pack(new Map([...FILES].reverse()))
  })
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
  assert.deepEqual(packed[0], packed[1])
  assert.deepEqual(pack(FILES), packed[0])
  assert.deepEqual([...unpack("a.zip", packed[0]).keys()], ["data/a.csv", "data/b.csv"])
  assert.deepEqual(unpack("a.zip", packed[0]).get("data/b.csv"), FILES.get("data/b.csv"))
})

/** An archive in whose bytes the name `from` is `to`, of the same length. */
function renamed(from: string, to: string, files: Record<string, Uint8Array>): Uint8Array {
  const bytes = Buffer.from(zipSync(files))
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(to, at)
  return new Uint8Array(bytes)
}

test("an archive names no path outside of itself", () => {
  for (const name of [
    "../a.csv",
    "/etc/passwd",
    "a/../../b",
    "C:\\a",
    "a\\b",
    "__proto__",
    ".hidden",
    "a//b",
    "a\0.csv",
  ]) {
    const plain = "q".repeat(name.length)
    const bytes = renamed(plain, name, { [plain]: new Uint8Array(3) })
    assert.throws(() => unpack("a.zip", bytes), /a\.zip, entry .*: must have a plain relative name/, name)
  }
})

test("an archive has every file once", () => {
  const bytes = renamed("data/b.csv", "data/a.csv", {
    "data/a.csv": new Uint8Array(3),
    "data/b.csv": new Uint8Array(3),
  })
  assert.throws(() => unpack("a.zip", bytes), /"data\/a.csv": must be there once, got twice/)
})

test("an entry that claims to become huge is refused before it is unpacked", () => {
  const bytes = zipSync({ "a.csv": new Uint8Array(1000) })
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const central = Buffer.from(bytes).indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
  for (const [claimed, rule] of [
    [2 ** 30, /at most 536870912 bytes, got 1073741824/],
    [2 ** 28, /at most 1032 bytes for each/],
  ] as const) {
    view.setUint32(central + 24, claimed, true)
    assert.throws(() => unpack("a.zip", bytes), rule)
  }
})

test("whatever bytes come, they are unpacked or refused with a reason", () => {
  const packed = pack(FILES)
  const rng = stream(1, "zip")
  for (let i = 0; i < 2000; i++) {
    const bytes = packed.slice(0, rng.uniform() < 0.3 ? rng.int(packed.length) : packed.length)
    for (let n = rng.int(6); n > 0 && bytes.length > 0; n--) bytes[rng.int(bytes.length)] = rng.int(256)
    try {
      unpack("a.zip", bytes)
    } catch (error) {
      assert.equal((error as Error).name, "ArchiveError", String((error as Error).stack))
    }
  }
})
