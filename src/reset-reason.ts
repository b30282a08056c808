// Why the program started. The runtime has no register that tells; what there is, is the uptime of the device: ds.millis()
// does not start again with the program, and the control service's uptime is the same clock.
//
// The runtime starts the program 1 to 5 s after the device starts, and starts it again 5 s after it failed, so an
// uptime in the second case is never below 6 s. What cannot be told apart:
// - power, the reset button, a voltage that dropped and the runtime's own watchdog or panic: all restart the device;
// - a failure of the program and a program that is stopped, started or written while the device runs.

import { RESET_FAILURE, RESET_PLANNED, RESET_POWER } from "./wire"

/** A first start is sooner, a start after a failure later. */
const FIRST_START_MS = 5800

/**
 * One of RESET_…. `planned`: what the board had kept when it restarted itself by ds.reboot(), to be cleared once read;
 * `startedMs`: ds.millis() where the program begins, before it waits for anything.
 */
export function resetReason(planned: boolean, startedMs: number): number {
  if (startedMs >= FIRST_START_MS) return RESET_FAILURE
  return planned ? RESET_PLANNED : RESET_POWER
}
