// Rate limits: buckets that fill by the second and that every request takes from.
//
// A board that empties its log and downloads its playlists makes some hundred exchanges at once and must never be
// stopped; a stolen key, or somebody who guesses ids and keys, must be. So there are two kinds of buckets:
//   - one for each board at each address, which every request takes from. The address is part of it because an id is
//     no secret: requests that only claim to be a board must not use up what the board itself has.
//   - one for each address, which only what is refused takes from (unknown device, wrong seal, malformed, no token).
//     When it is empty, only boards that have proved themselves at that address get through.
// No rate limit of a library: those count requests in a window by one key that is known beforehand; which bucket a
// request takes from here is known only when it has been answered.

/** Exchanges that a board may make at once, and afterwards per second: MAX_EXCHANGES of a sync, several times. */
const BOARD_BURST = 300
const BOARD_PER_SECOND = 2
/** Refusals that an address may collect at once, and afterwards per second. */
const FAILURE_BURST = 60
const FAILURES_PER_SECOND = 0.5
/** Buckets of a kind that are kept; the one used longest ago is forgotten first, which forgives. */
const MOST_BUCKETS = 20_000

export class Limits {
  private readonly boards: Buckets
  private readonly failures: Buckets
  /** Boards at addresses where they have proved themselves. */
  private readonly proved = new Set<string>()

  /** `now`: Unix milliseconds. */
  constructor(now: () => number) {
    this.boards = new Buckets(now, BOARD_BURST, BOARD_PER_SECOND)
    this.failures = new Buckets(now, FAILURE_BURST, FAILURES_PER_SECOND)
  }

  /** Seconds that `device` at the address must wait; 0 = it may go on, and this request counts. */
  boardWait(remote: string, device: string): number {
    const key = `${remote} ${device}`
    const wait = this.proved.has(key) ? 0 : this.strangerWait(remote)
    return wait > 0 ? wait : this.boards.take(key)
  }

  /** Seconds that a stranger at the address must wait; 0 = not at all. */
  strangerWait(remote: string): number {
    return this.failures.wait(remote)
  }

  /** A request from the address was refused. */
  failed(remote: string): void {
    this.failures.take(remote)
  }

  /** A request of the device was authentic. */
  authentic(remote: string, device: string): void {
    const key = `${remote} ${device}`
    this.proved.delete(key)
    this.proved.add(key)
    dropOldest(this.proved)
  }
}

interface Bucket {
  left: number
  /** When `left` was right, Unix milliseconds. */
  at: number
}

class Buckets {
  private readonly buckets = new Map<string, Bucket>()

  constructor(
    private readonly now: () => number,
    private readonly size: number,
    private readonly perSecond: number,
  ) {}

  /** Takes one; gives the seconds until there is one where there is none. */
  take(key: string): number {
    const bucket = this.filled(key)
    this.buckets.delete(key)
    this.buckets.set(key, bucket)
    dropOldest(this.buckets)
    if (bucket.left < 1) return this.untilOne(bucket)
    bucket.left--
    return 0
  }

  wait(key: string): number {
    const bucket = this.buckets.has(key) ? this.filled(key) : undefined
    return bucket === undefined || bucket.left >= 1 ? 0 : this.untilOne(bucket)
  }

  private filled(key: string): Bucket {
    const now = this.now()
    const bucket = this.buckets.get(key) ?? { left: this.size, at: now }
    // A clock that was set back fills nothing.
    const seconds = Math.max(0, now - bucket.at) / 1000
    bucket.left = Math.min(this.size, bucket.left + seconds * this.perSecond)
    bucket.at = now
    return bucket
  }

  private untilOne({ left }: Bucket): number {
    return Math.ceil((1 - left) / this.perSecond)
  }
}

function dropOldest(kept: Map<string, unknown> | Set<string>): void {
  if (kept.size <= MOST_BUCKETS) return
  const [oldest] = kept.keys()
  kept.delete(oldest)
}
