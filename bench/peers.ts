// The programs that ours is compared with: found if they are there, run in a fresh process on one core.

import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { packageRoot } from "../host/firmware/manifest.js"

const INSTALL = "run bench/install-peers.sh"

const folder = join(packageRoot(), "bench", "peers")
const scratch = mkdtempSync(join(tmpdir(), "fieldtune-bench-"))

/** One core, and the libraries' own choice of kernels. */
function environment(): NodeJS.ProcessEnv {
  const env = { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" }
  for (const name of ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]) delete env[name as keyof typeof env]
  return env
}

const works = (command: string, args: string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore", env: environment() }).status === 0

/** Writes the data that a peer reads; gives the path. */
export function dataFile(name: string, data: unknown): string {
  const path = join(scratch, name)
  writeFileSync(path, JSON.stringify(data))
  return path
}

type Answer = { answer: any } | { skipped: string }

function run(command: string, args: string[]): Answer {
  const out = execFileSync(command, args, { env: environment(), maxBuffer: 1 << 28, encoding: "utf8" })
  // A library may greet before the answer, which is the last line.
  return { answer: JSON.parse(out.trimEnd().slice(out.trimEnd().lastIndexOf("\n") + 1)) }
}

/** A Python program of bench/peers, under the first Python that has numpy and scipy. */
export function python(program: string, ...args: string[]): Answer {
  const found = ["/usr/bin/python3", "python3"].find((name) => works(name, ["-c", "import numpy, scipy"]))
  if (found === undefined) return { skipped: `no Python with numpy and scipy: ${INSTALL}` }
  return run(found, [join(folder, program), ...args])
}

export function r(program: string, ...args: string[]): Answer {
  if (!works("Rscript", ["-e", "library(MCMCpack); library(jsonlite)"])) {
    return { skipped: `no R with MCMCpack: ${INSTALL}` }
  }
  return run("Rscript", [join(folder, program), ...args])
}

/** A C program, compiled for this very machine. */
export function c(program: string, ...args: string[]): Answer {
  if (!works("gcc", ["--version"])) return { skipped: `no C compiler: ${INSTALL}` }
  const binary = join(scratch, program.replace(/\.c$/, ""))
  execFileSync("gcc", ["-O3", "-march=native", "-o", binary, join(folder, program), "-lm"])
  return run(binary, args)
}
