// What choosing on the board costs, in bytecode steps, which are the same on every machine.

import { adaptivePlaylist } from "../test/src/bench/adaptive.js"
import { countSteps, MAX_STEPS, WORK } from "../test/src/bench/steps.js"
import type { Claim } from "./report.js"

const SONGS = 50
/** An assumption: 240 cycles a step on an ESP32 of 240 MHz. Nobody has published a figure, none was measured here. */
const ASSUMED_STEPS_PER_S = 1e6
const SONG_S = 180

export async function adaptation(): Promise<Claim[]> {
  const list = adaptivePlaylist(6, 3, { items: SONGS, particles: 32, variables: 12 })
  const kinds = [WORK.weighSkipped, WORK.weighCensored, WORK.rescore, WORK.choose]
  const [skipped, censored, rescore, choose] = await countSteps(kinds.map((work) => ({ work, list })))
  const size = "32 particles, 12 variables"
  const piece = (what: string, steps: number): Claim => ({
    what: `${what}, ${size}`,
    ours: steps,
    theirs: MAX_STEPS,
    peer: "what may run without a yield",
    ratio: MAX_STEPS / steps,
    goal: 2,
    unit: "steps",
  })
  const listen = Math.max(skipped, censored) + SONGS * rescore
  return [
    piece("weighing a skipped listen on the board", skipped),
    piece("weighing a censored listen on the board", censored),
    piece("rescoring one song on the board", rescore),
    piece(`choosing among ${SONGS} songs on the board`, choose),
    {
      what: `all that a listen costs the board: weighing it and rescoring ${SONGS} songs, ${size}`,
      ours: listen,
      theirs: SONG_S * ASSUMED_STEPS_PER_S,
      peer: "a song of 3 minutes at 10⁶ steps/s",
      ratio: (SONG_S * ASSUMED_STEPS_PER_S) / listen,
      goal: 10,
      unit: "steps",
      note: `10⁶ steps/s is an assumption (240 cycles a step at 240 MHz), not a measurement: ${(listen / ASSUMED_STEPS_PER_S).toFixed(1)} s of a song`,
    },
  ]
}
