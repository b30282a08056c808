// A field with a laptop: the study's folder with the real commands, each in a process of its own, the real server in
// another, and simulated boards with the real firmware that reach it over TCP. All of them live by one virtual clock.

import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import type { Server } from "node:http"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { packageRoot } from "../../host/firmware/manifest.js"
import { type FeatureSpec, featureMatrix, type Song } from "../../host/model/features.js"
import { stream } from "../../host/model/random.js"
import { Board } from "../../host/rehearsal/board.js"
import { VirtualClock } from "../../host/rehearsal/clock.js"
import { drawTaste, Listener } from "../../host/rehearsal/listener.js"
import { HostNetwork } from "../../host/rehearsal/network.js"
import { bytesFrom } from "../../host/rehearsal/random-bytes.js"
import { type Finished, finished, firstLine } from "../host/cli/run.js"

const PROGRAM = fileURLToPath(new URL("../../host/cli/main.js", import.meta.url))
const CALENDAR = new URL("./virtual-date.js", import.meta.url).href
const ADDRESS = "http://10.0.0.5:8137"
const MINUTE_MS = 60_000
/** Holding the play button this long asks the board for a sync. */
const HOLD_MS = 2000
/** A sync of a few exchanges is over by then. */
const SYNC_MS = 20_000
/** A song that has begun when a session ends may still play this long. */
const LAST_SONG_MS = 30 * MINUTE_MS

/** A board with whoever listens to it. */
export interface FieldBoard {
  board: Board
  listener: Listener | undefined
  /** Virtual time at which each boot began. */
  bootAt: number[]
}

export class Field {
  readonly clock: VirtualClock
  readonly boards = new Map<string, FieldBoard>()
  private readonly clockFile: string
  private server: { child: ChildProcess; port: number } | undefined
  /** Connections of boards, which are carried to the server that runs now. */
  private readonly wire = createServer()
  /** Called with the number of every connection, before it is carried; true = the host crashes in its middle. */
  crashAt: (connection: number) => boolean = () => false
  private connections = 0

  constructor(
    private readonly folder: string,
    private readonly seed: number,
    start: number,
  ) {
    this.clock = new VirtualClock(start)
    this.clockFile = join(folder, "clock")
    this.wire.on("connection", (socket) => this.carry(socket))
  }

  get dir(): string {
    return join(this.folder, "study")
  }

  /** Runs a command to its end; it must succeed. */
  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(...args)
    if (code !== 0) throw new Error(`fieldtune ${args.join(" ")}: code ${code}\n${stderr}${stdout}`)
    return stdout
  }

  /** Its --json answer. */
  async json(...args: string[]): Promise<any> {
    return JSON.parse(await this.run(...args, "--json"))
  }

  /** Runs a command to its end, whatever that is. */
  attempt(...args: string[]): Promise<Finished> {
    return finished(this.start(args))
  }

  /** Runs a command that needs no study. */
  elsewhere(...args: string[]): Promise<Finished> {
    return finished(this.start(args, []))
  }

  private start(args: readonly string[], study = ["--study", this.dir]): ChildProcess {
    writeFileSync(this.clockFile, String(this.clock.now()))
    const env = { ...process.env, FIELD_CLOCK: this.clockFile }
    const child = ["--import", CALENDAR, PROGRAM, ...args, ...study]
    return spawn(process.execPath, child, { env, cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] })
  }

  async serve(): Promise<void> {
    const child = this.start(["serve", "--port", "0", "--json", "--log-level", "error"])
    child.stderr?.resume()
    const { url } = JSON.parse(await firstLine(child))
    this.server = { child, port: Number(new URL(url).port) }
  }

  /** Ends the server as an interrupt does; its exit code, or the signal that ended it. */
  async stopServing(): Promise<number | string | undefined> {
    return this.end("SIGINT")
  }

  /** The host's power goes. */
  async crash(): Promise<void> {
    await this.end("SIGKILL")
  }

  private async end(signal: "SIGINT" | "SIGKILL"): Promise<number | string | undefined> {
    const server = this.server
    this.server = undefined
    if (server === undefined) return undefined
    const gone = once(server.child, "exit")
    server.child.kill(signal)
    const [code, by] = await gone
    return code ?? by
  }

  /** Powers up a board that holds the key. */
  async powerUp(
    deviceId: string,
    key: Uint8Array,
    lengthMs: (file: number) => number | undefined,
  ): Promise<FieldBoard> {
    const { clock, seed } = this
    const bootAt = [clock.now()]
    const board = await Board.start({
      deviceId,
      bytecode: new Uint8Array(readFileSync(join(packageRoot(), "dist", "firmware", "fieldtune.devs"))),
      clock,
      net: new HostNetwork({ clock, server: this.wire as unknown as Server }),
      entropy: bytesFrom(stream(seed, "board", deviceId)),
      lengthMs,
      settings: { ftkey: key, fthost: Buffer.from(ADDRESS) },
    })
    const made = { board, listener: undefined, bootAt }
    this.boards.set(deviceId, made)
    return made
  }

  /** Gives the board to a listener with a taste of his own. */
  listen(subject: number, deviceId: string, spec: FeatureSpec, songs: ReadonlyMap<number, Song>): void {
    const held = this.boards.get(deviceId)!
    held.listener = new Listener({
      board: held.board,
      taste: drawTaste(spec, stream(this.seed, "taste", subject)),
      rng: stream(this.seed, "listener", subject, deviceId),
      features: (file) => featureMatrix(spec, songs.has(file) ? [songs.get(file)!] : []),
      lengthMs: (file) => {
        const song = songs.get(file)
        return song && Math.round(song.lengthS * 1000)
      },
    })
  }

  /** Every one of these boards is asked for a sync, one shortly after the other. */
  async sync(devices: Iterable<string> = this.boards.keys()): Promise<void> {
    for (const device of devices) this.boards.get(device)!.board.tap("play", HOLD_MS)
    await this.clock.advance(HOLD_MS + SYNC_MS)
  }

  /** Music on these boards for so many minutes, until the song that plays at the end is over. */
  async session(devices: readonly string[], minutes: number): Promise<void> {
    const listeners = devices.map((device) => this.boards.get(device)!.listener!)
    for (const listener of listeners) listener.begin()
    await this.clock.advance(minutes * MINUTE_MS)
    for (const listener of listeners) listener.leave()
    const over = (): boolean => listeners.every(({ stopped }) => stopped)
    if (!(await this.clock.advance(LAST_SONG_MS, over))) throw new Error("a song did not end")
    await this.clock.advance(2000)
  }

  /** Power goes and comes back. */
  async restart(deviceId: string, offMs: number): Promise<void> {
    const { board, bootAt } = this.boards.get(deviceId)!
    board.powerOff()
    await this.clock.advance(offMs)
    bootAt.push(this.clock.now())
    await board.powerOn()
  }

  async close(): Promise<void> {
    for (const { board } of this.boards.values()) board.powerOff()
    await this.stopServing()
  }

  private carry(socket: NodeJS.ReadWriteStream & { destroy(): void }): void {
    writeFileSync(this.clockFile, String(this.clock.now()))
    const { server } = this
    if (server === undefined) {
      socket.destroy()
      return
    }
    if (this.crashAt(this.connections++)) {
      // The request is on its way; whether it was committed, nobody knows.
      setTimeout(() => void this.crash(), 2)
    }
    const tcp = connect(server.port, "127.0.0.1")
    tcp.on("error", () => socket.destroy())
    tcp.on("close", () => socket.destroy())
    socket.pipe(tcp).pipe(socket)
  }
}
