// Speed claims, side by side with what one would take instead, in one run, as ratios.
//
//   npm run bench [-- --only NAME] [-- --json]     bench/install-peers.sh installs what is compared with

import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { adaptation } from "./adapt.js"
import { normalCdf, virtualTime } from "./basics.js"
import { dictionary } from "./dictionary.js"
import { firmware } from "./firmware.js"
import { fit } from "./fit.js"
import { ingest } from "./ingest.js"
import { page } from "./page.js"
import { pairs } from "./pairs.js"
import { particles } from "./particles.js"
import { playlists } from "./playlists.js"
import { type Claim, lineOf, type Skipped } from "./report.js"

const BENCHES: Record<string, () => (Claim | Skipped)[] | Promise<Claim[]>> = {
  "log-normal-cdf": normalCdf,
  fit,
  particles,
  pairs,
  playlists,
  firmware: async () => [...(await virtualTime()), ...(await firmware())],
  adapt: adaptation,
  dictionary,
  ingest,
  page,
}

const { only, json } = parseArgs({ options: { only: { type: "string" }, json: { type: "boolean" } } }).values
if (only !== undefined && !(only in BENCHES)) {
  throw new Error(`--only: must be one of ${Object.keys(BENCHES).join(", ")}, got ${JSON.stringify(only)}`)
}
/** A bench in a process of its own, so that none runs in what another has left of heap and compiled code. */
function apart(name: string): (Claim | Skipped)[] {
  const program = fileURLToPath(import.meta.url)
  const out = execFileSync(process.execPath, [program, "--only", name, "--json"], { encoding: "utf8" })
  return JSON.parse(out)
}

const found: (Claim | Skipped)[] = []
for (const [name, bench] of Object.entries(BENCHES)) {
  if (only !== undefined && name !== only) continue
  const claims = only === undefined ? apart(name) : await bench()
  found.push(...claims)
  if (!json) for (const claim of claims) process.stdout.write(`${lineOf(claim)}\n`)
}
if (json) process.stdout.write(`${JSON.stringify(found)}\n`)
