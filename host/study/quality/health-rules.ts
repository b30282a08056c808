// Rules about how a board says it is.

import { END_ERROR } from "../../../src/record.js"
import { RESET_FAILURE, type SyncHealth } from "../../../src/wire.js"
import { healthOf, heldSince } from "./board-facts.js"
import { type BoardRule, counted, spanText } from "./rule.js"

/** SyncHealth.card. */
const CARD_MISSING = 2
/** SyncHealth.store. */
export const STORE_FRAM = 1
/** Percent. */
const BATTERY_LOW = 15
const BATTERY_EMPTY = 5
/** Parts of the log that are not acknowledged. */
const LOG_FILLING = 0.8
const LOG_NEARLY_FULL = 0.95
/** Errors of the sound board since its start. */
const MANY_ERRORS = 20
/** Of the newest RECENT_PLAYS plays, those that ended in an error. */
const RECENT_PLAYS = 50
const FAILED_PLAYS = 3
const MANY_FAILED_PLAYS = 10
/** Newest plays one after the other at volume 0. */
const SILENT_PLAYS = 10
const HOUR_MS = 3_600_000
const RECENT_MS = 48 * HOUR_MS
const RESTARTS_MS = 24 * HOUR_MS
const MANY_RESTARTS = 3

export const card: BoardRule = {
  id: "card",
  says: "The sound board said at the last sync that there is no card in it.",
  todo: "Push the card in, or write a new one: fieldtune card DIR --device ID",
  find({ contacts }) {
    const since = heldSince(contacts, (health) => health.card === CARD_MISSING)
    if (since === undefined) return undefined
    return { severity: "problem", since, found: "no card in its sound board" }
  },
}

export const audioErrors: BoardRule = {
  id: "audio-errors",
  says: `The sound board has reported errors since the board started; ${MANY_ERRORS} or more are a problem.`,
  todo: "Check plug and cable of the sound board and the card: fieldtune card DIR --check",
  find({ contacts }) {
    const since = heldSince(contacts, ({ audio = 0 }) => audio > 0)
    if (since === undefined) return undefined
    const errors = healthOf(contacts[contacts.length - 1]).audio ?? 0
    const severity = errors >= MANY_ERRORS ? "problem" : "warning"
    return { severity, since, found: `${counted(errors, "error")} of the audio board` }
  },
}

export const failedPlays: BoardRule = {
  id: "failed-plays",
  says: `At least ${FAILED_PLAYS} of the newest ${RECENT_PLAYS} plays ended because the song could not be played; ${MANY_FAILED_PLAYS} are a problem.`,
  todo: "Compare the card with the catalogue: fieldtune card DIR --check; write the songs again",
  find({ plays }) {
    const failed = plays.slice(-RECENT_PLAYS).filter(({ reason }) => reason === END_ERROR)
    if (failed.length < FAILED_PLAYS) return undefined
    const songs = [...new Set(failed.map(({ song }) => song))].sort((a, b) => a - b)
    const named = songs.length > 5 ? `${songs.slice(0, 5).join(", ")}, …` : songs.join(", ")
    return {
      severity: failed.length >= MANY_FAILED_PLAYS ? "problem" : "warning",
      since: failed[0].syncAt,
      found: `${failed.length} of its last ${Math.min(plays.length, RECENT_PLAYS)} plays ended in an error (songs ${named})`,
    }
  },
}

export const volumeZero: BoardRule = {
  id: "volume-zero",
  says: `The volume was 0 at the last sync; that the newest ${SILENT_PLAYS} plays or more were at volume 0 is a problem: nobody heard them.`,
  todo: "Turn the volume up and ask the listener; see maxVolume in the plan. Plays at volume 0 are no listening",
  find({ contacts, plays }) {
    const since = heldSince(contacts, ({ vol }) => vol === 0)
    let silent = 0
    while (silent < plays.length && plays[plays.length - 1 - silent].volume === 0) silent++
    if (silent >= SILENT_PLAYS) {
      const first = plays[plays.length - silent]
      const found = `its last ${silent} plays were at volume 0`
      return { severity: "problem", since: first.syncAt, found }
    }
    return since === undefined ? undefined : { severity: "warning", since, found: "volume 0" }
  },
}

export const battery: BoardRule = {
  id: "battery",
  says: `The battery was at ${BATTERY_LOW} % or less at the last sync; ${BATTERY_EMPTY} % or less is a problem.`,
  todo: "Ask the listener to charge it",
  find({ contacts }) {
    const since = heldSince(contacts, ({ bat }) => bat !== undefined && bat <= BATTERY_LOW)
    if (since === undefined) return undefined
    const charge = healthOf(contacts[contacts.length - 1]).bat ?? 0
    const severity = charge <= BATTERY_EMPTY ? "problem" : "warning"
    return { severity, since, found: `battery at ${charge} %` }
  },
}

/** Unacknowledged records over what the log holds, 0 … 1. */
export function logFill({ log = 0, cap = 0 }: Partial<SyncHealth>): number {
  return cap > 0 ? log / cap : 0
}

export const logFull: BoardRule = {
  id: "log-full",
  says: `At least ${100 * LOG_FILLING} % of the board's log waited for a sync when the last one began; ${100 * LOG_NEARLY_FULL} % are a problem: a board with a full log records nothing.`,
  todo: "Let it sync to its end: fieldtune sync at the host, or longer in reach of the network",
  find({ contacts }) {
    const since = heldSince(contacts, (health) => logFill(health) >= LOG_FILLING)
    if (since === undefined) return undefined
    const fill = logFill(healthOf(contacts[contacts.length - 1]))
    const severity = fill >= LOG_NEARLY_FULL ? "problem" : "warning"
    return { severity, since, found: `log ${Math.round(100 * fill)} % full` }
  },
}

export const unrecorded: BoardRule = {
  id: "unrecorded",
  says: `The board has counted listens that it could not record, because its log was full or its memory failed. It is a problem while the number has grown within ${RECENT_MS / HOUR_MS} h; later a warning, since these listens are lost.`,
  todo: "Sync more often. If the log was not full, the memory is failing: replace the board. Say in the analysis that plays are missing",
  find({ contacts }, { now }) {
    const newest = contacts.at(-1)
    const lost = newest === undefined ? 0 : (healthOf(newest).full ?? 0)
    if (newest === undefined || lost === 0) return undefined
    const ofEpoch = contacts.filter(({ epoch }) => epoch === newest.epoch)
    const since = ofEpoch.find((contact) => (healthOf(contact).full ?? 0) > 0)?.at ?? newest.at
    const before = ofEpoch.findLast(({ at }) => at < now - RECENT_MS)
    const grown = newest.at >= now - RECENT_MS && lost > (before ? (healthOf(before).full ?? 0) : 0)
    return {
      severity: grown ? "problem" : "warning",
      since,
      found: `${counted(lost, "listen")} not recorded: its log was full or its memory failed`,
    }
  },
}

export const failedRestart: BoardRule = {
  id: "failed-restart",
  says: `The board runs since its program failed and was started again; ${MANY_RESTARTS} such starts within ${RESTARTS_MS / HOUR_MS} h are a problem.`,
  todo: "Where it happens again: fieldtune flash writes the firmware anew; else replace the board",
  find({ contacts }) {
    const newest = contacts.at(-1)
    if (newest === undefined || healthOf(newest).reset !== RESET_FAILURE) return undefined
    const recent = contacts.filter(({ at }) => at >= newest.at - RESTARTS_MS)
    const failed = recent.filter((contact) => healthOf(contact).reset === RESET_FAILURE)
    const starts = new Set(failed.map(({ epoch, boot }) => `${epoch} ${boot}`)).size
    const since =
      contacts.find(({ epoch, boot }) => epoch === newest.epoch && boot === newest.boot)?.at ?? newest.at
    const found = "its program failed and was started again"
    return starts >= MANY_RESTARTS
      ? { severity: "problem", since, found: `${found}, ${starts} times within ${spanText(RESTARTS_MS)}` }
      : { severity: "warning", since, found }
  },
}
