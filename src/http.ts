// One HTTP/1.1 POST over one raw socket, binary both ways, every wait and every length bounded.
//
// The library's fetch waits without end while it reads, takes a body that was cut for a whole one, and fails when
// a header's CR and LF arrive apart. Here the reply must state its Content-Length, and a reply with another
// status than 200 is not read further. Errors start with "http:".

import * as ds from "@devicescript/core"
import { Connection } from "./socket"

/** Bytes of status line and headers. Reading them must stay far below the steps that may run without a yield. */
const MAX_HEAD_BYTES = 512
const LF = 10
const DIGIT_0 = 48
const DIGIT_9 = 57

export interface Address {
  host: string
  port: number
}

export interface HttpReply {
  status: number
  /** Empty unless the status is 200. */
  body: Buffer
}

/** "http://10.0.0.5:8137" → host and port; undefined for anything else. https is not offered: bodies are sealed. */
export function parseAddress(text: string): Address {
  const scheme = "http://"
  if (text.slice(0, scheme.length) !== scheme) return undefined
  let rest = text.slice(scheme.length)
  const slash = rest.indexOf("/")
  if (slash >= 0) {
    if (slash !== rest.length - 1) return undefined
    rest = rest.slice(0, slash)
  }
  const colon = rest.indexOf(":")
  if (colon === 0 || rest.length === 0) return undefined
  if (colon < 0) return { host: rest, port: 80 }
  const port = digits(rest.slice(colon + 1))
  if (!(port > 0 && port < 65536)) return undefined
  return { host: rest.slice(0, colon), port: port }
}

/** The number that `text` writes with digits alone; -1 where it holds anything else or more than 9 of them. */
function digits(text: string): number {
  if (text.length === 0 || text.length > 9) return -1
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < DIGIT_0 || code > DIGIT_9) return -1
    value = value * 10 + code - DIGIT_0
  }
  return value
}

/** Posts `salt` followed by `sealed`; the whole exchange ends within `timeoutMs`. Bodies over `most` are refused. */
export async function post(
  to: Address,
  path: string,
  salt: Buffer,
  sealed: Buffer,
  most: number,
  timeoutMs: number,
): Promise<HttpReply> {
  const deadline = ds.millis() + timeoutMs
  const socket = new Connection()
  try {
    await socket.open(to.host, to.port, timeoutMs)
    const length = salt.length + sealed.length
    await socket.send(
      "POST " +
        path +
        " HTTP/1.1\r\nhost: " +
        to.host +
        ":" +
        to.port +
        "\r\nconnection: close\r\n" +
        "content-type: application/octet-stream\r\ncontent-length: " +
        length +
        "\r\n\r\n",
    )
    await socket.send(salt)
    await socket.send(sealed)
    return await receive(socket, deadline, most)
  } finally {
    socket.close()
  }
}

async function receive(socket: Connection, deadline: number, most: number): Promise<HttpReply> {
  const head = Buffer.alloc(MAX_HEAD_BYTES)
  let filled = 0
  let end = -1
  let piece: Buffer
  let used = 0
  while (end < 0) {
    piece = await next(socket, deadline)
    used = 0
    while (used < piece.length && end < 0) {
      if (filled === MAX_HEAD_BYTES) throw new RangeError("http: header too long")
      head[filled] = piece[used]
      used++
      filled++
      if (head[filled - 1] === LF && endsHead(head, filled)) end = filled
    }
  }
  const text = head.slice(0, end).toString()
  const status = statusOf(text)
  if (status !== 200) return { status: status, body: Buffer.alloc(0) }
  const length = lengthOf(text)
  if (length < 0 || length > most) throw new RangeError("http: content-length " + length)
  const body = Buffer.alloc(length)
  let got = 0
  while (true) {
    const count = Math.min(piece.length - used, length - got)
    if (count > 0) body.blitAt(got, piece, used, count)
    got += count
    if (got === length) return { status: status, body: body }
    piece = await next(socket, deadline)
    used = 0
  }
}

function endsHead(head: Buffer, filled: number): boolean {
  return filled >= 4 && head[filled - 2] === 13 && head[filled - 3] === 10 && head[filled - 4] === 13
}

function statusOf(line: string): number {
  const status = digits(line.slice(9, 12))
  if (line.slice(0, 7) !== "HTTP/1." || status < 100) throw new RangeError("http: no status line")
  return status
}

/** The one Content-Length; -1 where there is none, more than one, or one that is no number. */
function lengthOf(head: string): number {
  const name = "content-length:"
  const text = head.toLowerCase()
  const at = text.indexOf("\n" + name) + 1
  if (at === 0 || text.indexOf("\n" + name, at) >= 0) return -1
  let from = at + name.length
  let end = text.indexOf("\r", from)
  while (text[from] === " ") from++
  while (end > from && text[end - 1] === " ") end--
  return digits(text.slice(from, end))
}

async function next(socket: Connection, deadline: number): Promise<Buffer> {
  const left = deadline - ds.millis()
  if (left <= 0) throw new RangeError("http: timeout")
  return await socket.receive(left)
}
