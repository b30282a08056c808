// Hostile input: the decoders stand a short run, and a decoder that does not is found out.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { describe, test } from "node:test"
import { inputOf, judge, type Target } from "../../../host/rehearsal/hostile/judge.js"
import { TARGETS } from "../../../host/rehearsal/hostile/targets.js"
import { inThreads } from "../../../host/threads.js"

const rehearse = (...options: string[]): any => {
  const args = ["dist/host/cli/main.js", "rehearse", "hostile-input", "--json", ...options]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }))
}

describe("hostile input", () => {
  for (const target of TARGETS) {
    test(`the examples of ${target.name} are good ones`, async () => {
      assert.ok(target.examples.length > 0)
      for (const example of target.examples) {
        assert.ok(example.length > 0)
        await target.decode(example.slice())
      }
    })
  }

  test("stops no decoder, and what became of it depends on seed and number alone", () => {
    const report = rehearse("--inputs", "20000", "--seed", "3", "--workers", "2")
    assert.deepEqual(report.details, [])
    assert.equal(report.violations, 0)
    assert.ok(report.inputs >= 20000 && report.accepted + report.refused === report.inputs)
    for (const { name, accepted } of report.targets) assert.ok(accepted > 0, `${name}: nothing was accepted`)
    const small = rehearse("--inputs", "3000", "--seed", "4", "--workers", "1")
    assert.equal(rehearse("--inputs", "3000", "--seed", "4", "--workers", "3").sha, small.sha)
    assert.notEqual(rehearse("--inputs", "3000", "--seed", "5", "--workers", "1").sha, small.sha)
  })

  const example = new Uint8Array(Buffer.from('{"n":1}'))
  const target = (decode: (bytes: Uint8Array) => unknown): Target => ({
    name: "test",
    examples: [example],
    decode,
    refusal: (error) => error instanceof SyntaxError,
  })

  test("is found to get through where an error is not the decoder's own", async () => {
    const decode = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()).n.toFixed()
    const { violations, accepted, refused } = await judge(target(decode), 1, 0, 500, () => {})
    assert.ok(violations.length > 0 && accepted > 0)
    assert.ok(refused > violations.length, "refusals in own words are no violations")
    const [{ input, what }] = violations
    assert.match(what, /^TypeError/)
    assert.throws(() => decode(inputOf(target(decode), 1, input)), TypeError)
  })

  test("is found to take long, or much memory", async () => {
    const wait = (): void => {
      const end = performance.now() + 2100
      while (performance.now() < end);
    }
    const slow = await judge(target(wait), 1, 0, 1, () => {})
    assert.match(slow.violations[0].what, /^took \d+ ms$/)
    const kept: Uint8Array[] = []
    const large = await judge(
      target(() => kept.push(new Uint8Array(100 * 1024 * 1024))),
      1,
      0,
      1,
      () => {},
    )
    assert.match(large.violations[0].what, /^took \d+ bytes of memory$/)
  })
})

describe("threads that are lost", () => {
  const module = (code: string): URL =>
    new URL(
      `data:text/javascript,${encodeURIComponent(`
        import { parentPort, workerData } from "node:worker_threads"
        parentPort.on("message", (index) => {
          if (index === null) process.exit()
          ${code}
          parentPort.postMessage({ index, output: index * 2 })
        })`)}`,
    )
  const run = (code: string, more: object = {}): Promise<number[]> =>
    inThreads<number>({ name: "test", module: module(code), workerData: null, count: 5, workers: 2, ...more })

  test("cost their piece and no other, whether stuck, broken or gone", async () => {
    const reasons: string[] = []
    const lost = (index: number, reason: string): number => {
      reasons.push(reason)
      return -index
    }
    const options = { patienceMs: 500, lost }
    assert.deepEqual(await run("if (index === 2) for (;;);", options), [0, 2, -2, 6, 8])
    assert.deepEqual(await run("if (index === 1) throw new Error('broken')", options), [0, -1, 4, 6, 8])
    assert.deepEqual(await run("if (index === 3) process.exit(7)", options), [0, 2, 4, -3, 8])
    assert.deepEqual(reasons, ["no answer in 500 ms", "broken", "it ended with code 7"])
  })

  test("end all work where nobody says what takes their place", async () => {
    await assert.rejects(run("if (index === 1) throw new Error('broken')"), /test: .* at piece 1: broken/)
  })

  test("leave the others to finish the piece they are at, which may hold a database, and no more", async () => {
    const ended = new Int32Array(new SharedArrayBuffer(20))
    const code = `
      if (index === 1) throw new Error("broken")
      Atomics.wait(workerData, 4, 0, 500)
      Atomics.store(workerData, index, 1)`
    await assert.rejects(run(code, { workerData: ended }), /at piece 1: broken/)
    assert.deepEqual([...ended], [1, 0, 0, 0, 0])
  })
})
