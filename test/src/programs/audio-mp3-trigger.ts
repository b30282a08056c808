// audio-script.ts over the driver of src/audio/mp3-trigger.ts.

import { Mp3Trigger } from "../../../src/audio/mp3-trigger"
import { runScript } from "./audio-script"

runScript((bus) => new Mp3Trigger(bus))
