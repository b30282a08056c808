// What a playlist must respect besides its objective, turned into flat arrays once.

export interface Constraints {
  /** Songs that must not be chosen: not on the card, withdrawn by the researcher. */
  excluded?: readonly number[]
  /** Songs of earlier playlists that should rest, newest wave first. Where too few songs are left, the oldest
   *  waves are let in again, and the design says so. */
  resting?: readonly (readonly number[])[]
  /** Songs that must be in the playlist, whatever they are worth. */
  fixed?: readonly number[]
  /** Largest share of the slots for one genre and for one artist, 0 < share ≤ 1; one slot is always allowed.
   *  Songs whose genre or artist is not known do not count. */
  maxShareGenre?: number
  maxShareArtist?: number
}
