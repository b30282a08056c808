// The firmware of a board whose sound comes from a Qwiic MP3 Trigger on its I2C bus.

import { Mp3Trigger } from "../audio/mp3-trigger"
import { main } from "../main"

main((bus) => new Mp3Trigger(bus))
