// Runs every compiled test file (or those whose path holds one of the arguments) under node:test.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { run } from "node:test"
import { spec, tap } from "node:test/reporters"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL(".", import.meta.url))
const wanted = process.argv.slice(2)
const files = readdirSync(root, { recursive: true })
  .map(String)
  .filter((path) => path.endsWith(".test.js"))
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
  .sort()
  .map((path) => join(root, path))
if (files.length === 0) {
  process.stderr.write(`no test file matches ${wanted.join(" ")}\n`)
  process.exit(2)
}
const stream = run({ files, concurrency: 2, timeout: 1_800_000 })
stream.on("test:fail", () => {
  process.exitCode = 1
})
const notRun: string[] = []
stream.on("test:pass", ({ name, skip }) => {
  if (skip) notRun.push(`not run: ${name}: ${skip}`)
})
stream.on("end", () => process.stderr.write(notRun.map((line) => `${line}\n`).join("")))
if (process.stdout.isTTY) stream.compose(new spec()).pipe(process.stdout)
else stream.compose(tap).pipe(process.stdout)
