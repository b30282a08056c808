// Rules about time that passes without news, and about several boards.

import type { FoundRow, Severity } from "../../store/findings.js"
import type { BoardFacts } from "./board-facts.js"
import { chanceText, counted, type StudyRule, spanText } from "./rule.js"
import {
  ENOUGH_SILENCES,
  PRIOR_SILENCES,
  patienceOf,
  type Rhythm,
  reachOf,
  rhythmOf,
  silenceProbability,
  UNLIKELY,
  VERY_UNLIKELY,
} from "./silence.js"
import { type BoardRhythm, LISTENING_REACH_MS, type StudyFacts } from "./study-facts.js"

type Found = Omit<FoundRow, "rule">

/** From so many boards on, a time in which none was heard is the host's, not each board's. */
const SEVERAL_BOARDS = 3
/** Syncs with plays that make a board's listening known: below, nobody can say that it has ended. */
const ENOUGH_LISTENING = 3
/** Places of plays of two boards are as exact as syncs: seconds. */
const SAME_TIME_MS = 60_000
const HOUR_MS = 3_600_000

const of = (board: BoardFacts, rest: Pick<Found, "severity" | "since" | "found">): Found => ({
  subject: board.subject,
  device: board.device,
  ...rest,
})

export const silent: StudyRule = {
  id: "silent",
  says: `A board in use is silent for longer than its own rhythm lets expect. Pauses up to an hour, or twice the planned pause between syncs, are no silence; what silences have beyond that is taken as exponential with the board's own mean, in which the study's mean counts for ${PRIOR_SILENCES} silences. A silence with a probability below ${UNLIKELY} is a warning, below ${VERY_UNLIKELY} a problem. With fewer than ${ENOUGH_SILENCES} silences in the whole study the plan decides: a day and a half beside the planned pause (boards that sync on demand: a wave and the gaps around it) is a warning, twice that a problem. Where ${SEVERAL_BOARDS} or more boards sync, silence counts until the last contact of any board. Before the first and after the last wave it is a note.`,
  todo: "Ask the listener: is it charged, switched on, and in reach of the network? Let it sync; replace a lost board",
  find({ now, plan, phase, inUse, silences }) {
    const until = lastHeard(inUse, now)
    return inUse.flatMap(({ board, heard }) => {
      const since = heard.at(-1)
      if (since === undefined) return []
      const silence = until - since
      const { severity, how } = judge(silence, reachOf(plan), heard, silences, patienceOf(plan))
      if (severity === undefined) return []
      const expected = phase === "open" || phase === "between"
      const found = `silent for ${spanText(silence)}: ${how}`
      return [of(board, { severity: expected ? severity : "note", since, found })]
    })
  },
}

/** Until when silence of one board counts as its own. */
function lastHeard(inUse: readonly BoardRhythm[], now: number): number {
  const lasts = inUse.flatMap(({ heard }) => heard.slice(-1))
  return lasts.length >= SEVERAL_BOARDS ? Math.max(...lasts) : now
}

/** How bad a silence of `silence` ms is; severity undefined where it is ordinary. */
function judge(
  silence: number,
  reach: number,
  times: readonly number[],
  study: Rhythm,
  patience: number,
): { severity?: Severity; how: string } {
  if (study.silences < ENOUGH_SILENCES) {
    const how = `only ${counted(study.silences, "silence")} known in the study, the plan lets expect at most ${spanText(patience)}`
    if (silence > 2 * patience) return { severity: "problem", how }
    return silence > patience ? { severity: "warning", how } : { how }
  }
  const own = rhythmOf(times, reach)
  const probability = silenceProbability(silence, reach, own, study)
  const whose =
    own.silences === 0 ? "those of the other boards" : `${counted(own.silences, "silence")} of its own`
  const how = `probability ${chanceText(probability)} after ${whose}`
  if (probability < VERY_UNLIKELY) return { severity: "problem", how }
  return probability < UNLIKELY ? { severity: "warning", how } : { how }
}

export const nobody: StudyRule = {
  id: "nobody",
  says: `None of ${SEVERAL_BOARDS} or more boards was heard for longer than a day and a half beside the planned pause (boards that sync on demand: a wave and the gaps around it); twice that is a problem.`,
  todo: "Is fieldtune serve running, on the address that the boards were flashed with, and is the network up?",
  find({ now, plan, phase, inUse }) {
    const until = lastHeard(inUse, now)
    const silence = now - until
    const patience = patienceOf(plan)
    if (silence <= patience) return []
    const expected = phase === "open" || phase === "between"
    const severity = silence > 2 * patience ? "problem" : "warning"
    return [
      {
        subject: null,
        device: null,
        severity: expected ? severity : "note",
        since: until,
        found: `no board at all has synced for ${spanText(silence)}`,
      },
    ]
  },
}

export const neverSynced: StudyRule = {
  id: "never-synced",
  says: "A board was handed out and has not synced. It is a problem after a day and a half beside the planned pause (boards that sync on demand: a wave and the gaps around it).",
  todo: "Was it flashed for this study (fieldtune flash), with the right network and address? Let it sync at the host",
  find({ now, plan, phase, inUse }) {
    return inUse.flatMap(({ board, heard }) => {
      const { enrolledAt } = board
      if (heard.length > 0 || enrolledAt === null) return []
      const late = phase !== "before" && now - enrolledAt > patienceOf(plan)
      const found = `has never synced, handed out ${spanText(now - enrolledAt)} ago`
      return [of(board, { severity: late ? "problem" : "note", since: enrolledAt, found })]
    })
  },
}

export const noPlays: StudyRule = {
  id: "no-plays",
  says: `In a wave a board syncs and brings no plays for longer than its listener's rhythm lets expect: pauses in listening beyond ${LISTENING_REACH_MS / HOUR_MS} h are judged like silences, after ${ENOUGH_LISTENING} syncs with plays. It is a warning at most, since nobody has to listen; with fewer than ${ENOUGH_SILENCES} such pauses in the study two days are one.`,
  todo: "Ask the listener; try the buttons and the sound of the board",
  find({ phase, waveFrom, inUse, listening }) {
    if (phase !== "open" || waveFrom === null) return []
    return inUse.flatMap(({ board, heard, listened }) => {
      const last = heard.at(-1)
      const played = listened.at(-1)
      if (last === undefined || (listened.length > 0 && listened.length < ENOUGH_LISTENING)) return []
      const from = Math.max(played ?? 0, waveFrom, board.enrolledAt ?? 0)
      const pause = last - from
      const { severity, how } = judge(pause, LISTENING_REACH_MS, listened, listening, 48 * HOUR_MS)
      if (severity === undefined) return []
      const found = `syncs, but brought no plays for ${spanText(pause)}: ${how}`
      return [of(board, { severity: "warning", since: from, found })]
    })
  },
}

export const twoBoards: StudyRule = {
  id: "two-boards",
  says: `One subject has two boards at a time, or one board two subjects: enrolments that overlap, or plays of two boards that belong to one subject and were heard more than ${SAME_TIME_MS / 1000} s at the same time.`,
  todo: "End the wrong enrolment (fieldtune enrol N --end). Plays at the same time: somebody else listens too; leave out one board's",
  find(study) {
    return [...overlappingEnrolments(study), ...simultaneousPlays(study)]
  },
}

function overlappingEnrolments({ enrolments, now }: StudyFacts): Found[] {
  const found = new Map<string, Found>()
  for (const [i, a] of enrolments.entries()) {
    for (const b of enrolments.slice(i + 1)) {
      const shared = a.subject === b.subject || a.device === b.device
      const from = Math.max(a.fromAt, b.fromAt)
      const to = Math.min(a.toAt ?? now, b.toAt ?? now)
      if (!shared || from >= to) continue
      const one = a.subject === b.subject
      const key = one ? `subject ${a.subject}` : `board ${a.device}`
      const two = one ? `boards ${a.device} and ${b.device}` : `subjects ${a.subject} and ${b.subject}`
      if (found.has(key)) continue
      found.set(key, {
        subject: one ? a.subject : null,
        device: one ? null : a.device,
        severity: "problem",
        since: from,
        found: `${two} at the same time for ${spanText(to - from)}`,
      })
    }
  }
  return [...found.values()]
}

interface Placed {
  device: string
  /** Unix ms. */
  from: number
  to: number
}

function simultaneousPlays({ boards }: StudyFacts): Found[] {
  const bySubject = new Map<number, Placed[]>()
  for (const { device, plays } of boards) {
    for (const { subject, boot, startMs, heardMs, syncBoot, syncAt, syncUp } of plays) {
      // Only the sync of its own boot says when a play was.
      if (subject === null || boot !== syncBoot) continue
      const from = syncAt - syncUp + startMs
      const placed = bySubject.get(subject) ?? []
      placed.push({ device, from, to: from + heardMs })
      bySubject.set(subject, placed)
    }
  }
  const found: Found[] = []
  for (const [subject, placed] of [...bySubject].sort(([a], [b]) => a - b)) {
    if (placed.every(({ device }) => device === placed[0].device)) continue
    const pairs = simultaneous(placed)
    if (pairs.length === 0) continue
    found.push({
      subject,
      device: null,
      severity: "problem",
      since: pairs[0].from,
      found: `${counted(pairs.length, "play")} of ${pairs[0].device} while another board of the same subject played`,
    })
  }
  return found
}

/** Plays that run while one of another device does, oldest first; both for at least SAME_TIME_MS. */
function simultaneous(placed: readonly Placed[]): Placed[] {
  const sorted = [...placed].sort((a, b) => a.from - b.from)
  const latest = new Map<string, number>()
  const found: Placed[] = []
  for (const play of sorted) {
    const others = [...latest].filter(([device]) => device !== play.device)
    if (others.some(([, to]) => Math.min(to, play.to) - play.from > SAME_TIME_MS)) found.push(play)
    latest.set(play.device, Math.max(play.to, latest.get(play.device) ?? Number.NEGATIVE_INFINITY))
  }
  return found
}

export const firmware: StudyRule = {
  id: "firmware",
  says: "A board runs another version of the firmware than most boards in use.",
  todo: "fieldtune flash brings all boards to one version; say in the analysis when that was",
  find({ inUse }) {
    const running = inUse.flatMap(({ board }) => {
      const newest = board.contacts.at(-1)
      return newest === undefined ? [] : [{ board, version: newest.firmware }]
    })
    const counts = new Map<string, number>()
    for (const { version } of running) counts.set(version, (counts.get(version) ?? 0) + 1)
    const [most] = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? 1 : -1))
    return running
      .filter(({ version }) => version !== most[0])
      .map(({ board, version }) =>
        of(board, {
          severity: "warning",
          since: board.contacts.find((contact) => contact.firmware === version)?.at ?? null,
          found: `runs firmware ${version}, ${counted(most[1], "board")} ${most[1] === 1 ? "runs" : "run"} ${most[0]}`,
        }),
      )
  },
}

export const unassigned: StudyRule = {
  id: "unassigned",
  says: "A board that nobody was ever enrolled with has synced: its plays belong to nobody.",
  todo: "fieldtune enrol N --device ID",
  find({ boards }) {
    return boards.flatMap((board) => {
      if (board.subject !== null || board.contacts.length === 0) return []
      const found = `syncs, but nobody is enrolled with it: ${counted(board.plays.length, "play")} of nobody`
      return [of(board, { severity: "warning", since: board.contacts[0].at, found })]
    })
  },
}

export const goneBoard: StudyRule = {
  id: "gone-board",
  says: "A board that is marked as lost or retired has synced since.",
  todo: "fieldtune board found ID, if it is back; its plays are kept either way",
  find({ gone }) {
    return gone.flatMap(({ device, state, at, lastSync }) => {
      if (lastSync === null || lastSync <= at) return []
      const found = `is ${state} and has synced since`
      return [{ subject: null, device, severity: "problem" as const, since: lastSync, found }]
    })
  },
}

const ofStudy = (severity: Severity, found: string): Found[] => [
  { subject: null, device: null, severity, since: null, found },
]

export const noSongs: StudyRule = {
  id: "no-songs",
  says: "The catalogue has no songs.",
  todo: "fieldtune catalogue add FOLDER",
  find: ({ songs }) => (songs > 0 ? [] : ofStudy("note", "the catalogue is empty")),
}

export const noBoards: StudyRule = {
  id: "no-boards",
  says: "No board is enrolled with anybody.",
  todo: "fieldtune enrol 1 --device ID",
  find: ({ inUse }) => (inUse.length > 0 ? [] : ofStudy("note", "no board is enrolled")),
}

export const planEdited: StudyRule = {
  id: "plan-edited",
  says: "study.json says something else than the plan that is in force since the study started.",
  todo: "fieldtune plan amend --reason TEXT puts it in force, fieldtune plan restore undoes it",
  find: ({ edited }) => (edited === null ? [] : ofStudy("problem", edited)),
}
