// How the waves stand: planned, open, closed; what became of their lists; what was heard. Arms are never named here.

import type { PublicationState } from "../store/playlists.js"
import type { Play } from "../store/plays.js"
import { isBlind } from "./blind.js"
import { cohortNames, cohortOf } from "./cohorts.js"
import type { Study } from "./study.js"
import { plannedDays } from "./wave-dates.js"
import { type BoardInWave, listsOf, sendingsOf } from "./wave-periods.js"
import { type Heard, heardIn } from "./waves.js"

export interface WaveStanding {
  cohort: string
  wave: number
  /** planned: nothing has happened; begun: it has lists, and was not opened by hand. */
  state: "planned" | "begun" | "open" | "closed"
  /** First and last day of the plan, YYYY-MM-DD; null where it gives none. */
  plannedFrom: string | null
  plannedTo: string | null
  openedAt: number | null
  closedAt: number | null
  /** Subjects with a list of the wave. */
  subjects: number
  lists: Record<PublicationState, number>
  /** Boards that play an older list, because they have not synced in time since this one was published. */
  missed: { subject: number; device: string; version: number; plays: number; lastSync: number | null }[]
}

interface WaveState extends WaveStanding {
  plays: number
  /** Means over the plays; null without any, and while the study is blind. */
  meanShareHeard: number | null
  shareFinished: number | null
}

const MINUTE_MS = 60_000
/** A board that syncs more often has missed its sync when a day has gone: it may be off, or out of the study's hours. */
const PATIENCE_MS = 24 * 60 * MINUTE_MS

/** By cohort in the plan's order, ascending wave. */
export async function waveStates(study: Study, now: number): Promise<WaveState[]> {
  const blind = await isBlind(study)
  const plays = await study.store.plays.all()
  const lengths = new Map((await study.store.songs.all()).map((song) => [song.id, song.lengthMs]))
  return (await standings(study, now)).map(({ playlists, ...standing }) => {
    const counts = ({ playlist }: Play): boolean => playlist !== null && playlists.has(playlist)
    const heard: Heard = heardIn(plays, lengths, counts)
    return {
      ...{ ...standing, plays: heard.plays },
      meanShareHeard: blind ? null : heard.meanShareHeard,
      shareFinished: blind ? null : heard.shareFinished,
    }
  })
}

/** The same without what was heard, which no play has to be read for. */
export async function waveStandings(study: Study, now: number): Promise<WaveStanding[]> {
  return (await standings(study, now)).map(({ playlists: _, ...standing }) => standing)
}

/** `playlists`: ids of the wave's lists. */
async function standings(
  study: Study,
  now: number,
): Promise<(WaveStanding & { playlists: ReadonlySet<number> })[]> {
  const { plan, store } = study
  const periods = await store.waves.periods()
  const people = await store.subjects.all()
  const cohorts = [...new Set([...cohortNames(plan), ...people.map(cohortOf)])]
  const sendings = await sendingsOf(study)
  const states: (WaveStanding & { playlists: ReadonlySet<number> })[] = []
  for (const cohort of cohorts) {
    const members = people.filter((subject) => cohortOf(subject) === cohort)
    const own = periods.filter((period) => period.cohort === cohort)
    let last = Math.max(plan.waves.count, ...own.map(({ wave }) => wave))
    for (const { id } of members) {
      for (const list of sendings.lists.get(id) ?? []) last = Math.max(last, list.wave)
    }
    for (let wave = 1; wave <= last; wave++) {
      const { lists, boards } = listsOf(sendings, wave, members)
      const planned = plannedDays(plan, cohort, wave)
      const period = own.find((candidate) => candidate.wave === wave)
      const counts = { published: 0, sent: 0, confirmed: 0, refused: 0, superseded: 0 }
      for (const list of lists) counts[list.state]++
      states.push({
        cohort,
        wave,
        state:
          period === undefined
            ? lists.length > 0
              ? "begun"
              : "planned"
            : period.closedAt === null
              ? "open"
              : "closed",
        plannedFrom: planned?.first ?? null,
        plannedTo: planned?.last ?? null,
        openedAt: period?.openedAt ?? null,
        closedAt: period?.closedAt ?? null,
        subjects: boards.length,
        lists: counts,
        missed: boards.filter((board) => missedSync(board, now, plan.syncMinutes)).map(briefly),
        playlists: new Set(lists.map(({ id }) => id)),
      })
    }
  }
  return states
}

function missedSync({ list, sync, carried }: BoardInWave, now: number, syncMinutes: number): boolean {
  if (!carried) return false
  if (list.state !== "published" && list.state !== "sent") return false
  const waited = now - Math.max(list.at, sync?.at ?? 0)
  return waited > Math.max(PATIENCE_MS, syncMinutes * MINUTE_MS)
}

function briefly({ subject, device, list, sync }: BoardInWave): WaveState["missed"][number] {
  return { subject, device, version: list.version, plays: sync?.list ?? 0, lastSync: sync?.at ?? null }
}
