// The bytes of every WebAssembly kernel are what its source compiles to.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"

test("the bytes of the kernels are what their sources compile to", async () => {
  const url = new URL("../../../host/model/wasm/compile.mjs", import.meta.url)
  const { compile, KERNELS } = (await import(url.href)) as {
    compile(folder: string): Promise<string>
    KERNELS: string[]
  }
  assert.equal(KERNELS.length, 2)
  const bytes = (text: string): string => [...text.matchAll(/"([^"]*)"/g)].map((match) => match[1]).join("")
  for (const folder of KERNELS) {
    assert.equal(
      bytes(await compile(folder)),
      bytes(readFileSync(join(folder, "kernel-bytes.ts"), "utf8")),
      folder,
    )
  }
})
