// The check of a study: every rule over what the store holds. A board is checked after its sync, by the rules that
// need no other board; the whole study whenever somebody looks, and beside the server.

import type { CheckScope, FoundRow, Severity } from "../../store/findings.js"
import { planNow, type Study } from "../study.js"
import { skipPrior } from "./automatic.js"
import { type BoardFacts, boardFacts } from "./board-facts.js"
import type { BoardContext, Finding } from "./rule.js"
import { BOARD_RULES, RULES, STUDY_RULES } from "./rules.js"
import { studyFacts } from "./study-facts.js"

const SEVERITIES: readonly Severity[] = ["problem", "warning", "note"]
/** The server checks the whole study this often, ms: silence is found by waiting. */
export const CHECK_EVERY_MS = 60_000
/** Plays of everybody that tell how often songs are let end. */
const SKIP_SAMPLE = 5000

/** What a check of the board `device` alone finds. Cost: a bounded number of its newest rows. */
async function findOnBoard(study: Study, device: string, now: number): Promise<FoundRow[]> {
  const { store } = study
  const carrier = await store.subjects.carrierOf(device)
  const board = boardFacts(device, await store.boardFacts.of(device), carrier === undefined ? [] : [carrier])
  const skips = skipPrior(await store.boardFacts.skipCounts(SKIP_SAMPLE), board.subject)
  return applyBoardRules(board, { now, plan: await planNow(study), skips })
}

function applyBoardRules(board: BoardFacts, context: BoardContext): FoundRow[] {
  return BOARD_RULES.flatMap((rule) => {
    if (board.enrolledAt === null && rule.ofRecords !== true) return []
    const observation = rule.find(board, context)
    if (observation === undefined) return []
    return [{ rule: rule.id, subject: board.subject, device: board.device, ...observation }]
  })
}

/** Applies every rule, problems first; writes nothing. */
export async function findInStudy(study: Study, now: number): Promise<Finding[]> {
  const { store, edited } = study
  const plan = await planNow(study)
  const enrolments = await store.subjects.enrolments()
  const counts = await store.boardFacts.skipCounts(SKIP_SAMPLE)
  const boards: BoardFacts[] = []
  for (const { id } of await store.subjects.devices()) {
    boards.push(boardFacts(id, await store.boardFacts.of(id), enrolments))
  }
  const songs = await store.songs.count()
  const gone = (await store.boards.all()).filter(({ state }) => state === "lost" || state === "retired")
  const waves = await store.playlists.waves()
  const facts = studyFacts({ now, plan, edited, songs, enrolments, boards, gone }, waves)
  const found: FoundRow[] = [
    ...STUDY_RULES.flatMap((rule) => rule.find(facts).map((row) => ({ rule: rule.id, ...row }))),
    ...boards.flatMap((board) =>
      applyBoardRules(board, { now, plan, skips: skipPrior(counts, board.subject) }),
    ),
  ]
  return explained(found)
}

/** Checks the whole study and keeps what was found. */
export async function checkStudy(
  study: Study,
  now: number,
): Promise<{ findings: Finding[]; opened: number; closed: number }> {
  const findings = await findInStudy(study, now)
  const counts = await study.store.findings.record(findings, { device: null, rules: null }, now)
  return { findings, ...counts }
}

/** Checks one board after its sync and keeps what was found. */
export async function checkBoard(study: Study, device: string, now: number): Promise<void> {
  const scope: CheckScope = { device, rules: BOARD_RULES.map(({ id }) => id) }
  await study.store.findings.record(await findOnBoard(study, device, now), scope, now)
}

/** What is known to be wrong: what the server's checks have kept open where one runs, otherwise a check made now, of which
 *  nothing is kept. */
export async function findingsNow(study: Study, now: number): Promise<Finding[]> {
  const { findings } = study.store
  const checkedAt = await findings.checkedAt()
  const fresh = checkedAt !== null && checkedAt <= now && now - checkedAt <= 2 * CHECK_EVERY_MS
  return fresh ? explained(await findings.open()) : findInStudy(study, now)
}

/** With the words of their rules; problems first, then in the order of the rules, subjects and boards. */
function explained(rows: readonly FoundRow[]): Finding[] {
  const order = new Map(RULES.map(({ id }, i) => [id, i]))
  const texts = new Map(RULES.map((rule) => [rule.id, rule]))
  return rows
    .map((row) => ({
      rule: row.rule,
      severity: row.severity,
      subject: row.subject,
      device: row.device,
      since: row.since,
      found: row.found,
      says: texts.get(row.rule)?.says ?? "a rule of another version of this program",
      todo: texts.get(row.rule)?.todo ?? "fieldtune check judges anew",
    }))
    .sort(
      (a, b) =>
        SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
        (order.get(a.rule) ?? 0) - (order.get(b.rule) ?? 0) ||
        (a.subject ?? 0) - (b.subject ?? 0) ||
        compareText(a.device ?? "", b.device ?? ""),
    )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** One line: how bad it is, of whom, and what. */
export function findingText({ severity, subject, device, found }: FoundRow): string {
  const mark = { problem: "!", warning: "?", note: "·" }[severity]
  const who = [...(subject === null ? [] : [`subject ${subject}`]), ...(device === null ? [] : [device])]
  return who.length === 0 ? `${mark} ${found}` : `${mark} ${who.join(", ")}: ${found}`
}
