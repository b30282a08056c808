// How answers go together with listening, as the dissertation asked it of its five questions.
//
// Per listener, over the plays from playlists of the study that were heard for at least half a second:
//   shareHeard, shareFinished, plays       over all waves (outcomes.ts)
//   changeHeard, changeFinished            last wave less first wave, of listeners who have plays in both
//
// Arms do not enter, so a blind study stays blind.

import { outcomeValues } from "./outcomes.js"
import { type Correlation, pearson, spearman } from "./statistics/correlation.js"
import type { NoTest } from "./statistics/welch.js"
import { planNow, type Study } from "./study.js"
import { isNumeric, questionsOf, scaleOf } from "./survey-questions.js"

const MEASURES = ["shareHeard", "shareFinished", "plays", "changeHeard", "changeFinished"] as const
type ListeningMeasure = (typeof MEASURES)[number]

export interface SurveyCorrelation {
  question: string
  measure: ListeningMeasure
  pearson: Correlation | NoTest
  spearman: Correlation | NoTest
}

export interface SurveyCorrelations {
  correlations: SurveyCorrelation[]
  /** Answers on another scale than the plan's present one, which were left out. */
  otherScale: number
  /** First and last wave that there are playlists of; null without any. */
  waves: [first: number, last: number] | null
}

/** Shorter plays are slips, milliseconds. */
const SLIP_MS = 500

/** Every question with numbers for answers, with every measure of listening. */
export async function correlateSurvey(study: Study): Promise<SurveyCorrelations> {
  const questions = questionsOf(await planNow(study)).filter(isNumeric)
  const { listening, waves } = await listeningOf(study)
  let otherScale = 0
  const correlations: SurveyCorrelation[] = []
  const current = await study.store.surveys.current()
  for (const question of questions) {
    const all = current.filter((row) => row.question === question.id)
    const alike = all.filter(({ asked }) => scaleOf(asked) === scaleOf(question))
    otherScale += all.length - alike.length
    for (const measure of MEASURES) {
      const pairs = alike.flatMap(({ subject, answer }) => {
        const value = listening.get(subject)?.[measure] ?? null
        return value === null ? [] : [[answer as number, value] as const]
      })
      correlations.push({
        ...{ question: question.id, measure, pearson: pearson(pairs), spearman: spearman(pairs) },
      })
    }
  }
  return { correlations, otherScale, waves }
}

type Listening = Record<ListeningMeasure, number | null>

async function listeningOf({ store }: Study) {
  const songs = await store.songs.all()
  const playlists = await store.playlists.all()
  const numbers = playlists.map(({ wave }) => wave)
  const waves = numbers.length === 0 ? null : ([Math.min(...numbers), Math.max(...numbers)] as const)
  const given = {
    plays: await store.plays.all(),
    lengths: new Map(songs.map(({ id, lengthMs }) => [id, lengthMs])),
  }
  const outcome = (measure: "shareHeard" | "shareFinished" | "plays") => ({
    ...{ name: measure, measure, waves: [...new Set(numbers)], minHeardMs: SLIP_MS, primary: false },
  })
  const byWave = outcomeValues({
    ...given,
    playlists,
    outcomes: ["shareHeard" as const, "shareFinished" as const].map(outcome),
  })
  // All waves as one.
  const whole = playlists.map(({ id, subject }) => ({ id, subject, wave: 1 }))
  const overall = outcomeValues({
    ...given,
    playlists: whole,
    outcomes: (["shareHeard", "shareFinished", "plays"] as const).map((measure) => ({
      ...outcome(measure),
      waves: [1],
    })),
  })
  const valueIn = (rows: typeof overall, subject: number, measure: string, wave: number): number | null =>
    rows.find((row) => row.subject === subject && row.measure === measure && row.wave === wave)?.value ?? null
  const listening = new Map<number, Listening>()
  for (const subject of new Set(playlists.map((list) => list.subject))) {
    const change = (measure: string): number | null => {
      if (waves === null || waves[0] === waves[1]) return null
      const [first, last] = waves.map((wave) => valueIn(byWave, subject, measure, wave))
      return first === null || last === null ? null : last - first
    }
    listening.set(subject, {
      shareHeard: valueIn(overall, subject, "shareHeard", 1),
      shareFinished: valueIn(overall, subject, "shareFinished", 1),
      plays: valueIn(overall, subject, "plays", 1),
      changeHeard: change("shareHeard"),
      changeFinished: change("shareFinished"),
    })
  }
  return { listening, waves: waves === null ? null : ([waves[0], waves[1]] as [number, number]) }
}
