// Flashing without boards: virtual ones take the partition that a real one would get, and start from it.

import { stream } from "../model/random.js"
import { Board, type BoardOptions } from "../rehearsal/board.js"
import { type BoardContent, makePartition, type PartitionContent, readPartition } from "./partition.js"
import { type BoardIdentity, deviceOf, type Programmer } from "./programmer.js"

interface BenchOptions extends Pick<BoardOptions, "clock" | "net" | "lengthMs"> {
  /** Boards that are plugged in. */
  count: number
  seed: number
}

/** Time for a program to start. */
const START_MS = 10_000

export class SimulatedBench implements Programmer {
  /** Boards that have started, by port. */
  readonly boards = new Map<string, Board>()
  private readonly partitions = new Map<string, Uint8Array>()

  constructor(private readonly options: BenchOptions) {}

  async ports(): Promise<string[]> {
    return Array.from({ length: this.options.count }, (_, i) => `simulated-${i + 1}`)
  }

  async identify(port: string): Promise<BoardIdentity> {
    const random = this.random("mac", port)
    // 02 in the first byte: an address that no maker has given out.
    const bytes = Array.from({ length: 5 }, () => Math.floor(random.uniform() * 256))
    const mac = [2, ...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":")
    return { device: deviceOf(mac), mac }
  }

  async write(port: string, content: BoardContent): Promise<void> {
    this.partitions.set(port, await makePartition(content))
  }

  async readBack(port: string): Promise<PartitionContent> {
    return readPartition(this.partitionOf(port))
  }

  async start(port: string): Promise<void> {
    const { clock, net, lengthMs } = this.options
    const random = this.random("entropy", port)
    const { device } = await this.identify(port)
    const board = await Board.start({
      deviceId: device,
      flash: this.partitionOf(port),
      clock,
      net,
      lengthMs,
      entropy: (count) => Uint8Array.from({ length: count }, () => Math.floor(random.uniform() * 256)),
    })
    this.boards.set(port, board)
    await board.line("fieldtune ", START_MS)
  }

  /** Takes the power from all boards. */
  close(): void {
    for (const board of this.boards.values()) board.powerOff()
  }

  private partitionOf(port: string): Uint8Array {
    const partition = this.partitions.get(port)
    if (partition === undefined) throw new Error(`${port}: nothing has been written to this board`)
    return partition
  }

  private random(what: string, port: string) {
    return stream(this.options.seed, "simulated board", what, port)
  }
}
