// A study whose rows a test can count: three songs, one published and confirmed playlist, two plays.

import { exchange } from "../../../host/protocol/session.js"
import { publish } from "../../../host/study/publish.js"
import type { Study } from "../../../host/study/study.js"
import { addSongs, DEVICE, recordOf, requestOf, START } from "../study/folder.js"

export { START } from "../study/folder.js"

interface KnownPlay {
  sequence: number
  song: number
  heardMs: number
  /** Index in END_REASONS. */
  reason: number
  position: number
}

let counter = 0

/** Plays as a sync brings them. */
export async function storePlays(study: Study, plays: readonly KnownPlay[]): Promise<void> {
  counter++
  const request = requestOf({ n: counter, list: 1, plays: plays.map((play) => recordOf(play)) })
  const result = await exchange(study, DEVICE, request, new Uint8Array(1), START)
  if (result.replay || result.outcome.stored !== plays.length) throw new Error("the plays were not stored")
}

export async function storeStudy(study: Study): Promise<void> {
  await addSongs(study, 3)
  const item = { information: 0.2, propensity: 0.93, tag: "exploit" as const }
  await publish(study.store, {
    subject: 1,
    wave: 1,
    design: "model",
    at: START,
    items: [
      { ...item, song: 2, utility: 0.81, rank: 1, reason: { text: "because of its tempo" } },
      { ...item, song: 1, utility: 0.6, rank: 2, reason: { text: "because of its genre" } },
      { song: 3, utility: 0.4, information: 0.5, propensity: 0.1, tag: "explore", rank: 3, reason: null },
    ],
    summary: { price: { total: 0.025, design: 0.02, random: 0.005 }, notes: [] },
  })
  await storePlays(study, [
    { sequence: 1, song: 2, heardMs: 90_000, reason: 1, position: 0 },
    { sequence: 2, song: 1, heardMs: 180_000, reason: 0, position: 1 },
  ])
}
