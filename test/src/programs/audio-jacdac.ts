// audio-script.ts over the driver of src/audio/jacdac.ts.

import * as ds from "@devicescript/core"
import { JacdacSoundPlayer } from "../../../src/audio/jacdac"
import { runScript } from "./audio-script"

const sound = new ds.SoundPlayer("sound")

runScript(() => new JacdacSoundPlayer(sound))
