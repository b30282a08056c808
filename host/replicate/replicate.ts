// The simulation studies of Chung 2007, chapter 3, again: tables 2 to 6 and the course of ten sequential designs, by the
// literal procedure (thesis) and the corrected one (default), on fresh plays of the same songs in every run.
//
//   replicate({ seed, runs }) → Replication
//
// Study 1 (no song constants) gives tables 2 to 4, study 2 (constants) tables 5 and 6 and the sequence of designs.

import type { Averaging } from "../model/average.js"
import { stream } from "../model/random.js"
import type { Profile } from "../model/taste.js"
import { type Errors, predictionErrors } from "./errors.js"
import { type Estimates, estimateStudy } from "./estimates.js"
import { notesOf } from "./notes.js"
import { type Playlists, playlistsOf } from "./playlists.js"
import { NAMES, PRINTED, SUBJECTS } from "./printed.js"
import { type Course, sequentialDesigns } from "./sequence.js"
import { simulatePlays, simulateSongs } from "./simulate.js"
import { mean, type Spread, spreadOf } from "./spread.js"

export interface ReplicateOptions {
  seed: number
  runs: number
  onProgress?: (done: number) => void
}

/** A subject's coefficients: mean over the runs, and how far single runs lie apart. */
interface Coefficients extends Spread {
  names: string[]
  /** Inclusion probability, mean over the runs; all 1 without selection. */
  inclusion: number[]
}

export interface ProfileTables {
  table2: Coefficients[]
  table3: Coefficients[]
  table4: Coefficients[]
  /** Mean squared error of predicted durations, square minutes, mean over the runs; `spread`: of each. */
  table5: Errors & { spread: Record<string, Spread> }
  table6: Playlists & { unit: string; spread: Record<string, Record<string, Spread>> }
  /** Total utility (figure 2) and precision (figure 3) of ten designs in a row, per subject, mean over the runs. */
  figure2: number[][]
  figure3: number[][]
}

export interface Replication {
  seed: number
  runs: number
  /** True coefficients. */
  table1: (typeof PRINTED)["table1"]
  profile: Record<Profile, ProfileTables>
  thesis: typeof PRINTED
  notes: string[]
}

/** What one run gives for one profile. */
export interface Run {
  study1: Estimates
  errors: Errors
  /** Log weights of other models beside one's own. */
  logWeights: Record<Averaging, number[]>
  playlists: Playlists
  course: Course
}

export const PROFILES: readonly Profile[] = ["default", "thesis"]

export function replicate({ seed, runs, onProgress }: ReplicateOptions): Replication {
  const songs = [false, true].map((constants) => simulateSongs(stream(seed, "songs"), constants))
  const found: Record<Profile, Run[]> = { default: [], thesis: [] }
  for (let run = 0; run < runs; run++) {
    const plays = songs.map((study, which) => simulatePlays(study, stream(seed, "plays", which + 1, run)))
    PROFILES.forEach((profile, at) => {
      const named = [profile, "run", run]
      const study1 = estimateStudy(songs[0], plays[0], profile, seed, [...named, "study", 1])
      const { errors, averaged, models, logWeights } = predictionErrors(
        songs[1],
        plays[1],
        profile,
        seed,
        named,
      )
      const playlists = playlistsOf(songs[1], plays[1], averaged, models, profile, seed, named)
      const course = sequentialDesigns(songs[1], plays[1], profile, seed, named)
      found[profile].push({ study1, errors, logWeights, playlists, course })
      onProgress?.(run * PROFILES.length + at + 1)
    })
  }
  const profile = { default: tablesOf(found.default, "default"), thesis: tablesOf(found.thesis, "thesis") }
  return {
    seed,
    runs,
    table1: PRINTED.table1,
    profile,
    thesis: PRINTED,
    notes: notesOf(found, songs[1], profile),
  }
}

function tablesOf(runs: readonly Run[], profile: Profile): ProfileTables {
  const coefficients = (table: "table2" | "table3" | "table4"): Coefficients[] =>
    Array.from({ length: SUBJECTS }, (_, subject) => ({
      names: NAMES,
      ...spreadOf(runs.map((run) => run.study1[table][subject].mean)),
      inclusion: mean(runs.map((run) => run.study1[table][subject].inclusion)),
    }))
  const errors = Object.keys(runs[0].errors) as (keyof Errors)[]
  const kinds = Object.keys(runs[0].playlists.utility) as (keyof Playlists["utility"])[]
  const over = <K extends string>(names: readonly K[], of: (run: Run, name: K) => number[]) => ({
    means: Object.fromEntries(names.map((name) => [name, mean(runs.map((run) => of(run, name)))])) as Record<
      K,
      number[]
    >,
    spreads: Object.fromEntries(
      names.map((name) => [name, spreadOf(runs.map((run) => of(run, name)))]),
    ) as Record<K, Spread>,
  })
  const table5 = over(errors, (run, name) => run.errors[name])
  const utility = over(kinds, (run, name) => run.playlists.utility[name])
  const precision = over(kinds, (run, name) => run.playlists.precision[name])
  const minutes = over(kinds, (run, name) => run.playlists.minutes[name])
  const course = (which: keyof Course): number[][] =>
    Array.from({ length: SUBJECTS }, (_, subject) => mean(runs.map((run) => run.course[which][subject])))
  return {
    table2: coefficients("table2"),
    table3: coefficients("table3"),
    table4: coefficients("table4"),
    table5: { ...table5.means, spread: table5.spreads },
    table6: {
      utility: utility.means,
      precision: precision.means,
      minutes: minutes.means,
      unit:
        profile === "thesis"
          ? "minutes: sum over the songs of the predicted median duration"
          : "songs: sum over the songs of the expected share heard",
      spread: { utility: utility.spreads, precision: precision.spreads },
    },
    figure2: course("utility"),
    figure3: course("precision"),
  }
}
