// The DeviceScript runtime of a board: the image that the board's chip runs, with the configuration of the board's
// pins in it. The configuration is DeviceScript's own format, at the place that its architecture file names.

import type { BoardLayout } from "../firmware/bundle.js"

/** First bytes of a configuration (DeviceScript, DCFG_MAGIC0). */
const CONFIGURATION_MAGIC = Buffer.from("DCFG")
const LENGTH_AT = 8

/**
 * `image` with the board's configuration in place of the one that it has, or of nothing; throws where the image has
 * something else there, or is for another place in flash.
 */
export function configureRuntime(image: Uint8Array, layout: BoardLayout): Uint8Array {
  const at = layout.configurationOffset - layout.runtimeOffset
  const { configuration } = layout
  if (image.length < at + LENGTH_AT + 4) {
    throw new Error(`runtime image: has ${image.length} bytes, ends before its configuration at ${at}`)
  }
  const configured = Buffer.from(image)
  const there = configured.subarray(at, at + CONFIGURATION_MAGIC.length)
  const empty = there.every((byte) => byte === 0) || there.every((byte) => byte === 0xff)
  if (!empty && !there.equals(CONFIGURATION_MAGIC)) {
    throw new Error(`runtime image: holds no configuration at ${at}; is it for the chip ${layout.chip}?`)
  }
  const old = empty ? 0 : configured.readUInt32LE(at + LENGTH_AT)
  configured.fill(0, at, at + Math.max(old, configuration.length))
  configured.set(configuration, at)
  return configured
}
