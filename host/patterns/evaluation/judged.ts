// Whom an evaluation judges: the listeners of a study whose activities are known, or simulated people.

import { ACTIVITIES, simulatePeople } from "../../rehearsal/weekly-activities.js"
import type { Study } from "../../study/study.js"
import { type FitOptions, preparePatterns } from "../fit.js"
import { type Matrix, rowsOf, zeros } from "../matrix.js"
import { divideBy, normaliseWeeks, spreadOf } from "../preprocess.js"
import { CHANNELS, type Channel, HOURS, WeekClock, weekOf } from "../week.js"
import type { Judged } from "./evaluate.js"
import { activityLabels, covariateMatrix, type Labels, labelled } from "./labels.js"

/** A fold's training people must be enough for a pattern. */
const LEAST_PEOPLE = 20

export interface Judgeable {
  judged: Judged
  channels: Channel[]
  /** People who are known but not judged, and why. */
  left: { people: number; because: string }[]
}

/** Why nobody can be judged. */
export interface NotJudgeable {
  noAnswer: string
}

export async function judgedOfStudy(
  study: Study,
  labels: Labels,
  options: FitOptions,
): Promise<Judgeable | NotJudgeable> {
  if (labels.activities.length === 0) {
    return { noAnswer: "no column holds activities: 1 or 0, yes or no for every listener" }
  }
  const { people, x, eligible, channels } = await preparePatterns(study, options)
  const told = new Set(
    labelled(
      labels,
      people.map(({ subject }) => subject),
    ),
  )
  const rows = eligible.filter((row) => told.has(row))
  if (rows.length < LEAST_PEOPLE) {
    return {
      noAnswer: `${rows.length} listeners have both enough plays and an answer for every activity; ${LEAST_PEOPLE} are the least`,
    }
  }
  const subjects = rows.map((row) => people[row].subject as number)
  return {
    channels,
    judged: {
      weeks: rowsOf(x, rows),
      hours: hoursOf(rows.map((row) => people[row].week.channels)),
      plays: Float64Array.from(rows, (row) => people[row].week.plays),
      covariates: covariateMatrix(labels, subjects),
      activities: activityLabels(labels, subjects),
    },
    left: [
      { people: people.length - eligible.length, because: "too few plays or weeks" },
      { people: eligible.length - rows.length, because: "no answer for every activity" },
    ].filter((row) => row.people > 0),
  }
}

/** @param weeks observed of everybody */
export function judgedOfSimulation(
  count: number,
  weeks: number,
  seed: number,
  options: FitOptions,
): Judgeable {
  const people = simulatePeople(count, weeks, seed)
  const clock = new WeekClock("UTC")
  const lived = people.map(({ plays, observed }) => weekOf(plays, observed, clock, options.ratios ?? "raw"))
  const { x } = normaliseWeeks(
    lived.map(({ channels }) => channels),
    CHANNELS,
    options.smoothing,
  )
  divideBy(x, spreadOf(x) || 1)
  const ages = 1 + Math.max(0, ...people.map(({ age }) => age))
  const covariates = zeros(count, ages + 1)
  for (const [i, { age, gender }] of people.entries()) {
    covariates.values[i * covariates.columns + age] = 1
    covariates.values[i * covariates.columns + ages] = gender
  }
  return {
    channels: [...CHANNELS],
    judged: {
      weeks: x,
      hours: hoursOf(lived.map(({ channels }) => channels)),
      plays: Float64Array.from(lived, ({ plays }) => plays),
      covariates,
      activities: new Map(
        ACTIVITIES.map((name, a) => [name, Uint8Array.from(people, ({ labels }) => labels[a])]),
      ),
    },
    left: [],
  }
}

function hoursOf(channels: readonly Float64Array[]): Matrix {
  const made = zeros(channels.length, CHANNELS.length * HOURS)
  for (const [row, own] of channels.entries()) made.values.set(own, row * made.columns)
  return made
}
