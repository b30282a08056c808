// The walk over bytes before decoding, beyond the vectors: it agrees with a decoder on good bytes and stays
// calm on any others.

import assert from "node:assert/strict"
import { describe, test } from "node:test"
import fc from "fast-check"
import { checkBounds } from "../../../host/protocol/bounds.js"
import { WireError } from "../../../host/protocol/error.js"
import { decodeMessagePack, encodeMessagePack } from "../../../host/protocol/messagepack.js"
import { decodeRequest } from "../../../host/protocol/request.js"

const scalar = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => !Object.is(x, -0)),
  fc.boolean(),
  fc.constant(null),
  fc.string({ maxLength: 12 }),
  fc.uint8Array({ maxLength: 300 }),
)
const key = fc.string({ maxLength: 8 }).filter((text) => text !== "__proto__")
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie("tree"), { maxLength: 20 }),
    fc.dictionary(key, tie("tree"), { maxKeys: 20 }),
  ),
}))

/** The code of the WireError that `run` throws, "none" where it returns. */
function codeOf(run: () => unknown): string {
  try {
    run()
    return "none"
  } catch (error) {
    assert.ok(error instanceof WireError, String(error))
    return error.code
  }
}

describe("bounds", () => {
  test("every value of the subset passes and comes back", () =>
    fc.assert(
      fc.property(tree, (value) => {
        const plain = JSON.parse(JSON.stringify(value, spell))
        const decoded = decodeMessagePack(encodeMessagePack(value))
        assert.deepEqual(JSON.parse(JSON.stringify(decoded, spell)), plain)
      }),
      { numRuns: 500, seed: 1 },
    ))

  test("every proper prefix of a good message is short", () =>
    fc.assert(
      fc.property(tree, (value) => {
        const bytes = encodeMessagePack(value)
        for (let end = 0; end < bytes.length; end += 1 + (bytes.length >> 5)) {
          assert.equal(
            codeOf(() => checkBounds(bytes.subarray(0, end))),
            "short",
          )
        }
      }),
      { numRuns: 200, seed: 1 },
    ))

  test("any bytes are refused with a code or decoded, and a request never comes out half checked", () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        codeOf(() => decodeMessagePack(bytes))
        assert.notEqual(
          codeOf(() => decodeRequest(bytes)),
          "none",
        )
      }),
      { numRuns: 3000, seed: 1 },
    ))

  test("a map with a key named like an object's own machinery stays a plain map", () => {
    const value = decodeMessagePack(
      new Uint8Array(Buffer.from("81a95f5f70726f746f5f5f81a16101", "hex")),
    ) as object
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
    assert.equal((value as { a?: number }).a, undefined)
  })

  test("five bytes that declare gigabytes cost nothing", () => {
    const before = process.memoryUsage().arrayBuffers
    for (const hex of ["dcffffffff", "deffffffff", "c5ffffffff", "ddffffffff", "c6ffffffff", "dfffffffff"]) {
      assert.match(
        codeOf(() => decodeMessagePack(new Uint8Array(Buffer.from(hex, "hex")))),
        /short|type/,
      )
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
  })
})

/** JSON that tells binary from arrays. */
function spell(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { $bin: Buffer.from(value).toString("hex") } : value
}
