// What every board would play next, before anything is published: the same work on a copy of the database.

import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { RoundReport } from "../round.js"
import { copyDatabase } from "../store/snapshot.js"
import { openStore, type Store } from "../store/store.js"
import { isBlind } from "./blind.js"
import { DATABASE_FILE, type Study } from "./study.js"

export interface PreviewSong {
  song: number
  title: string
  artist: string
  /** Why it is there; null where the design says nothing, and while the study is blind. */
  tag: string | null
  reason: string | null
}

interface PreviewList {
  version: number
  wave: number
  /** In playing order. */
  songs: PreviewSong[]
}

export interface PreviewBoard {
  subject: number
  /** null for a subject without a board. */
  device: string | null
  /** What the board said last that it plays; null where it has not synced, or plays nothing the host knows. */
  now: PreviewList | null
  /** Null where nothing would be published. */
  next: PreviewList | null
  note?: string
}

export interface Preview<T> {
  /** What `work` gave. */
  result: T
  boards: PreviewBoard[]
}

/** Runs `work` on a private copy of the study, which is deleted afterwards; the study stays as it is. */
export async function preview<T>(
  study: Study,
  work: (copy: Study) => Promise<T>,
  reportOf: (result: T) => RoundReport,
): Promise<Preview<T>> {
  // The copy holds the keys of the boards: it stays within the study's folder, where only its owner can read it.
  const dir = mkdtempSync(join(study.dir, ".dry-run-"))
  chmodSync(dir, 0o700)
  let store: Store | undefined
  try {
    const path = join(dir, DATABASE_FILE)
    await copyDatabase(join(study.dir, DATABASE_FILE), path)
    store = await openStore(path)
    const copy: Study = { dir, plan: study.plan, edited: study.edited, store, close: store.close }
    const result = await work(copy)
    const boards = await compare(study, copy, reportOf(result))
    return { result, boards }
  } finally {
    await store?.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function compare(study: Study, copy: Study, report: RoundReport): Promise<PreviewBoard[]> {
  const blind = await isBlind(study)
  const songs = new Map((await study.store.songs.all()).map((song) => [song.id, song]))
  const lists = await copy.store.playlists.all()
  // The copy holds all that the study holds.
  const describe = async (device: string, version: number): Promise<PreviewList | null> => {
    const list = lists.find((candidate) => candidate.device === device && candidate.version === version)
    if (list === undefined) return null
    const items = (await copy.store.playlists.items(list.id)).map(({ song, tag, reason }) => ({
      song,
      title: songs.get(song)?.title ?? "",
      artist: songs.get(song)?.artist ?? "",
      tag: blind ? null : tag,
      reason: blind ? null : ((reason as { text?: string } | null)?.text ?? null),
    }))
    return { version, wave: list.wave, songs: items }
  }
  const syncs = new Map((await study.store.syncs.latest()).map((sync) => [sync.device, sync]))
  const boards: PreviewBoard[] = []
  for (const { subject, version, note } of report.subjects) {
    const device = (await study.store.subjects.enrolmentOf(subject))?.device ?? null
    const playing = device === null ? 0 : (syncs.get(device)?.list ?? 0)
    boards.push({
      subject,
      device,
      now: device === null || playing === 0 ? null : await describe(device, playing),
      next: device === null || version === null ? null : await describe(device, version),
      ...(note === undefined || (blind && version !== null) ? {} : { note }),
    })
  }
  return boards
}
