// The same bits on every machine: hashes of results, made once. Own exp, log and log Φ, an own generator and sums in a
// fixed order leave nothing to the engine. A change of any estimate changes a hash: then the new one is put here, and
// the change is said in the CHANGELOG, because a study that is running must not mix both.

import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { test } from "node:test"
import { describeCandidates } from "../../../host/design/candidates.js"
import { designPlaylist } from "../../../host/design/design.js"
import { knowledgeOf } from "../../../host/design/information.js"
import { fitAggregate } from "../../../host/model/aggregate.js"
import { averagingWeights, leaveOneOut } from "../../../host/model/average.js"
import { exp, expm1, log, log1p } from "../../../host/model/elementary.js"
import { logEvidence } from "../../../host/model/evidence.js"
import { takeRows } from "../../../host/model/observations.js"
import { predictSongs } from "../../../host/model/predict.js"
import { stream } from "../../../host/model/random.js"
import { scoreModel } from "../../../host/model/score.js"
import { fitFirstBlock, updateTaste } from "../../../host/model/taste.js"
import { encodeTaste } from "../../../host/model/taste-bytes.js"
import { observationsOf, priorOf, songs, spec } from "./reference.js"

const hashOf = (...parts: (ArrayBufferView | string)[]): string => {
  const hash = createHash("sha256")
  for (const part of parts) {
    hash.update(
      typeof part === "string" ? part : new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
    )
  }
  return hash.digest("hex").slice(0, 16)
}

const options = { seed: 1, stream: ["golden"] }
const first = fitFirstBlock(observationsOf(3, "1"), priorOf(3), { ...options, chains: 2 })
const both = observationsOf(3, "12")
const second = updateTaste(first, both, 500, options)

const results: Record<string, () => string> = {
  "exp, log, log1p, expm1 of a thousand numbers": () => {
    const rng = stream(2, "golden")
    return hashOf(
      Float64Array.from({ length: 1000 }, () => {
        const x = 40 * (rng.uniform() - 0.5)
        return exp(x) + log(exp(-x)) + log1p(rng.uniform()) + expm1(x / 40)
      }),
    )
  },
  "draws of every kind": () => {
    const rng = stream(3, "golden")
    return hashOf(
      Float64Array.from({ length: 3000 }, (_, i) =>
        [rng.normal(), rng.gamma(0.3 + i / 100), rng.normalAbove(i / 300 - 5), rng.int(1 + i)].reduce(
          (a, b) => a + b,
        ),
      ),
    )
  },
  "first block, two chains": () => hashOf(encodeTaste(first)),
  "second block by particles": () => hashOf(encodeTaste(second)),
  "second block with forgetting and SSP": () => {
    const wave = Uint32Array.from({ length: both.n }, (_, k) => (k < 500 ? 1 : 2))
    const model = { ...first, wave: 1 }
    return hashOf(
      encodeTaste(
        updateTaste(model, { ...both, wave }, 500, { ...options, forgetting: 0.7, resampling: "ssp" }),
      ),
    )
  },
  "thesis profile, two blocks": () => {
    const model = fitFirstBlock(observationsOf(1, "1"), priorOf(1), { ...options, profile: "thesis" })
    return hashOf(encodeTaste(updateTaste(model, observationsOf(1, "12"), 500, options)))
  },
  "scores, leave-one-out and weights": () => {
    const plays = takeRows(
      observationsOf(4, "1"),
      Array.from({ length: 60 }, (_, k) => 8 * k),
    )
    const own = { joint: 0, pointwise: leaveOneOut(second.particles, plays).pointwise }
    const donors = [first, second].map((model) => scoreModel(model.particles, plays))
    return hashOf(
      Float64Array.of(donors[0].joint, donors[1].joint),
      donors[0].pointwise,
      averagingWeights("stacking", own, donors),
      averagingWeights("density", own, donors),
    )
  },
  evidence: () =>
    hashOf(Float64Array.of(logEvidence(takeRows(both, [0, 100, 200, 300]), priorOf(3), stream(4, "golden")))),
  "song constants": () => {
    const plays = Array.from({ length: 200 }, (_, k) => ({
      subject: k % 7,
      song: both.song[5 * k],
      y: both.y[5 * k],
      censored: both.censored[5 * k] === 1,
    }))
    const { delta, sigma2 } = fitAggregate(plays, stream(5, "golden"))
    return hashOf(delta, sigma2)
  },
  "a designed playlist": () => {
    const candidates = describeCandidates(spec, songs)
    const { share, seconds } = predictSongs(second.particles, candidates.x, candidates.logLength)
    const { items, summary } = designPlaylist({
      ...{ design: "model", size: 50, candidates, utility: share, knowledge: knowledgeOf(second, both) },
      ...{ particles: second.particles, names: spec.names, seed: 6, stream: ["golden"] },
    })
    return hashOf(seconds, JSON.stringify({ items, summary }))
  },
}

const GOLDEN: Record<string, string> = {
  "exp, log, log1p, expm1 of a thousand numbers": "d4d2f05b4350e3f7",
  "draws of every kind": "6caafc304599d7ec",
  "first block, two chains": "47f86e6104afa20b",
  "second block by particles": "442874506fb497eb",
  "second block with forgetting and SSP": "deb97bdaa5620a00",
  "thesis profile, two blocks": "80769a5e0706d388",
  "scores, leave-one-out and weights": "bf16d812d55bde76",
  evidence: "b7d62284e1b87ebf",
  "song constants": "69c8eff7d3cd753e",
  "a designed playlist": "5c758964e4635f63",
}

for (const [name, result] of Object.entries(results)) {
  test(`${name}: the bits are those of every other machine`, () => assert.equal(result(), GOLDEN[name]))
}
