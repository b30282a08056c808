// fieldtune rehearse: what can go wrong in the field, tried beforehand on simulated boards.

import { Command } from "commander"
import { powerCutsCommand } from "./rehearse-power-cuts.js"

export function rehearseCommand(): Command {
  return new Command("rehearse")
    .description("try what can go wrong in the field, on simulated boards with the real firmware")
    .addCommand(powerCutsCommand())
}
