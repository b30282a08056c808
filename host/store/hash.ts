// One number for what a study holds: two studies with the same plays, playlists and models have the same hash,
// whenever and wherever they ran. Times, row numbers and received bytes (whose salts are random) are left out.

import { createHash } from "node:crypto"
import type { Store } from "./store.js"

/** SHA-256, hexadecimal, over one JSON line per play, playlist and model, each kind in its own order. */
export async function contentHash(store: Store): Promise<string> {
  const hash = createHash("sha256")
  const line = (...values: unknown[]): void => {
    hash.update(JSON.stringify(values))
    hash.update("\n")
  }
  const playlists = await store.playlists.all()
  const versions = new Map(playlists.map((p) => [p.id, p.version]))
  const plays = await store.plays.all()
  plays.sort(
    (a, b) =>
      compareText(a.device, b.device) || a.epoch - b.epoch || a.boot - b.boot || a.sequence - b.sequence,
  )
  for (const play of plays) {
    const list = play.playlist === null ? null : versions.get(play.playlist)
    const record = Buffer.from(play.record).toString("hex")
    line("play", play.device, play.epoch, play.boot, play.sequence, play.subject, list, record)
  }
  playlists.sort((a, b) => compareText(a.device, b.device) || a.version - b.version)
  for (const list of playlists) {
    const items = await store.playlists.items(list.id)
    const rows = items.map((i) => [i.song, i.utility, i.information, i.tag, i.propensity, i.rank, i.reason])
    line("playlist", list.device, list.version, list.subject, list.wave, list.arm, list.design)
    line("items", list.summary, rows)
  }
  for (const kind of ["aggregate", "forgetting", "prequential", "taste", "weighting"]) {
    for (const model of await store.models.latestOf(kind)) {
      line("model", kind, model.subject, model.version, model.summary)
    }
  }
  return hash.digest("hex")
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
