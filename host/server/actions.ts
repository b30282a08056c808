// POST /api/actions: what a researcher may do from the page where `fieldtune serve --actions` allows it. The same functions
// as the commands do it, in the server's working thread; who asked goes into the event log, before it is done.
//
// A page of another origin cannot ask: its request names that origin, is not JSON without a preflight that nobody here
// answers, and from elsewhere lacks the cookie (SameSite=Strict). A program without a page names the token.

import type { FastifyInstance, FastifyRequest } from "fastify"
import Type from "typebox"
import Value from "typebox/value"
import type { Action, ActionResult } from "../round/act.js"
import { WithdrawnError } from "../store/withdrawn.js"
import type { Study } from "../study/study.js"
import { recordSheet, SurveyError, surveyState } from "../study/survey.js"
import { bringsToken } from "./access.js"

const WAVE = {
  wave: Type.Integer({ minimum: 1, maximum: 1000 }),
  cohort: Type.String({ maxLength: 100 }),
}
const CLOSED = { additionalProperties: false }
const ACTION = Type.Union([
  Type.Object({ action: Type.Literal("open-wave"), ...WAVE }, CLOSED),
  Type.Object({ action: Type.Literal("close-wave"), ...WAVE }, CLOSED),
  Type.Object({ action: Type.Literal("round") }, CLOSED),
  Type.Object(
    { action: Type.Literal("return-board"), device: Type.String({ pattern: "^[0-9a-f]{16}$" }) },
    CLOSED,
  ),
])

const MAX_BODY = 1000
/** Free texts included. */
const MAX_SHEET = 100_000

export interface ActionOptions {
  study: Study
  /** Unix milliseconds. */
  now(): number
  /** Does it; left out where the page may only read. */
  act?(action: Action): Promise<ActionResult>
  token?: string
}

export function actionRoute(app: FastifyInstance, options: ActionOptions): void {
  const { study, now, act } = options
  app.get("/api/session", async () => ({ actions: act !== undefined }))

  app.post("/api/actions", { bodyLimit: MAX_BODY }, async (request, reply) => {
    const refused = refusal(request, options)
    if (act === undefined || refused !== undefined) return reply.code(403).send({ error: refused })
    if (!Value.Check(ACTION, request.body)) {
      return reply.code(400).send({ error: "no such action, or not what it needs" })
    }
    const action: Action = request.body
    const device = action.action === "return-board" ? action.device : null
    const note = (kind: string, detail: object): Promise<void> =>
      study.store.events.append({ at: now(), kind, subject: null, device, detail: { ...action, ...detail } })
    await note("asked-on-page", { from: request.socket.remoteAddress ?? "" })
    const result = await act(action)
    await note("answered-on-page", { done: result.done })
    request.log.info({ action, done: result.done }, "asked on the page")
    return reply.code(result.done ? 200 : 409).send(result)
  })
}

/** The survey: its questions and newest answers; a listener's answers, where the page may act. */
export function surveyRoutes(app: FastifyInstance, options: ActionOptions): void {
  const { study, now } = options
  app.get("/api/survey", () => surveyState(study))

  app.post("/api/survey", { bodyLimit: MAX_SHEET }, async (request, reply) => {
    const refused = refusal(request, options)
    if (refused !== undefined) return reply.code(403).send({ error: refused })
    try {
      return await recordSheet(study, request.body, "page", now())
    } catch (error) {
      if (!(error instanceof SurveyError || error instanceof WithdrawnError)) throw error
      return reply.code(400).send({ error: error.message })
    }
  })
}

/** Why the request may not change anything; undefined where it may. */
function refusal(request: FastifyRequest, { act, token }: ActionOptions): string | undefined {
  if (act === undefined) return "this page may only read: start it with fieldtune serve --actions"
  if (fromThisPage(request)) return undefined
  if (request.headers.origin === undefined && bringsToken(request, token)) return undefined
  return "actions are taken from this page, or by a program that brings the token (authorization: Bearer …)"
}

function fromThisPage(request: FastifyRequest): boolean {
  const { origin, host } = request.headers
  const site = request.headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin") return false
  return origin === `http://${host}` || origin === `https://${host}`
}
