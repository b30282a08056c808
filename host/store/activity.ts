// Sums over everything that came in, for people who look: computed by the database, so that no page has to read plays
// one by one.

import type { Kysely } from "kysely"
import { END_FINISHED } from "../../src/record.js"
import { rowsOf } from "./embedded.js"
import type { PublicationState } from "./playlists.js"
import type { Tables } from "./schema.js"

interface ArmWave {
  wave: number
  arm: string
  /** Listens of at least the least length asked for. */
  plays: number
  /** Mean share of the song heard, at most 1 per listen; null without listens. */
  meanShareHeard: number | null
  shareFinished: number | null
}

interface ArmLists {
  wave: number
  arm: string
  published: number
  confirmed: number
}

export interface BoardList {
  subject: number
  device: string
  version: number
  wave: number
  songs: number
  state: PublicationState
}

export interface SongActivity {
  /** Lists that it is in, and those in which it is to be learnt from; null = not told. */
  listed: number
  toLearn: number | null
  /** Listens of at least the least length asked for, and the mean share heard; null without any. */
  plays: number
  meanShareHeard: number | null
}

interface Hour {
  /** Hours since 1970. */
  hour: number
  plays: number
  syncs: number
}

export interface ActivityStore {
  /** Another text after every change that a page could show: contacts, plays, lists, models, events, findings. */
  revision(): Promise<string>
  /** By wave and arm of the playlist; listens shorter than `leastMs` do not count. */
  heard(leastMs: number): Promise<ArmWave[]>
  lists(): Promise<ArmLists[]>
  /** All playlists without their bytes, ascending id. */
  boardLists(): Promise<BoardList[]>
  playsBySubject(): Promise<Map<number, number>>
  /** By song; those that were neither listed nor heard are left out. */
  songs(leastMs: number): Promise<Map<number, SongActivity>>
  /** By enrolment: from when until when a play of the subject would be known, Unix ms: up to the last sync of the board,
   *  at most to the enrolment's end; without a sync nothing is. */
  observed(): Promise<{ subject: number; from: number; to: number }[]>
  /** Plays by the hour they began (of their sync, where no clock tells) and syncs, ascending. */
  hours(): Promise<Hour[]>
}

export function activityStore(db: Kysely<Tables>): ActivityStore {
  return {
    async revision() {
      const [row] = await rowsOf<Record<string, number | null>>(
        db,
        `select (select max(id) from sync) as a, (select max(id) from play) as b, (select max(id) from playlist) as c,
                (select max(id) from event) as d, (select max(id) from model) as e, (select count(*) * 100000 + count(closed_at) from finding) as f,
                (select count(*) from song) as g`,
        [],
      )
      return Object.values(row).join(".")
    },
    async heard(leastMs) {
      return rowsOf<ArmWave>(
        db,
        `select l.wave, l.arm, count(*) as plays, avg(min(1.0, p.heard_ms * 1.0 / s.length_ms)) as mean_share_heard,
                avg(p.reason = ?) as share_finished
           from play p join playlist l on l.id = p.playlist join song s on s.id = p.song
          where p.heard_ms >= ? group by l.wave, l.arm order by l.wave, l.arm`,
        [END_FINISHED, leastMs],
      )
    },
    async lists() {
      return rowsOf<ArmLists>(
        db,
        `select l.wave, l.arm, count(distinct l.subject) as published,
                count(distinct case when b.state = 'confirmed' then l.subject end) as confirmed
           from playlist l join publication b on b.playlist = l.id group by l.wave, l.arm order by l.wave, l.arm`,
        [],
      )
    },
    boardLists: () =>
      rowsOf<BoardList>(
        db,
        `select l.subject, l.device, l.version, l.wave, b.state,
                (select count(*) from playlist_item i where i.playlist = l.id) as songs
           from playlist l join publication b on b.playlist = l.id order by l.id`,
        [],
      ),
    async playsBySubject() {
      const rows = await rowsOf<{ subject: number; plays: number }>(
        db,
        "select subject, count(*) as plays from play where subject is not null group by subject",
        [],
      )
      return new Map(rows.map(({ subject, plays }) => [subject, plays]))
    },
    async songs(leastMs) {
      const listed = await rowsOf<{ song: number; listed: number; toLearn: number }>(
        db,
        "select song, count(*) as listed, sum(tag = 'explore') as to_learn from playlist_item group by song",
        [],
      )
      const heard = await rowsOf<{ song: number; plays: number; meanShareHeard: number }>(
        db,
        `select p.song, count(*) as plays, avg(min(1.0, p.heard_ms * 1.0 / s.length_ms)) as mean_share_heard
           from play p join song s on s.id = p.song where p.heard_ms >= ? group by p.song`,
        [leastMs],
      )
      const songs = new Map<number, SongActivity>(
        listed.map(({ song, ...row }) => [song, { ...row, plays: 0, meanShareHeard: null }]),
      )
      for (const { song, ...row } of heard) {
        songs.set(song, { ...(songs.get(song) ?? { listed: 0, toLearn: 0 }), ...row })
      }
      return songs
    },
    observed: () =>
      rowsOf<{ subject: number; from: number; to: number }>(
        db,
        `select subject, from_at as "from", min(coalesce(to_at, last), last) as "to" from (
           select e.*, (select max(at) from sync s where s.device = e.device and s.at >= e.from_at) as last
             from enrolment e)
          where last is not null order by id`,
        [],
      ),
    async hours() {
      return rowsOf<Hour>(
        db,
        `select hour, sum(plays) as plays, sum(syncs) as syncs from (
           select coalesce(p.started_at, s.at) / 3600000 as hour, count(*) as plays, 0 as syncs
             from play p join sync s on s.id = p.sync group by 1
           union all
           select at / 3600000, 0, count(*) from sync group by 1
         ) group by hour order by hour`,
        [],
      )
    },
  }
}
