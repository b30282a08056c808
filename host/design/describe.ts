// What a playlist says of itself: every song with its figures and reasons, and the totals.

import { log1p } from "../model/elementary.js"
import { explainer } from "../model/predict.js"
import { type Chosen, type Plan, streamOf, total } from "./choose.js"
import type { Rules } from "./constraints.js"
import type { Design, DesignItem, DesignSummary, Price } from "./design.js"
import { logDetOf, measure } from "./determinant.js"
import { playingOrder } from "./order.js"
import { zeroOf } from "./price.js"

/** Terms of x'β in a reason. */
const MOST_TERMS = 3

export function describe(plan: Plan, chosen: Chosen): Design {
  const { input, rules, best, determinant, profile } = plan
  const { utility, candidates, particles, names } = input
  const { members, kept, propensities } = chosen
  const useful = new Set(best)
  const explain = particles && explainer(particles)
  if (determinant !== undefined) measure(determinant, members)
  const items = Array.from(members, (row, i): DesignItem => {
    const { p, x, ids } = candidates
    const features = x.subarray(row * p, (row + 1) * p)
    return {
      song: ids[row],
      utility: utility === undefined ? null : utility[row],
      information: determinant === undefined ? null : -log1p(-determinant.leverage[row]),
      tag: useful.has(row) ? "exploit" : "explore",
      slot: rules.fixed.includes(row) ? "fixed" : i < kept ? "designed" : "random",
      propensity: propensities === undefined ? null : propensities.probability[row],
      propensityFrom: propensities === undefined ? "deterministic" : propensities.from,
      rank: utility === undefined ? null : rankOf(rules, utility, row),
      terms:
        explain === undefined
          ? []
          : explain(features, MOST_TERMS).map(({ column, ...term }) => ({
              name: names?.[column] ?? `column ${column}`,
              ...term,
            })),
    }
  })
  const taught = (rows: ArrayLike<number>): number | null =>
    determinant === undefined ? null : logDetOf(determinant, rows) - logDetOf(determinant, [])
  const randomSlots = chosen.design === "thompson" ? 0 : rules.size - kept
  const summary: DesignSummary = {
    asked: input.design,
    design: chosen.design,
    profile,
    lambda: chosen.lambda,
    epsilon: chosen.epsilon,
    randomSlots,
    utility: utility === undefined ? null : total(utility, members),
    highestUtility: utility === undefined || best === undefined ? null : total(utility, best),
    price: utility && best ? priceOf(rules, utility, best, chosen) : null,
    information: taught(members),
    informationOfHighestUtility: best === undefined ? null : taught(best),
    exchanges: chosen.exchanges,
    sweeps: chosen.sweeps,
    explored: items.filter((item) => item.tag === "explore").length,
    notes: [...plan.notes, ...chosen.notes],
  }
  const considered = { allowed: rules.allowed, propensity: propensities?.probability ?? null }
  return { items: playingOrder(items, streamOf(input, "order")), summary, considered }
}

function priceOf(rules: Rules, utility: Float64Array, best: Int32Array, chosen: Chosen): Price | null {
  const highest = total(utility, best)
  const scale = highest - rules.size * zeroOf(rules, utility)
  if (!(scale > 0)) return null
  const designed = chosen.design === "random" ? best : chosen.designed
  const planned = (highest - total(utility, designed)) / scale
  const all = (highest - total(utility, chosen.members)) / scale
  return { total: all, design: planned, random: all - planned }
}

/** 1 for the best of the allowed rows; ties by song number. */
function rankOf(rules: Rules, utility: Float64Array, row: number): number {
  const { rows } = rules
  const own = utility[row]
  let rank = 1
  for (let i = 0; i < rows.length; i++) {
    const other = utility[rows[i]]
    if (other > own || (other === own && rows[i] < row)) rank++
  }
  return rank
}
