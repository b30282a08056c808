// The HTTP server: the sync endpoint for boards and the dashboard for people.

import Fastify, { type FastifyBaseLogger, type FastifyInstance } from "fastify"
import type { Study } from "../study/study.js"

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

/** The server, not listening yet: `await app.listen({ port, host })`, or `await app.ready()` and `app.server`. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const app = Fastify({ loggerInstance: options.log, trustProxy: false })
  return app
}
