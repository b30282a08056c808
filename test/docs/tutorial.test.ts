// The tutorial can't rot: every command of docs/tutorial.md is run, in order, in one shell's folder, and what it prints
// is what the tutorial shows, but for times, hashes, keys, ports, drawn arms and sizes.
//
// With FIELDTUNE_WRITE_TUTORIAL set the outputs are written into the tutorial instead.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { packageRoot } from "../../host/firmware/manifest.js"
import { withFolder } from "../host/study/folder.js"

const PROGRAM = fileURLToPath(new URL("../../host/cli/main.js", import.meta.url))
const TUTORIAL = join(packageRoot(), "docs", "tutorial.md")
/** What the tutorial calls the folder of the clone. */
const CLONE = "/home/you/fieldtune"
/** What it shows in place of a key, which nobody should get used to seeing in a file. */
const NO_KEY = "0123456789abcdef".repeat(4)
/** A block of commands with what they print. */
const BLOCK = /^```console\n([\s\S]*?)^```$/gm

interface Step {
  command: string
  output: string
}

function stepsOf(block: string): Step[] {
  const steps: Step[] = []
  for (const line of block.split("\n").slice(0, -1)) {
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), output: "" })
    else steps[steps.length - 1].output += `${line}\n`
  }
  return steps
}

/** A shell that stays in the folder to which it went. */
class Shell {
  private folder: string
  private readonly environment: NodeJS.ProcessEnv

  constructor(private readonly root: string) {
    this.folder = root
    const bin = join(root, ".bin")
    mkdirSync(bin)
    writeFileSync(join(bin, "fieldtune"), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`)
    chmodSync(join(bin, "fieldtune"), 0o755)
    symlinkSync(join(packageRoot(), "host"), join(root, "host"))
    this.environment = { ...process.env, NO_COLOR: "1", PATH: `${bin}:${process.env.PATH}` }
  }

  async run(command: string): Promise<string> {
    const left = join(this.root, ".folder")
    // A server goes on until it is interrupted, which is done as soon as it has said what it has to say.
    const serves = /^fieldtune serve\b/.test(command)
    const script = serves ? `exec ${command}` : `${command}\ncode=$?; pwd > '${left}'; exit $code`
    const child = spawn("bash", ["-c", script], { cwd: this.folder, env: this.environment })
    let [output, errors] = ["", ""]
    child.stdout.on("data", (chunk) => {
      output += chunk
      if (serves && output.includes("Interrupt to stop")) child.kill("SIGINT")
    })
    child.stderr.on("data", (chunk) => {
      errors += chunk
    })
    const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve))
    assert.equal(code, 0, `${command}: ${errors}`)
    if (!serves) this.folder = readFileSync(left, "utf8").trim()
    return output.replaceAll(this.root, CLONE).replace(/(?<=ftkey +)[0-9a-f]{64}/g, NO_KEY)
  }
}

const VOLATILE: [RegExp, string][] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?/g, "TIME"],
  [/(?<!Content of the database: )\b[0-9a-f]{64}\b/g, "HASH"],
  [/\b\d+ (min|h|d)\b/g, "AGE"],
  [/\b\d+ bytes\b/g, "SIZE"],
  [/(?<=:\/\/127\.0\.0\.1:)\d+/g, "PORT"],
  [/in arm \S+ \(drawn\)/g, "in arm ARM (drawn)"],
  [/-{3,}/g, "---"],
  [/ +/g, " "],
]

function masked(text: string): string {
  return VOLATILE.reduce((masking, [what, by]) => masking.replace(what, by), text)
}

test("every command of the tutorial prints what the tutorial shows", () =>
  withFolder(async (dir) => {
    const shell = new Shell(realpathSync(dir))
    const text = readFileSync(TUTORIAL, "utf8")
    const writes = process.env.FIELDTUNE_WRITE_TUTORIAL !== undefined
    let written = text
    let commands = 0
    for (const [block, body] of text.matchAll(BLOCK)) {
      const steps = stepsOf(body)
      for (const step of steps) {
        const printed = await shell.run(step.command)
        commands++
        if (writes) step.output = printed
        else assert.equal(masked(printed), masked(step.output), `$ ${step.command}`)
      }
      const rows = steps.map(({ command, output }) => `$ ${command}\n${output}`).join("")
      written = written.replace(block, () => `\`\`\`console\n${rows}\`\`\``)
    }
    assert.ok(commands >= 20, `${commands} commands`)
    if (writes) writeFileSync(TUTORIAL, written)
    // Whoever follows it has an archive in the end.
    assert.ok(existsSync(join(dir, "tutorial", "first", "exports", "archive.zip")))
  }))
