// The adaptive playlist on the board, without sound: listens whose length is made up from song and sequence, the
// choices of Rescoring, and a restart in the middle. A job is one byte for its kind and a playlist; the answers are
// the listen records, and the scores of every item as 64-bit floats.

import * as ds from "@devicescript/core"
import { Adaptation } from "../../../src/adapt"
import { post } from "../../../src/http"
import { countOf, lengthAt, songAt, versionOf } from "../../../src/playlist"
import {
  END_FINISHED,
  END_POWER_LOST,
  END_SKIPPED,
  END_STOPPED,
  FLAG_REORDERED,
  type ListenRecord,
  packRecord,
  RECORD_BYTES,
  unpackRecord,
} from "../../../src/record"
import { type ListenHistory, Rescoring } from "../../../src/rescoring"

const LISTENS = 100
const RESTART_AT = 40
const LOST = 20
const MAX_JOB_BYTES = 5100

class MemoryLog implements ListenHistory {
  bytes = Buffer.alloc(LISTENS * RECORD_BYTES)
  count = 0

  /** `lost`: a listen that the log does not hold; 0 = none. */
  constructor(private lost: number) {}

  lastSequence(): number {
    return this.count
  }

  async record(sequence: number): Promise<ListenRecord> {
    await ds.sleep(1)
    if (sequence === this.lost) return undefined
    return unpackRecord(this.bytes, (sequence - 1) * RECORD_BYTES)
  }

  add(record: ListenRecord): void {
    packRecord(record, this.bytes, this.count * RECORD_BYTES)
    this.count++
  }
}

/** 0 … 999. */
function noise(a: number, b: number): number {
  let h = Math.imul(a, 73856093) ^ Math.imul(b, 19349663)
  h = Math.imul(h ^ (h >>> 13), 1274126177)
  return ((h ^ (h >>> 16)) & 1048575) % 1000
}

/** Songs differ in how long they are heard, and listens of one song too. */
function listen(list: Buffer, item: number, sequence: number): ListenRecord {
  const song = songAt(list, item)
  const liking = noise(song, 7)
  const heardMs = 200 + (liking * liking * (100 + noise(song, sequence))) / 1500
  const finished = heardMs >= lengthAt(list, item)
  const end = noise(sequence, 3)
  return {
    sequence: sequence,
    boot: 1,
    startMs: 0,
    song: song,
    listVersion: versionOf(list) % 256,
    position: item,
    heardMs: finished ? lengthAt(list, item) : heardMs,
    reason: finished ? END_FINISHED : end < 60 ? END_STOPPED : end < 120 ? END_POWER_LOST : END_SKIPPED,
    flags: 0,
    pauses: 0,
    volume: 0,
  }
}

async function settled(rescoring: Rescoring): Promise<void> {
  await ds.sleep(20)
  while (!rescoring.settled()) await ds.sleep(5)
}

async function listens(list: Buffer, lost: number): Promise<Buffer> {
  const log = new MemoryLog(lost)
  let rescoring = new Rescoring(log)
  rescoring.start()
  rescoring.load(list, versionOf(list), false)
  let item = -1
  let ended = END_SKIPPED
  while (log.count < LISTENS) {
    const sequence = log.count + 1
    if (sequence === RESTART_AT) {
      rescoring = new Rescoring(log)
      rescoring.start()
      rescoring.load(list, versionOf(list), true)
      await ds.sleep(1000)
    }
    let chosen = false
    if (ended !== END_STOPPED) {
      item = rescoring.next(item, sequence)
      chosen = rescoring.chosen
    }
    rescoring.playing()
    // Somebody in a hurry leaves no time for the arithmetic.
    if (noise(sequence, 5) < 150) await ds.sleep(3)
    else await settled(rescoring)
    const record = listen(list, item, sequence)
    if (chosen) record.flags = FLAG_REORDERED
    ended = record.reason
    log.add(record)
    rescoring.heard(unpackRecord(log.bytes, (sequence - 1) * RECORD_BYTES))
  }
  return log.bytes
}

/** What every item is worth after some listens. */
async function scores(list: Buffer): Promise<Buffer> {
  const adaptation = new Adaptation(list)
  for (let i = 1; i <= 12; i++) {
    const record = listen(list, (i * 7) % countOf(list), i)
    adaptation.weigh(record.position, Math.floor(record.heardMs), record.reason)
    await ds.sleep(1)
  }
  const answer = Buffer.alloc(8 * adaptation.items)
  for (let item = 0; item < adaptation.items; item++) {
    adaptation.rescore(item)
    answer.setAt(8 * item, "f64", adaptation.score(item))
    await ds.sleep(1)
  }
  return answer
}

async function main(): Promise<void> {
  const to = { host: "10.0.0.5", port: 80 }
  let answer = Buffer.alloc(0)
  while (true) {
    const job = (await post(to, "/job", Buffer.alloc(0), answer, MAX_JOB_BYTES, 5000)).body
    if (job.length === 0) break
    const list = job.slice(1)
    answer = job[0] === 2 ? await scores(list) : await listens(list, job[0] === 3 ? LOST : 0)
  }
  console.log("END")
}

main.start()
