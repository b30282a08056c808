// fieldtune catalogue: the songs of the study.

import { Command } from "commander"
import { catalogueAddCommand } from "./catalogue-add.js"
import { catalogueCheckCommand } from "./catalogue-check.js"
import { catalogueDropCommand } from "./catalogue-drop.js"
import { catalogueJoinCommand } from "./catalogue-join.js"
import { catalogueListCommand } from "./catalogue-list.js"

export function catalogueCommand(): Command {
  return new Command("catalogue")
    .description("the songs of the study")
    .addCommand(catalogueAddCommand())
    .addCommand(catalogueJoinCommand())
    .addCommand(catalogueCheckCommand())
    .addCommand(catalogueDropCommand())
    .addCommand(catalogueListCommand())
}
