// A virtual board: the firmware's bytecode in the real DeviceScript VM, a Jacdac bus with a sound board and three
// buttons, a network, and a flash image that outlives a power cut.

import * as jd from "jacdac-ts"
import { createVm, type Vm, type VmNet } from "../firmware/bundle.js"
import type { Meter } from "../firmware/meter.js"
import type { VirtualClock } from "./clock.js"
import { type Chip, SimulatedI2cBus } from "./i2c-bus.js"
import { SoundBoard } from "./sound-board.js"

/** Flash image of an ESP32. */
const FLASH_BYTES = 256 * 1024
/** Between two ends of the bus. */
const BUS_LATENCY_MS = 1
/** The bus has seen the board by then, and its settings can be written. */
const BUS_READY_MS = 1200
/** A button board looks at its buttons this often. */
const SCAN_MS = 50
/** After a button comes up again, until its event has been dealt with. */
const RELEASE_MS = 40

export type ButtonName = "play" | "skip" | "stop"

export interface BoardOptions {
  /** Sixteen lower-case hexadecimal digits. */
  deviceId: string
  bytecode: Uint8Array
  clock: VirtualClock
  net: VmNet
  /** The board's source of random bytes. */
  entropy: (count: number) => Uint8Array
  /** Length in ms of a file on the card. */
  lengthMs?: (file: number) => number | undefined
  /** Chips on the board's I2C bus; without any there is no bus. */
  chips?: readonly Chip[]
  /** Settings that are written from outside before the program starts. */
  settings?: Record<string, Uint8Array>
  /** Counts what the program costs. */
  meter?: Meter
}

export class Board {
  readonly clock: VirtualClock
  readonly deviceId: string
  /** What firmware and runtime have logged, newest last. */
  readonly lines: string[] = []
  readonly panics: number[] = []
  readonly sound: SoundBoard
  flash: Uint8Array = new Uint8Array(0)
  /** Asked at each flash image that is written; false keeps the old one, as a flash that is broken. */
  keepFlash: () => boolean = () => true
  /** The bus does not carry what the sound board sends. */
  soundGone = false
  readonly buttons: Record<ButtonName, jd.ButtonServer>
  /** The I2C bus, where the board has chips on it. */
  readonly i2c: SimulatedI2cBus | undefined
  private readonly bus: jd.JDBus
  private readonly panel: jd.JDServerServiceProvider
  private vm: Vm | undefined
  private bridge: jd.JDBridge | undefined

  private constructor(private readonly options: BoardOptions) {
    const { clock, deviceId, lengthMs } = options
    this.clock = clock
    this.deviceId = deviceId
    this.bus = busOn(clock)
    this.sound = new SoundBoard(clock, lengthMs)
    this.buttons = {
      play: new jd.ButtonServer("play"),
      skip: new jd.ButtonServer("skip"),
      stop: new jd.ButtonServer("stop"),
    }
    const { play, skip, stop } = this.buttons
    const peripheral = (services: jd.JDServiceServer[], name: string, last: string) => {
      // Named after the board, so that a rehearsal's buses are the same in every run.
      const provider = new jd.JDServerServiceProvider(name, services, {
        deviceId: deviceId.slice(0, 14) + last,
      })
      // The library repeats events on the machine's clock, in case the bus lost them; this bus loses nothing.
      provider.delayedSend = () => {}
      this.bus.addServiceProvider(provider)
      return provider
    }
    this.panel = peripheral([play, skip, stop], "buttons", deviceId.endsWith("b1") ? "b2" : "b1")
    peripheral([this.sound], "sound", deviceId.endsWith("51") ? "52" : "51")
    if (options.chips !== undefined) {
      this.i2c = new SimulatedI2cBus(clock, options.chips)
      peripheral([this.i2c], "i2c", deviceId.endsWith("c1") ? "c2" : "c1")
    }
    this.bus.start()
    // The bus would poll every register of every board twenty times a second, for pages that show them. Of that
    // only the buttons need their part, while they are in use.
    this.bus.backgroundRefreshRegisters = false
  }

  /** A board with power, its program deployed and running. */
  static async start(options: BoardOptions): Promise<Board> {
    const board = new Board(options)
    await board.powerOn()
    await board.clock.advance(BUS_READY_MS)
    for (const [key, value] of Object.entries(options.settings ?? {})) await board.set(key, value)
    board.vm!.deploy(options.bytecode)
    return board
  }

  get powered(): boolean {
    return this.vm !== undefined
  }

  /** Power comes; a program that is in flash starts by itself. */
  async powerOn(): Promise<void> {
    const { clock, options } = this
    this.i2c?.power(true)
    const vm = await createVm({
      deviceId: this.deviceId,
      clock,
      net: options.net,
      flashBytes: FLASH_BYTES,
      entropy: options.entropy,
      meter: options.meter,
      flash: {
        load: () => this.flash,
        save: (image) => {
          if (this.keepFlash()) this.flash = new Uint8Array(image)
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
      // Bytes 4 to 11 of a frame name the device.
      if (this.soundGone && Buffer.from(copy.subarray(4, 12)).equals(soundId)) return
      clock.setTimeout(() => {
        if (this.vm === vm) vm.receive(copy)
      }, BUS_LATENCY_MS)
    })
    bridge.bus = this.bus
    this.bridge = bridge
    this.vm = vm
    vm.start()
  }

  /** Drops the power of the board, and of the sound board with it. */
  powerOff(): void {
    this.vm?.stop()
    this.vm = undefined
    if (this.bridge) this.bridge.bus = undefined as unknown as jd.JDBus
    this.sound.end(false)
    this.i2c?.power(false)
  }

  /** The button goes down now and comes up after `ms`, on the clock; nobody waits. */
  tap(button: ButtonName, ms = 60): void {
    const { clock, panel, buttons } = this
    void buttons[button].down()
    panel.emit(jd.REFRESH)
    const end = clock.now() + ms
    const scan = (): void => {
      if (clock.now() >= end) void buttons[button].up()
      panel.emit(jd.REFRESH)
      if (clock.now() < end) clock.setTimeout(scan, Math.min(SCAN_MS, end - clock.now()))
    }
    clock.setTimeout(scan, Math.min(SCAN_MS, ms))
  }

  /** The same, and time moves on until it has been dealt with. */
  async press(button: ButtonName, ms = 60): Promise<void> {
    this.tap(button, ms)
    await this.clock.advance(ms + RELEASE_MS)
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

  private settingsService(): jd.JDService {
    const service = this.bus
      .services({ serviceClass: jd.SRV_SETTINGS })
      .find((s) => s.device.deviceId === this.deviceId)
    if (service === undefined) throw new Error("the board's settings service is not on the bus")
    return service
  }
}

/** A bus whose time is the clock's. */
function busOn(clock: VirtualClock): jd.JDBus {
  const started = clock.now()
  const scheduler = {
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
    clearInterval: (interval: { handle: unknown } | undefined) => clock.clearTimeout(interval?.handle),
  }
  return new jd.JDBus([], {
    client: false,
    disableRoleManager: true,
    scheduler: scheduler as unknown as jd.Scheduler,
  })
}
