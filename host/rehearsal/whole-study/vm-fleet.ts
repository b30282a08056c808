// Boards with the real firmware, spread over threads. A board stays in its thread; which one that is changes nothing,
// because the main thread asks for everything that touches the study in an order of its own.

import { Worker } from "node:worker_threads"
import type { Catalogue, Pocket, PocketLedger, PocketOptions, Session } from "./pocket.js"

/** What every thread is given when it starts. */
export interface VmWork {
  bytecode: Uint8Array
  catalogue: Catalogue
}

type Call =
  | { name: "provision"; options: PocketOptions; at: number }
  | { name: "listen"; device: string; session: Session }
  | { name: "contact"; device: string; at: number }
  | { name: "off" | "ledger"; device: string }

/** A piece of work for a thread. */
export interface VmCall {
  id: number
  call: Call
}

/** What the host answers to an exchange. */
export interface HostAnswer {
  /** Number of the exchange. */
  answers: number
  /** HTTP. */
  status: number
  /** Sealed; empty where it refuses. */
  body: Uint8Array
}

/** What a thread sends. */
export type VmMessage =
  | { kind: "exchange"; id: number; device: string; body: Uint8Array; now: number }
  | { kind: "done"; id: number; output: number | PocketLedger | null }
  | { kind: "failed"; id: number; error: unknown }

/** The host's side of an exchange at host time `now`: status and sealed reply. */
export type HostExchange = (
  device: string,
  body: Uint8Array,
  now: number,
) => Promise<Omit<HostAnswer, "answers">>

interface Waiting {
  resolve(output: any): void
  reject(error: unknown): void
}

class VmThread {
  private readonly worker: Worker
  private readonly waiting = new Map<number, Waiting>()
  private calls = 0

  constructor(work: VmWork, exchange: HostExchange) {
    this.worker = new Worker(new URL("./vm-thread.js", import.meta.url), { workerData: work })
    this.worker.on("message", async (message: VmMessage) => {
      if (message.kind === "exchange") {
        let answer: HostAnswer
        try {
          answer = { answers: message.id, ...(await exchange(message.device, message.body, message.now)) }
        } catch (error) {
          this.fail(error)
          return
        }
        this.worker.postMessage(answer)
        return
      }
      const waiting = this.waiting.get(message.id)
      this.waiting.delete(message.id)
      if (message.kind === "done") waiting?.resolve(message.output)
      else waiting?.reject(message.error)
    })
    this.worker.on("error", (error) => this.fail(error))
    this.worker.on("exit", (code) => this.fail(new Error(`a thread of boards ended with code ${code}`)))
  }

  call(call: Call): Promise<any> {
    const id = this.calls++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.worker.postMessage({ id, call } satisfies VmCall)
    })
  }

  async close(): Promise<void> {
    this.waiting.clear()
    await this.worker.terminate()
  }

  private fail(error: unknown): void {
    for (const { reject } of this.waiting.values()) reject(error)
    this.waiting.clear()
  }
}

export class VmFleet {
  private readonly threads: VmThread[]
  private boards = 0

  constructor(work: VmWork, exchange: HostExchange, workers: number) {
    this.threads = Array.from({ length: workers }, () => new VmThread(work, exchange))
  }

  /** A board that was provisioned at host time `at` and is off. */
  async provision(options: PocketOptions, at: number): Promise<Pocket> {
    const thread = this.threads[this.boards++ % this.threads.length]
    const { device } = options
    await thread.call({ name: "provision", options, at })
    return {
      options,
      listen: (session) => thread.call({ name: "listen", device, session }),
      contact: (time) => thread.call({ name: "contact", device, at: time }),
      switchOff: () => thread.call({ name: "off", device }),
      ledger: () => thread.call({ name: "ledger", device }),
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()))
  }
}
