// Who may see the page and the API: whoever sits at this machine, and from elsewhere whoever has the token.
//
// At this machine: the connection comes from a loopback address and the request names a loopback host. The name counts
// because a page in the browser of this machine may point a name of its own at 127.0.0.1 (DNS rebinding); its requests
// then come from loopback, but under that name.
//
// The token comes once, in the address (?token=…), and is exchanged for a cookie, or as "authorization: Bearer …".

import { createHash, createHmac, timingSafeEqual } from "node:crypto"
import type { FastifyReply, FastifyRequest } from "fastify"
import type { Limits } from "./limits.js"

const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
const COOKIE = "fieldtune"
const DAY_S = 86_400

const REFUSAL =
  "This page is for people at the machine that runs the study, under http://localhost or http://127.0.0.1.\n" +
  "From elsewhere it opens with the token that fieldtune serve was started with: add ?token=TOKEN to the address.\n"

export type Visitor = "allowed" | "token in the address" | "refused"

export function visitor(request: FastifyRequest, token: string | undefined): Visitor {
  if (isLoopback(request.socket.remoteAddress) && isLoopbackHost(request.headers.host)) return "allowed"
  if (token === undefined) return "refused"
  if (bringsToken(request, token)) return "allowed"
  const cookie = cookieOf(request)
  if (cookie !== undefined && same(cookie, cookieValue(token))) return "allowed"
  const asked = (request.query as { token?: unknown }).token
  return typeof asked === "string" && same(asked, token) ? "token in the address" : "refused"
}

/** Whether the request names the token itself, as programs do. A page of another origin can't: its browser would ask first. */
export function bringsToken(request: FastifyRequest, token: string | undefined): boolean {
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1]
  return token !== undefined && bearer !== undefined && same(bearer, token)
}

/** Lets pass who may; answers the others, and whoever brings the token, who is sent on with a cookie. */
export function admission(token: string | undefined, limits: Limits | undefined) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const remote = request.socket.remoteAddress ?? ""
    const wait = limits?.strangerWait(remote) ?? 0
    const who = visitor(request, token)
    if (who === "allowed") return
    if (wait > 0) return reply.code(429).header("retry-after", String(wait)).send()
    if (who === "token in the address" && token !== undefined) {
      const [path] = request.url.split("?")
      return reply
        .header(
          "set-cookie",
          `${COOKIE}=${cookieValue(token)}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${DAY_S}`,
        )
        .header("cache-control", "no-store")
        .header("referrer-policy", "no-referrer")
        .redirect(path.startsWith("//") ? "/" : path, 303)
    }
    limits?.failed(remote)
    request.log.warn(
      { remote, host: request.headers.host },
      "the page was refused: not this machine, no token",
    )
    return reply.code(401).type("text/plain; charset=utf-8").send(REFUSAL)
  }
}

export function isLoopback(address: string | undefined): boolean {
  const plain = (address ?? "").replace(/^::ffff:/, "")
  return plain === "::1" || /^127(\.\d{1,3}){3}$/.test(plain)
}

function isLoopbackHost(host: string | undefined): boolean {
  return LOOPBACK_HOSTS.includes((host ?? "").toLowerCase().replace(/:\d*$/, ""))
}

function cookieOf(request: FastifyRequest): string | undefined {
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const [name, value] = pair.trim().split("=", 2)
    if (name === COOKIE) return value
  }
  return undefined
}

/** What the cookie holds: it opens the page, and does not give the token away. */
function cookieValue(token: string): string {
  return createHmac("sha256", token).update("fieldtune page").digest("hex")
}

/** Compares in a time that tells nothing of where they differ. */
function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
