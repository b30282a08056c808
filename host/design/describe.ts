// What a playlist says of itself: every song with its figures and reasons, and the totals.

import { explainSong } from "../model/predict.js"
import { type Chosen, type Plan, streamOf, total } from "./choose.js"
import type { Rules } from "./constraints.js"
import type { Design, DesignItem, DesignSummary, Price } from "./design.js"
import { logDetOf, measure } from "./determinant.js"
import { playingOrder } from "./order.js"
import { byUtility } from "./select.js"

/** Terms of x'β in a reason. */
const MOST_TERMS = 3

export function describe(plan: Plan, chosen: Chosen): Design {
  const { input, rules, best, determinant, profile, epsilon } = plan
  const { utility, candidates, particles, names } = input
  const { members, kept, propensities } = chosen
  const useful = new Set(best)
  const ranks = utility && rankOf(rules, utility)
  if (determinant !== undefined) measure(determinant, members)
  const items = Array.from(members, (row, i): DesignItem => {
    const { p, x, ids } = candidates
    const features = x.subarray(row * p, (row + 1) * p)
    return {
      song: ids[row],
      utility: utility === undefined ? null : utility[row],
      information: determinant === undefined ? null : -Math.log1p(-determinant.leverage[row]),
      tag: useful.has(row) ? "exploit" : "explore",
      slot: rules.fixed.includes(row) ? "fixed" : i < kept ? "designed" : "random",
      propensity: propensities === undefined ? null : propensities.probability[row],
      propensityFrom: propensities === undefined ? "deterministic" : propensities.from,
      rank: ranks === undefined ? null : ranks[row],
      terms:
        particles === undefined
          ? []
          : explainSong(particles, features, MOST_TERMS).map(({ column, ...term }) => ({
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
    epsilon: chosen.design === "random" ? 1 : chosen.design === "thompson" ? 0 : epsilon,
    randomSlots,
    utility: utility === undefined ? null : total(utility, members),
    highestUtility: utility === undefined || best === undefined ? null : total(utility, best),
    price: utility && best ? priceOf(utility, best, chosen) : null,
    information: taught(members),
    informationOfHighestUtility: best === undefined ? null : taught(best),
    exchanges: chosen.exchanges,
    sweeps: chosen.sweeps,
    explored: items.filter((item) => item.tag === "explore").length,
    notes: [...plan.notes, ...chosen.notes],
  }
  return { items: playingOrder(items, streamOf(input, "order")), summary }
}

function priceOf(utility: Float64Array, best: Int32Array, chosen: Chosen): Price | null {
  const highest = total(utility, best)
  if (!(highest > 0)) return null
  const designed = chosen.design === "random" ? best : chosen.designed
  const planned = (highest - total(utility, designed)) / highest
  const all = (highest - total(utility, chosen.members)) / highest
  return { total: all, design: planned, random: all - planned }
}

/** Length N: 1 for the best of the allowed rows; ties by song number. */
function rankOf(rules: Rules, utility: Float64Array): Int32Array {
  const ranks = new Int32Array(utility.length)
  byUtility(rules, utility).forEach((row, i) => {
    ranks[row] = i + 1
  })
  return ranks
}
