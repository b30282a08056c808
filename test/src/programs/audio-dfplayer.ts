// audio-script.ts over the driver of src/audio/dfplayer.ts.

import { DfPlayer } from "../../../src/audio/dfplayer"
import { runScript } from "./audio-script"

runScript((bus) => new DfPlayer(bus))
