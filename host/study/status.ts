// How a study stands: what every board last said, how many plays it brought, and what needs attention.

import {
  REFUSED_CHECKSUM,
  REFUSED_FORMAT,
  REFUSED_SONG,
  REFUSED_STORE,
  REFUSED_TOO_LARGE,
  RESET_FAILURE,
} from "../../src/wire.js"
import type { PublicationState } from "../store/playlists.js"
import type { SyncRow } from "../store/syncs.js"
import { armShown } from "./blind.js"
import type { Study } from "./study.js"

interface DeviceStatus {
  device: string
  subject: number
  label: string
  arm: string
  lastSync: number | null
  firmware: string | null
  plays: number
  /** Unacknowledged records over the log's capacity, 0 … 1; null before the first sync. */
  logFill: number | null
  /** Version that the board plays; 0 = none. */
  playing: number
  /** Newest published version and its state. */
  published: number
  state: PublicationState | null
  problems: string[]
}

export interface StudyStatus {
  name: string
  songs: number
  subjects: number
  plays: number
  quarantined: number
  waves: number
  playlists: Record<PublicationState, number>
  /** Those of the study first, then of the devices. */
  problems: string[]
  devices: DeviceStatus[]
}

const HOUR_MS = 3600000
/** A board that is silent for longer needs a look, unless the plan makes it sync less often. */
const SILENT_MS = 48 * HOUR_MS
/** Part of the log above which a board may soon stop recording. */
/** SyncHealth.card. */
const CARD_MISSING = 2
/** Percent. */
const BATTERY_LOW = 15
const LOG_NEARLY_FULL = 0.8
const REFUSALS: Record<number, string> = {
  [REFUSED_CHECKSUM]: "checksum",
  [REFUSED_FORMAT]: "format",
  [REFUSED_TOO_LARGE]: "too large",
  [REFUSED_SONG]: "a song that is not on the card",
  [REFUSED_STORE]: "the board could not store it",
}

export async function studyStatus(study: Study, now: number): Promise<StudyStatus> {
  const { store, plan } = study
  const shown = await armShown(study)
  const [songs, subjects, enrolments] = [
    await store.songs.count(),
    await store.subjects.all(),
    await store.subjects.enrolments(),
  ]
  const syncs = new Map((await store.syncs.latest()).map((sync) => [sync.device, sync]))
  const plays = await store.plays.countByDevice()
  const quarantine = await store.syncs.quarantine()
  const devices: DeviceStatus[] = []
  for (const { subject, device } of enrolments.filter((e) => e.toAt === null)) {
    const person = subjects.find((s) => s.id === subject)
    const sync = syncs.get(device)
    const list = await store.playlists.latest(device)
    const held = quarantine.filter((q) => q.device === device).length
    devices.push({
      device,
      subject,
      label: person?.label ?? "",
      arm: shown(person?.arm ?? ""),
      lastSync: sync?.at ?? null,
      firmware: sync?.firmware ?? null,
      plays: plays.get(device) ?? 0,
      logFill: sync === undefined ? null : logFill(sync),
      playing: sync?.list ?? 0,
      published: list?.version ?? 0,
      state: list?.state ?? null,
      problems: [
        ...syncProblems(sync, now, plan.syncMinutes),
        ...(held > 0 ? [`${held} records in quarantine`] : []),
        ...(list === undefined ? ["no playlist published"] : []),
        ...(list?.state === "refused"
          ? [
              `refused playlist ${list.version}: ${REFUSALS[list.refusedCode ?? 0] ?? `code ${list.refusedCode}`}`,
            ]
          : []),
      ],
    })
  }
  const own = [
    ...(songs === 0 ? ["the catalogue is empty: fieldtune catalogue add FILE.csv"] : []),
    ...(await store.boards.all())
      .filter(({ state, at, lastSync }) => (state === "lost" || state === "retired") && (lastSync ?? 0) > at)
      .map(
        ({ device, state }) => `${device} is ${state} and has synced since: fieldtune board found ${device}`,
      ),
    ...(devices.length === 0 ? ["no board is enrolled: fieldtune enrol 1 --device ID"] : []),
  ]
  return {
    name: plan.name,
    songs,
    subjects: subjects.length,
    plays: await store.plays.count(),
    quarantined: quarantine.length,
    waves: (await store.playlists.waves()).length,
    playlists: await store.playlists.countByState(),
    problems: [
      ...own,
      ...devices.flatMap((d) => d.problems.map((p) => `subject ${d.subject}, ${d.device}: ${p}`)),
    ],
    devices,
  }
}

function logFill(sync: SyncRow): number {
  return sync.health.cap === 0 ? 0 : sync.health.log / sync.health.cap
}

function syncProblems(sync: SyncRow | undefined, now: number, syncMinutes: number): string[] {
  if (sync === undefined) return ["has never synced"]
  const { health } = sync
  const silent = now - sync.at
  const found: string[] = []
  if (silent > Math.max(SILENT_MS, 3 * syncMinutes * 60000)) {
    found.push(`silent for ${Math.round(silent / HOUR_MS)} h`)
  }
  if (logFill(sync) >= LOG_NEARLY_FULL) found.push(`log ${Math.round(logFill(sync) * 100)} % full`)
  if (health.full > 0)
    found.push(`${health.full} listens not recorded: its log was full or its memory failed`)
  if (health.audio > 0) found.push(`${health.audio} errors of the audio board`)
  if (health.card === CARD_MISSING) found.push("no card in its sound board")
  if (health.bat !== undefined && health.bat <= BATTERY_LOW) found.push(`battery at ${health.bat} %`)
  if (health.reset === RESET_FAILURE) found.push("its program failed and was started again")
  if (sync.unreadable > 0) found.push(`${sync.unreadable} unreadable records in its last sync`)
  return found
}
