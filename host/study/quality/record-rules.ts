// Rules about what a board has told: holes, what is lost or not believed, and what cannot have been so.

import { GONE_CHECKSUM, GONE_LOG_FULL, GONE_UNKNOWN } from "../../../src/wire.js"
import type { EpochFact } from "../../store/board-facts.js"
import { GONE_WITHDRAWN } from "../../store/withdrawals.js"
import { MAX_DELAY_MS, MAX_DRIFT } from "../clocks/window.js"
import { automaticRuns, LONG_RUN_MS, RARE } from "./automatic.js"
import { type BoardFacts, contactTimes, healthOf } from "./board-facts.js"
import { clockTrouble } from "./clock-jumps.js"
import { STORE_FRAM } from "./health-rules.js"
import { impossiblePlays, OVERLAP_MS } from "./impossible.js"
import { type BoardRule, chanceText, counted, spanText } from "./rule.js"

const DAY_MS = 86_400_000
/** Contacts after which a hole should be closed: the board is asked for it with every reply. */
const ASKED = 2
const UNREADABLE_DAYS = 7
const GONE: Record<number, string> = {
  [GONE_CHECKSUM]: "their checksum failed",
  [GONE_LOG_FULL]: "the log was full",
  [GONE_UNKNOWN]: "the memory held nothing for them",
}

export const missing: BoardRule = {
  id: "missing",
  ofRecords: true,
  says: `Below the highest sequence number there are numbers of which neither a record came nor word that it is gone. It is a problem when the board has synced ${ASKED} times since and was asked for them.`,
  todo: "Let it sync to its end. If the numbers stay missing, keep the board and its memory: something is wrong with it",
  find(board) {
    const holes = board.epochs.flatMap(({ epoch, missing: ranges }) =>
      ranges.map(([, from, to]) => ({ epoch, from, to })),
    )
    if (holes.length === 0) return undefined
    const records = holes.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    const times = holes.map((hole) => shownAt(board, hole))
    const since = Math.min(...times)
    const asked = contactTimes(board.contacts.filter(({ at }) => at > since)).length
    const [{ from, to }] = holes
    const place = `${from === to ? from : `${from} to ${to}`}${holes.length > 1 ? ` and ${counted(holes.length - 1, "other range")}` : ""}`
    return {
      severity: asked >= ASKED ? "problem" : "note",
      since,
      found: `${counted(records, "record")} missing: sequence ${place}, asked for at ${counted(asked, "sync")}`,
    }
  },
}

/** When the first play above the hole came, Unix ms; where it is not among the newest, with the epoch. */
function shownAt({ plays, epochs }: BoardFacts, hole: { epoch: number; to: number }): number {
  const above = plays.filter(({ epoch, sequence }) => epoch === hole.epoch && sequence > hole.to)
  if (above.length > 0) return Math.min(...above.map(({ syncAt }) => syncAt))
  return epochs.find(({ epoch }: EpochFact) => epoch === hole.epoch)?.firstAt ?? 0
}

export const gone: BoardRule = {
  id: "gone",
  ofRecords: true,
  says: "The board has named records that it cannot give any more: they are lost.",
  todo: "Say in the analysis that these plays are missing. Checksums that fail point to the memory, a full log to too few syncs",
  find({ gone: all }) {
    const ranges = all.filter(({ why }) => why !== GONE_WITHDRAWN)
    if (ranges.length === 0) return undefined
    const parts = ranges.map(({ why, records }) => `${records} because ${GONE[why] ?? `of code ${why}`}`)
    const since = Math.min(...ranges.map((range) => range.since))
    return { severity: "warning", since, found: `records lost: ${parts.join(", ")}` }
  },
}

export const quarantine: BoardRule = {
  id: "quarantine",
  ofRecords: true,
  says: "Records that can be read and cannot be true are kept apart and used for nothing. Two records under one number (conflict) are a problem.",
  todo: "Look at the reason: an unknown song means that card and catalogue differ (fieldtune card DIR --check); a conflict that two boards have one identity",
  find({ quarantine: held }) {
    if (held.length === 0) return undefined
    const records = held.reduce((sum, group) => sum + group.records, 0)
    const parts = held.map(({ reason, records: n, detail }) => `${n} ${reason} (${detail})`)
    return {
      severity: held.some(({ reason }) => reason === "conflict") ? "problem" : "warning",
      since: Math.min(...held.map((group) => group.since)),
      found: `${counted(records, "record")} in quarantine: ${parts.join("; ")}`,
    }
  },
}

export const unreadable: BoardRule = {
  id: "unreadable",
  ofRecords: true,
  says: `Within ${UNREADABLE_DAYS} days records came whose checksum failed. The board sends them again or says that they are gone.`,
  todo: "Watch the rule `gone`. Where it happens often the memory of the board is failing",
  find({ contacts }, { now }) {
    const hit = contacts.filter(({ at, unreadable: n }) => n > 0 && at > now - UNREADABLE_DAYS * DAY_MS)
    if (hit.length === 0) return undefined
    const records = hit.reduce((sum, contact) => sum + contact.unreadable, 0)
    return { severity: "warning", since: hit[0].at, found: counted(records, "unreadable record") }
  },
}

export const impossible: BoardRule = {
  id: "impossible",
  ofRecords: true,
  says: `Plays that cannot be: longer than the song by more than 5 % and 5 s, begun more than ${OVERLAP_MS} ms before the one before had ended in the same boot, or longer than the board was up.`,
  todo: "Leave these plays out and look at board and catalogue: wrong lengths in the catalogue, or a board whose clock or memory is failing",
  find({ plays }) {
    const found = impossiblePlays(plays)
    if (found.length === 0) return undefined
    const [{ sequence, what }] = found
    return {
      severity: "problem",
      since: Math.min(...found.map(({ at }) => at)),
      found: `${counted(found.length, "impossible duration")}, first sequence ${sequence}: ${what}`,
    }
  },
}

export const clockJump: BoardRule = {
  id: "clock-jump",
  ofRecords: true,
  says: `No one clock fits all syncs of a boot, though each may have been on its way for ${MAX_DELAY_MS / 1000} s and a board's clock may be off by ${1e6 * MAX_DRIFT} millionths; or the host's time went back by more than that between two boots. It is a note where only other boards saw that the host's clock was moved.`,
  todo: "Set the clock of the host right, and keep it so. fieldtune clocks shows what was moved when; fieldtune clocks correct takes what you know of it. Until then the plays' uncertainty says what is not known. Where one board alone jumps, its oscillator is at fault",
  find(board) {
    const { jumps, doubted } = clockTrouble(board)
    if (jumps.length === 0) {
      if (doubted.boots === 0) return undefined
      const found = `${counted(doubted.boots, "boot")} in doubt by up to ${spanText(doubted.ms)}, because the host's clock was moved`
      return { severity: "note", since: doubted.since, found }
    }
    const largest = jumps.reduce((a, b) => (Math.abs(b.byMs) > Math.abs(a.byMs) ? b : a))
    const direction = largest.byMs > 0 ? "forth" : "back"
    const times = jumps.flatMap(({ since }) => since ?? [])
    return {
      severity: "warning",
      since: times.length < jumps.length ? null : Math.min(...times),
      found: `${counted(jumps.length, "clock jump")}, the largest ${spanText(Math.abs(largest.byMs))} ${direction} on the host's clock`,
    }
  },
}

export const automatic: BoardRule = {
  id: "automatic",
  says: `For at least ${LONG_RUN_MS / 3_600_000} h every song was heard to its end, one after the other, and no button was pressed, although by how often this listener lets songs end (learned from the other listeners and the own plays outside such runs) fewer than ${RARE} of such runs are to be expected in the plays that are looked at, the newest 1000. So one in ${1 / RARE} listeners has such a finding by chance.`,
  todo: "Ask the listener whether the music was left on with nobody there, and decide by the study's protocol what counts. The plan's sleepMinutes ends music that nobody attends to",
  find({ plays, subject, enrolledAt }, { skips }) {
    if (enrolledAt === null) return undefined
    const runs = automaticRuns(
      plays.filter((play) => play.subject === subject),
      skips,
    )
    if (runs.length === 0) return undefined
    const longest = runs.reduce((a, b) => (b.heardMs > a.heardMs ? b : a))
    return {
      severity: "warning",
      since: runs[0].since,
      found: `${counted(runs.length, "run")} of plays without a touch, the longest ${longest.plays} songs in ${spanText(longest.heardMs)}; to be expected by chance: ${chanceText(longest.expected)}`,
    }
  },
}

export const newEpoch: BoardRule = {
  id: "epoch",
  says: "Since the board was handed out its memory was empty once more: it numbers its plays anew. A board without FRAM may erase itself; what it had not synced is lost, and nobody knows how much. A board with FRAM must not.",
  todo: "Flashing explains it. Else: sync boards without FRAM often; replace a board with FRAM",
  find({ contacts, epochs, enrolledAt }) {
    if (enrolledAt === null) return undefined
    const used = new Set(contacts.filter(({ at }) => at >= enrolledAt).map(({ epoch }) => epoch))
    const own = epochs.filter(({ epoch, firstAt }) => firstAt >= enrolledAt || used.has(epoch))
    const last = own.at(-1)
    const newest = contacts.at(-1)
    if (own.length < 2 || last === undefined || newest === undefined) return undefined
    const times = own.length - 1
    const how = `memory erased ${times === 1 ? "once" : `${times} times`} since it was handed out`
    return healthOf(newest).store === STORE_FRAM
      ? { severity: "problem", since: last.firstAt, found: `${how}, though it has FRAM` }
      : { severity: "warning", since: last.firstAt, found: how }
  },
}
