// The HTTP server: the sync endpoint for boards and the dashboard for people.

import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  LogController,
} from "fastify"
import { SCHEMA_VERSION } from "../store/migrations.js"
import type { Study } from "../study/study.js"
import { dashboardRoutes } from "./dashboard.js"
import { syncRoutes } from "./sync.js"

export interface ServerOptions {
  study: Study
  /** Unix milliseconds. */
  now(): number
  /** Random bytes for the salts of replies. */
  random(bytes: number): Uint8Array
  /** Where refusals and failures are told; silent without. */
  log?: FastifyBaseLogger
  /** Called after a commit that brought new plays of the subject; must not block. */
  committed?(subject: number): void
}

/** A board that has not sent its request by then is cut off, milliseconds. */
const REQUEST_TIMEOUT_MS = 20000

/** The server, not listening yet: `await app.listen({ port, host })`, or `await app.ready()` and `app.server`. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const { study, log } = options
  const app = Fastify({
    ...(log === undefined ? {} : { loggerInstance: log }),
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
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
  app.get("/v1/health", async () => ({
    ok: true,
    study: study.plan.name,
    schema: SCHEMA_VERSION,
    plays: await study.store.plays.count(),
  }))
  app.register(async (scope) => syncRoutes(scope, options))
  app.register(async (scope) => dashboardRoutes(scope, options))
  return app
}
