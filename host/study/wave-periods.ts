// The rules of opening and closing waves. In every cohort waves come one after the other, and one is open at a time;
// dates are the researcher's business: an early or late opening is remarked on and recorded, and never refused.

import type { Playlist } from "../store/playlists.js"
import type { Subject } from "../store/subjects.js"
import type { SyncRow } from "../store/syncs.js"
import { cohortNames, cohortOf, hasWithdrawn, WaveError, waveName } from "./cohorts.js"
import type { Study } from "./study.js"
import { daysAfter, daysOf, plannedDays } from "./wave-dates.js"

interface Opening {
  /** Who still needs a list of the wave, ascending. */
  subjects: number[]
  warnings: string[]
  /** Whether the wave was opened before and not all of its lists were made. */
  begun: boolean
  /** For the event. */
  detail: Record<string, unknown>
}

/** What has to be done to open the wave; throws WaveError where it can't be opened. */
export async function prepareOpening(
  study: Study,
  wave: number,
  cohort: string,
  now: number,
): Promise<Opening> {
  const { plan, store } = study
  const name = waveName(wave, cohort)
  if (wave > plan.waves.count) {
    throw new WaveError(`${name}: the plan has ${plan.waves.count} waves (waves.count in study.json)`)
  }
  if ((await store.songs.count()) === 0) {
    throw new WaveError("the catalogue is empty: fieldtune catalogue add FOLDER")
  }
  const periods = (await store.waves.periods()).filter((period) => period.cohort === cohort)
  const period = periods.find((candidate) => candidate.wave === wave)
  if (period !== undefined && period.closedAt !== null) {
    throw new WaveError(`${name}: was closed at ${new Date(period.closedAt).toISOString()}`)
  }
  const open = periods.find(({ closedAt }) => closedAt === null)
  if (open !== undefined && open.wave !== wave) {
    throw new WaveError(
      `${name}: wave ${open.wave} is still open: ${closingCommand(open.wave, cohort)} first`,
    )
  }
  const members = (await store.subjects.all()).filter((subject) => cohortOf(subject) === cohort)
  const carrying: number[] = []
  const without: number[] = []
  const missing: number[] = []
  let last = 0
  for (const subject of members.filter((member) => !hasWithdrawn(member))) {
    const lists = await store.playlists.of(subject.id)
    for (const list of lists) last = Math.max(last, list.wave)
    if ((await store.subjects.enrolmentOf(subject.id)) === undefined) {
      without.push(subject.id)
      continue
    }
    carrying.push(subject.id)
    if (!lists.some((list) => list.wave === wave)) missing.push(subject.id)
  }
  if (carrying.length === 0) {
    throw new WaveError(`${name}: nobody carries a board: fieldtune enrol N --device ID`)
  }
  if (period === undefined) {
    const next = Math.max(last, ...periods.map((candidate) => candidate.wave)) + 1
    if (wave !== next) throw new WaveError(`${name}: the next is wave ${next}, waves come in order`)
  } else if (missing.length === 0) {
    throw new WaveError(
      `${name}: is open since ${new Date(period.openedAt).toISOString()} and every board has its list; fieldtune round --subject N designs one anew`,
    )
  }
  const planned = plannedDays(plan, cohort, wave)
  const daysLate = planned === undefined ? null : daysAfter(planned.first, now, plan.timeZone)
  const warnings = [
    ...(planned !== undefined && daysLate !== null && daysLate !== 0 && period === undefined
      ? [`opens ${apart(daysLate)} its planned day, ${planned.first}`]
      : []),
    ...without.map((id) => `subject ${id} carries no board and gets no list: fieldtune enrol`),
    ...members.filter(hasWithdrawn).map(({ id }) => `subject ${id} has withdrawn and gets no list`),
    ...strangers(await store.subjects.all(), cohortNames(plan)),
  ]
  return {
    subjects: missing,
    warnings,
    begun: period !== undefined,
    detail: { planned: planned?.first ?? null, daysLate },
  }
}

interface WaveClosing {
  wave: number
  cohort: string
  closedAt: number
  /** Plays that the wave has brought so far. */
  plays: number
  warnings: string[]
}

/** Closes the open wave; throws WaveError. Plays that come later still belong to it. */
export async function closeWave(
  study: Study,
  wave: number,
  cohort: string,
  now: number,
): Promise<WaveClosing> {
  const { plan, store } = study
  const name = waveName(wave, cohort)
  const periods = (await store.waves.periods()).filter((period) => period.cohort === cohort)
  const period = periods.find((candidate) => candidate.wave === wave)
  if (period === undefined) throw new WaveError(`${name}: was never opened: fieldtune wave open ${wave}`)
  if (period.closedAt !== null) {
    throw new WaveError(`${name}: was closed before, at ${new Date(period.closedAt).toISOString()}`)
  }
  const members = (await store.subjects.all()).filter((subject) => cohortOf(subject) === cohort)
  const { lists, boards } = listsOf(await sendingsOf(study), wave, members)
  const { to, last } = daysOf(plan, cohort, wave, period.openedAt)
  const early = now < to
  const since = early ? period.openedAt : to
  const carried = boards.filter((board) => board.carried)
  const silent = carried.filter(({ sync }) => (sync?.at ?? Number.NEGATIVE_INFINITY) < since)
  const unconfirmed = carried.filter(({ list }) => list.state === "published" || list.state === "sent")
  const refused = carried.filter(({ list }) => list.state === "refused")
  const ids = new Set(lists.map(({ id }) => id))
  const plays = (await store.plays.all()).filter(({ playlist }) => playlist !== null && ids.has(playlist))
  const days = daysAfter(last, now, plan.timeZone)
  const when = early ? "the wave was opened" : `the wave's last day, ${last}`
  const warnings = [
    ...(early
      ? [`closes before the end of its last day, ${last}${days < 0 ? `, ${-days} days early` : ""}`]
      : []),
    ...silent.map(
      ({ subject, device }) =>
        `subject ${subject}, ${device}: has not synced since ${when}; its plays still count when they come`,
    ),
    ...unconfirmed.map(
      ({ subject, device, list }) =>
        `subject ${subject}, ${device}: has not confirmed playlist ${list.version} and plays an older one`,
    ),
    ...refused.map(
      ({ subject, device, list }) => `subject ${subject}, ${device}: has refused playlist ${list.version}`,
    ),
  ]
  const brief = (found: typeof boards) => found.map(({ subject }) => subject)
  const closed = await store.waves.close(wave, cohort, now, {
    plays: plays.length,
    ...{ silent: brief(silent), unconfirmed: brief(unconfirmed), refused: brief(refused), warnings },
  })
  if (!closed) throw new WaveError(`${name}: another process has closed it in the meantime`)
  return { wave, cohort, closedAt: now, plays: plays.length, warnings }
}

export interface BoardInWave {
  subject: number
  device: string
  /** The subject's newest list of the wave. */
  list: Playlist
  /** Whether the subject still carries that board. */
  carried: boolean
  /** The newest sync of that board. */
  sync?: SyncRow
}

/** What says where the lists of all waves went. */
export interface Sendings {
  /** Ascending id, by subject. */
  lists: ReadonlyMap<number, readonly Playlist[]>
  /** The newest of every board. */
  syncs: ReadonlyMap<string, SyncRow>
  /** The board that each subject carries now. */
  carried: ReadonlyMap<number, string>
}

export async function sendingsOf({ store }: Study): Promise<Sendings> {
  const lists = new Map<number, Playlist[]>()
  for (const list of await store.playlists.all()) {
    const own = lists.get(list.subject)
    if (own === undefined) lists.set(list.subject, [list])
    else own.push(list)
  }
  const open = (await store.subjects.enrolments()).filter(({ toAt }) => toAt === null)
  return {
    lists,
    syncs: new Map((await store.syncs.latest()).map((sync) => [sync.device, sync])),
    carried: new Map(open.map(({ subject, device }) => [subject, device])),
  }
}

/** The lists of a wave, ascending id, and where the newest one of each of these subjects went. */
export function listsOf(
  { lists: all, syncs, carried }: Sendings,
  wave: number,
  members: readonly Subject[],
): { lists: Playlist[]; boards: BoardInWave[] } {
  const lists: Playlist[] = []
  const boards: BoardInWave[] = []
  for (const { id: subject } of members) {
    const own = (all.get(subject) ?? []).filter((list) => list.wave === wave)
    lists.push(...own)
    const list = own.at(-1)
    if (list === undefined) continue
    const { device } = list
    boards.push({ subject, device, list, carried: carried.get(subject) === device, sync: syncs.get(device) })
  }
  lists.sort((a, b) => a.id - b.id)
  return { lists, boards }
}

function apart(days: number): string {
  const count = Math.abs(days) === 1 ? "1 day" : `${Math.abs(days)} days`
  return days < 0 ? `${count} before` : `${count} after`
}

function closingCommand(wave: number, cohort: string): string {
  return `fieldtune wave close ${wave}${cohort === "" ? "" : ` --cohort ${JSON.stringify(cohort)}`}`
}

/** Subjects that no wave of the plan is for. */
function strangers(subjects: readonly Subject[], cohorts: readonly string[]): string[] {
  return subjects
    .filter((subject) => !cohorts.includes(cohortOf(subject)))
    .map((subject) =>
      cohortOf(subject) === ""
        ? `subject ${subject.id} is in no cohort: no wave is for it`
        : `subject ${subject.id} is in cohort ${cohortOf(subject)}, which the plan does not have`,
    )
}
