// Makes the pictures of the README: a small rehearsed study on the page. npm run pictures

import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { buildServer } from "../host/server/server.js"
import { openStudy } from "../host/study/study.js"
import { launchBrowser } from "./browser.js"

const PROGRAM = fileURLToPath(new URL("../host/cli/main.js", import.meta.url))
const PICTURES = fileURLToPath(new URL("../../docs/pictures/", import.meta.url))
const PAGES = [
  { name: "study", path: "/", height: 900 },
  { name: "listener", path: "/subjects/1", height: 1250 },
]

const dir = mkdtempSync(join(tmpdir(), "fieldtune-pictures-"))
const kept = join(dir, "study")
execFileSync(
  process.execPath,
  [PROGRAM, "rehearse", "--subjects", "12", "--seed", "1", "--keep", kept, "--json"],
  { stdio: ["ignore", "ignore", "inherit"] },
)
const study = await openStudy(kept)
const [last] = await study.store.syncs.latest()
const app = buildServer({ study, now: () => last.at + 600_000, random: (n) => new Uint8Array(n) })
await app.listen({ port: 0, host: "127.0.0.1" })
const browser = await launchBrowser()
try {
  for (const { name, path, height } of PAGES) {
    const page = await browser.newPage({ viewport: { width: 1000, height }, colorScheme: "light" })
    await page.goto(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/#${path}`)
    await page.waitForSelector("main section")
    await page.screenshot({ path: join(PICTURES, `${name}.png`) })
    await page.close()
  }
} finally {
  await browser.close()
  await app.close()
  await study.close()
  rmSync(dir, { recursive: true, force: true })
}
