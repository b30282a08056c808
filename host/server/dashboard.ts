// What the page asks for: read-only JSON, and the page itself from dist/dashboard. No keys and no received bodies.

import { existsSync } from "node:fs"
import { join } from "node:path"
import fastifyStatic from "@fastify/static"
import type { FastifyInstance } from "fastify"
import { packageRoot } from "../firmware/manifest.js"
import { patternsView } from "../patterns/stored.js"
import { StoreUnavailableError } from "../store/failure.js"
import { overview } from "../study/overview.js"
import { songsView } from "../study/songs-view.js"
import type { Study } from "../study/study.js"
import { subjectView } from "../study/subject-view.js"
import { type ActionOptions, actionRoute, surveyRoutes } from "./actions.js"
import { eventRoute } from "./events.js"

/** The page loads nothing from elsewhere. */
const CONTENT_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
/** Findings and missed syncs come by the passing of time alone. */
const FRESH_MS = 60_000
/** Answers that are kept: views of so many listeners. */
const MOST_KEPT = 200
const SUBJECT = /^[1-9]\d{0,8}$/

export async function dashboardRoutes(app: FastifyInstance, options: ActionOptions): Promise<void> {
  const { study, now } = options
  app.addHook("onSend", async (_request, reply) => {
    reply.header("content-security-policy", CONTENT_POLICY).header("x-content-type-options", "nosniff")
  })

  app.setErrorHandler<Error>((error, request, reply) => {
    if (!(error instanceof StoreUnavailableError)) throw error
    request.log.error({ code: error.reason }, error.message)
    return reply.code(503).send({ error: "the database can't be read just now" })
  })

  const kept = new Kept(options)
  app.get("/api/overview", async () => ({
    ...(await kept.get("overview", () => overview(study, now()))),
    now: now(),
    actions: options.act !== undefined,
  }))
  eventRoute(app, study)
  actionRoute(app, options)
  surveyRoutes(app, options)

  app.get<{ Params: { id: string } }>("/api/subjects/:id", async (request, reply) => {
    const id = SUBJECT.test(request.params.id) ? Number(request.params.id) : 0
    const view = id === 0 ? undefined : await kept.get(`subject ${id}`, () => subjectView(study, id))
    if (view === undefined) return reply.code(404).send({ error: "no such subject" })
    return view
  })

  app.get("/api/songs", () => kept.get("songs", () => songsView(study)))
  app.get("/api/patterns", () => kept.get("patterns", () => patternsView(study)))

  const page = join(packageRoot(), "dist", "dashboard")
  if (existsSync(join(page, "index.html"))) {
    await app.register(fastifyStatic, { root: page })
  } else {
    app.get("/", async (_request, reply) =>
      reply.code(503).type("text/plain").send("The page has not been built: npm run build\n"),
    )
  }
}

/** What was asked for is computed once for all who ask, until something changes; what it says of times may be so old. */
class Kept {
  private readonly held = new Map<string, { revision: string; at: number; value: Promise<unknown> }>()
  private readonly study: Study
  private readonly now: () => number

  constructor({ study, now }: ActionOptions) {
    this.study = study
    this.now = now
  }

  async get<T>(key: string, compute: () => Promise<T>): Promise<T> {
    const revision = await this.study.store.activity.revision()
    const known = this.held.get(key)
    if (known !== undefined && known.revision === revision && this.now() - known.at <= FRESH_MS) {
      return known.value as Promise<T>
    }
    const value = compute()
    if (this.held.size >= MOST_KEPT) this.held.clear()
    this.held.set(key, { revision, at: this.now(), value })
    // What failed is tried anew by whoever asks next.
    value.catch(() => this.held.delete(key))
    return value
  }
}
