// Collecting over the bus: which boards came, what they brought, and when there is nothing left to bring.

import type { FastifyInstance } from "fastify"
import { SYNC_PATH } from "../../src/wire.js"
import type { Study } from "../study/study.js"
import { type Delivered, SerialDesk } from "./desk.js"

/** What became of one board's sync. */
export interface BoardSync {
  device: string
  exchanges: number
  /** Plays that were new to the study. */
  plays: number
  /** Version of the playlist that the board plays; 0 = none. */
  list: number
  /** Records that the board still holds. */
  left: number
  /** "synced"; "refused" = the study does not know the board, or not its key; "interrupted" = it did not end. */
  outcome: "synced" | "refused" | "interrupted"
}

export interface Collection {
  desk: SerialDesk
  /** What the desk does with a request. */
  deliver(device: string, body: Uint8Array): Promise<Delivered>
  /** Boards that came, in the order in which they did. */
  devices(): string[]
  /** Unix ms of the last exchange; undefined before the first. */
  lastAt(): number | undefined
  /** What they brought so far. */
  report(): Promise<BoardSync[]>
}

/** A desk whose requests go to `app`, the server of `study`; `only`: the one board that is served. */
export async function collection(
  study: Study,
  app: FastifyInstance,
  now: () => number,
  only?: string,
): Promise<Collection> {
  const before = await study.store.plays.countByDevice()
  const seen = new Map<string, { exchanges: number; status: number }>()
  let lastAt: number | undefined
  const deliver = async (device: string, body: Uint8Array): Promise<Delivered> => {
    if (only !== undefined && device !== only) return { status: 404, body: new Uint8Array(0) }
    const response = await app.inject({
      method: "POST",
      url: SYNC_PATH + device,
      headers: { "content-type": "application/octet-stream", "content-length": String(body.length) },
      payload: Buffer.from(body),
    })
    const known = seen.get(device)
    seen.set(device, { exchanges: (known?.exchanges ?? 0) + 1, status: response.statusCode })
    lastAt = now()
    return { status: response.statusCode, body: new Uint8Array(response.rawPayload) }
  }
  return {
    desk: new SerialDesk(deliver),
    deliver,
    devices: () => [...seen.keys()],
    lastAt: () => lastAt,
    async report() {
      const after = await study.store.plays.countByDevice()
      const syncs = new Map((await study.store.syncs.latest()).map((sync) => [sync.device, sync]))
      return [...seen].map(([device, { exchanges, status }]) => {
        const sync = status === 200 ? syncs.get(device) : undefined
        // The last request told all that was left, and its answer acknowledged it.
        const left = sync === undefined ? 0 : Math.max(0, sync.health.log - sync.stored - sync.repeated)
        return {
          device,
          exchanges,
          plays: (after.get(device) ?? 0) - (before.get(device) ?? 0),
          list: sync?.list ?? 0,
          left,
          outcome: status === 404 ? "refused" : status === 200 && left === 0 ? "synced" : "interrupted",
        }
      })
    },
  }
}
