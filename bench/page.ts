// The page of a large study: 86 listeners and some 23,000 plays, rehearsed with the model of the firmware; how long until
// it can be used in a real browser on this machine, and how long the answers behind it take when nobody has asked before.

import { mkdtempSync, rmSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { runWholeStudy, THESIS_SUBJECTS, thesisPlan } from "../host/rehearsal/whole-study/run.js"
import { buildServer } from "../host/server/server.js"
import { checkStudy } from "../host/study/quality/check.js"
import { openStudy, type Study } from "../host/study/study.js"
import { launchBrowser } from "../test/browser.js"
import type { Claim } from "./report.js"

const LOADS = 9
const GOAL_PAGE_MS = 1000
const GOAL_ANSWER_MS = 50
const SUBJECTS_ASKED = 20
const AIMED = "what was aimed at"

export async function page(): Promise<Claim[]> {
  const root = mkdtempSync(join(tmpdir(), "fieldtune-page-"))
  try {
    const dir = join(root, "study")
    const plan = { ...thesisPlan(), waves: { count: 3, days: 5, gapDays: 2, first: "random" as const } }
    const common = { seed: 1, effect: 1, firmware: "model" as const, workers: availableParallelism() }
    const whole = await runWholeStudy({ dir, plan, subjects: THESIS_SUBJECTS, ...common })
    await whole.study.close()
    const study = await openStudy(dir)
    try {
      // As the server does every minute, in a thread of its own.
      await checkStudy(study, Date.now())
      const plays = await study.store.plays.count()
      const of = `${THESIS_SUBJECTS} listeners and ${plays} plays`
      return [
        await loads(study, `the page of ${of} can be used`, "/"),
        await loads(study, `the page of one of ${of} can be used`, "/subjects/1"),
        await answers(study, of),
      ]
    } finally {
      await study.close()
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** From the request of the page until what it shows is there; each time with a server that has not been asked before. */
async function loads(study: Study, what: string, path: string): Promise<Claim> {
  const browser = await launchBrowser()
  const times: number[] = []
  try {
    for (let i = 0; i < LOADS; i++) {
      await withServer(study, async (port) => {
        const tab = await browser.newPage()
        const began = performance.now()
        await tab.goto(`http://127.0.0.1:${port}/#${path}`)
        await tab.waitForSelector("main section")
        // The browser has drawn it and takes input again.
        await tab.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        times.push(performance.now() - began)
        await tab.close()
      })
    }
  } finally {
    await browser.close()
  }
  return claim(what, times, GOAL_PAGE_MS)
}

/** Answers of the API that nobody has asked for before. */
async function answers(study: Study, of: string): Promise<Claim> {
  const paths = [
    "/api/overview",
    "/api/songs",
    "/api/survey",
    ...Array.from({ length: SUBJECTS_ASKED }, (_, i) => `/api/subjects/${i + 1}`),
  ]
  const times: number[] = []
  const slowest = new Map<string, number>()
  for (let i = 0; i < LOADS; i++) {
    await withServer(study, async (port) => {
      for (const path of paths) {
        const began = performance.now()
        const reply = await fetch(`http://127.0.0.1:${port}${path}`)
        await reply.arrayBuffer()
        if (reply.status !== 200) throw new Error(`${path}: status ${reply.status}`)
        const taken = performance.now() - began
        times.push(taken)
        slowest.set(path, Math.max(taken, slowest.get(path) ?? 0))
      }
    })
  }
  const { note, ...rest } = claim(`an answer of the API about ${of}`, times, GOAL_ANSWER_MS)
  const [worst, ms] = [...slowest].sort((a, b) => b[1] - a[1])[0]
  return { ...rest, note: `${note}; slowest: ${worst}, ${ms.toFixed(0)} ms` }
}

async function withServer(study: Study, work: (port: number) => Promise<void>): Promise<void> {
  const app = buildServer({ study, now: () => Date.now(), random: (bytes) => new Uint8Array(bytes) })
  await app.listen({ port: 0, host: "127.0.0.1" })
  try {
    await work((app.server.address() as AddressInfo).port)
  } finally {
    await app.close()
  }
}

/** Median of `times` beside the goal, both ms. */
function claim(what: string, times: readonly number[], goalMs: number): Claim {
  const sorted = [...times].sort((a, b) => a - b)
  const median = sorted[sorted.length >> 1]
  const note = `median of ${times.length}, ${sorted[0].toFixed(0)} to ${sorted[sorted.length - 1].toFixed(0)} ms`
  return { what, ours: median, theirs: goalMs, peer: AIMED, ratio: goalMs / median, goal: 1, note }
}
