// fieldtune rehearse network-faults: does anything get lost, or counted twice, when the network goes wrong?

import type { Command } from "commander"
import { loadFirmware } from "../firmware/build.js"
import { type NetworkFaultReport, rehearseNetworkFaults } from "../rehearsal/network-faults.js"
import { answer, command, simulation, wholeNumber } from "./command.js"
import { withProgress } from "./progress.js"

interface Options {
  syncs: number
  seed: number
  workers: number
  json?: boolean
}

const DEFAULT_SYNCS = 200
const MAX_SYNCS = 10_000_000

export function networkFaultsCommand(): Command {
  return simulation(
    command(
      "network-faults",
      "let simulated boards sync over a network on which everything goes wrong, and compare what sounded with what is stored",
      "fieldtune rehearse network-faults --syncs 5000 --seed 1",
      { standalone: true },
    ).option("--syncs <number>", "syncs over the bad network", wholeNumber(1, MAX_SYNCS), DEFAULT_SYNCS),
  )
    .addHelpText(
      "after",
      `
One sync is one contact of a board with the network: it is asked for once and has one or more exchanges, until board
and host have nothing more to tell each other or an exchange fails. Something goes wrong on more than half of the
exchanges. Syncs over a good network, which are tried in between to see that every board recovers, are not counted.`,
    )
    .action(run)
}

async function run(options: Options): Promise<void> {
  const { syncs, seed, workers } = options
  const bytecode = loadFirmware()
  const report = await withProgress("syncs", syncs, (onProgress) =>
    rehearseNetworkFaults({ seed, syncs, bytecode }, { workers, onProgress }),
  )
  answer(options, report, describe(report))
  if (report.violations > 0) process.exitCode = 1
}

function describe(report: NetworkFaultReport): string[] {
  const { syncs, completed, listens, lost, duplicated, violations } = report
  const faults = Object.entries(report.faults).map(([name, count]) => `${count} ${name}`)
  return [
    `${syncs} syncs over a bad network (seed ${report.seed}), ${completed} of them went through; what went wrong:`,
    `  ${faults.join(", ")}`,
    `${listens} listens, ${lost} lost, ${duplicated} stored twice or without having sounded, ${violations} violations in all.`,
    `${report.playlists} playlists, ${report.confirmed} of them confirmed; the others were replaced before they arrived.`,
    ...report.details.map((detail) => `  violation: ${detail}`),
    violations > 0
      ? "This means: do not rely on this firmware and host in the field."
      : "This means: what a board hears reaches the host once, and a playlist reaches a board whole, whatever the network does.",
    violations > 0
      ? "Next: report the violations with the seed; they repeat with the same numbers"
      : "Next: fieldtune rehearse power-cuts does the same for the power",
  ]
}
