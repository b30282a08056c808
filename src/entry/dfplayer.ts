// The firmware of a board whose sound comes from a DFPlayer Mini behind an SC16IS750 on its I2C bus.

import { DfPlayer } from "../audio/dfplayer"
import { main } from "../main"

main((bus) => new DfPlayer(bus))
