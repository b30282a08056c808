// What flashing needs of the thing that boards are plugged into.

import type { BoardContent, PartitionContent } from "./partition.js"

export interface BoardIdentity {
  /** Sixteen lower-case hexadecimal digits. */
  device: string
  /** Six bytes, hexadecimal, with colons. */
  mac: string
}

/** Every call is for the board at `port`, and rejects with an error that holds no secret. */
export interface Programmer {
  /** Where boards are plugged in now. */
  ports(): Promise<string[]>
  identify(port: string): Promise<BoardIdentity>
  /** Writes runtime, program and settings over whatever is there; the program does not run yet. */
  write(port: string, content: BoardContent): Promise<void>
  /** What the board holds. */
  readBack(port: string): Promise<PartitionContent>
  /** Lets the program run. */
  start(port: string): Promise<void>
}

/** The DeviceScript id of an ESP32: its MAC address between fe and ff (devicescript-esp32, main/platform.c). */
export function deviceOf(mac: string): string {
  return `fe${mac.toLowerCase().replaceAll(":", "")}ff`
}
