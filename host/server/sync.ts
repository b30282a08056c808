// POST /v1/sync/<device id>: receive → open → bound and decode → one transaction → commit → reply.
//
// Whatever is refused gets a status without a body and a line in the log: 404 unknown device or wrong seal,
// 400 malformed, 409 replay, 411 no Content-Length, 413 too large, 429 too many, 503 the database can't be written to.
// A board takes each of them for a failure: it keeps everything and tries again after a pause that grows. Every reply
// has Content-Length and closes the connection: a board has one socket, and no keep-alive to get out of step with.

import type { FastifyInstance, FastifyReply } from "fastify"
import { MAX_BODY_BYTES, SALT_BYTES, SYNC_PATH, type SyncRequest } from "../../src/wire.js"
import { WireError } from "../protocol/error.js"
import { encodeReply } from "../protocol/reply.js"
import { decodeRequest } from "../protocol/request.js"
import { openRequest, sealReply } from "../protocol/seal.js"
import { exchange } from "../protocol/session.js"
import { StoreUnavailableError } from "../store/failure.js"
import type { Device } from "../store/subjects.js"
import type { ContactOutcome } from "../store/syncs.js"
import type { ServerOptions, StoreState } from "./server.js"

const DEVICE_ID = /^[0-9a-f]{16}$/
/** An octet stream, which is what a sealed body is. */
const SEALED_TYPE = "application/octet-stream"

/** When a board may come again whose records the database could not take, seconds. */
const UNAVAILABLE_S = 60

/** A status that is sent without a body. */
interface Refusal {
  status: 400 | 404 | 409
  code: string
  reason: string
}

interface Answer {
  sealed: Buffer
  request: SyncRequest
  outcome: ContactOutcome
}

export type SyncOptions = Pick<ServerOptions, "study" | "now" | "random" | "committed">

export async function syncRoutes(
  app: FastifyInstance,
  options: ServerOptions,
  state: StoreState,
): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body))

  const { limits } = options
  app.addHook("onRequest", async (request, reply) => {
    const remote = remoteOf(request)
    const wait = limits?.boardWait(remote, deviceOf(request)) ?? 0
    if (wait > 0) {
      request.log.warn(
        { device: deviceOf(request), remote, code: "rate" },
        `sync refused: too many, wait ${wait} s`,
      )
      return closed(reply, 429).header("retry-after", String(wait)).send()
    }
    if (request.headers["content-length"] !== undefined) return
    request.log.warn({ device: deviceOf(request), code: "length" }, "sync refused: no Content-Length")
    limits?.failed(remote)
    return closed(reply, 411).send()
  })

  app.setErrorHandler<Error & { statusCode?: number; code?: string }>((error, request, reply) => {
    if (error instanceof StoreUnavailableError) {
      if (error.reason !== "busy") state.failing = true
      request.log.error({ device: deviceOf(request), code: error.reason }, `sync failed: ${error.message}`)
      return closed(reply, 503).header("retry-after", String(UNAVAILABLE_S)).send()
    }
    const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500
    if (status < 500) limits?.failed(remoteOf(request))
    const facts = { device: deviceOf(request), code: error.code, reason: error.message }
    if (status < 500) request.log.warn(facts, `sync refused: ${error.message}`)
    else request.log.error({ ...facts, err: error }, `sync failed: ${error.message}`)
    return closed(reply, status).send()
  })

  app.post(`${SYNC_PATH}:device`, { bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
    const device = deviceOf(request)
    const body = request.body instanceof Uint8Array ? new Uint8Array(request.body) : new Uint8Array(0)
    const answer = await answerSync(options, device, body)
    const remote = remoteOf(request)
    if ("sealed" in answer) {
      limits?.authentic(remote, device)
      state.failing = false
      const { subject, stored, repeated, quarantined, ackedTo } = answer.outcome
      request.log.info({ device, subject, stored, repeated, quarantined, ackedTo }, "sync")
      return closed(reply, 200).type(SEALED_TYPE).send(answer.sealed)
    }
    const { status, code, reason } = answer
    // A replay is authentic: a reply was lost, or the board's counter fell behind.
    if (status !== 409) limits?.failed(remote)
    request.log.warn({ device, code, reason, remote }, `sync refused: ${reason}`)
    return closed(reply, status).send()
  })
}

/** One exchange with the device `id`, whatever carried it; `body` is the sealed request. */
export async function answerSync(
  options: SyncOptions,
  id: string,
  body: Uint8Array,
): Promise<Answer | Refusal> {
  const device = DEVICE_ID.test(id) ? await options.study.store.subjects.device(id) : undefined
  if (device === undefined) return { status: 404, code: "device", reason: "the device is not known" }
  try {
    return await answerOf(options, device, body)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return { status: error.code === "seal" ? 404 : 400, code: error.code, reason: error.message }
  }
}

async function answerOf(
  { study, now, random, committed }: SyncOptions,
  device: Device,
  body: Uint8Array,
): Promise<Answer | Refusal> {
  const { plain, salt } = openRequest(device.key, device.id, body)
  const request = decodeRequest(plain)
  const result = await exchange(study, device.id, request, body, now())
  if (result.replay) {
    const reason = `boot ${request.boot} request ${request.n} is not above boot ${result.boot} request ${result.counter}`
    return { status: 409, code: "replay", reason }
  }
  const { outcome, reply } = result
  committed?.(device.id)
  const sealed = sealReply(device.key, device.id, salt, random(SALT_BYTES), encodeReply(reply))
  return { sealed: Buffer.from(sealed), request, outcome }
}

function deviceOf(request: { params: unknown }): string {
  return String((request.params as { device?: unknown }).device ?? "")
}

function remoteOf(request: { socket: { remoteAddress?: string } }): string {
  return request.socket.remoteAddress ?? ""
}

function closed(reply: FastifyReply, status: number): FastifyReply {
  return reply.code(status).header("connection", "close")
}
