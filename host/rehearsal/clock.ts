// Time that moves only when it is told to. Due calls run in order of time, then of arrival; after each one the
// promises that it resolved run, and whatever a call waits for outside virtual time (a commit on disk) is waited
// for before time moves on. So what happens does not depend on the machine's speed.

import type { VmClock } from "../firmware/bundle.js"

interface Due {
  at: number
  order: number
  run: () => void
  /** Neither run nor cleared yet. */
  live: boolean
}

export class VirtualClock implements VmClock {
  private time: number
  private arrivals = 0
  /** Binary heap, soonest first. */
  private readonly due: Due[] = []
  private held: Promise<unknown>[] = []

  /** `start`: Unix milliseconds. */
  constructor(start = 1_000_000) {
    this.time = start
  }

  now = (): number => this.time

  setTimeout = (run: () => void, ms = 0): unknown => {
    // Whole milliseconds, as Date.now gives them.
    const entry = {
      at: this.time + Math.max(0, Math.round(ms || 0)),
      order: this.arrivals++,
      run,
      live: true,
    }
    this.push(entry)
    return entry
  }

  clearTimeout = (handle: unknown): void => {
    // Who clears may not know whether there is anything to clear.
    if (handle !== undefined && handle !== null) (handle as Due).live = false
  }

  /** Time stands still until `work` is done; if it fails, so does the advance that waits for it. */
  hold(work: Promise<unknown>): void {
    // The advance hears of a failure, perhaps a turn later than the process looks for unheard ones.
    work.catch(() => {})
    this.held.push(work)
  }

  /** Time is `ms` later, and what was due in between is late. */
  jump(ms: number): void {
    this.time += ms
  }

  /** Moves time by `ms`, or until `done` holds; true where it does. */
  async advance(ms: number, done: () => boolean = () => false): Promise<boolean> {
    const end = this.time + Math.round(ms)
    if (done()) return true
    while (this.due.length > 0 && this.due[0].at <= end) {
      const entry = this.pop()
      if (!entry.live) continue
      entry.live = false
      this.time = Math.max(this.time, entry.at)
      entry.run()
      await null
      while (this.held.length > 0) {
        const { held } = this
        this.held = []
        await Promise.all(held)
      }
      if (done()) return true
    }
    this.time = end
    return false
  }

  private push(entry: Due): void {
    const heap = this.due
    let i = heap.length
    heap.push(entry)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!sooner(entry, heap[parent])) break
      heap[i] = heap[parent]
      i = parent
    }
    heap[i] = entry
  }

  private pop(): Due {
    const heap = this.due
    const first = heap[0]
    const last = heap.pop()!
    if (heap.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && sooner(heap[child + 1], heap[child])) child++
      if (!sooner(heap[child], last)) break
      heap[i] = heap[child]
      i = child
    }
    heap[i] = last
    return first
  }
}

function sooner(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
