// What a rehearsed study found, as lines of text: the tables beside what the thesis prints, and what to do next.

import type { Comparison, Findings, WeightSpread } from "../rehearsal/whole-study/findings.js"
import { POPULATION } from "../rehearsal/whole-study/population.js"
import type { RehearsedStudy, RepeatedComparison } from "../rehearsal/whole-study/rehearse.js"
import { table } from "./table.js"

/** T. S. Chung, "My Mobile Music", 2007, table 8: weights of other listeners' models, 86 subjects. */
const THESIS_TABLE_8 = { mean: 0.87, median: 0.91, low: 0.05, high: 1.35, sd: 0.19, aboveOwn: 0.16 }

export function rehearsalLines(
  found: RehearsedStudy,
  { repeat, keep, thesis }: { repeat: number; keep?: string; thesis: boolean },
): string[] {
  const { first } = found
  const what = thesis ? "The thesis's experiment" : "The planned study"
  const boards = first.firmware === "vm" ? "the real firmware in the VM" : "the model of the firmware"
  return [
    `${what}, rehearsed: ${first.subjects} virtual listeners, ${first.waves} wave${first.waves === 1 ? "" : "s"}, ${first.plays} plays, ${boards}, effect ${first.effect}, seed ${first.seed}${repeat > 1 ? ` (the first of ${repeat})` : ""}.`,
    "",
    ...armLines(first),
    "",
    ...table8Lines(first),
    "",
    ...table9Lines(first),
    "",
    ...(repeat > 1 ? [...repeatLines(found.comparisons, repeat), ""] : []),
    ...truthLines(first),
    ...needLines(first),
    "",
    ...assumptions(first),
    "",
    found.lost + found.duplicated + found.panics > 0
      ? `! ${found.lost} listens lost, ${found.duplicated} doubled, ${found.panics} panics: do not rely on this firmware and host in the field`
      : `Nothing was lost and nothing doubled${repeat > 1 ? ` in ${repeat} studies` : ""}.`,
    `Content of the database: ${first.sha}`,
    nextStep(repeat, keep),
  ]
}

const percent = (value: number | null): string | undefined =>
  value === null ? undefined : `${(100 * value).toFixed(1)} %`
const number = (value: number, digits = 2): string => value.toFixed(digits)

function armLines({ arms }: Findings): string[] {
  const rows = Object.entries(arms).flatMap(([name, { subjects, shareHeard, shareFinished }]) =>
    shareHeard.map((share, i) => [name, subjects, i + 1, percent(share), percent(shareFinished[i])]),
  )
  return table(["arm", "subjects", "wave", "share heard", "share finished"], rows)
}

function table8Lines({ table8 }: Findings): string[] {
  const cells = (spread: Omit<WeightSpread, "weights"> | null): (string | undefined)[] =>
    spread === null
      ? []
      : [
          ...[spread.mean, spread.median, spread.low, spread.high, spread.sd].map((value) => number(value)),
          percent(spread.aboveOwn),
        ]
  const { used, density } = table8
  return [
    "Table 8: weights of the other listeners' models in a listener's average after the first wave (own model = 1)",
    ...table(
      ["weights", "mean", "median", "lowest", "highest", "sd", "above own"],
      [
        ["thesis, printed", ...cells(THESIS_TABLE_8)],
        ["density, as the thesis weighs", ...cells(density)],
        [`${used.weighting}, as this study weighs`, ...cells(used.spread)],
      ],
    ),
  ]
}

const MEASURE = { shareHeard: "share heard", shareFinished: "share finished" }

const periodOf = (wave: Comparison["wave"]): string => (wave === "change" ? "change" : `wave ${wave}`)

function table9Lines({ table9 }: Findings): string[] {
  if (table9.length === 0) return ["Table 9 compares arms; there is only one."]
  const rows = table9.map(({ measure, wave, arms, test }) => {
    const head = [MEASURE[measure], periodOf(wave), arms.join(" − ")]
    if (!("t" in test)) return [...head, `no test: ${test.reason}`]
    const points = (value: number): string => (100 * value).toFixed(1)
    return [
      ...head,
      ...test.means.map(points),
      points(test.difference),
      `${points(test.low)} … ${points(test.high)}`,
      number(test.t),
      number(test.df, 1),
      test.p < 0.0001 ? "<.0001" : number(test.p, 4),
    ]
  })
  const head = ["outcome", "period", "arms", "first", "second", "difference", "95 % interval", "t", "df", "p"]
  return [
    "Table 9: arms compared, in points of percent (Welch's t-test, subjects as units)",
    ...table(head, rows),
    "The thesis's own table 9 is not among this project's sources, so its figures do not stand here.",
  ]
}

function repeatLines(comparisons: readonly RepeatedComparison[], repeat: number): string[] {
  const rows = comparisons.map(({ measure, wave, arms, tests, mean, sd, power, powerError, coverage }) => [
    MEASURE[measure],
    periodOf(wave),
    arms.join(" − "),
    tests,
    mean === null ? undefined : (100 * mean).toFixed(1),
    sd === null ? undefined : (100 * sd).toFixed(1),
    power === null || powerError === null
      ? undefined
      : `${(100 * power).toFixed(0)} ± ${(100 * powerError).toFixed(0)} %`,
    percent(coverage),
  ])
  return [
    `${repeat} studies: power = share of them with p < .05; coverage = share whose 95 % interval holds the mean of the others`,
    ...table(["outcome", "period", "arms", "tests", "mean difference", "sd", "power", "coverage"], rows),
  ]
}

function truthLines({ estimates, price }: Findings): string[] {
  const { coefficients, coverage, bias, size } = estimates
  const paid = Object.entries(price).flatMap(([arm, cost]) =>
    cost === null
      ? []
      : [
          `${arm} ${percent(cost.mean)} of the utility of a list (at most ${percent(cost.most)}, ${cost.lists} lists)`,
        ],
  )
  return [
    coverage === null
      ? "Estimates: nobody has a model."
      : `Estimates after the first wave: ${percent(coverage)} of ${coefficients} coefficients lie in their 95 % interval${bias === null || size === null ? "" : `; those that matter, ${number(size)} in size, are drawn towards 0 by ${number(-bias)}`}.`,
    paid.length > 0
      ? `Price of exploration and of random slots: ${paid.join("; ")}.`
      : "Price of exploration: no design had a utility to give up.",
  ]
}

function needLines({ needs, droppedOut, boardsLost, lostWithBoards }: Findings): string[] {
  const { logFill, logRoom, notRecorded, listeningHours, longestOutingHours, poweredHours, syncs } = needs
  return [
    `Boards: the fullest log held ${logFill} of ${logRoom} records${notRecorded > 0 ? `, and ${notRecorded} listens found it full` : ""}; per subject and wave ${number(listeningHours.mean, 1)} h of music (at most ${number(listeningHours.most, 1)}), ${number(poweredHours.mean, 1)} h with power (at most ${number(poweredHours.most, 1)}), ${number(syncs.mean, 1)} syncs; the battery has to last ${number(longestOutingHours, 1)} h at a stretch.`,
    `People: ${droppedOut} dropped out, ${boardsLost} lost their board, and ${lostWithBoards} listens with it that had not been synced.`,
  ]
}

function assumptions({ effect }: Findings): string[] {
  const { typicalS, sigma, liked, effect: size, drift, plays, playsSpread, listens, reaches } = POPULATION
  const { dropsOut, loses, clockPpm, constantDrift } = POPULATION
  return [
    "The population: " +
      `an average song is heard for ${typicalS} s (median), σ about ${sigma}; ${liked} attributes matter to a listener, ` +
      `by about ${number(size * effect)} log seconds per standard deviation, and change by ${number(drift * effect)} from wave to wave ` +
      `(the constant by ${constantDrift}); about ${plays} plays a wave (spread ${playsSpread} log) on ${percent(listens)} of its days; ` +
      `the board reaches the host in ${percent(reaches)} of the evenings; ${percent(dropsOut)} drop out and ${percent(loses)} lose their ` +
      `board in a wave; clocks drift by ${clockPpm} ppm.`,
  ]
}

function nextStep(repeat: number, keep: string | undefined): string {
  if (keep !== undefined) {
    return `Next: fieldtune report --study ${keep} writes the report of this rehearsal; fieldtune serve --study ${keep} shows its page`
  }
  if (repeat > 1)
    return "Next: --effect 0 shows what the lengths of the songs alone bring about, and --arms a=DESIGN,b=DESIGN, twice the same, how often nothing is taken for something"
  return "Next: --repeat 20 shows the power of such a study; --keep DIR keeps this one for its page and report"
}
