// Runs the command line as a user would: the built program in a process of its own.

import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const PROGRAM = fileURLToPath(new URL("../../../host/cli/main.js", import.meta.url))

export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

export function start(args: readonly string[], cwd: string): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] })
}

/** Runs to the end. */
export function fieldtune(args: readonly string[], cwd: string): Promise<Finished> {
  return finished(start(args, cwd))
}

export function finished(child: ChildProcess): Promise<Finished> {
  return new Promise((resolve, reject) => {
    let stdout = ""
    let stderr = ""
    child.stdout?.on("data", (chunk) => {
      stdout += chunk
    })
    child.stderr?.on("data", (chunk) => {
      stderr += chunk
    })
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })
}

/** Resolves with the first whole line of stdout. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ""
    child.stdout?.on("data", (chunk) => {
      text += chunk
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")))
    })
    child.on("close", () => reject(new Error(`ended before it wrote a line: ${text}`)))
  })
}
