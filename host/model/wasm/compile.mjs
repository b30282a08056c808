// Compiles score.ts to WebAssembly and writes its bytes as a module, score-bytes.ts, so that nothing reads a file when
// the program runs: npm run kernel. The tests hold that the module is what score.ts compiles to.

import { writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import asc from "assemblyscript/asc"

const FOLDER = dirname(fileURLToPath(import.meta.url))

/** The text of score-bytes.ts. */
export async function compile() {
  let bytes
  const { error, stderr } = await asc.main(
    ["score.ts", "--baseDir", FOLDER, "--outFile", "score.wasm", "--enable", "simd", "-O3"].concat([
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
    throw new Error(`host/model/wasm/score.ts: not compiled: ${stderr.toString()}`, { cause: error })
  }
  const lines = Buffer.from(bytes)
    .toString("base64")
    .match(/.{1,100}/g)
  return `// Written by compile.mjs from score.ts.\n\nexport const SCORE_WASM =\n  ${lines.map((line) => `"${line}"`).join(" +\n  ")}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(`${FOLDER}/score-bytes.ts`, await compile())
}
