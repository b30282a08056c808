// Compiles every kernel.ts to WebAssembly and writes its bytes as a module, kernel-bytes.ts, so that nothing reads a file
// when the program runs: npm run kernel. The tests hold that each module is what its kernel.ts compiles to.

import { writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import asc from "assemblyscript/asc"

const HERE = dirname(fileURLToPath(import.meta.url))
/** Folders with a kernel.ts. */
export const KERNELS = [HERE, join(HERE, "..", "..", "patterns", "wasm")]

/** The text of kernel-bytes.ts in `folder`. */
export async function compile(folder) {
  let bytes
  const { error, stderr } = await asc.main(
    ["kernel.ts", "--baseDir", folder, "--outFile", "kernel.wasm", "--enable", "simd", "-O3"].concat([
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
    throw new Error(`${folder}/kernel.ts: not compiled: ${stderr.toString()}`, { cause: error })
  }
  const lines = Buffer.from(bytes)
    .toString("base64")
    .match(/.{1,100}/g)
  return `// Written by npm run kernel from kernel.ts.\n\nexport const KERNEL_WASM =\n  ${lines.map((line) => `"${line}"`).join(" +\n  ")}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of KERNELS) writeFileSync(join(folder, "kernel-bytes.ts"), await compile(folder))
}
