// fieldtune demo: a whole study on simulated boards, from the first random wave to what the host has learned, and then
// the dashboard of that study.

import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Presets, SingleBar } from "cli-progress"
import type { Command } from "commander"
import { Rehearsal, type RehearsalReport } from "../rehearsal/study.js"
import { buildServer } from "../server/server.js"
import type { Study } from "../study/study.js"
import { answer, command, wholeNumber } from "./command.js"
import { interrupted, listen } from "./listen.js"
import { table } from "./table.js"

interface Options {
  json?: boolean
  once?: boolean
  keep?: string
  seed: number
  boards: number
  waves: number
  port: number
  host: string
}

const DEFAULT_PORT = 8137
/** A study that is kept began so long ago: a demonstration of 20 waves has ended by now. */
const BEGAN_MS = 2 * 86_400_000

export function demoCommand(): Command {
  return command(
    "demo",
    "rehearse a whole study on simulated boards, then serve its dashboard",
    "fieldtune demo --seed 7 --boards 6 --waves 3",
    { standalone: true },
  )
    .option("--once", "print what was found and end")
    .option("--keep <dir>", "keep the study in this folder, for the other commands; it began two days ago")
    .option("--seed <n>", "seed of every random choice", wholeNumber(0, 2 ** 31), 1)
    .option("--boards <n>", "simulated boards, one listener each", wholeNumber(1, 40), 6)
    .option("--waves <n>", "waves; the first is random", wholeNumber(1, 20), 3)
    .option("--port <n>", "port of the dashboard; 0 takes a free one", wholeNumber(0, 65535), DEFAULT_PORT)
    .option("--host <address>", "address of the dashboard", "127.0.0.1")
    .action(demo)
}

async function demo(options: Options): Promise<void> {
  const { seed, boards, waves, keep } = options
  const dir = keep ?? join(mkdtempSync(join(tmpdir(), "fieldtune-demo-")), "study")
  const startAt = keep === undefined ? undefined : Date.now() - BEGAN_MS
  try {
    const show = progress()
    const rehearsal = await Rehearsal.open({ dir, seed, boards, waves, startAt, progress: show.update })
    let report: RehearsalReport
    try {
      report = await rehearsal.run()
    } finally {
      show.stop()
      await rehearsal.close()
    }
    try {
      answer(options, report, [
        ...describe(report),
        ...(keep === undefined ? [] : [`Next: fieldtune status --study ${keep}, or any other command on it`]),
      ])
      if (!options.once) await serveDashboard(rehearsal.study, options, rehearsal.clock.now())
    } finally {
      await rehearsal.study.close()
    }
  } finally {
    if (keep === undefined) rmSync(join(dir, ".."), { recursive: true, force: true })
  }
}

/** The dashboard of the finished study; its time stands where the rehearsal's ended. */
async function serveDashboard(study: Study, options: Options, endedAt: number): Promise<void> {
  const app = buildServer({
    study,
    now: () => endedAt,
    random: (count) => new Uint8Array(randomBytes(count)),
  })
  const stopped = interrupted()
  try {
    const url = await listen(app, options.port, options.host)
    process.stderr.write(`\nThe dashboard of this study: ${url} (Ctrl-C ends it)\n`)
    await stopped
  } finally {
    await app.close()
  }
}

/** What was found, for people. */
function describe(report: RehearsalReport): string[] {
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`
  const waves = report.waves.map((wave) => [
    wave.wave,
    wave.arm,
    wave.plays,
    percent(wave.meanShareHeard),
    percent(wave.shareFinished),
    `${wave.playlistsConfirmed} of ${wave.playlistsPublished}`,
  ])
  const listeners = report.listeners.map((l) => [
    l.subject,
    l.plays,
    l.tasteCorrelation === null ? undefined : l.tasteCorrelation.toFixed(2),
    l.likes.join(", "),
    l.found.join(", ") || "nothing yet",
  ])
  const average = report.tasteCorrelation === null ? "not known" : report.tasteCorrelation.toFixed(2)
  return [
    `A study of ${report.boards} boards, ${report.waves.length} waves and ${report.simulatedHours.toFixed(1)} hours, seed ${report.seed}.`,
    "",
    ...table(["wave", "design", "plays", "share heard", "finished", "playlists confirmed"], waves),
    "",
    "What the host learned from listening time alone (correlation of estimated and true taste over all songs):",
    "",
    ...table(["listener", "plays", "correlation", "truly matters", "found"], listeners),
    "",
    `Mean correlation ${average}.`,
    `Plays on the boards ${report.playsOnBoards}, stored ${report.playsStored}: ${report.lost} lost, ${report.duplicated} doubled, largest error of time heard ${Math.round(report.heardErrorMs)} ms.`,
    `Content of the database: ${report.databaseSha}`,
  ]
}

/** Labels on stderr where a person looks; nothing where the output is piped. */
function progress(): { update: (label: string, share: number) => void; stop: () => void } {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} }
  const bar = new SingleBar(
    { format: "{bar} {percentage} % {label}", stream: process.stderr, clearOnComplete: true },
    Presets.shades_classic,
  )
  bar.start(100, 0, { label: "starting the boards" })
  return {
    update: (label, share) => bar.update(Math.round(100 * share), { label }),
    stop: () => bar.stop(),
  }
}
