// What a round did, or would do, as lines of text.

import type { RoundReport } from "../round.js"
import type { PreviewBoard, PreviewSong } from "../study/preview.js"
import { table } from "./table.js"

/** `blind`: the report hides what would reveal an arm, and so does the text. */
export function roundLines(report: RoundReport, blind: boolean): string[] {
  const rows = report.subjects.map((row) => [
    row.subject,
    row.plays,
    row.ess === null ? undefined : Math.round(row.ess),
    ...(blind ? [] : [row.design]),
    row.version ?? undefined,
    ...(blind ? [] : [row.price === null ? undefined : `${(100 * row.price).toFixed(1)} %`]),
    row.note,
  ])
  const header = blind
    ? ["subject", "plays", "ess", "playlist", "note"]
    : ["subject", "plays", "ess", "design", "playlist", "price", "note"]
  const published = report.subjects.filter((row) => row.version !== null).length
  const price = blind ? "" : "; price = share of utility given up, by the design to learn and by random slots"
  return [
    `Wave ${report.wave}: ${published} playlists published${report.completes ? ", which completes the round that was interrupted" : ""}. ess = effective sample size${price}.`,
    "",
    ...table(header, rows),
    ...(report.left.length > 0
      ? ["", ...report.left.map(({ subject, note }) => `Subject ${subject} was left out: ${note}`)]
      : []),
    "",
    ...policyLines(report),
  ]
}

/** What this wave's averages are made of, and how its weighting did on the plays of the last one. */
function policyLines({ weights, forgetting, foretold }: RoundReport): string[] {
  const reason = (from: string, wave?: number): string =>
    ({
      plan: "as the plan says",
      profile: "as the profile says",
      rule: "nothing is decided yet",
      wave: `it foretold the plays after wave ${wave} best`,
    })[from] ?? from
  const scores = foretold
    ? Object.entries(foretold.scores).map(([name, sum]) => `${name} ${(sum / foretold.plays).toFixed(3)}`)
    : []
  return [
    `Averaging: ${weights.weighting} (${reason(weights.from, weights.decision?.wave)}). Forgetting: ${forgetting.forgetting} (${reason(forgetting.from, forgetting.decision?.wave)}).`,
    ...(foretold
      ? [
          `Log score of a play, ${foretold.plays} of them foretold since the last round: ${scores.join(", ")}.`,
        ]
      : []),
  ]
}

/** What every board plays now and would play next. */
export function previewLines(boards: readonly PreviewBoard[]): string[] {
  return boards.flatMap(({ subject, device, now, next, note }) => [
    "",
    `Subject ${subject}, ${device === null ? "no board" : `board ${device}`}${note === undefined ? "" : `: ${note}`}`,
    ...(now === null
      ? ["  now   nothing that it has told of"]
      : [`  now   playlist ${now.version} (wave ${now.wave}): ${now.songs.map(nameOf).join("; ")}`]),
    ...(next === null
      ? ["  next  nothing new"]
      : [`  next  playlist ${next.version} (wave ${next.wave}):`, ...songLines(next.songs)]),
  ])
}

function songLines(songs: readonly PreviewSong[]): string[] {
  const told = songs.some(({ tag }) => tag !== null)
  const rows = songs.map((song, i) => [
    i + 1,
    song.song,
    song.title,
    song.artist,
    ...(told ? [song.tag, song.reason] : []),
  ])
  const header = ["#", "song", "title", "artist", ...(told ? ["tag", "reason"] : [])]
  return table(header, rows).map((line) => `    ${line}`)
}

function nameOf({ song, title }: PreviewSong): string {
  return title === "" ? `song ${song}` : title
}
