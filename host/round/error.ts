/** A round that ended before all its playlists were published; the message says for whom, and what completes it. */
export class RoundError extends Error {
  override name = "RoundError"
}
