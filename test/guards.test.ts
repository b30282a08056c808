// Rules between parts that no compiler holds.

import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { test } from "node:test"
import { firmwareManifest } from "../host/firmware/manifest.js"

const { root, version } = firmwareManifest()

interface Source {
  /** Relative to the root. */
  path: string
  text: string
  /** Import specifiers; those of the repository as paths relative to the root, without extension. */
  imports: string[]
}

function sourcesIn(folder: string): Source[] {
  const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
  assert.ok(files.length > 0, `${folder} holds no sources`)
  return files.sort().map((file) => {
    const text = readFileSync(file, "utf8")
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, name]) =>
      name.startsWith(".")
        ? relative(root, resolve(dirname(file), name)).replace(/\.(js|ts|tsx)$/, "")
        : name,
    )
    return { path: relative(root, file), text, imports }
  })
}

const breaches = (sources: Source[], breaks: (source: Source) => string[]): string[] =>
  sources.flatMap((source) => breaks(source).map((what) => `${source.path}: ${what}`))

const PURE = ["src/adapt", "src/record", "src/wire"]

test("of the firmware, the host imports only the pure files", () => {
  const host = sourcesIn("host")
  assert.ok(host.some((source) => source.imports.includes("src/wire")))
  const found = breaches(host, ({ imports }) =>
    imports.filter((name) => name.startsWith("src/") && !PURE.includes(name)),
  )
  assert.deepEqual(found, [])
})

test("the pure files import nothing", () => {
  const pure = sourcesIn("src").filter((source) => PURE.includes(source.path.replace(/\.ts$/, "")))
  assert.equal(pure.length, PURE.length)
  assert.deepEqual(
    breaches(pure, ({ imports }) => imports),
    [],
  )
})

test("the firmware imports nothing but its own files and the DeviceScript libraries", () => {
  const found = breaches(sourcesIn("src"), ({ imports }) =>
    imports.filter((name) => !name.startsWith("src/") && !name.startsWith("@devicescript/")),
  )
  assert.deepEqual(found, [])
})

test("only the firmware's main file and its entries name roles and settings keys", () => {
  const others = sourcesIn("src").filter(
    ({ path }) => path !== "src/main.ts" && !path.startsWith("src/entry/"),
  )
  const found = breaches(others, ({ text }) => text.match(/new ds\.[A-Z]\w*\(|["']ft\w+["']/g) ?? [])
  assert.deepEqual(found, [])
})

test("the firmware reports the version of its manifest", () => {
  const main = readFileSync(join(root, "src/main.ts"), "utf8")
  assert.equal(/FIRMWARE = "([^"]+)"/.exec(main)?.[1], version)
})

test("model and design do no I/O, read no clock and draw no global randomness", () => {
  const forbidden = /^(node:)?(fs|fs\/promises|net|http|https|child_process|worker_threads|process|os)$/
  const ambient =
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b|\bprocess\.|\brandomBytes\b/g
  const found = breaches([...sourcesIn("host/model"), ...sourcesIn("host/design")], (source) => {
    const code = source.text.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, "")
    return [...source.imports.filter((name) => forbidden.test(name)), ...(code.match(ambient) ?? [])]
  })
  assert.deepEqual(found, [])
})

test("what decides results uses no function of the engine's own making: their last bits may differ between engines", () => {
  // abs, floor, ceil, round, sqrt, min, max, imul and clz32 are exact by the standard.
  const own =
    /\bMath\.(?!abs\b|floor\b|ceil\b|round\b|trunc\b|sqrt\b|min\b|max\b|[A-Z])\w+|[\w)\]]\s*\*\*=?\s*[\w(]/g
  const found = breaches([...sourcesIn("host/model"), ...sourcesIn("host/design")], ({ text }) =>
    [...text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, "").matchAll(own)].map(([what]) => what),
  )
  assert.deepEqual(found, [])
})

test("threads that are terminated wherever they are load no database: within a call of it they would end the process", () => {
  // Of the compiled files, as types are no imports there.
  const loadedBy = (entry: string): Set<string> => {
    const loaded = new Set([join(root, "dist", entry)])
    for (const file of loaded) {
      if (!file.startsWith(root)) continue
      for (const [, name] of readFileSync(file, "utf8").matchAll(
        /(?:from|import)\s*\(?\s*["']([^"']+)["']/g,
      )) {
        loaded.add(name.startsWith(".") ? resolve(dirname(file), name) : name)
      }
    }
    return loaded
  }
  assert.ok(loadedBy("host/worker.js").has(join(root, "dist/host/store/embedded.js")))
  for (const entry of [
    "host/round/thread.js",
    "host/rehearsal/hostile/thread.js",
    "host/catalogue/audio/thread.js",
    "host/rehearsal/whole-study/vm-thread.js",
  ]) {
    const loaded = [...loadedBy(entry)].map((file) => relative(root, file))
    assert.ok(loaded.length > 5, entry)
    assert.deepEqual(
      loaded.filter((file) => file.includes("libsql") || file === "dist/host/store/embedded.js"),
      [],
      entry,
    )
  }
  // Nothing else is terminated.
  const terminating = sourcesIn("host").filter(({ text }) => /\.terminate\(\)/.test(text))
  assert.deepEqual(
    terminating.map(({ path }) => path),
    ["host/rehearsal/whole-study/vm-fleet.ts", "host/round/pool.ts", "host/threads.ts"],
  )
  const impatient = sourcesIn("host").filter(({ text }) => /patienceMs:/.test(text))
  assert.deepEqual(
    impatient.map(({ path }) => path),
    ["host/catalogue/audio/folder.ts", "host/rehearsal/hostile/hostile-input.ts"],
  )
})
