// What a board with an adaptive playlist has chosen, repeated from its listen records and the playlist's bytes.
//
// The board and the host run the same file (src/adapt.ts), so for every listen that the board has flagged as its own
// choice the host must get the same item. With epsilon above 0 the probability of the item follows, too.

import { Adaptation } from "../../src/adapt.js"
import { FLAG_REORDERED } from "../../src/record.js"
import { unpackPlaylist } from "../protocol/playlist.js"
import type { Playlist } from "../store/playlists.js"
import type { Play } from "../store/plays.js"

/** A listen, as its record has it. */
export interface RecordedListen {
  sequence: number
  song: number
  position: number
  heardMs: number
  /** Code of END_REASONS. */
  reason: number
  flags: number
}

export interface RepeatedChoice {
  sequence: number
  /** Index of the item that was played. */
  item: number
  /** The item that the published order had next, and the one that was to be chosen; both null where a listen before
   *  it is missing. */
  published: number | null
  expected: number | null
  /** The board chose. Otherwise it went on in the published order, or played the same song again. */
  chosen: boolean
  /** Probability that the board, choosing, plays this item; null where it did not choose. */
  probability: number | null
  /** null where the board did not choose, or where a listen before it is missing. */
  agrees: boolean | null
}

/**
 * What does not agree, in words; undefined where everything does, or where the playlist is none that a board can choose
 * from. `plays`: any of the subject's, in the order of their arrival.
 */
export function remarkOnChoices(
  playlist: Pick<Playlist, "id" | "version" | "bytes">,
  plays: readonly Play[],
): string | undefined {
  if (unpackPlaylist(playlist.bytes).adaptation === undefined) return undefined
  const own = plays.filter((play) => play.playlist === playlist.id)
  const choices = [...new Set(own.map((play) => play.epoch))].flatMap((epoch) => {
    const listens = own.filter((play) => play.epoch === epoch)
    return repeatChoices(
      playlist.bytes,
      listens.sort((a, b) => a.sequence - b.sequence),
    ).filter((choice) => choice.chosen)
  })
  const wrong = choices.filter((choice) => choice.agrees === false).length
  if (wrong === 0) return undefined
  return `on the device: ${wrong} of ${choices.length} choices from playlist ${playlist.version} are not what its listens give`
}

/** `bytes`: a playlist of layout 2; `listens`: all that one epoch has of it, in order of sequence. */
export function repeatChoices(bytes: Uint8Array, listens: readonly RecordedListen[]): RepeatedChoice[] {
  if (unpackPlaylist(bytes).adaptation === undefined) {
    throw new RangeError("playlist: must be of layout 2, from which a board can choose")
  }
  const adaptation = new Adaptation(bytes)
  let fresh = false
  const settle = (): void => {
    if (fresh) return
    for (let item = 0; item < adaptation.items; item++) adaptation.rescore(item)
    adaptation.decide()
    fresh = true
  }
  const weigh = ({ position, song, heardMs, reason }: RecordedListen): void => {
    if (!adaptation.has(position, song)) return
    if (adaptation.deciding()) settle()
    adaptation.weigh(position, heardMs, reason)
    fresh = false
  }
  let complete = true
  return listens.map((listen, i) => {
    const { sequence, position: item, song, flags } = listen
    const before = i > 0 ? listens[i - 1] : undefined
    if (before !== undefined && before.sequence !== sequence - 1) complete = false
    const chosen = (flags & FLAG_REORDERED) !== 0
    const told: RepeatedChoice = {
      ...{ sequence, item, chosen },
      ...{ published: null, expected: null, probability: null, agrees: null },
    }
    if (chosen && before?.sequence === sequence - 1) {
      settle()
      const expected = adaptation.choose(sequence)
      const candidates = adaptation.candidates()
      const greedy = adaptation.preferred(candidates) === item ? 1 - adaptation.epsilon : 0
      const random = candidates.includes(item) ? adaptation.epsilon / candidates.length : 0
      const agrees = expected === item && adaptation.heard >= adaptation.after
      Object.assign(told, { published: candidates[0], expected, probability: greedy + random })
      // The board may have weighed what never reached the host.
      told.agrees = agrees || complete ? agrees : null
    } else if (!chosen) {
      if (adaptation.deciding()) settle()
      told.published = adaptation.published()
    }
    if (before !== undefined) weigh(before)
    if (adaptation.has(item, song)) adaptation.mark(item)
    return told
  })
}
