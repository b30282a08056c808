// Modules of the one file that @devicescript/cli ships, found by name. The version is pinned; another layout is
// an error that says so.

import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

const MODULE_END = "\n});"

const require = createRequire(import.meta.url)

/** The file that holds the whole command line tool. */
export function bundlePath(): string {
  return require.resolve("@devicescript/cli/built/devicescript-cli.cjs")
}

/** Version of the installed DeviceScript command line tool. */
export function cliVersion(): string {
  return require("@devicescript/cli/package.json").version
}

/** The bundle is not laid out as this project knows it. */
export function layoutError(what: string, cause?: unknown): Error {
  return new Error(
    `${bundlePath()}: ${what}; the layout of @devicescript/cli ${cliVersion()} is not the one of 2.16.4`,
    { cause },
  )
}

/** Text of one module of the bundle: `var NAME = __commonJS({ … });`. */
export function moduleText(name: string): string {
  const bytes = readFileSync(bundlePath())
  const start = bytes.indexOf(`var ${name} = __commonJS({`)
  const end = start < 0 ? -1 : bytes.indexOf(MODULE_END, start)
  if (end < 0) throw layoutError(`no module ${name}`)
  return bytes.toString("utf8", start, end + MODULE_END.length)
}

/** The bundler's module wrapper: runs the one function of `modules` once, on first use. */
export function commonJs(modules: Record<string, (exports: unknown, module: { exports: unknown }) => void>) {
  let module: { exports: unknown } | undefined
  return () => {
    if (!module) {
      module = { exports: {} }
      Object.values(modules)[0](module.exports, module)
    }
    return module.exports
  }
}
