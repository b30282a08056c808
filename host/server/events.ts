// GET /api/events: server-sent events. Whoever listens is told when what the page shows has changed, by whichever process:
// the database is asked once a second as long as somebody listens.

import type { ServerResponse } from "node:http"
import type { FastifyInstance } from "fastify"
import type { Study } from "../study/study.js"

const ASK_MS = 1000
/** Connections that say nothing are cut by some proxies. */
const HEARTBEAT_MS = 15_000
/** Browsers that may listen at the same time. */
const MAX_LISTENERS = 64

export function eventRoute(app: FastifyInstance, study: Study): void {
  const listeners = new Set<ServerResponse>()
  let revision = ""
  let timer: NodeJS.Timeout | undefined
  let silentSince = 0

  const tell = (text: string): void => {
    silentSince = performance.now()
    for (const listener of listeners) listener.write(text)
  }
  const ask = async (): Promise<void> => {
    try {
      const now = await study.store.activity.revision()
      if (now !== revision) {
        revision = now
        tell(`event: changed\ndata: ${JSON.stringify(revision)}\n\n`)
      } else if (performance.now() - silentSince > HEARTBEAT_MS) tell(": still here\n\n")
    } catch (error) {
      app.log.warn({ error: String(error) }, "the database can't be asked for news")
    }
    timer = listeners.size > 0 ? setTimeout(ask, ASK_MS) : undefined
  }

  app.get("/api/events", async (request, reply) => {
    if (listeners.size >= MAX_LISTENERS) {
      return reply
        .code(503)
        .send({ error: `at most ${MAX_LISTENERS} pages are told of news at the same time` })
    }
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    })
    // A page that comes back after a while reads everything anew first: only news from here on are told.
    raw.write("retry: 2000\n\n")
    listeners.add(raw)
    request.raw.on("close", () => listeners.delete(raw))
    if (timer === undefined) {
      revision = await study.store.activity.revision()
      timer = setTimeout(ask, ASK_MS)
    }
  })

  app.addHook("preClose", async () => {
    clearTimeout(timer)
    for (const listener of listeners) listener.end()
    listeners.clear()
  })
}
