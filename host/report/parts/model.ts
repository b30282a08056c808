// What the models of the listeners say, and how far to trust them. The same in every arm: a taste is estimated from plays
// alone, whoever designed the playlists.

import * as Plot from "@observablehq/plot"
import { rowsIn } from "../../archive/collect.js"
import { integer, number, string } from "../../archive/field.js"
import { KHAT_LIMIT } from "../../model/diagnose.js"
import { DRIFT_LIMIT } from "../../model/drift.js"
import { log } from "../../model/elementary.js"
import { type FeatureSpec, featureMatrix, type Song } from "../../model/features.js"
import { hazardCurve, logHazard } from "../../model/hazard.js"
import { MIN_HEARD_S } from "../../model/observations.js"
import { predictSongs } from "../../model/predict.js"
import type { TasteModel } from "../../model/taste.js"
import { decodeTaste } from "../../model/taste-bytes.js"
import { ACCENT, draw, GREY, WARM } from "../draw.js"
import { type Column, noAnswer, type Part } from "../part.js"
import { endChosen, newestTastes, type ReportData, type ReportPlay, type StoredTaste } from "../study-data.js"
import { groupBy, meanOf, quantileOf, summaryOf } from "../summary.js"

const NO_MODEL = "no model has been estimated yet: fieldtune round does it"

export interface Taste extends StoredTaste {
  taste: TasteModel
}

/** The newest model of every listener, opened once for all parts. */
export function openTastes(data: ReportData): Taste[] {
  return newestTastes(data).map((stored) => ({ ...stored, taste: decodeTaste(stored.bytes) }))
}

function songsOf({ tables }: ReportData): (Song & { lengthS: number })[] {
  return rowsIn(tables, "songs").map((row) => ({
    id: row.song as number,
    genre: (row.genre as string | null) ?? undefined,
    attributes: row.attributes as Record<string, number>,
    lengthS: (row.length_ms as number) / 1000,
  }))
}

// ── hazard ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** The thesis's figure 1 tells how the curve changes its shape between them. */
const SIGMAS = [0.5, 1, 2] as const
const TIMES = Array.from({ length: 61 }, (_, i) => Number((300 ** (i / 60)).toPrecision(4)))

const CURVES: readonly Column[] = [
  string("curve", "sigma …: lognormal with the study's median log time; listeners: posterior medians."),
  number("seconds", "Time heard so far.", { unit: "s" }),
  number("low", "Lower quartile over the listeners.", { missing: "one curve", unit: "1/s" }),
  number("hazard", "Rate of skipping of those who still listen; over the listeners the median.", {
    unit: "1/s",
  }),
  number("high", "Upper quartile over the listeners.", { missing: "one curve", unit: "1/s" }),
]

/** When listeners skip: the lognormal hazard for some σ, and what the models found. */
export function hazard(data: ReportData, tastes: readonly Taste[]): Part {
  const title = "When listeners skip"
  const head = {
    id: "hazard",
    title,
    says: `The hazard: how likely a skip is in the next second, of those who are still listening. Lines: the lognormal hazard for σ = ${SIGMAS.join(", ")} with the median log time of this study's models; a small σ rises before it falls, a large one falls practically from the start. Band: the middle half of the listeners' own curves (posterior medians) for a song of average features, and their median.`,
    thesis: "figure 1",
  }
  if (tastes.length === 0 || data.features === null) return noAnswer(head, NO_MODEL)
  const x = averageSong(data.features, songsOf(data))
  const curves = tastes.map(({ taste }) => hazardCurve(taste.particles, x, TIMES, [0.5])[0])
  const mu = summaryOf(tastes.map(({ taste }) => dot(taste.posterior.mean, x))).median as number
  const found = TIMES.map((seconds, k) => {
    const sorted = curves.map((curve) => curve[k]).sort((a, b) => a - b)
    const [low, hazardNow, high] = [0.25, 0.5, 0.75].map((q) => quantileOf(sorted, q))
    return { curve: "listeners", seconds, low, hazard: hazardNow, high }
  })
  const references = SIGMAS.flatMap((sigma) =>
    TIMES.map((seconds) => ({
      curve: `sigma ${sigma}`,
      seconds,
      low: null,
      hazard: Math.exp(logHazard(log(seconds), mu, sigma)) / seconds,
      high: null,
    })),
  )
  const sigmas = summaryOf(tastes.map(({ taste }) => taste.posterior.sigma))
  const alt = `σ of the listeners: median ${(sigmas.median as number).toFixed(2)}, from ${(sigmas.least as number).toFixed(2)} to ${(sigmas.most as number).toFixed(2)}.`
  const svg = draw({
    title,
    subtitle: `${tastes.length} listeners; ${alt}`,
    keys: [
      { label: "listeners: median and middle half", colour: ACCENT, symbol: "line" },
      ...SIGMAS.map((sigma, i) => ({ label: `σ = ${sigma}`, ...SIGMA_STYLES[i] })),
    ],
    alt,
    height: 320,
    plot: {
      x: {
        type: "log",
        label: "seconds heard so far (equal factors)",
        ticks: [1, 3, 10, 30, 100, 300],
        tickFormat: "d",
      },
      y: { label: "hazard of a skip, per second", grid: true },
      marks: [
        Plot.areaY(found, { x: "seconds", y1: "low", y2: "high", fill: ACCENT, fillOpacity: 0.22 }),
        ...SIGMAS.map((sigma, i) =>
          Plot.line(
            references.filter(({ curve }) => curve === `sigma ${sigma}`),
            {
              ...{ x: "seconds", y: "hazard", stroke: SIGMA_STYLES[i].colour, strokeWidth: 1.6 },
              strokeDasharray: SIGMA_STYLES[i].symbol === "dashes" ? "4 3" : undefined,
            },
          ),
        ),
        Plot.line(found, { x: "seconds", y: "hazard", stroke: ACCENT, strokeWidth: 3 }),
        Plot.ruleY([0]),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: CURVES, rows: [...found, ...references] }
}

const SIGMA_STYLES = [
  { colour: WARM, symbol: "line" },
  { colour: GREY, symbol: "line" },
  { colour: "currentColor", symbol: "dashes" },
] as const

/** Column means of the catalogue, first column 1. */
function averageSong(spec: FeatureSpec, songs: readonly Song[]): number[] {
  const x = featureMatrix(spec, songs)
  const p = spec.names.length
  return spec.names.map((_, q) => meanOf(songs.map((__, row) => x[row * p + q])))
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0)
}

// ── foretold and happened ────────────────────────────────────────────────────────────────────────────────────────

const FORETOLD: readonly Column[] = [
  integer("bin", "Plays sorted by what was expected, in bins of about the same size."),
  integer("plays", "Plays in it."),
  number("expected", "Mean of the share of the song that the listener's own model expected to be heard."),
  number("happened", "Mean of the share that was heard."),
  number("standard_error", "Of the mean that happened, listeners taken as clusters.", {
    missing: "plays of one listener",
  }),
]
const BINS = 10

/** What the models of before expected of every play, and what came. */
export function foretold(data: ReportData): Part {
  const title = "What the models foretold, and what happened"
  const head = {
    id: "foretold",
    title,
    says: "Every play is foretold by the newest model of its listener from before it arrived, so nothing is judged by what it was fitted to. Plays in tenths by the expected share heard; marks on the line: expected and happened agree. Above the line the listener heard more than expected. Plays of first waves have no model before them; ends that the listener did not choose are left out.",
  }
  if (data.tastes.length === 0 || data.features === null) return noAnswer(head, NO_MODEL)
  const pairs = foretoldPlays(data, data.features)
  if (pairs.length === 0)
    return noAnswer(head, "no play has arrived after the first estimate of its listener")
  const sorted = pairs.sort((a, b) => a.expected - b.expected || a.play - b.play)
  const bins = Math.min(BINS, Math.max(1, Math.floor(sorted.length / 20)))
  const rows = Array.from({ length: bins }, (_, bin) => {
    const group = sorted.slice(
      Math.floor((bin * sorted.length) / bins),
      Math.floor(((bin + 1) * sorted.length) / bins),
    )
    return {
      bin: bin + 1,
      plays: group.length,
      expected: meanOf(group.map(({ expected }) => expected)),
      happened: meanOf(group.map(({ happened }) => happened)),
      standard_error: clusteredError(group),
    }
  })
  const all = {
    expected: meanOf(sorted.map((p) => p.expected)),
    happened: meanOf(sorted.map((p) => p.happened)),
  }
  const r = correlation(sorted)
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`
  const alt = `${sorted.length} plays: expected ${percent(all.expected)} of a song, happened ${percent(all.happened)}; ${r === null ? "no correlation, because nothing varies" : `correlation ${r.toFixed(2)} play by play`}.`
  const reach = rows.map((row) => ({
    ...row,
    low: row.happened - 2 * (row.standard_error ?? 0),
    high: row.happened + 2 * (row.standard_error ?? 0),
  }))
  const svg = draw({
    title,
    subtitle: `${alt.slice(0, -1)}; bars: ±2 SE`,
    alt,
    height: 420,
    plot: {
      marginRight: 190,
      x: { label: "expected share heard, %", percent: true, domain: [0, 100], grid: true },
      y: { label: "share heard, %", percent: true, domain: [0, 100], grid: true },
      marks: [
        Plot.link([0], { x1: 0, y1: 0, x2: 1, y2: 1, stroke: GREY, strokeDasharray: "4 3" }),
        Plot.ruleX(reach, { x: "expected", y1: "low", y2: "high", stroke: ACCENT, strokeWidth: 2 }),
        Plot.dot(rows, { x: "expected", y: "happened", fill: ACCENT, r: 5 }),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: FORETOLD, rows }
}

interface Foretold {
  play: number
  subject: number
  expected: number
  happened: number
}

function foretoldPlays(data: ReportData, spec: FeatureSpec): Foretold[] {
  const songs = songsOf(data)
  const x = featureMatrix(spec, songs)
  const logLength = Float64Array.from(songs, ({ lengthS }) => log(lengthS))
  const rowOf = new Map(songs.map(({ id }, row) => [id, row]))
  const tastesOf = groupBy(data.tastes, ({ subject }) => subject)
  const byTaste = new Map<StoredTaste, ReportPlay[]>()
  for (const play of data.plays) {
    if (!endChosen(play.reason) || play.heardMs < 1000 * MIN_HEARD_S || !rowOf.has(play.song)) continue
    const before = tastesOf.get(play.subject)?.findLast(({ toPlay }) => toPlay < play.id)
    if (before === undefined) continue
    byTaste.set(before, [...(byTaste.get(before) ?? []), play])
  }
  const p = spec.names.length
  return [...byTaste].flatMap(([stored, plays]) => {
    const { particles } = decodeTaste(stored.bytes)
    if (particles.p !== p) return []
    const heard = [...new Set(plays.map(({ song }) => song))]
    const table = new Float64Array(heard.length * p)
    for (const [i, song] of heard.entries()) {
      const row = rowOf.get(song)!
      table.set(x.subarray(row * p, (row + 1) * p), i * p)
    }
    const { share } = predictSongs(
      particles,
      table,
      Float64Array.from(heard, (song) => logLength[rowOf.get(song)!]),
    )
    const expected = new Map(heard.map((song, i) => [song, share[i]]))
    return plays.map(({ id, subject, song, heardMs, lengthMs }) => ({
      play: id,
      subject,
      expected: expected.get(song)!,
      happened: Math.min(1, heardMs / (lengthMs as number)),
    }))
  })
}

/** Standard error of the mean of what happened, listeners as clusters (Liang & Zeger 1986 for a mean). */
function clusteredError(group: readonly Foretold[]): number | null {
  const clusters = [...groupBy(group, ({ subject }) => subject).values()]
  const count = clusters.length
  if (count < 2) return null
  const mean = meanOf(group.map(({ happened }) => happened))
  let squares = 0
  for (const plays of clusters) {
    squares += plays.reduce((sum, { happened }) => sum + happened - mean, 0) ** 2
  }
  return Math.sqrt((squares * count) / (count - 1)) / group.length
}

function correlation(pairs: readonly Foretold[]): number | null {
  const [a, b] = [meanOf(pairs.map((p) => p.expected)), meanOf(pairs.map((p) => p.happened))]
  let [ab, aa, bb] = [0, 0, 0]
  for (const { expected, happened } of pairs) {
    ab += (expected - a) * (happened - b)
    aa += (expected - a) ** 2
    bb += (happened - b) ** 2
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : null
}

// ── what matters to whom ─────────────────────────────────────────────────────────────────────────────────────────

const INCLUSION: readonly Column[] = [
  string("variable", "Attribute or genre."),
  integer("subject", "Number of the listener."),
  number("inclusion", "Probability that it matters to the listener."),
  number("mean", "Posterior mean of its coefficient on log seconds (0 where it is not in)."),
  number("sd", "Posterior standard deviation."),
]
/** More variables than this make the figure unreadable; the file beside has them all. */
const MOST_VARIABLES = 40

export function inclusion(tastes: readonly Taste[]): Part {
  const title = "What matters to whom"
  const head = {
    id: "inclusion",
    title,
    says: "Probability that a variable is in a listener's model, before any data one half. Every column is a listener, by number; the darker, the surer. Variables are sorted by their mean over the listeners.",
  }
  if (tastes.length === 0) return noAnswer(head, NO_MODEL)
  const rows = tastes.flatMap(({ subject, taste }) =>
    taste.hyper.names.slice(1).map((variable, q) => ({
      variable,
      subject,
      inclusion: taste.posterior.inclusion[q + 1],
      mean: taste.posterior.mean[q + 1],
      sd: taste.posterior.sd[q + 1],
    })),
  )
  if (rows.length === 0)
    return noAnswer(head, "the songs of the catalogue differ in no attribute and no genre")
  const means = [...groupBy(rows, ({ variable }) => variable)]
    .map(([variable, group]) => ({ variable, mean: meanOf(group.map((row) => row.inclusion)) }))
    .sort((a, b) => b.mean - a.mean || (a.variable < b.variable ? -1 : 1))
  const shown = means.slice(0, MOST_VARIABLES).map(({ variable }) => variable)
  const drawn = rows.filter(({ variable }) => shown.includes(variable))
  const alt = `Most often in: ${means
    .slice(0, 3)
    .map(({ variable, mean }) => `${variable} (mean probability ${mean.toFixed(2)})`)
    .join(", ")}.`
  const cut = (name: string): string => (name.length > 22 ? `${name.slice(0, 21)}…` : name)
  const svg = draw({
    title,
    subtitle: alt,
    keys: [0.1, 0.5, 0.9].map((opacity) => ({ label: `${opacity}`, colour: ACCENT, opacity })),
    alt,
    height: 90 + 18 * shown.length,
    plot: {
      marginLeft: 190,
      marginRight: 60,
      x: {
        label: `${tastes.length} listeners, by number`,
        ticks: [],
        padding: tastes.length > 60 ? 0 : 0.08,
      },
      y: { label: null, domain: shown, tickFormat: cut, padding: 0.1 },
      marks: [
        Plot.cell(drawn, {
          ...{ x: "subject", y: "variable", fill: ACCENT },
          fillOpacity: (row: { inclusion: number }) => Math.round(100 * row.inclusion) / 100,
        }),
        Plot.text(means.slice(0, MOST_VARIABLES), {
          ...{ y: "variable", frameAnchor: "right", textAnchor: "start", dx: 8 },
          text: ({ mean }) => mean.toFixed(2),
        }),
      ],
    },
  })
  return { kind: "figure", ...head, svg, alt, columns: INCLUSION, rows }
}

// ── averaging weights ────────────────────────────────────────────────────────────────────────────────────────────

const WEIGHTS: readonly Column[] = [
  string("what", "Of all pairs of a listener and another one whose model spoke for it."),
  {
    ...number("study", "Of this study.", { missing: "one pair has no spread" }),
    shown: "decimals",
    digits: 3,
  },
  {
    ...number("thesis", "As the thesis prints it (86 listeners, about 98 plays each)."),
    shown: "decimals",
    digits: 2,
  },
]
/** Table 8 of the thesis, as host/replicate and the model's design have it. */
const THESIS = { mean: 0.87, median: 0.91, sd: 0.19, least: 0.05, most: 1.35, above: 0.16 }

export function weights({ tables }: ReportData): Part {
  const rounds = rowsIn(tables, "rounds")
  const weighting = rounds.at(-1)?.weighting as string | undefined
  const head = {
    id: "averaging-weights",
    title: "Averaging weights",
    says: `What say the models of others have in a listener's predictions: the weight of each other listener's model, divided by that of the listener's own.${weighting === undefined ? "" : ` Weighting of the last round: ${weighting}.`} Other weightings have other scales, so the thesis's column is beside for orientation: its weights are ratios of likelihoods (profile thesis: density).`,
    thesis: "table 8",
  }
  const models = rowsIn(tables, "models").filter(({ kind }) => kind === "taste")
  const subjectOf = new Map(models.map(({ model, subject }) => [model, subject as number]))
  const byModel = groupBy(rowsIn(tables, "weights"), ({ model }) => model as number)
  // Of every listener the newest model that was averaged.
  const newest = new Map<number, number>()
  for (const model of byModel.keys()) {
    const subject = subjectOf.get(model)
    if (subject !== undefined) newest.set(subject, Math.max(model, newest.get(subject) ?? 0))
  }
  const ratios: number[] = []
  for (const [subject, model] of newest) {
    const rows = byModel.get(model)!
    const own = rows.find(({ donor }) => donor === subject)?.log_weight as number | undefined
    if (own === undefined || !Number.isFinite(own)) continue
    for (const { donor, log_weight } of rows) {
      if (donor !== subject && donor !== 0) ratios.push(Math.exp((log_weight as number) - own))
    }
  }
  if (newest.size === 0) return noAnswer(head, "no round has averaged models yet")
  if (ratios.length === 0) return noAnswer(head, "nobody's model has had a say for anybody else")
  const { n, mean, median, sd, least, most } = summaryOf(ratios)
  const above = ratios.filter((ratio) => ratio > 1).length / n
  const rows = [
    { what: "mean", study: mean, thesis: THESIS.mean },
    { what: "median", study: median, thesis: THESIS.median },
    { what: "standard deviation", study: sd, thesis: THESIS.sd },
    { what: "smallest", study: least, thesis: THESIS.least },
    { what: "largest", study: most, thesis: THESIS.most },
    { what: "share above 1", study: above, thesis: THESIS.above },
  ]
  const says = `${head.says} ${n} pairs of ${newest.size} listeners.`
  return { kind: "table", ...head, says, columns: WEIGHTS, rows }
}

// ── diagnostics in words ─────────────────────────────────────────────────────────────────────────────────────────

const DIAGNOSTICS: readonly Column[] = [
  { ...integer("subject", "Number of the listener."), heading: "listener" },
  integer("plays", "Plays in the model."),
  { ...number("censored", "Share of them that ended later than is known."), shown: "percent" },
  { ...number("sigma", "Posterior mean of σ, the spread of log time."), shown: "decimals", digits: 2 },
  {
    ...number("ess", "Independent draws that the estimate is worth."),
    shown: "decimals",
    digits: 0,
    heading: "worth draws",
  },
  integer("particles", "Particles."),
  {
    ...number("khat", "Pareto k̂ of the last update.", { missing: "a first block, or nothing to fit" }),
    shown: "decimals",
    digits: 2,
  },
  {
    ...number("drift_p", "How often an unchanged taste would surprise as much.", { missing: "not judged" }),
    shown: "p",
    heading: "drift p",
  },
  string("verdict", "In words."),
]
/** Fewer independent draws than this: the second digit of a mean is not to be trusted (host/model/taste.ts). */
const FEW_DRAWS = 100

export function diagnostics(tastes: readonly Taste[]): Part {
  const head = {
    id: "diagnostics",
    title: "How far to trust each model",
    says: "One row per listener's newest model. A verdict other than “sound” says what to be careful with; what it leaves untouched stays usable.",
  }
  if (tastes.length === 0) return noAnswer(head, NO_MODEL)
  const rows = tastes.map(({ subject, taste }) => {
    const { ess, khat, drift } = taste.diagnostics
    return {
      subject,
      plays: taste.plays,
      censored: taste.plays === 0 ? null : taste.censored / taste.plays,
      sigma: taste.posterior.sigma,
      ess,
      particles: taste.particles.m,
      khat,
      drift_p: drift?.p ?? null,
      verdict: verdictOf(taste),
    }
  })
  return { kind: "table", ...head, columns: DIAGNOSTICS, rows }
}

export const SOUND = "sound"

function verdictOf({ diagnostics: found, plays, hyper, particles }: TasteModel): string {
  const { ess, khat, drift, rhat, refitted } = found
  const said: string[] = []
  if (plays < hyper.names.length) said.push("few plays: much of it is the prior")
  if (ess < Math.min(FEW_DRAWS, particles.m))
    said.push("few independent draws: second digits are not to be trusted")
  if (khat !== null && khat > KHAT_LIMIT && !refitted) said.push("few particles carry it")
  if (rhat !== null && rhat > RHAT_LIMIT) said.push("the chains have not met")
  if (drift !== null && drift.p <= DRIFT_LIMIT) {
    said.push(
      "drift: the newest plays are not what it expected; the taste may have changed, or somebody else listened",
    )
  }
  if (said.length === 0) return refitted ? `${SOUND}; fitted again from all plays` : SOUND
  return said.join("; ")
}

/** As host/model/taste.ts warns. */
const RHAT_LIMIT = 1.05
