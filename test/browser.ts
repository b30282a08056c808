// A real browser for the page's tests: found, or installed with the system's package manager where this process may.

import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { type Browser, chromium } from "playwright-core"

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
]
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]

/** Starts Chromium; where there is none and none can be installed, says what to do. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = find() ?? install()
  return chromium.launch({ executablePath, headless: true, args: FLAGS })
}

function find(): string | undefined {
  const { CHROMIUM_PATH } = process.env
  return CHROMIUM_PATH ?? PLACES.find((place) => existsSync(place))
}

function install(): string {
  const root = process.getuid?.() === 0
  if (root && existsSync("/usr/bin/apt-get")) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
    for (const words of [
      ["update", "-qq"],
      ["install", "-y", "-qq", "--no-install-recommends", "chromium"],
    ]) {
      const { status, stderr } = spawnSync("apt-get", words, { env, encoding: "utf8" })
      if (status !== 0) throw new Error(`apt-get ${words.join(" ")}: exit ${status}: ${stderr.slice(-400)}`)
    }
    const found = find()
    if (found !== undefined) return found
  }
  throw new Error(
    "no Chromium: install it or name one in CHROMIUM_PATH; the page's tests need a real browser",
  )
}
