// Boards that the model stands in for, all in this thread.

import { stream } from "../../model/random.js"
import { VirtualClock } from "../clock.js"
import { bytesFrom } from "../random-bytes.js"
import { BoardModel } from "./board-model.js"
import { type Catalogue, LocalPocket, type Pocket, type PocketOptions } from "./pocket.js"
import type { HostExchange } from "./vm-fleet.js"

/** From power to the end of the provisioning, as with the real firmware. */
const PROVISIONED_MS = 4240

export class ModelFleet {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly exchange: HostExchange,
  ) {}

  /** A board that was provisioned at host time `at` and is off. */
  async provision(options: PocketOptions, at: number): Promise<Pocket> {
    const { device, key, subject, seed } = options
    const clock = new VirtualClock(at)
    let pocket: LocalPocket | undefined
    const board = new BoardModel({
      deviceId: device,
      clock,
      key,
      entropy: bytesFrom(stream(seed, "board", subject, device)),
      exchange: async (sealed) => {
        const { status, body } = await this.exchange(device, sealed, pocket!.hostNow())
        if (status !== 200) throw new Error(`${device}: the host answers with status ${status}`)
        return body
      },
    })
    await board.powerOn()
    await clock.advance(PROVISIONED_MS)
    pocket = new LocalPocket(options, board, this.catalogue, at)
    await pocket.switchOff()
    return pocket
  }

  async close(): Promise<void> {}
}
