// Keys, salts and entropy of a rehearsal: bytes of a seeded stream.

import type { Rng } from "../model/random.js"

/** Random bytes of a stream, `count` at a time. */
export function bytesFrom(rng: Rng): (count: number) => Uint8Array {
  return (count) => Uint8Array.from({ length: count }, () => rng.int(256))
}
