// How far an estimate is to be trusted, in words.

import { KHAT_LIMIT } from "../model/diagnose.js"
import type { TasteModel } from "../model/taste.js"

export interface Diagnosis {
  /** Nothing to worry about. */
  good: boolean
  says: string
}

/** Fewer independent draws than this behind a mean: its second digit is not to be trusted. */
const FEW_DRAWS = 100

/** @param model a taste without its particles; `particles`: how many there are */
export function diagnose({
  plays,
  blocks,
  diagnostics,
  warnings,
  particles,
}: Pick<TasteModel, "plays" | "blocks" | "diagnostics" | "warnings"> & { particles: number }): Diagnosis[] {
  const { ess, khat, ancestors, steps, refitted, drift, rhat } = diagnostics
  const found: Diagnosis[] = [
    {
      good: ess >= FEW_DRAWS || particles < FEW_DRAWS,
      says: `The ${particles} particles are worth ${Math.round(ess)} independent draws${ess < FEW_DRAWS ? ": second digits are not to be trusted" : ""}.`,
    },
    {
      good: true,
      says:
        blocks === 1
          ? `Fitted to ${plays} plays in one block.`
          : `${plays} plays were taken in, in ${blocks} blocks; the newest one in ${steps} steps.`,
    },
  ]
  if (khat !== null) {
    const good = khat <= KHAT_LIMIT
    found.push({
      good: good || refitted,
      says: good
        ? `The newest plays moved the particles gently (Pareto k-hat ${khat.toFixed(2)}, at most ${KHAT_LIMIT}).`
        : `The newest plays surprised the particles (Pareto k-hat ${khat.toFixed(2)}, above ${KHAT_LIMIT})${refitted ? ", so the model was fitted again from all plays" : ""}.`,
    })
  }
  if (ancestors !== null && !refitted) {
    found.push({ good: true, says: `${ancestors} of the particles before still have descendants.` })
  }
  if (rhat !== null)
    found.push({ good: rhat <= 1.05, says: `Largest R-hat of the chains: ${rhat.toFixed(3)}.` })
  if (drift !== null) {
    found.push({
      good: drift.p > 0.01,
      says:
        drift.p > 0.01
          ? `The newest plays are as the model foretold (p = ${drift.p.toFixed(2)}).`
          : "The newest plays are foretold worse than any drawn from the model: the taste may have changed, or somebody else has listened.",
    })
  }
  const said = (text: string): boolean => /^(drift:|k-hat|R-hat|the draws are worth)/.test(text)
  return [
    ...found,
    ...warnings.filter((text) => !said(text)).map((text) => ({ good: false, says: `${text}.` })),
  ]
}
