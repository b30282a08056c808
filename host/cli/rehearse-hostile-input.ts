// fieldtune rehearse hostile-input: what do damaged and malicious bytes do to the decoders?

import type { Command } from "commander"
import type { HostileInputReport } from "../rehearsal/hostile/hostile-input.js"
import { answer, command, simulation, wholeNumber } from "./command.js"
import { withProgress } from "./progress.js"
import { table } from "./table.js"

interface Options {
  inputs: number
  seed: number
  workers: number
  json?: boolean
}

const DEFAULT_INPUTS = 50_000
const MAX_INPUTS = 1_000_000_000

export function hostileInputCommand(): Command {
  return simulation(
    command(
      "hostile-input",
      "give every decoder of messages and files damaged and malicious input",
      "fieldtune rehearse hostile-input --inputs 1000000 --seed 1",
      { standalone: true },
    ).option("--inputs <number>", "inputs over all decoders", wholeNumber(1, MAX_INPUTS), DEFAULT_INPUTS),
  )
    .addHelpText(
      "after",
      `
A decoder has to accept an input or refuse it with an error of its own that names place and rule, within two seconds
and 64 MB. Anything else is a violation. Inputs are good ones with bits, bytes, numbers, lengths, stretches and texts
changed, of at most 64 KiB; where the format has a checksum, half of them get one that is right.`,
    )
    .action(run)
}

async function run(options: Options): Promise<void> {
  const { inputs, seed, workers } = options
  // It loads every decoder there is, and no other command needs them all.
  const { rehearseHostileInput } = await import("../rehearsal/hostile/hostile-input.js")
  const report = await withProgress("inputs", inputs, (onProgress) =>
    rehearseHostileInput({ seed, inputs }, { workers, onProgress }),
  )
  answer(options, report, describe(report))
  if (report.violations > 0) process.exitCode = 1
}

function describe({ seed, inputs, violations, details, targets }: HostileInputReport): string[] {
  const rows = targets.map((t) => [
    t.name,
    t.inputs,
    t.accepted,
    t.refused,
    t.violations,
    t.slowestMs.toFixed(1),
    (t.largestBytes / 1e6).toFixed(1),
  ])
  return [
    `${inputs} hostile inputs (seed ${seed}), ${violations} violations.`,
    "",
    ...table(["decoder", "inputs", "accepted", "refused", "violations", "slowest ms", "most MB"], rows),
    "",
    ...details.map(({ target, input, what }) => `violation: ${target}, input ${input}: ${what}`),
    violations > 0
      ? "This means: somebody who can send such input can stop a command or the server. Next: report it with the seed"
      : "This means: such input is refused in words, or taken for what it says; it stops nothing.",
  ]
}
