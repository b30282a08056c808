// The plays of a study as one flat table: one row per listen record with what is known of song, list and listener.
// Listeners have their numbers, never labels; while the study is blind arms are codes and what tells of one is left out.

import { END_REASONS, FLAG_EXPLORE, FLAG_LIKED, FLAG_ORGANIC, FLAG_REORDERED } from "../../src/record.js"
import { type Concealment, conceal, type SeenTable } from "../archive/conceal.js"
import {
  boolean,
  counting,
  datetime,
  integer,
  number,
  type Row,
  required,
  string,
  type Table,
} from "../archive/field.js"
import type { Study } from "../study/study.js"

const PLAYS: Table = {
  name: "plays",
  title: "Plays",
  description: "One row per listen record, exactly once. Identity: device, epoch, boot, sequence.",
  primaryKey: ["play"],
  fields: [
    counting("play", "Number in the order of arrival."),
    integer("subject", "Number of the listener.", { missing: "nobody was enrolled with the board" }),
    string("arm", "Arm of the listener; its code while the study is blind.", {
      role: "arm",
      missing: "as subject",
    }),
    string("cohort", "Cohort of the listener.", { missing: "the plan has no cohorts" }),
    required(string("device", "Id of the board, 16 hexadecimal digits.")),
    required(integer("epoch", "Numbering of the board that the sequence belongs to.")),
    required(integer("boot", "Which start of the board within the epoch.")),
    counting("sequence", "1, 2, 3, … within the epoch."),
    integer("wave", "Wave of the playlist.", { missing: "none that the host knows" }),
    integer("playlist_version", "Version of the playlist on that board.", { missing: "as wave" }),
    required(integer("position", "Place in that playlist, from 0.")),
    counting("song", "Number of the song."),
    required(string("source", "The researcher's identifier of the song.")),
    string("title", "Title of the song.", { missing: "not in the catalogue" }),
    string("artist", "Artist of the song.", { missing: "not in the catalogue" }),
    required(integer("length_ms", "Length of the song.", { unit: "ms" })),
    required(integer("heard_ms", "Time heard, pauses out, within 150 ms.", { unit: "ms" })),
    required(number("share_heard", "heard_ms over length_ms, at most 1.")),
    required(string("end_reason", `How it ended: ${END_REASONS.join(", ")}.`)),
    boolean("explore", "Whether the song was there to learn from.", { role: "reveals" }),
    required(boolean("liked", "Whether the listener pressed like.")),
    required(boolean("organic", "Whether the listener picked the song himself.")),
    boolean("reordered", "Whether the board chose the song itself.", { role: "reveals" }),
    required(integer("pauses", "Pauses; 15 = 15 or more.")),
    required(integer("volume", "0 … 15.")),
    datetime("started_at", "When it began, as exactly as the plan exports times.", {
      missing: "the clock of its boot is not known, or the plan exports no times",
    }),
    integer("uncertainty_ms", "The true start is at most this far from the time that was known.", {
      unit: "ms",
      missing: "as started_at",
    }),
    string("plan", "SHA-256 of the plan in force when the playlist was made.", { missing: "as wave" }),
  ],
}

/** The plays of everybody, or of one subject, as they may be seen. */
export async function exportedPlays(
  { store }: Study,
  how: Concealment,
  subject?: number,
): Promise<SeenTable> {
  const people = new Map((await store.subjects.all()).map((person) => [person.id, person]))
  const songs = new Map((await store.songs.all()).map((song) => [song.id, song]))
  const lists = new Map((await store.playlists.all()).map((list) => [list.id, list]))
  const plays = subject === undefined ? await store.plays.all() : await store.plays.of(subject)
  const rows = plays.map((play): Row => {
    const person = play.subject === null ? undefined : people.get(play.subject)
    const song = songs.get(play.song)!
    const list = play.playlist === null ? undefined : lists.get(play.playlist)
    return {
      play: play.id,
      subject: play.subject,
      arm: person?.arm ?? null,
      cohort: person?.cohort ?? null,
      device: play.device,
      epoch: play.epoch,
      boot: play.boot,
      sequence: play.sequence,
      wave: list?.wave ?? null,
      playlist_version: list?.version ?? null,
      position: play.position,
      song: play.song,
      source: song.source,
      title: song.title || null,
      artist: song.artist || null,
      length_ms: song.lengthMs,
      heard_ms: play.heardMs,
      share_heard: Math.min(1, play.heardMs / song.lengthMs),
      end_reason: END_REASONS[play.reason],
      explore: (play.flags & FLAG_EXPLORE) !== 0,
      liked: (play.flags & FLAG_LIKED) !== 0,
      organic: (play.flags & FLAG_ORGANIC) !== 0,
      reordered: (play.flags & FLAG_REORDERED) !== 0,
      pauses: play.pauses,
      volume: play.volume,
      started_at: play.startedAt,
      uncertainty_ms: play.uncertaintyMs,
      plan: list?.plan ?? null,
    }
  })
  return conceal(PLAYS, rows, how)
}
