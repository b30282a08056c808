// fieldtune rehearse: what can go wrong in the field, tried beforehand on simulated boards.

import { Command } from "commander"
import { hostileInputCommand } from "./rehearse-hostile-input.js"
import { networkFaultsCommand } from "./rehearse-network-faults.js"
import { powerCutsCommand } from "./rehearse-power-cuts.js"
import { serverKillsCommand } from "./rehearse-server-kills.js"

export function rehearseCommand(): Command {
  return new Command("rehearse")
    .description("try what can go wrong in the field, on simulated boards")
    .addHelpText("after", "\nExample:\n  $ fieldtune rehearse power-cuts --cuts 500 --seed 1")
    .addCommand(powerCutsCommand())
    .addCommand(networkFaultsCommand())
    .addCommand(hostileInputCommand())
    .addCommand(serverKillsCommand())
}
