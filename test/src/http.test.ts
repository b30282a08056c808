import assert from "node:assert/strict"
import { test } from "node:test"
import { Board } from "./bench/board.js"
import { type Answer, httpAnswer, type Reaction } from "./bench/network.js"

const TIMEOUT_MS = 4000

const body = Uint8Array.from({ length: 1200 }, (_, i) => (i * 7) % 256)
const text = (...lines: string[]): Buffer => Buffer.from(`${lines.join("\r\n")}\r\n\r\n`)

function pieces(bytes: Uint8Array, size: number, afterMs = 1, close = true): Answer {
  const list: Answer["pieces"] = []
  for (let at = 0; at < bytes.length; at += size) list.push({ afterMs, bytes: bytes.subarray(at, at + size) })
  return { pieces: list, close }
}

const whole = httpAnswer(200, body).pieces[0].bytes
const head = whole.length - body.length

/** What the server does, and what the board must make of it: the start of its result. */
const CASES: [string, Reaction, string][] = [
  ["a whole reply at once", httpAnswer(200, body), "200 1200 00070e15"],
  ["one byte at a time", pieces(whole.subarray(0, head + 1200), 1), "200 1200 00070e15"],
  ["pieces of 1024 bytes", pieces(whole, 1024), "200 1200 00070e15"],
  [
    "CR and LF that arrive apart",
    {
      pieces: [
        { afterMs: 0, bytes: whole.subarray(0, head - 1) },
        { afterMs: 300, bytes: whole.subarray(head - 1) },
      ],
      close: true,
    },
    "200 1200 00070e15",
  ],
  [
    "a length in other letters",
    pieces(Buffer.concat([text("HTTP/1.1 200 OK", "CONTENT-LENGTH:  3"), Buffer.from("abc")]), 400),
    "200 3 616263",
  ],
  ["an empty body", httpAnswer(200, new Uint8Array(0)), "200 0 "],
  ["a refusal without a body", httpAnswer(404, new Uint8Array(0)), "404 0 "],
  ["nobody there", "refused", "error http: no connection"],
  ["silence", "silent", "error http: timeout"],
  [
    "silence in the middle of the body",
    pieces(whole.subarray(0, head + 600), 400, 1, false),
    "error http: timeout",
  ],
  ["a body that is cut", pieces(whole.subarray(0, head + 600), 400), "error http: closed early"],
  [
    "no length",
    pieces(Buffer.concat([text("HTTP/1.1 200 OK", "Connection: close"), body]), 700),
    "error http: content-length -1",
  ],
  [
    "a body beyond the limit",
    pieces(text("HTTP/1.1 200 OK", "Content-Length: 2001"), 700),
    "error http: content-length 2001",
  ],
  [
    "two lengths",
    pieces(text("HTTP/1.1 200 OK", "Content-Length: 3", "Content-Length: 4"), 700),
    "error http: content-length -1",
  ],
  [
    "headers without end",
    pieces(Buffer.from(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(3000)}`), 700),
    "error http: header too long",
  ],
]

test("one request against a rough server ends in the reply or in an error, always in time", async () => {
  let asked = -1
  const board = await Board.start({
    entry: "test/src/programs/http.ts",
    server: (request) => {
      if (request === undefined) {
        asked++
        const reaction = CASES[asked][1]
        return reaction === "refused" || reaction === "silent" ? reaction : undefined
      }
      assert.match(request.head, /^POST \/x HTTP\/1\.1\r\n/)
      assert.equal(request.body.length, 1504)
      assert.equal(Buffer.from(request.body.subarray(0, 4)).toString(), "salt")
      assert.equal(request.body[4 + 1499], 1499 % 251)
      return CASES[asked][1]
    },
  })
  await board.line("END", 60_000)
  const results = board.lines.filter((line) => line.includes("RESULT "))
  assert.equal(results.length, CASES.length)
  for (const [i, [name, , expected]] of CASES.entries()) {
    const match = /RESULT \d+ (.*) in (\d+)$/.exec(results[i])!
    assert.ok(match[1].startsWith(expected), `${name}: ${match[1]}`)
    assert.ok(Number(match[2]) <= TIMEOUT_MS + 100, `${name} took ${match[2]} ms`)
  }
  assert.deepEqual(board.panics, [])
})

test("an address is http, a host and a port, and nothing else", async () => {
  const board = await Board.start({ entry: "test/src/programs/http.ts" })
  await board.line("END", 60_000)
  const parsed = board.lines.flatMap((line) => /ADDRESS (.*)$/.exec(line)?.[1] ?? [])
  assert.deepEqual(parsed, [
    "http://10.0.0.5:8137 10.0.0.5 8137",
    "http://laptop.local laptop.local 80",
    "http://10.0.0.5:8137/ 10.0.0.5 8137",
    "https://10.0.0.5 none",
    "http:// none",
    "http://:80 none",
    "http://10.0.0.5:0 none",
    "http://10.0.0.5:65536 none",
    "http://10.0.0.5:8x none",
    "http://10.0.0.5/path none",
    "10.0.0.5:80 none",
  ])
})
