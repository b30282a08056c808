// fieldtune check: what looks wrong in the data, by which rule, and what to do about it.

import type { Command } from "commander"
import { checkStudy, findingText } from "../study/quality/check.js"
import type { Finding } from "../study/quality/rule.js"
import { RULES } from "../study/quality/rules.js"
import { openStudy } from "../study/study.js"
import { answer, type CommonOptions, command } from "./command.js"

interface Options extends CommonOptions {
  rules?: boolean
}

export function checkCommand(): Command {
  return command(
    "check",
    "look for silent boards, missing plays, plays that look automatic, moved clocks and more",
    "fieldtune check --study summer",
  )
    .option("--rules", "explain every rule with its thresholds instead")
    .addHelpText(
      "after",
      `
While fieldtune serve runs, a board is checked after each of its syncs and the whole study once a minute; the page shows
what was found. This command checks everything now and keeps what it finds: a finding that goes away stays as history.
Ends with code 1 where there are problems; warnings and notes do not count.`,
    )
    .action(async (options: Options) => {
      if (options.rules) return explain(options)
      const study = await openStudy(options.study)
      try {
        const now = Date.now()
        await study.store.clocks.settle(now)
        const { findings, opened, closed } = await checkStudy(study, now)
        const problems = findings.filter(({ severity }) => severity === "problem").length
        answer(options, { problems, opened, closed, findings }, [
          ...findings.flatMap(lines),
          `${findings.length} findings, ${problems} of them problems; ${opened} are new, ${closed} have gone since the last check.`,
          findings.length > 0
            ? "Next: do what the arrows say; fieldtune check --rules explains all rules"
            : "Next: fieldtune wave status",
        ])
        if (problems > 0) process.exitCode = 1
      } finally {
        await study.close()
      }
    })
}

function lines(finding: Finding): string[] {
  const { rule, since, says, todo } = finding
  const when = since === null ? "" : `, since ${new Date(since).toISOString()}`
  return [findingText(finding), `    ${rule}: ${says}${when}`, `    → ${todo}`, ""]
}

function explain(options: Options): void {
  const rules = RULES.map(({ id, says, todo }) => ({ id, says, todo }))
  answer(options, { rules }, [
    ...rules.flatMap(({ id, says, todo }) => [id, `    ${says}`, `    → ${todo}`, ""]),
    "Next: fieldtune check applies them",
  ])
}
