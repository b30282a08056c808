// A virtual board: the firmware's bytecode in the real DeviceScript VM, a Jacdac bus with a sound board and three
// buttons, a network, and a flash image that outlives a power cut.

import * as jd from "jacdac-ts"
import { createVm, type Vm, type VmNet } from "../firmware/bundle.js"
import type { Meter } from "../firmware/meter.js"
import type { VirtualClock } from "./clock.js"
import { type Chip, SimulatedI2cBus } from "./i2c-bus.js"
import { JacdacBus, Peripheral } from "./jacdac-bus.js"
import { SoundBoard, type SoundSource } from "./sound-board.js"

/** Flash image of an ESP32. */
export const FLASH_BYTES = 256 * 1024
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
  /** Deployed at the start, unless `flash` is given. */
  bytecode?: Uint8Array
  clock: VirtualClock
  net: VmNet
  /** The board's source of random bytes. */
  entropy: (count: number) => Uint8Array
  /** Length in ms of a file on the card of the Jacdac sound board. */
  lengthMs?: (file: number) => number | undefined
  /** What sounds, where it is one of the chips; else the board has a Jacdac sound board. */
  sound?: SoundSource
  /** Chips on the board's I2C bus; without any there is no bus. */
  chips?: readonly Chip[]
  /** Settings that are written from outside before the program starts. */
  settings?: Record<string, Uint8Array>
  /** What is in flash when power comes first, instead of provisioning. */
  flash?: Uint8Array
  /** Counts what the program costs. */
  meter?: Meter
}

export class Board {
  readonly clock: VirtualClock
  readonly deviceId: string
  /** What firmware and runtime have logged, newest last. */
  readonly lines: string[] = []
  readonly panics: number[] = []
  readonly sound: SoundSource
  flash: Uint8Array = new Uint8Array(0)
  /**
   * Asked at each flash image that is written: true keeps it, false keeps the old one, as a flash that is broken, and
   * an image is what a power cut within the write leaves.
   */
  keepFlash: (written: Uint8Array, before: Uint8Array) => boolean | Uint8Array = () => true
  /** Told of every Jacdac frame that the VM sends. */
  onFrame: (frame: Uint8Array) => void = () => {}
  /** The bus does not carry what the sound board sends. */
  soundGone = false
  readonly buttons: Record<ButtonName, jd.ButtonServer>
  /** The I2C bus, where the board has chips on it. */
  readonly i2c: SimulatedI2cBus | undefined
  private readonly soundBoard: SoundBoard | undefined
  private readonly bus: JacdacBus
  private readonly panel: Peripheral
  private vm: Vm | undefined

  private constructor(private readonly options: BoardOptions) {
    const { clock, deviceId, lengthMs } = options
    this.clock = clock
    this.deviceId = deviceId
    this.bus = new JacdacBus(clock, deviceId)
    if (options.sound === undefined) this.soundBoard = new SoundBoard(clock, lengthMs)
    this.sound = options.sound ?? this.soundBoard!
    this.buttons = {
      play: new jd.ButtonServer("play"),
      skip: new jd.ButtonServer("skip"),
      stop: new jd.ButtonServer("stop"),
    }
    const { play, skip, stop } = this.buttons
    const peripheral = (services: jd.JDServiceServer[], name: string, last: string) => {
      // Named after the board, so that a rehearsal's buses are the same in every run.
      const provider = new Peripheral(name, services, { deviceId: deviceId.slice(0, 14) + last })
      this.bus.add(provider)
      return provider
    }
    this.panel = peripheral([play, skip, stop], "buttons", deviceId.endsWith("b1") ? "b2" : "b1")
    if (this.soundBoard) peripheral([this.soundBoard], "sound", deviceId.endsWith("51") ? "52" : "51")
    if (options.chips !== undefined) {
      this.i2c = new SimulatedI2cBus(clock, options.chips)
      peripheral([this.i2c], "i2c", deviceId.endsWith("c1") ? "c2" : "c1")
    }
  }

  /** A frame of another device on the bus reaches the VM. */
  receiveFrame(frame: Uint8Array): void {
    this.vm?.receive(frame)
  }

  /** A board with power, its program deployed and running. */
  static async start(options: BoardOptions): Promise<Board> {
    const board = new Board(options)
    board.flash = options.flash ?? board.flash
    await board.powerOn()
    if (options.flash === undefined) await board.provision()
    return board
  }

  /** Writes settings and program into the flash of a board that has power, and starts the program. */
  async provision(): Promise<void> {
    await this.clock.advance(BUS_READY_MS)
    for (const [key, value] of Object.entries(this.options.settings ?? {})) await this.set(key, value)
    this.vm!.deploy(this.options.bytecode ?? new Uint8Array(0))
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
          // The VM hands over a copy.
          const kept = this.keepFlash(image, this.flash)
          if (kept !== false) this.flash = kept === true ? image : new Uint8Array(kept)
        },
      },
      onLog: (line) => this.lines.push(line.trim()),
      onPanic: (code) => this.panics.push(code),
      sendPacket: (frame) => {
        const copy = new Uint8Array(frame)
        this.onFrame(copy)
        clock.setTimeout(() => {
          if (this.vm === vm) this.bus.receive(copy)
        }, BUS_LATENCY_MS)
      },
    })
    const soundId = this.soundBoard && Buffer.from(this.soundBoard.device.deviceId, "hex")
    this.bus.onFrame = (frame) => {
      if (this.soundGone && soundId?.equals(JacdacBus.deviceOf(frame))) return
      clock.setTimeout(() => {
        if (this.vm === vm) vm.receive(frame)
      }, BUS_LATENCY_MS)
    }
    this.vm = vm
    vm.start()
  }

  /** Drops the power of the board, and of the sound board with it. */
  powerOff(): void {
    this.vm?.stop()
    this.vm = undefined
    this.bus.onFrame = () => {}
    this.soundBoard?.end(false)
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
    this.bus.command(jd.SRV_SETTINGS, jd.Packet.from(jd.SettingsCmd.Set, jd.jdpack("z b", [key, value])))
    await this.clock.advance(20)
  }

  /** What a settings entry of the board holds. */
  async get(key: string): Promise<Uint8Array> {
    let value: Uint8Array | undefined
    const stop = this.bus.listen(jd.SRV_SETTINGS, (packet) => {
      if (packet.serviceCommand !== jd.SettingsCmd.Get) return
      const [name, bytes] = packet.jdunpack<[string, Uint8Array]>("z b")
      if (name === key) value = bytes
    })
    this.bus.command(jd.SRV_SETTINGS, jd.Packet.from(jd.SettingsCmd.Get, Buffer.from(key)))
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
}
