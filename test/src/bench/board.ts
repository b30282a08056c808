// A board on the bench: the firmware (or any program) in the real VM, a bus with a sound board and three buttons,
// and a flash image that outlives a power cut. Truth about what sounded when is taken at the sound board.

import * as jd from "jacdac-ts"
import { type CompileResult, compile, createVm, type Vm } from "../../../host/firmware/bundle.js"
import { firmwareManifest } from "../../../host/firmware/manifest.js"
import { TestClock } from "./clock.js"
import { type Server, TestNetwork } from "./network.js"

/** One file that sounded. */
export interface Sounded {
  file: number
  from: number
  /** Undefined while nothing has ended it. */
  until?: number
  /** Ended by `cancel` or by the next `play`; else the file came to its end, or power went. */
  cancelled?: boolean
}

const DEVICE = "12abdd2289421234"
/** Flash image of an ESP32. */
const FLASH_BYTES = 256 * 1024
/** The simulated buttons look at themselves every 50 ms. */
const PRESS_MS = 120
/** Between two ends of the bus. */
const BUS_LATENCY_MS = 1

/** jacdac-ts' server of the service has no answer to `cancel`. */
class SoundBoard extends jd.SoundPlayerServer {
  readonly sounded: Sounded[] = []

  constructor(private readonly clock: TestClock) {
    super([])
    this.addCommand(jd.SoundPlayerCmd.Cancel, () => this.end(true))
    this.onPlay = (name) => {
      this.end(true)
      const match = /^(\d{4})\.mp3$/.exec(name)
      this.sounded.push({ file: match ? Number(match[1]) : -1, from: clock.now() })
    }
  }

  end(cancelled: boolean): void {
    const last = this.sounded.at(-1)
    if (last === undefined || last.until !== undefined) return
    last.until = this.clock.now()
    last.cancelled = cancelled
  }
}

const compiled = new Map<string, Promise<CompileResult>>()

/** The bytecode of an entry file of this repository, compiled once per process. */
export async function bytecodeOf(entry: string): Promise<Uint8Array> {
  let result = compiled.get(entry)
  if (result === undefined) {
    const { root } = firmwareManifest()
    result = compile(entry, { root, name: "test", version: "0.0.0" })
    compiled.set(entry, result)
  }
  return (await result).bytecode
}

export interface BoardOptions {
  /** Entry file; the firmware where absent. */
  entry?: string
  server?: Server
  clock?: TestClock
  /** Settings that are written from outside before the program starts. */
  settings?: Record<string, Uint8Array>
}

export class Board {
  readonly clock: TestClock
  readonly deviceId = DEVICE
  readonly lines: string[] = []
  readonly panics: number[] = []
  readonly sound: SoundBoard
  readonly network: TestNetwork
  readonly buttons: Record<"play" | "skip" | "stop", jd.ButtonServer>
  flash: Uint8Array = new Uint8Array(0)
  /** Called with each flash image that is written; false keeps the old one, as a flash that is broken. */
  keepFlash: () => boolean = () => true
  /** The bus does not carry what the sound board sends. */
  soundGone = false
  private readonly bus: jd.JDBus
  private vm: Vm | undefined
  private connected: { receiveFrameOrPacket(frame: Uint8Array): void } | undefined

  private constructor(
    private readonly bytecode: Uint8Array,
    options: BoardOptions,
  ) {
    const clock = options.clock ?? new TestClock()
    this.clock = clock
    const started = clock.now()
    this.bus = new jd.JDBus([], {
      client: false,
      disableRoleManager: true,
      scheduler: {
        get timestamp() {
          return clock.now() - started
        },
        resetTime: () => {},
        setTimeout: (run: () => void, ms: number) => clock.setTimeout(run, ms),
        clearTimeout: clock.clearTimeout,
        setInterval: (run: () => void, ms: number) => {
          const interval = { handle: undefined as unknown }
          const again = (): void => {
            interval.handle = clock.setTimeout(() => {
              again()
              run()
            }, ms)
          }
          again()
          return interval
        },
        clearInterval: (interval: any) => clock.clearTimeout(interval?.handle),
      } as any,
    })
    this.sound = new SoundBoard(clock)
    this.buttons = {
      play: new jd.ButtonServer("play"),
      skip: new jd.ButtonServer("skip"),
      stop: new jd.ButtonServer("stop"),
    }
    const { play, skip, stop } = this.buttons
    this.bus.addServiceProvider(new jd.JDServerServiceProvider("buttons", [play, skip, stop]))
    this.bus.addServiceProvider(new jd.JDServerServiceProvider("sound", [this.sound]))
    this.bus.start()
    this.network = new TestNetwork(clock, options.server ?? (() => "refused"))
  }

  /** A board with power, its program deployed and running. */
  static async start(options: BoardOptions = {}): Promise<Board> {
    const board = new Board(await bytecodeOf(options.entry ?? "src/main.ts"), options)
    await board.powerOn()
    // The bus needs to see the board before its settings can be written.
    await board.clock.advance(1200)
    for (const [key, value] of Object.entries(options.settings ?? {})) await board.set(key, value)
    board.vm!.deploy(board.bytecode)
    return board
  }

  async powerOn(): Promise<void> {
    const { clock } = this
    const vm = await createVm({
      deviceId: DEVICE,
      clock,
      net: this.network,
      flashBytes: FLASH_BYTES,
      entropy: (count) => this.entropy(count),
      flash: {
        load: () => this.flash,
        save: (image) => {
          if (!this.keepFlash()) return
          this.flash = new Uint8Array(image)
        },
      },
      onLog: (line) => this.lines.push(line.trim()),
      onPanic: (code) => this.panics.push(code),
      sendPacket: (frame) => {
        const copy = new Uint8Array(frame)
        clock.setTimeout(() => {
          if (this.vm === vm) bridge.receiveFrameOrPacket(copy)
        }, BUS_LATENCY_MS)
      },
    })
    const soundId = Buffer.from(this.sound.device.deviceId, "hex")
    const bridge = jd.createProxyBridge((frame) => {
      const copy = new Uint8Array(frame)
      if (this.soundGone && Buffer.from(copy.subarray(4, 12)).equals(soundId)) return
      clock.setTimeout(() => {
        if (this.vm === vm) vm.receive(copy)
      }, BUS_LATENCY_MS)
    })
    bridge.bus = this.bus
    this.connected = bridge
    this.vm = vm
    vm.start()
  }

  /** Drops the power of the board, and of the sound board with it. */
  powerOff(): void {
    this.vm?.stop()
    this.vm = undefined
    if (this.connected) (this.connected as any).bus = undefined
    this.sound.end(false)
  }

  async press(button: "play" | "skip" | "stop", ms = PRESS_MS): Promise<void> {
    void this.buttons[button].down()
    await this.clock.advance(ms)
    void this.buttons[button].up()
    await this.clock.advance(PRESS_MS)
  }

  /** Writes a setting as provisioning does, over the bus. */
  async set(key: string, value: Uint8Array): Promise<void> {
    const service = this.settingsService()
    void service.sendPacketAsync(jd.Packet.from(jd.SettingsCmd.Set, jd.jdpack("z b", [key, value])))
    await this.clock.advance(20)
  }

  /** What a settings entry of the board holds. */
  async get(key: string): Promise<Uint8Array> {
    const service = this.settingsService()
    let value: Uint8Array | undefined
    const stop = service.subscribe(jd.PACKET_RECEIVE, (packet: jd.Packet) => {
      if (packet.serviceCommand !== jd.SettingsCmd.Get || !packet.isReport) return
      const [name, bytes] = packet.jdunpack<[string, Uint8Array]>("z b")
      if (name === key) value = bytes
    })
    void service.sendPacketAsync(jd.Packet.from(jd.SettingsCmd.Get, Buffer.from(key)))
    await this.clock.advance(500, () => value !== undefined)
    stop()
    if (value === undefined) throw new Error(`setting ${key}: the board gave no answer`)
    return value
  }

  /** Advances until a line holds `text`, at most `ms`; the line. */
  async line(text: string, ms = 60_000): Promise<string> {
    const found = (): string | undefined => this.lines.find((line) => line.includes(text))
    if (!(await this.clock.advance(ms, () => found() !== undefined))) {
      throw new Error(
        `no line with "${text}" in ${ms} ms; the last ones: ${this.lines.slice(-12).join(" | ")}`,
      )
    }
    return found()!
  }

  private draws = 0

  private entropy(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    // Numbered draws: different each time, the same in each run.
    for (let i = 0; i < count; i++) bytes[i] = (Math.imul(++this.draws, 2654435761) >>> 11) & 255
    return bytes
  }

  private settingsService(): jd.JDService {
    const service = this.bus
      .services({ serviceClass: jd.SRV_SETTINGS })
      .find((s) => s.device.deviceId === DEVICE)
    if (service === undefined) throw new Error("the board's settings service is not on the bus")
    return service
  }
}
