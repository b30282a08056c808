// A study in a temporary folder with one listener and one board, and a request that board could send.

import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { enrol } from "../../../host/study/enrol.js"
import type { Plan } from "../../../host/study/plan.js"
import { initStudy, type Study } from "../../../host/study/study.js"
import { packRecord, RECORD_BYTES } from "../../../src/record.js"
import type { SyncRequest } from "../../../src/wire.js"

export const DEVICE = "00112233aabbccdd"
export const KEY = new Uint8Array(32).map((_, i) => i)
/** An hour that no test depends on. */
export const START = 1_700_000_000_000

export interface Fixture {
  study: Study
  device: string
  key: Uint8Array
}

/** Runs `body` in a fresh folder that is removed afterwards. */
export async function withFolder<T>(body: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "fieldtune-test-"))
  try {
    return await body(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Runs `body` with a study in which subject 1 carries DEVICE with KEY. */
export function withStudy<T>(body: (fixture: Fixture) => Promise<T>, plan: Partial<Plan> = {}): Promise<T> {
  return withFolder(async (dir) => {
    const study = await initStudy(join(dir, "study"), plan)
    try {
      await enrol(study.store, { subject: 1, device: DEVICE, arm: "model", key: KEY, at: START })
      return await body({ study, device: DEVICE, key: KEY })
    } finally {
      await study.close()
    }
  })
}

/** `count` songs of 3 minutes, ids from 1. */
export async function addSongs(study: Study, count: number): Promise<void> {
  const songs = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    source: String(i + 1),
    title: `Song ${i + 1}`,
    artist: "",
    genre: i % 2 === 0 ? "Rock" : "Hip-Hop",
    lengthMs: 180000,
    attributes: { tempo: 100 + i },
  }))
  await study.store.songs.put(songs)
}

/** A request with nothing to tell, and what the test gives it. */
export function requestOf(fields: Partial<SyncRequest>): SyncRequest {
  return {
    v: 1,
    fw: "0.1.0",
    epoch: 9,
    boot: 1,
    up: 600000,
    n: 1,
    plays: [],
    gone: [],
    list: 0,
    health: { log: 0, cap: 400, full: 0, audio: 0, fails: 0, store: 0, vol: 8 },
    ...fields,
  }
}

/** The bytes of a listen of boot 1 that was skipped after 30 s, and what the test gives it. */
export function recordOf(fields: {
  sequence: number
  boot?: number
  startMs?: number
  song?: number
  heardMs?: number
  listVersion?: number
  position?: number
  reason?: number
  flags?: number
}): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES)
  const record = {
    boot: 1,
    startMs: 1000,
    song: 1,
    listVersion: 1,
    position: 0,
    heardMs: 30000,
    reason: 1,
    flags: 0,
    pauses: 0,
    volume: 8,
    ...fields,
  }
  packRecord(record, bytes, 0)
  return bytes
}
