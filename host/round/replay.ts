// The passes of a study, to be run again: the same plays, songs and boards give the same models and playlists.
//
//   passesOf(store)            what ran, in an order in which it can be run again
//   repeatPass(study, pass)    runs one in a study that holds the songs, the subjects, the plays up to `pass.through`
//                              with their numbers and syncs (no later sync: a board that tells of a playlist moves
//                              the next version up), and what the passes before it have made
//
// Taste models of different subjects do not depend on each other, and what an estimate depends on besides the plays
// (how often the subject has used up its designs, what is forgotten) stands beside the model. So an estimate that ran
// beside a round may run before or after it; only one that the round has read must come first.

import { type Designed, estimate, runRound } from "../round.js"
import type { Estimate } from "../store/models.js"
import type { Store } from "../store/store.js"
import type { Study } from "../study/study.js"
import { type RoundNote, roundNotes } from "./journal.js"

export type Pass =
  | { kind: "estimate"; through: number; made: Estimate }
  | { kind: "round"; through: number; made: RoundNote }

/** A round that was interrupted is there with the subjects that it published for. */
export async function passesOf(store: Store): Promise<Pass[]> {
  const waiting = await store.models.estimates()
  const lists = await store.playlists.all()
  const rounds = await roundNotes(store)
  const passes: Pass[] = []
  for (const [i, note] of rounds.entries()) {
    const reads = new Map(note.tastes)
    for (const made of waiting.filter(({ subject, version }) => version <= (reads.get(subject) ?? 0))) {
      passes.push({ kind: "estimate", through: made.toPlay, made })
      waiting.splice(waiting.indexOf(made), 1)
    }
    const until = rounds[i + 1]?.lists ?? Number.POSITIVE_INFINITY
    const published = new Set(lists.filter(({ id }) => id > note.lists && id <= until).map((l) => l.subject))
    const subjects = note.subjects.filter((id) => published.has(id))
    passes.push({ kind: "round", through: note.through, made: { ...note, subjects } })
  }
  for (const made of waiting) passes.push({ kind: "estimate", through: made.toPlay, made })
  return passes
}

/** `workers`: threads; the result does not depend on them. The study's plan is to be the one in force then. */
export async function repeatPass(
  study: Study,
  pass: Pass,
  { workers = 1, designed }: { workers?: number; designed?: Designed } = {},
): Promise<void> {
  const { kind, through, made } = pass
  if (kind === "estimate") {
    const { at, subject, cycle, forgetting } = made
    await estimate(study, { now: at, subjects: [subject], through, repeat: { cycle, forgetting }, workers })
    return
  }
  const { at, wave, subjects, songs, boards } = made
  await runRound(study, {
    now: at,
    subjects,
    wave,
    through,
    songs,
    boards,
    estimate: false,
    workers,
    designed,
  })
}
