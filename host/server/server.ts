// The HTTP server: the sync endpoint for boards and the dashboard for people.

import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  LogController,
} from "fastify"
import type { Action, ActionResult } from "../round/act.js"
import { SCHEMA_VERSION } from "../store/migrations.js"
import type { Study } from "../study/study.js"
import { admission, visitor } from "./access.js"
import { dashboardRoutes } from "./dashboard.js"
import type { Limits } from "./limits.js"
import { syncRoutes } from "./sync.js"

export interface ServerOptions {
  study: Study
  /** Unix milliseconds. */
  now(): number
  /** Random bytes for the salts of replies. */
  random(bytes: number): Uint8Array
  /** Where refusals and failures are told; silent without. */
  log?: FastifyBaseLogger
  /** Called after the commit of every exchange with a board; must not block. */
  committed?(device: string): void
  /** Does what is asked for on the page; without, the page may only read. */
  act?(action: Action): Promise<ActionResult>
  /** Opens page and API to other machines; without it they are for this one. */
  token?: string
  /** Without, nobody is slowed down. */
  limits?: Limits
}

/** A board that has not sent its request by then is cut off, milliseconds. */
const REQUEST_TIMEOUT_MS = 20000
/** How often a database that failed is tried again for those who ask how the server is, milliseconds. */
const PROBE_MS = 1000
/** What must fit before a disk that was full counts as having room: some syncs. */
const ROOM_BYTES = 500_000

/** What syncs find of the database, for those who ask how the server is. */
export interface StoreState {
  failing: boolean
}

/** The server, not listening yet: `await app.listen({ port, host })`, or `await app.ready()` and `app.server`. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const { log, token, limits } = options
  const app = Fastify({
    ...(log === undefined ? {} : { loggerInstance: log }),
    logController: new LogController({ disableRequestLogging: true }),
    // What is under way is answered; stopServer cuts off what takes too long.
    forceCloseConnections: "idle",
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 4 },
    // A path that no route can take (too long, badly encoded) names no device.
    frameworkErrors(error, request, reply) {
      request.log.warn({ code: error.code }, `request refused: ${error.message}`)
      return (reply as FastifyReply).code(404).header("connection", "close").send()
    },
    clientErrorHandler(error, socket) {
      app.log.warn({ code: error.code }, `connection refused: ${error.message}`)
      if (socket.writable)
        socket.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
      socket.destroy(error)
    },
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).header("connection", "close").send())
  const state: StoreState = { failing: false }
  healthRoute(app, options, state)
  app.register(async (scope) => syncRoutes(scope, options, state))
  app.register(async (scope) => {
    scope.addHook("onRequest", admission(token, limits))
    await dashboardRoutes(scope, options)
  })
  return app
}

/**
 * GET /v1/health: 200 or 503 and { ok } for everybody; what the study holds only for who may see the page. Not ok: the
 * database can't be written to. After a sync that found no room there must be room for more than one.
 */
function healthRoute(app: FastifyInstance, { study, now, token }: ServerOptions, state: StoreState): void {
  let triedAt = Number.NEGATIVE_INFINITY
  app.get("/v1/health", async (request, reply) => {
    if (Math.abs(now() - triedAt) >= PROBE_MS) {
      triedAt = now()
      state.failing = !(await study.store.writable(state.failing ? ROOM_BYTES : 1))
    }
    const ok = !state.failing
    reply.code(ok ? 200 : 503).header("cache-control", "no-store")
    if (visitor(request, token) !== "allowed") return { ok }
    return { ok, study: study.plan.name, schema: SCHEMA_VERSION, plays: await study.store.plays.count() }
  })
}

/** Stops listening, lets what is under way end within `graceMs`, then cuts it off. */
export async function stopServer(app: FastifyInstance, graceMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
  }
}
