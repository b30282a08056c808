// Plays as ListenBrainz imports them: JSON with one `payload` of listens, each with the Unix second at which it began
// (ListenBrainz documentation, "JSON Documentation", submit-listens, listen_type import). A listen without a time can't
// be said in this format.

import type { Row } from "../archive/field.js"
import { MAX_UNCERTAINTY_MS } from "../study/clocks/time-of-week.js"

interface Listens {
  text: string
  listens: number
  /** Plays whose time is not known to half an hour. */
  leftOut: number
}

/** `about` goes into every listen's additional_info. */
export function listenBrainzOf(rows: readonly Row[], about: { plan: string | null }): Listens {
  const known = rows.filter(
    ({ started_at, uncertainty_ms }) =>
      started_at !== null && uncertainty_ms !== null && (uncertainty_ms as number) <= MAX_UNCERTAINTY_MS,
  )
  const payload = known.map((row) => ({
    listened_at: Math.floor((row.started_at as number) / 1000),
    track_metadata: {
      artist_name: row.artist ?? "unknown",
      track_name: row.title ?? row.source,
      additional_info: {
        submission_client: "fieldtune",
        media_player: "fieldtune",
        duration_ms: row.length_ms,
        heard_ms: row.heard_ms,
        end_reason: row.end_reason,
        uncertainty_ms: row.uncertainty_ms,
        subject: row.subject,
        play: row.play,
        plan: about.plan,
      },
    },
  }))
  const text = `${JSON.stringify({ listen_type: "import", payload }, null, 1)}\n`
  return { text, listens: known.length, leftOut: rows.length - known.length }
}
