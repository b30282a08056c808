// The firmware of a board whose sound comes from a Jacdac sound-player service.

import * as ds from "@devicescript/core"
import { JacdacSoundPlayer } from "../audio/jacdac"
import { main } from "../main"

const sound = new ds.SoundPlayer("sound")

main(() => new JacdacSoundPlayer(sound))
