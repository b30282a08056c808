// fieldtune unblind: show the arms of a blind study.

import type { Command } from "commander"
import { armCodes, unblind } from "../study/blind.js"
import { openStudy } from "../study/study.js"
import { answer, type CommonOptions, command } from "./command.js"
import { table } from "./table.js"

interface Options extends CommonOptions {
  reason: string
}

export function unblindCommand(): Command {
  return command(
    "unblind",
    "show the arms of a blind study from now on; it can't be taken back",
    "fieldtune unblind --reason 'the analysis plan is signed'",
  )
    .requiredOption("--reason <text>", "why; it is kept for good")
    .action(async (options: Options) => {
      const study = await openStudy(options.study)
      try {
        await unblind(study, options.reason, Date.now())
        const codes = [...(await armCodes(study))].map(([arm, code]) => ({ code, arm }))
        codes.sort((a, b) => (a.code < b.code ? -1 : 1))
        answer(options, { unblinded: true, codes }, [
          "The study is no longer blind.",
          ...table(
            ["code", "arm"],
            codes.map(({ code, arm }) => [code, arm]),
          ),
          "Next: fieldtune status shows who is in which arm",
        ])
      } finally {
        await study.close()
      }
    })
}
