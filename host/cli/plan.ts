// fieldtune plan: the plan of the study, what its fields mean, and its amendments.

import type { Command } from "commander"
import { amendPlan, type PlanChange, restorePlan } from "../study/amend.js"
import { explainPlan, planJsonSchema } from "../study/explain-plan.js"
import { planHash } from "../study/plan.js"
import type { Study } from "../study/study.js"
import { answer, type CommonOptions, command } from "./command.js"
import { table } from "./table.js"
import { withinStudy } from "./within-study.js"

interface ShowOptions extends CommonOptions {
  explain?: boolean
  schema?: boolean
}

interface AmendOptions extends CommonOptions {
  reason: string
}

export function planCommand(): Command {
  return command(
    "plan",
    "the plan in force; --explain says what every field of study.json means",
    "fieldtune plan --explain",
  )
    .option("--explain", "every field with its values, its default and its meaning")
    .option("--schema", "the JSON Schema of study.json, for editors and other programs")
    .action(async (options: ShowOptions) => {
      if (options.schema) return answer({ json: true }, planJsonSchema(), [])
      if (options.explain) return explain(options)
      await withinStudy(options, show)
    })
    .addCommand(
      command(
        "amend",
        "put study.json, changed after the start, in force",
        "fieldtune plan amend --reason 'boards came late: waves of seven days'",
      )
        .requiredOption("--reason <text>", "why; it is kept for good and goes into the archive")
        .action((options: AmendOptions) => withinStudy(options, amend)),
    )
    .addCommand(
      command("history", "every plan that was in force, and what changed", "fieldtune plan history").action(
        (options: CommonOptions) => withinStudy(options, history),
      ),
    )
    .addCommand(
      command("restore", "write the plan in force back into study.json", "fieldtune plan restore").action(
        (options: CommonOptions) => withinStudy(options, restore),
      ),
    )
}

function explain(options: ShowOptions): void {
  const fields = explainPlan()
  answer(options, { fields }, [
    "study.json: every field may be left out; then its default holds.",
    ...fields.flatMap((field) => [
      "",
      `${field.field}  (${field.values}${field.default === undefined ? "" : `; default ${JSON.stringify(field.default)}`})`,
      `  ${field.description}`,
    ]),
    "",
    "Next: edit study.json, then fieldtune plan shows whether it holds",
  ])
}

async function show(study: Study, options: ShowOptions): Promise<void> {
  const { plan, edited } = study
  const stored = await study.store.plans.newest()
  const hash = stored?.hash ?? planHash(plan)
  const state =
    stored === undefined
      ? "The study has not started: study.json may be edited. The first enrolment puts it in force."
      : `Plan ${stored.version} is in force since ${new Date(stored.at).toISOString()}${stored.reason === "" ? "" : `: ${stored.reason}`}.`
  answer(options, { version: stored?.version ?? null, hash, edited, plan }, [
    ...(edited === null ? [] : [`! ${edited}`]),
    state,
    `Hash ${hash}`,
    "",
    JSON.stringify(plan, null, 2),
    "",
    "Next: fieldtune plan --explain says what a field means",
  ])
}

async function amend(study: Study, options: AmendOptions): Promise<void> {
  const amendment = await amendPlan(study, options.reason, Date.now())
  answer(options, amendment, [
    `Plan ${amendment.version} is in force, hash ${amendment.hash}.`,
    ...changeLines(amendment.changes),
    "Next: playlists made from now on carry this plan; boards hear of it at their next sync",
  ])
}

async function restore(study: Study, options: CommonOptions): Promise<void> {
  await restorePlan(study)
  answer(options, { restored: true }, [
    "study.json is the plan in force again.",
    "Next: fieldtune plan amend --reason TEXT is how a change after the start is made",
  ])
}

async function history(study: Study, options: CommonOptions): Promise<void> {
  const plans = await study.store.plans.all()
  const amendments = await study.store.events.latest(plans.length, "amended")
  const changesOf = new Map(amendments.map(({ detail }) => [detail.version, detail.changes as PlanChange[]]))
  const rows = plans.map(({ version, hash, at, reason }) => ({
    version,
    hash,
    at,
    reason,
    changes: changesOf.get(version) ?? [],
  }))
  answer(options, { plans: rows }, [
    ...(rows.length === 0 ? ["The study has not started: no plan is in force yet."] : []),
    ...table(
      ["plan", "in force since", "reason", "hash"],
      rows.map((row) => [
        row.version,
        new Date(row.at).toISOString(),
        row.reason || "start",
        row.hash.slice(0, 12),
      ]),
    ),
    ...rows.flatMap((row) =>
      row.changes.length > 0 ? ["", `Plan ${row.version}:`, ...changeLines(row.changes)] : [],
    ),
    "Next: fieldtune plan amend --reason TEXT, after a change of study.json",
  ])
}

function changeLines(changes: readonly PlanChange[]): string[] {
  const text = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value))
  return changes.map(({ place, before, after }) => `  ${place}: ${text(before)} → ${text(after)}`)
}
