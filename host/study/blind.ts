// Double-blind mode: until `fieldtune unblind`, nobody who looks at the study learns who is in which arm.
//
// What is shown (page, commands, exports) names arms by their codes and leaves out what an arm can be told by: designs,
// reasons, utilities, information, tags, propensities, ranks and prices. An export must also leave out
//   - FLAG_EXPLORE in the flags of a listen record (src/record.ts) and the record's bytes, which hold it,
//   - FLAG_REORDERED and FLAG_EXPLORE of a playlist's items, where only some arms would have them,
//   - the bytes of playlists and the summaries of models and playlists (how many designs there were: `cycle`, `made`),
//   - `published` events, which name the design, `enrolled` events, which name the arm, and the table `allocation`.
//
// Not hidden are study.json, which says what arms there are, and fieldtune.db, which holds everything: both belong to
// whoever runs the study. Blinding keeps people from learning an arm by looking; it is no lock on the file.

import type { RoundReport } from "../round.js"
import { EnrolmentError } from "../store/boards.js"
import type { PlaylistItem } from "../store/playlists.js"
import { rankOf } from "./allocate.js"
import { checkPlan, type Plan } from "./plan.js"
import { planNow, type Study } from "./study.js"

const MAX_REASON = 2000

/** Whether arms have to be hidden. */
export async function isBlind(study: Study): Promise<boolean> {
  if ((await planNow(study)).blind !== "double") return false
  return !(await wasUnblinded(study))
}

export async function wasUnblinded({ store }: Study): Promise<boolean> {
  return (await store.events.latest(1, "unblinded")).length > 0
}

/** Ends the blinding for good. */
export async function unblind(study: Study, reason: string, at: number): Promise<void> {
  if ((await planNow(study)).blind !== "double") throw new EnrolmentError("unblind: the study is not blind")
  if (!(await isBlind(study))) throw new EnrolmentError("unblind: the study was unblinded before")
  if (reason.trim() === "" || reason.length > MAX_REASON) {
    throw new EnrolmentError(`reason: must have 1 to ${MAX_REASON} characters, got ${reason.length}`)
  }
  await study.store.events.append({ at, kind: "unblinded", subject: null, device: null, detail: { reason } })
}

/** What stands for each arm: the plan's codes, or letters in an order that follows from the allocation key. Empty where
 *  the plan has no codes and no key is drawn yet. */
export async function armCodes(study: Study): Promise<Map<string, string>> {
  const plan = await planNow(study)
  if (plan.arms.every(({ code }) => code !== undefined)) {
    return new Map(plan.arms.map(({ name, code }) => [name, code!]))
  }
  const drawn = await study.store.allocations.key()
  if (drawn === undefined) return new Map()
  const stored = await study.store.plans.all()
  const plans = stored.map(
    ({ document, version }): Plan => checkPlan(JSON.parse(document), `plan ${version}`),
  )
  const codes = new Map<string, string>()
  // Arms of a later plan come behind those that had their letters before.
  for (const { arms } of [...plans, plan]) {
    const names = arms.map(({ name }) => name).filter((name) => !codes.has(name))
    const ranked = names.map((name) => ({ name, rank: rankOf(drawn.key, name) }))
    ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1))
    for (const { name } of ranked) codes.set(name, letter(codes.size))
  }
  return codes
}

/** A, B, …, Z, A2, B2, … */
function letter(index: number): string {
  const round = Math.floor(index / 26) + 1
  return String.fromCharCode(65 + (index % 26)) + (round > 1 ? round : "")
}

/** Turns an arm into what may be shown of it: itself, or its code. */
export async function armShown(study: Study): Promise<(arm: string) => string> {
  if (!(await isBlind(study))) return (arm) => arm
  const codes = await armCodes(study)
  return (arm) => codes.get(arm) ?? "?"
}

/** The arm that a researcher means, by its name or, while the study is blind, by its code. */
export async function armFor(study: Study, given: string): Promise<string> {
  const { arms } = await planNow(study)
  if (arms.some(({ name }) => name === given)) return given
  const blind = await isBlind(study)
  const codes = blind ? await armCodes(study) : new Map<string, string>()
  const found = [...codes].find(([, code]) => code === given)
  if (found !== undefined) return found[0]
  const allowed = blind ? "an arm of the plan, or its code" : `${arms.map(({ name }) => name).join(" or ")}`
  throw new EnrolmentError(`--arm: must be ${allowed} (study.json), got ${given}`)
}

/** An item of a playlist as it may be shown in a blind study: the song, and nothing of why. */
export type BlindItem = Record<Exclude<keyof PlaylistItem, "song">, null> & { song: number }

export function blindItem({ song }: PlaylistItem): BlindItem {
  return { song, utility: null, information: null, tag: null, propensity: null, rank: null, reason: null }
}

/** The report of a round as it may be shown in a blind study. */
export function blindRound(report: RoundReport): RoundReport {
  const subjects = report.subjects.map((row) => {
    // Notes of a design tell of the design; that nothing was made tells only of the board.
    const note = row.version === null ? row.note : undefined
    return { ...row, design: "", price: null, note }
  })
  return { ...report, subjects }
}
