// Rules about the playlists of a board.

import {
  REFUSED_CHECKSUM,
  REFUSED_FORMAT,
  REFUSED_SONG,
  REFUSED_STORE,
  REFUSED_TOO_LARGE,
} from "../../../src/wire.js"
import { contactTimes } from "./board-facts.js"
import { type BoardRule, counted } from "./rule.js"

const REFUSALS: Record<number, string> = {
  [REFUSED_CHECKSUM]: "checksum",
  [REFUSED_FORMAT]: "format",
  [REFUSED_TOO_LARGE]: "too large",
  [REFUSED_SONG]: "a song that is not on the card",
  [REFUSED_STORE]: "the board could not store it",
}
/** Syncs in which a board should have taken a playlist. */
const TRIES = 3
const DAY_MS = 86_400_000

export const noPlaylist: BoardRule = {
  id: "no-playlist",
  says: "No playlist was published for a board that is in use.",
  todo: "fieldtune round",
  find({ lists, subject, enrolledAt }) {
    if (lists.some((list) => list.subject === subject)) return undefined
    return { severity: "warning", since: enrolledAt, found: "no playlist published" }
  },
}

export const refused: BoardRule = {
  id: "refused",
  says: "The board has refused its newest playlist and plays the one before.",
  todo: "A song that is not on the card: fieldtune card DIR --device ID. Else publish again: fieldtune round",
  find({ lists }) {
    const list = lists.at(-1)
    if (list === undefined || list.state !== "refused") return undefined
    const why = REFUSALS[list.refusedCode ?? 0] ?? `code ${list.refusedCode}`
    return { severity: "problem", since: list.refusedAt, found: `refused playlist ${list.version}: ${why}` }
  },
}

export const unconfirmed: BoardRule = {
  id: "unconfirmed",
  says: `The board has synced ${TRIES} times since its newest playlist was published and neither plays it nor has it ready; after a day it is a problem.`,
  todo: "Let it sync to its end near the host; then restart it. It plays the playlist before until then",
  find({ lists, contacts }) {
    const list = lists.at(-1)
    const newest = contacts.at(-1)
    if (list === undefined || newest === undefined) return undefined
    if (list.state !== "published" && list.state !== "sent") return undefined
    if (newest.list === list.version || newest.next === list.version) return undefined
    const tries = contactTimes(contacts.filter(({ at }) => at > list.at)).length
    if (tries < TRIES) return undefined
    return {
      severity: newest.at - list.at > DAY_MS ? "problem" : "warning",
      since: list.at,
      found: `playlist ${list.version} not confirmed after ${counted(tries, "sync")}; it plays ${newest.list === 0 ? "none" : newest.list}`,
    }
  },
}

export const changedMidWave: BoardRule = {
  id: "changed-mid-wave",
  says: "The board has played more than one playlist of the same wave.",
  todo: "Plays of the wave belong to two designs: say so in the analysis, and publish once per wave",
  find({ lists, subject }) {
    const played = new Map<number, { versions: number[]; since: number }>()
    for (const list of lists) {
      if (list.subject !== subject || list.confirmedAt === null) continue
      const versions = [...(played.get(list.wave)?.versions ?? []), list.version]
      played.set(list.wave, { versions, since: list.confirmedAt })
    }
    const changed = [...played].filter(([, { versions }]) => versions.length > 1)
    if (changed.length === 0) return undefined
    const parts = changed.map(([wave, { versions }]) => `wave ${wave}: playlists ${versions.join(", ")}`)
    return {
      severity: "warning",
      since: changed[0][1].since,
      found: `playlist changed within a wave (${parts.join("; ")})`,
    }
  },
}
