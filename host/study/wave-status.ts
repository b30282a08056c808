// How the waves stand: planned, open, closed; what became of their lists; what was heard. Arms are never named here.

import type { PublicationState } from "../store/playlists.js"
import { isBlind } from "./blind.js"
import { cohortNames, cohortOf } from "./cohorts.js"
import type { Study } from "./study.js"
import { plannedDays } from "./wave-dates.js"
import { type BoardInWave, listsOf } from "./wave-periods.js"
import { type Heard, heardIn } from "./waves.js"

interface WaveState {
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
  const { plan, store } = study
  const blind = await isBlind(study)
  const periods = await store.waves.periods()
  const people = await store.subjects.all()
  const cohorts = [...new Set([...cohortNames(plan), ...people.map(cohortOf)])]
  const plays = await store.plays.all()
  const lengths = new Map((await store.songs.all()).map((song) => [song.id, song.lengthMs]))
  const states: WaveState[] = []
  for (const cohort of cohorts) {
    const members = people.filter((subject) => cohortOf(subject) === cohort)
    const own = periods.filter((period) => period.cohort === cohort)
    let last = Math.max(plan.waves.count, ...own.map(({ wave }) => wave))
    for (const { id } of members) {
      for (const list of await store.playlists.of(id)) last = Math.max(last, list.wave)
    }
    for (let wave = 1; wave <= last; wave++) {
      const { lists, boards } = await listsOf(study, wave, members)
      const planned = plannedDays(plan, cohort, wave)
      const period = own.find((candidate) => candidate.wave === wave)
      const counts = { published: 0, sent: 0, confirmed: 0, refused: 0, superseded: 0 }
      for (const list of lists) counts[list.state]++
      const ids = new Set(lists.map(({ id }) => id))
      const heard: Heard = heardIn(plays, lengths, (play) => play.playlist !== null && ids.has(play.playlist))
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
        plays: heard.plays,
        meanShareHeard: blind ? null : heard.meanShareHeard,
        shareFinished: blind ? null : heard.shareFinished,
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
