// Compiles kernel.ts to WebAssembly and writes its bytes as a module, kernel-bytes.ts, so that nothing reads a file when
// the program runs: npm run kernel. The tests hold that the module is what kernel.ts compiles to.

import { writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import asc from "assemblyscript/asc"

const FOLDER = dirname(fileURLToPath(import.meta.url))

/** The text of kernel-bytes.ts. */
export async function compile() {
  let bytes
  const { error, stderr } = await asc.main(
    ["kernel.ts", "--baseDir", FOLDER, "--outFile", "kernel.wasm", "--enable", "simd", "-O3"].concat([
      "--runtime",
      "stub",
      "--noAssert",
    ]),
    {
      writeFile(name, contents) {
        if (name.endsWith(".wasm")) bytes = contents
      },
    },
  )
  if (error || bytes === undefined) {
    throw new Error(`host/model/wasm/kernel.ts: not compiled: ${stderr.toString()}`, { cause: error })
  }
  const lines = Buffer.from(bytes)
    .toString("base64")
    .match(/.{1,100}/g)
  return `// Written by compile.mjs from kernel.ts.\n\nexport const KERNEL_WASM =\n  ${lines.map((line) => `"${line}"`).join(" +\n  ")}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(`${FOLDER}/kernel-bytes.ts`, await compile())
}
