// The playlists of a study as one flat table: one row per place of every version that was published, with the song and
// what became of the list at its board. While the study is blind, what tells of an arm is left out.

import { type Concealment, conceal, type SeenTable } from "../archive/conceal.js"
import {
  counting,
  datetime,
  integer,
  number,
  object,
  type Row,
  required,
  string,
  type Table,
} from "../archive/field.js"
import type { Study } from "../study/study.js"

const NO_MODEL = "the design had no model"

const ITEMS: Table = {
  name: "playlists",
  title: "Playlists",
  description: "One row per place of every published playlist. Identity: device, version, position.",
  primaryKey: ["playlist", "position"],
  fields: [
    counting("playlist", "Number of the playlist."),
    counting("subject", "Number of the listener."),
    string("arm", "Arm of the listener then; its code while the study is blind.", { role: "arm" }),
    required(string("device", "Id of the board, 16 hexadecimal digits.")),
    counting("version", "Version on that board."),
    counting("wave", "Wave that it belongs to."),
    string("design", "The design that made it (a first wave is random in every arm).", { role: "reveals" }),
    required(integer("position", "Place in playing order, from 0.")),
    counting("song", "Number of the song."),
    required(string("source", "The researcher's identifier of the song.")),
    string("title", "Title of the song.", { missing: "not in the catalogue" }),
    string("artist", "Artist of the song.", { missing: "not in the catalogue" }),
    required(integer("length_ms", "Length of the song.", { unit: "ms" })),
    required(
      string("state", "published, sent to the board, confirmed or refused by it, or superseded before that."),
    ),
    datetime("published_at", "When it was published, as exactly as the plan exports times.", {
      missing: "the plan exports no times",
    }),
    datetime("sent_at", "When the board was first offered it.", { missing: "never, or as published_at" }),
    datetime("confirmed_at", "When the board said that it plays it.", {
      missing: "never, or as published_at",
    }),
    datetime("refused_at", "When the board refused it.", { missing: "never, or as published_at" }),
    integer("refused_code", "Why (REFUSED_ codes of the wire format).", { missing: "not refused" }),
    number("utility", "What hearing it is worth, in the unit of the plan's `utility`.", {
      role: "reveals",
      missing: NO_MODEL,
    }),
    number("information", "What the playlist's log determinant of information would lose without it.", {
      role: "reveals",
      missing: NO_MODEL,
    }),
    string("tag", "explore: the playlist of highest utility under the same constraints does not have it.", {
      role: "reveals",
    }),
    number("propensity", "Probability that the design gave it a place.", {
      role: "reveals",
      missing: "nothing was random",
    }),
    integer("rank", "Rank by utility among the allowed songs, 1 = best.", {
      role: "reveals",
      missing: NO_MODEL,
    }),
    object("reason", "How it came by its place, and the largest terms of its expected log time.", {
      role: "reveals",
      missing: "none was kept",
    }),
    string("plan", "SHA-256 of the plan in force when the playlist was made.", {
      missing: "the study had not started",
    }),
  ],
}

/** The playlists of everybody, or of one subject, as they may be seen; those of a withdrawn listener are empty. */
export async function exportedItems(
  { store }: Study,
  how: Concealment,
  subject?: number,
): Promise<SeenTable> {
  const songs = new Map((await store.songs.all()).map((song) => [song.id, song]))
  const lists = subject === undefined ? await store.playlists.all() : await store.playlists.of(subject)
  const rows: Row[] = []
  for (const list of lists) {
    for (const [position, item] of (await store.playlists.items(list.id)).entries()) {
      const song = songs.get(item.song)!
      rows.push({
        playlist: list.id,
        subject: list.subject,
        arm: list.arm,
        device: list.device,
        version: list.version,
        wave: list.wave,
        design: list.design,
        position,
        song: item.song,
        source: song.source,
        title: song.title || null,
        artist: song.artist || null,
        length_ms: song.lengthMs,
        state: list.state,
        published_at: list.at,
        sent_at: list.sentAt,
        confirmed_at: list.confirmedAt,
        refused_at: list.refusedAt,
        refused_code: list.refusedCode,
        utility: item.utility,
        information: item.information,
        tag: item.tag,
        propensity: item.propensity,
        rank: item.rank,
        reason: item.reason,
        plan: list.plan,
      })
    }
  }
  return conceal(ITEMS, rows, how)
}
