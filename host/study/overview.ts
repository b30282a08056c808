// The study at a glance, for the page: problems first, then people, waves and arms, days, boards.

import type { SyncHealth } from "../../src/wire.js"
import type { BoardList } from "../store/activity.js"
import type { PublicationState } from "../store/playlists.js"
import type { SyncRow } from "../store/syncs.js"
import { armShown, isBlind } from "./blind.js"
import { findingsNow } from "./quality/check.js"
import { logFill } from "./quality/health-rules.js"
import type { Finding } from "./quality/rule.js"
import { planNow, type Study } from "./study.js"
import { localTime } from "./time-zone.js"
import { waveStandings } from "./wave-status.js"
import { SLIP_MS } from "./waves.js"

interface ArmInWave {
  arm: string
  /** Listeners with a playlist of the wave, and those whose board has confirmed one. */
  published: number
  confirmed: number
  plays: number
  /** Means over the plays; null without any, and while the study is blind. */
  meanShareHeard: number | null
  shareFinished: number | null
}

interface WaveAtAGlance {
  wave: number
  cohort: string
  state: "planned" | "begun" | "open" | "closed"
  /** Days of the plan, YYYY-MM-DD; null where it gives none. */
  plannedFrom: string | null
  plannedTo: string | null
  openedAt: number | null
  closedAt: number | null
  /** Boards that play an older list because they have missed their sync. */
  missed: number
}

interface BoardAtAGlance {
  device: string
  /** stock, handed-out, returned, lost or retired. */
  state: string
  subject: number | null
  label: string
  arm: string
  lastSync: number | null
  firmware: string | null
  plays: number
  /** Unacknowledged records over the log's capacity, 0 … 1; null before the first sync. */
  logFill: number | null
  /** Charge, percent; null where the board does not measure it. */
  battery: number | null
  /** What it played when it synced last: 0 = no list of the study. */
  playing: { version: number; wave: number | null; song: string | null }
  /** The newest published list, where it is not the one that is played. */
  next: { version: number; wave: number; songs: number; state: PublicationState } | null
}

export interface Overview {
  /** Unix milliseconds of the server. */
  now: number
  revision: string
  name: string
  blind: boolean
  timeZone: string
  songs: number
  plays: number
  quarantined: number
  findings: Finding[]
  people: {
    enrolled: number
    /** With a board at the moment. */
    carrying: number
    withdrawn: number
    arms: { arm: string; enrolled: number; carrying: number; withdrawn: number }[]
  }
  waves: WaveAtAGlance[]
  /** By wave: what came of each arm. */
  outcomes: { wave: number; arms: ArmInWave[] }[]
  /** Every day from the first on which something happened, in the study's time zone, YYYY-MM-DD. */
  days: { day: string; plays: number; syncs: number }[]
  boards: BoardAtAGlance[]
  subjects: {
    id: number
    label: string
    arm: string
    device: string | null
    plays: number
    wave: number | null
  }[]
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** More days than this are drawn by nobody. */
const MAX_DAYS = 1000

export async function overview(study: Study, now: number): Promise<Overview> {
  const { store, plan } = study
  const revision = await store.activity.revision()
  const shown = await armShown(study)
  const blind = await isBlind(study)
  const people = await store.subjects.all()
  const carried = new Map<number, string>()
  for (const { subject, device, toAt } of await store.subjects.enrolments()) {
    if (toAt === null) carried.set(subject, device)
  }
  const byDevice = await store.plays.countByDevice()
  const lists = await store.activity.boardLists()
  const waveOf = new Map(lists.map(({ subject, wave }) => [subject, wave]))
  const boards = await boardsAtAGlance(study, lists, byDevice, shown)
  const perSubject = await store.activity.playsBySubject()
  const { timeZone } = await planNow(study)
  return {
    ...{ now, revision, name: plan.name, blind, timeZone },
    songs: await store.songs.count(),
    plays: await store.plays.count(),
    quarantined: (await store.syncs.quarantine()).length,
    findings: await findingsNow(study, now),
    people: {
      enrolled: people.length,
      carrying: carried.size,
      withdrawn: people.filter((person) => person.withdrawnAt !== null).length,
      arms: [...new Set(people.map((person) => person.arm))]
        .map((arm) => {
          const own = people.filter((person) => person.arm === arm)
          return {
            arm: shown(arm),
            enrolled: own.length,
            carrying: own.filter(({ id }) => carried.has(id)).length,
            withdrawn: own.filter((person) => person.withdrawnAt !== null).length,
          }
        })
        .sort(byArm),
    },
    waves: (await waveStandings(study, now)).map(({ missed, ...wave }) => ({
      ...{ wave: wave.wave, cohort: wave.cohort, state: wave.state, plannedFrom: wave.plannedFrom },
      ...{ plannedTo: wave.plannedTo, openedAt: wave.openedAt, closedAt: wave.closedAt },
      missed: missed.length,
    })),
    outcomes: await outcomesByWave(study, blind, shown),
    days: daysOf(await store.activity.hours(), timeZone),
    boards,
    subjects: people
      .filter((person) => person.withdrawnAt === null)
      .map(({ id, label, arm }) => ({
        ...{ id, label, arm: shown(arm), device: carried.get(id) ?? null },
        plays: perSubject.get(id) ?? 0,
        wave: waveOf.get(id) ?? null,
      })),
  }
}

function byArm(a: { arm: string }, b: { arm: string }): number {
  return a.arm < b.arm ? -1 : 1
}

async function outcomesByWave(
  { store }: Study,
  blind: boolean,
  shown: (arm: string) => string,
): Promise<Overview["outcomes"]> {
  const heard = await store.activity.heard(SLIP_MS)
  const lists = await store.activity.lists()
  return [...new Set(lists.map(({ wave }) => wave))].map((wave) => ({
    wave,
    arms: lists
      .filter((list) => list.wave === wave)
      .map(({ arm, published, confirmed }) => {
        const own = heard.find((row) => row.wave === wave && row.arm === arm)
        return {
          ...{ arm: shown(arm), published, confirmed, plays: own?.plays ?? 0 },
          // Which arm is heard longer would tell which is which.
          meanShareHeard: blind ? null : (own?.meanShareHeard ?? null),
          shareFinished: blind ? null : (own?.shareFinished ?? null),
        }
      })
      .sort(byArm),
  }))
}

async function boardsAtAGlance(
  { store }: Study,
  lists: readonly BoardList[],
  plays: ReadonlyMap<string, number>,
  shown: (arm: string) => string,
): Promise<BoardAtAGlance[]> {
  const syncs = new Map((await store.syncs.latest()).map((sync) => [sync.device, sync]))
  const people = new Map((await store.subjects.all()).map((person) => [person.id, person]))
  const titles = new Map((await store.songs.all()).map((song) => [song.id, song.title]))
  return (await store.boards.all()).map(({ device, state, subject }) => {
    const sync = syncs.get(device)
    const person = subject === null ? undefined : people.get(subject)
    const own = lists.filter((list) => list.device === device && list.subject === subject)
    const newest = own.at(-1)
    const version = sync?.list ?? 0
    return {
      ...{ device, state, subject, label: person?.label ?? "", arm: person ? shown(person.arm) : "" },
      lastSync: sync?.at ?? null,
      firmware: sync?.firmware ?? null,
      plays: plays.get(device) ?? 0,
      logFill: sync === undefined ? null : logFill(sync.health),
      battery: batteryOf(sync),
      playing: {
        version,
        wave: own.find((list) => list.version === version)?.wave ?? null,
        song: sync?.open ? (titles.get(sync.open[1]) ?? `song ${sync.open[1]}`) : null,
      },
      next:
        newest === undefined || newest.version === version
          ? null
          : { version: newest.version, wave: newest.wave, songs: newest.songs, state: newest.state },
    }
  })
}

function batteryOf(sync: SyncRow | undefined): number | null {
  const charge = (sync?.health as Partial<SyncHealth> | undefined)?.bat
  return typeof charge === "number" && charge > 0 ? charge : null
}

/** Sums by local day, days without anything included. */
function daysOf(
  hours: readonly { hour: number; plays: number; syncs: number }[],
  timeZone: string,
): Overview["days"] {
  const days = new Map<string, { plays: number; syncs: number }>()
  if (hours.length === 0) return []
  const last = hours[hours.length - 1].hour * HOUR_MS
  // Two hours past a day's beginning stays within the day where clocks are set back or forward.
  for (let at = Math.max(hours[0].hour * HOUR_MS, last - MAX_DAYS * DAY_MS); at < last; at += DAY_MS / 2) {
    days.set(localTime(at, timeZone).date, { plays: 0, syncs: 0 })
  }
  for (const { hour, plays, syncs } of hours) {
    const { date } = localTime(hour * HOUR_MS, timeZone)
    const day = days.get(date) ?? { plays: 0, syncs: 0 }
    days.set(date, { plays: day.plays + plays, syncs: day.syncs + syncs })
  }
  return [...days].map(([day, sums]) => ({ day, ...sums })).sort((a, b) => (a.day < b.day ? -1 : 1))
}
