// How a study stands: what every board last said, how many plays it brought, and what needs attention.

import type { PublicationState } from "../store/playlists.js"
import { armShown } from "./blind.js"
import { findingsNow } from "./quality/check.js"
import { logFill } from "./quality/health-rules.js"
import type { Finding } from "./quality/rule.js"
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
}

export interface StudyStatus {
  name: string
  songs: number
  subjects: number
  plays: number
  quarantined: number
  waves: number
  playlists: Record<PublicationState, number>
  /** Problems first (host/study/quality). */
  findings: Finding[]
  devices: DeviceStatus[]
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
    devices.push({
      device,
      subject,
      label: person?.label ?? "",
      arm: shown(person?.arm ?? ""),
      lastSync: sync?.at ?? null,
      firmware: sync?.firmware ?? null,
      plays: plays.get(device) ?? 0,
      logFill: sync === undefined ? null : logFill(sync.health),
      playing: sync?.list ?? 0,
      published: list?.version ?? 0,
      state: list?.state ?? null,
    })
  }
  return {
    name: plan.name,
    songs,
    subjects: subjects.length,
    plays: await store.plays.count(),
    quarantined: quarantine.length,
    waves: (await store.playlists.waves()).length,
    playlists: await store.playlists.countByState(),
    findings: await findingsNow(study, now),
    devices,
  }
}
