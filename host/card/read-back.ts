// The hash of a file as the card gives it back, and not as this computer remembers it.
//
// After a write the operating system holds the bytes in its cache, and a reopened file is read from there. On Linux
// O_DIRECT goes around it: the bytes come from the card's controller. It needs memory aligned to the sectors, which
// WebAssembly memory is. Elsewhere, and on file systems that refuse it, the file is read through the cache, and the
// result says so; then only taking the card out, putting it in again and --check prove what is on it.
//
// Neither proves that the memory behind the controller keeps the bytes without power, nor that the card is fast enough.
// All files are read after the last one was written, so a card that claims more room than it has, and writes the later
// files over the earlier ones, is found.

import { createHash } from "node:crypto"
import { constants, type FileHandle, open } from "node:fs/promises"

/** Where the bytes came from. */
export type ReadFrom = "card" | "cache"

/** TypeScript knows WebAssembly only with the browser's types. */
declare const WebAssembly: { Memory: new (size: { initial: number }) => { buffer: ArrayBuffer } }

const PAGE_BYTES = 65536
const CHUNK_PAGES = 16

/** Hashes files one after the other with one buffer. */
export class ReadBack {
  /** "cache" once any file had to be read through it. */
  from: ReadFrom = constants.O_DIRECT === undefined ? "cache" : "card"
  private readonly buffer = Buffer.from(new WebAssembly.Memory({ initial: CHUNK_PAGES }).buffer)

  /** SHA-256, hexadecimal; `read` is told the bytes of each chunk. */
  async sha256(path: string, read: (bytes: number) => void = () => {}): Promise<string> {
    if (this.from === "card") {
      try {
        return await this.hash(path, constants.O_RDONLY | constants.O_DIRECT, read)
      } catch (error) {
        if (!["EINVAL", "ENOTSUP", "EOPNOTSUPP"].includes((error as NodeJS.ErrnoException).code ?? ""))
          throw error
        this.from = "cache"
      }
    }
    return this.hash(path, constants.O_RDONLY, read)
  }

  private async hash(path: string, flags: number, read: (bytes: number) => void): Promise<string> {
    const file: FileHandle = await open(path, flags)
    try {
      const hash = createHash("sha256")
      let at = 0
      for (;;) {
        const { bytesRead } = await file.read(this.buffer, 0, CHUNK_PAGES * PAGE_BYTES, at)
        if (bytesRead === 0) return hash.digest("hex")
        hash.update(this.buffer.subarray(0, bytesRead))
        at += bytesRead
        read(bytesRead)
      }
    } finally {
      await file.close()
    }
  }
}
