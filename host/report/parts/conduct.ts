// How the study was conducted: the flow of its listeners, and what the checks of its data found.

import { rowsIn } from "../../archive/collect.js"
import { integer, string } from "../../archive/field.js"
import { flowFigure } from "../../archive/flow.js"
import { FLOW } from "../../archive/resources.js"
import { type Column, noAnswer, type Part } from "../part.js"
import type { ReportData } from "../study-data.js"

/** The diagram of the archive, its columns in the order in which arms are shown. */
export function flow({ tables, arms }: ReportData): Part {
  const head = {
    id: "flow",
    title: "Flow of listeners",
    says: "After CONSORT 2010. Every box is counted by itself after its own definition, so boxes need not sum; the file says what each one counts.",
  }
  const found = rowsIn(tables, "flow")
  const rows = [
    ...found.filter(({ arm }) => arm === null),
    ...arms.flatMap((arm) => found.filter((row) => row.arm === arm)),
  ]
  if ((rows[0]?.count ?? 0) === 0) return noAnswer(head, "nobody has been enrolled yet")
  const enrolled = rows[0].count
  const alt = `${enrolled} listeners enrolled; ${rows
    .filter(({ stage }) => stage === "allocated")
    .map(({ arm, count }) => `${count} in arm ${arm}`)
    .join(", ")}.`
  return { kind: "figure", ...head, svg: flowFigure(rows), alt, columns: FLOW.fields, rows }
}

const FINDINGS: readonly Column[] = [
  string("severity", "problem, warning or note."),
  { ...integer("subject", "Number of the listener.", { missing: "not about one" }), heading: "listener" },
  { ...string("device", "Id of the board.", { missing: "not about one" }), heading: "board" },
  { ...string("found", "What was found, with values."), heading: "what was found" },
  { ...string("todo", "What to do about it."), heading: "what to do" },
  string("rule", "Id of the rule."),
]

export function quality({ tables }: ReportData): Part {
  const head = {
    id: "quality",
    title: "What the checks of the data found",
    says: "Everything that was wrong by a rule of fieldtune check at the moment of the study's last event, the worst first.",
  }
  const rows = rowsIn(tables, "quality").map(({ severity, subject, device, found, todo, rule }) => ({
    ...{ severity, subject, device, found, todo, rule },
  }))
  if (rows.length === 0) return noAnswer(head, "no rule of fieldtune check is broken: nothing was found")
  return { kind: "table", ...head, columns: FINDINGS, rows }
}
