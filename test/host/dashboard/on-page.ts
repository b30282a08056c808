// The page in a real browser, over a server with a study; fails on anything that the browser or axe-core complains about.

import assert from "node:assert/strict"
import { mkdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after } from "node:test"
import type { Browser, BrowserContextOptions, Page } from "playwright-core"
import { buildServer, type ServerOptions } from "../../../host/server/server.js"
import type { Study } from "../../../host/study/study.js"
import { launchBrowser } from "../../browser.js"
import { START } from "./known-study.js"

/** Pictures of what the tests saw, outside the repository. */
const SHOTS = process.env.PAGE_SHOTS ?? join(tmpdir(), "fieldtune-pages")

let browser: Browser | undefined
let missing: string | undefined
try {
  browser = await launchBrowser()
} catch (error) {
  // Where nothing may be installed the closing summary names these tests as not run; CI must run them.
  if (process.env.CI) throw error
  missing = (error as Error).message
}
after(() => browser?.close())

/** For the options of every test that needs the browser. */
export const inBrowser = { skip: missing ?? false }

/** An empty page of that browser, for what no server shows. */
export const newPage = (options: BrowserContextOptions): Promise<Page> => browser!.newPage(options)

export interface PageOptions {
  /** Behind #, such as "/boards". */
  path?: string
  width?: number
  height?: number
  colorScheme?: "light" | "dark"
  act?: ServerOptions["act"]
  now?: () => number
}

/** Opens the page at `path`, looks at it, has axe-core look at it, and keeps a picture under `name`. */
export async function onPage(
  study: Study,
  name: string,
  look: (page: Page) => Promise<void>,
  options: PageOptions = {},
): Promise<void> {
  const { path = "/", width = 1200, height = 900, colorScheme = "light", act } = options
  const now = options.now ?? (() => START + 600_000)
  const app = buildServer({ study, now, random: (n) => new Uint8Array(n), act })
  await app.listen({ port: 0, host: "127.0.0.1" })
  const page = await browser!.newPage({ viewport: { width, height }, colorScheme })
  const complaints: string[] = []
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(error.message))
  try {
    await page.goto(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/#${path}`)
    await page.waitForSelector("main section, main .fine")
    await look(page)
    assert.deepEqual(await violations(page), [])
    assert.deepEqual(complaints, [])
    mkdirSync(SHOTS, { recursive: true })
    await page.screenshot({ path: join(SHOTS, `${name}-${width}-${colorScheme}.png`), fullPage: true })
  } finally {
    await page.close()
    await app.close()
  }
}

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js")
/** Rules of WCAG 2.2 up to AA, and what axe-core calls best practice. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

/** What axe-core finds, in words: rule, element, what is wrong. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(`document.querySelectorAll("details").forEach((details) => { details.open = true })`)
  // The content policy lets no script in; the protocol of the browser does.
  await page.evaluate(readFileSync(AXE, "utf8"))
  return page.evaluate<
    string[]
  >(`axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ": " + html + " " + failureSummary)))`)
}
