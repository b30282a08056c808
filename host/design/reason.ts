// "Why this song", in words: how it came by its slot, and the largest terms of its expected log time.

import { expm1 } from "../model/elementary.js"
import type { DesignItem, DesignKind, ReasonTerm } from "./design.js"

/** One or two sentences. `design`: what made the playlist. */
export function reasonText(
  item: Pick<DesignItem, "slot" | "tag" | "terms">,
  summary: { design: DesignKind },
): string {
  const terms = item.terms.map(termText).join(", ")
  return terms === "" ? origin(item, summary.design) : `${origin(item, summary.design)} ${terms}.`
}

function origin({ slot, tag }: Pick<DesignItem, "slot" | "tag">, design: DesignKind): string {
  if (slot === "fixed") return "Set by the researcher."
  if (design === "random") return "Drawn at random, like every song of this playlist."
  if (slot === "random") return "Drawn at random: a few slots are open to every song."
  if (design === "gower") return "Close to the songs that were finished last wave."
  if (design === "thompson") return "First choice of one of the tastes that the plays leave possible."
  if (tag === "explore") return "Here for what it teaches about this taste."
  return "Among the songs expected to be heard longest."
}

/** "Mood: heard 36 % longer (18 to 57 %)"; the interval holds 80 % of the posterior. */
function termText({ name, mean, low, high }: ReasonTerm): string {
  const change = percent(mean)
  const label = name.replace(/^genre=/, "")
  const direction = mean < 0 ? "shorter" : "longer"
  return `${label}: heard ${Math.abs(change)} % ${direction} (${percent(low)} to ${percent(high)} %)`
}

/** A term of log time as a change of time in per cent. */
function percent(term: number): number {
  return Math.round(100 * expm1(term))
}
