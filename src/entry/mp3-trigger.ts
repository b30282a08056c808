// Holds the place of the entry for this sound board until its driver is merged: plays over Jacdac.

import * as ds from "@devicescript/core"
import { JacdacSoundPlayer } from "../audio/jacdac"
import { main } from "../main"

const sound = new ds.SoundPlayer("sound")

main(() => new JacdacSoundPlayer(sound))
