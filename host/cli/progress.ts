// Progress on stderr, where a person is looking and the work takes more than two seconds.

import { Presets, SingleBar } from "cli-progress"

/** Shorter work shows nothing, milliseconds. */
const SHOW_AFTER_MS = 2000

/** Runs `work`, which reports how many of `total` steps are done. */
export async function withProgress<T>(
  label: string,
  total: number,
  work: (done: (count: number) => void) => Promise<T>,
): Promise<T> {
  if (!process.stderr.isTTY) return work(() => {})
  const bar = new SingleBar(
    { format: `${label} {bar} {value}/{total}`, stream: process.stderr, clearOnComplete: true },
    Presets.shades_classic,
  )
  let count = 0
  let shown = false
  const timer = setTimeout(() => {
    shown = true
    bar.start(total, count)
  }, SHOW_AFTER_MS)
  try {
    return await work((done) => {
      count = done
      if (shown) bar.update(done)
    })
  } finally {
    clearTimeout(timer)
    if (shown) bar.stop()
  }
}

/** The same for work that says what it is doing and which share of it all is done. */
export async function withSteps<T>(
  work: (progress: (label: string, share: number) => void) => Promise<T>,
): Promise<T> {
  if (!process.stderr.isTTY) return work(() => {})
  const bar = new SingleBar(
    { format: "{bar} {percentage} % {label}", stream: process.stderr, clearOnComplete: true },
    Presets.shades_classic,
  )
  bar.start(100, 0, { label: "" })
  try {
    return await work((label, share) => bar.update(Math.round(100 * share), { label }))
  } finally {
    bar.stop()
  }
}
