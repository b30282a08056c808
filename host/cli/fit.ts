// fieldtune fit: listeners' tastes from plain CSV files, without a study.

import { readFile } from "node:fs/promises"
import { Presets, SingleBar } from "cli-progress"
import { type Command, InvalidArgumentError, Option } from "commander"
import { describeFeatures, type FeatureSpec } from "../model/features.js"
import { observeRows } from "../model/observations.js"
import { freezePrior } from "../model/prior.js"
import type { Resampling } from "../model/resample.js"
import { DEFAULT_DRAWS } from "../model/select.js"
import { fitFirstBlock, type Profile, summarise, type TasteModel, updateTaste } from "../model/taste.js"
import { answer, CommandError, command, nameList, wholeNumber } from "./command.js"
import { describeHazard, type HazardRequest, hazardRequest } from "./fit-hazard.js"
import { type FitPlay, readFitInput } from "./fit-input.js"
import { table } from "./table.js"

interface Options {
  plays: string
  songs: string
  subject?: string
  blocks?: number[]
  profile: Profile
  seed: number
  draws: number
  chains: number
  expectedSize?: number
  resampling: Resampling
  forgetting: number
  ignore?: string[]
  hazard?: string
  json?: boolean
}

const MAX_DRAWS = 1_000_000
const MAX_CHAINS = 64
const MAX_SEED = Number.MAX_SAFE_INTEGER
/** Decimals of the numbers in JSON: beyond them is Monte Carlo noise. */
const DECIMALS = 6
const PROBABILITY_DECIMALS = 5

export function fitCommand(): Command {
  return command(
    "fit",
    "estimate listeners' tastes from CSV files: the first block by Gibbs sampling, later ones by Sequential Monte Carlo",
    "fieldtune fit --plays plays.csv --songs songs.csv --subject 3 --blocks 1,2 --ignore popularity",
    { standalone: true },
  )
    .requiredOption(
      "--plays <file.csv>",
      "columns subject, song, censored (1 = heard to the end), log_duration or duration_s, and block if there are several",
    )
    .requiredOption(
      "--songs <file.csv>",
      "column song; every numeric column is an attribute, taken as it stands",
    )
    .option("--subject <name>", "only this subject")
    .option(
      "--blocks <numbers>",
      "which blocks, in the order they are taken in (default: all, ascending)",
      blockList,
    )
    .addOption(
      new Option("--profile <name>", "estimation procedure")
        .choices(["default", "thesis"])
        .default("default"),
    )
    .option("--seed <number>", "seed of the random numbers", wholeNumber(0, MAX_SEED), 1)
    .option("--draws <number>", "particles per subject", wholeNumber(1, MAX_DRAWS), DEFAULT_DRAWS)
    .option(
      "--chains <number>",
      "independent chains of the first block, for R-hat",
      wholeNumber(1, MAX_CHAINS),
      1,
    )
    .option(
      "--expected-size <number>",
      "expected number of attributes in a taste, which itself is learnt (default: each is in with probability 1/2)",
      realNumber,
    )
    .addOption(
      new Option("--resampling <name>", "how particles get descendants")
        .choices(["systematic", "ssp"])
        .default("systematic"),
    )
    .option(
      "--forgetting <number>",
      "power that a play loses with every later block, above 0 and at most 1; 1 never forgets",
      realNumber,
      1,
    )
    .option(
      "--ignore <names>",
      "columns of the songs file that are no attributes, separated by commas",
      nameList,
    )
    .option(
      "--hazard <song>",
      "also the hazard curve of this song: how likely a listener skips it, moment by moment",
    )
    .action(run)
}

async function run(options: Options): Promise<void> {
  const [playsText, songsText] = await Promise.all(
    [options.plays, options.songs].map((path) => readFile(path, "utf8")),
  )
  const ignore = options.ignore ?? []
  const input = readFitInput(
    { name: options.plays, text: playsText },
    { name: options.songs, text: songsText },
    ignore,
  )
  for (const name of input.notThere) {
    process.stderr.write(`fieldtune: --ignore: ${options.songs} has no column ${JSON.stringify(name)}\n`)
  }
  const spec = describeFeatures(input.songs, { standardise: false, genres: false })
  checkOptions(options, spec)
  const curve = hazardRequest(options, input, spec)
  const bySubject = new Map<string, FitPlay[]>()
  for (const subject of input.tooShort.keys()) bySubject.set(subject, [])
  for (const play of input.plays) {
    const list = bySubject.get(play.subject)
    if (list === undefined) bySubject.set(play.subject, [play])
    else list.push(play)
  }
  const subjects = wanted([...bySubject.keys()], options)
  const blocks = options.blocks ?? [...new Set(input.plays.map((play) => play.block))].sort((a, b) => a - b)
  const bar = progressBar("fit")
  const results = subjects.map((subject, index) =>
    fitSubject(subject, bySubject.get(subject) ?? [], blocks, spec, options, {
      curve,
      tooShort: input.tooShort.get(subject) ?? 0,
      onProgress: (share) => bar.show((index + share) / subjects.length),
    }),
  )
  bar.stop()
  answer(
    options,
    { subjects: results.map((result) => result.json) },
    results.flatMap((result) => result.lines),
  )
}

function checkOptions({ forgetting, profile, expectedSize }: Options, spec: FeatureSpec): void {
  if (!(forgetting > 0 && forgetting <= 1)) {
    throw new CommandError(`--forgetting: must be above 0 and at most 1, got ${forgetting}`)
  }
  if (forgetting < 1 && profile === "thesis") {
    throw new CommandError(`--forgetting: the thesis profile never forgets, got ${forgetting}`)
  }
  const attributes = spec.names.length - 1
  if (expectedSize !== undefined && !(expectedSize > 0 && expectedSize < attributes)) {
    throw new CommandError(
      `--expected-size: must lie between 0 and the ${attributes} attributes, got ${expectedSize}`,
    )
  }
}

/** The subjects to fit: numbers in numeric order before other names. */
function wanted(found: string[], options: Options): string[] {
  if (options.subject === undefined) {
    return found.sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1))
  }
  if (!found.includes(options.subject)) {
    throw new CommandError(`--subject: ${options.plays} has no plays of ${JSON.stringify(options.subject)}`)
  }
  return [options.subject]
}

/** What a fit needs beside plays and options. */
interface SubjectContext {
  curve: HazardRequest | undefined
  tooShort: number
  onProgress: (share: number) => void
}

function fitSubject(
  subject: string,
  plays: readonly FitPlay[],
  blocks: readonly number[],
  spec: FeatureSpec,
  options: Options,
  { curve, tooShort, onProgress }: SubjectContext,
): { json: object; lines: string[] } {
  const name = /^\d+$/.test(subject) ? Number(subject) : subject
  const { resampling, forgetting } = options
  const common = { seed: options.seed, stream: ["fit", subject], resampling, forgetting }
  const dropped = spec.leftOut.map(({ name, reason }) => `${name} left out: ${reason}`)
  const rows: FitPlay[] = []
  let model: TasteModel | undefined
  let taken = 0
  for (const block of blocks) {
    const fresh = plays.filter((play) => play.block === block)
    taken++
    if (fresh.length === 0) continue
    rows.push(...fresh)
    const observations = observeRows(
      rows.map((row, source) => ({ ...row, source, wave: blocks.indexOf(row.block) + 1 })),
      spec,
      tooShort,
    )
    const progress = (share: number): void => onProgress((taken - 1 + share) / blocks.length)
    if (model !== undefined) {
      model = updateTaste(model, observations, model.plays, { ...common, onProgress: progress })
      continue
    }
    const hyper = freezePrior(observations, spec, { expectedSize: options.expectedSize })
    if ("reason" in hyper) throw new Error(`subject ${subject}: ${hyper.reason}`)
    const { profile, draws, chains } = options
    model = fitFirstBlock(observations, hyper, { ...common, profile, draws, chains, onProgress: progress })
  }
  if (model === undefined) {
    const reason = `no plays of half a second or more in block ${blocks.join(", ")}: nothing to estimate from`
    const nothing = {
      names: spec.names,
      mean: null,
      sd: null,
      inclusion: null,
      sigma: null,
      plays: 0,
      censored: 0,
    }
    return {
      json: {
        subject: name,
        ...nothing,
        particles: 0,
        ess: null,
        khat: null,
        ...(curve === undefined ? {} : { hazard: null }),
        warnings: [reason, ...dropped],
      },
      lines: [`Subject ${subject}: ${reason}`, ""],
    }
  }
  return describe(name, { ...model, warnings: [...model.warnings, ...dropped] }, curve)
}

function describe(
  subject: string | number,
  model: TasteModel,
  request: HazardRequest | undefined,
): { json: object; lines: string[] } {
  const curve = request && describeHazard(model.particles, request)
  const summary = summarise(model)
  const { posterior, diagnostics } = model
  const all = (values: readonly number[], decimals: number): number[] =>
    values.map((v) => rounded(v, decimals))
  const json = {
    subject,
    ...summary,
    mean: all(summary.mean, DECIMALS),
    sd: all(summary.sd, DECIMALS),
    inclusion: all(summary.inclusion, PROBABILITY_DECIMALS),
    sigma: rounded(summary.sigma, DECIMALS),
    meanError: all(posterior.meanError, DECIMALS),
    inclusionError: all(posterior.inclusionError, DECIMALS),
    sigmaSd: rounded(posterior.sigmaSd, DECIMALS),
    rhat: diagnostics.rhat,
    blocks: model.blocks,
    steps: diagnostics.steps,
    stepEss: diagnostics.stepEss,
    drift: diagnostics.drift,
    ancestors: diagnostics.ancestors,
    logScore: diagnostics.logScore,
    refitted: diagnostics.refitted,
    ...(curve && { hazard: curve.json }),
  }
  const tail = summary.khat === null ? "" : `, k-hat ${summary.khat.toFixed(2)}`
  const lines = [
    `Subject ${subject}: ${summary.plays} plays, ${summary.censored} of them censored; sigma ${summary.sigma.toFixed(3)}; ` +
      `${summary.particles} particles, effective ${Math.floor(summary.ess)}${tail}`,
    ...table(
      ["attribute", "in model", "mean", "sd"],
      summary.names.map((name, q) => [
        name,
        summary.inclusion[q].toFixed(2),
        summary.mean[q].toFixed(3),
        summary.sd[q].toFixed(3),
      ]),
    ),
    ...(curve ? ["", ...curve.lines] : []),
    ...summary.warnings.map((warning) => `Note: ${warning}`),
    "",
  ]
  return { json, lines }
}

function rounded(value: number, decimals: number): number {
  const factor = 10 ** decimals
  return Math.round(value * factor) / factor
}

function realNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("must be a number.")
  return value
}

function blockList(text: string, before: number[] = []): number[] {
  const blocks = [...before]
  for (const part of text.split(",").map((piece) => piece.trim())) {
    if (!/^\d{1,9}$/.test(part)) throw new InvalidArgumentError("must be whole numbers separated by commas.")
    if (blocks.includes(Number(part))) throw new InvalidArgumentError(`names block ${part} twice.`)
    blocks.push(Number(part))
  }
  return blocks
}

/** Shorter work shows nothing, milliseconds. */
const SHOW_AFTER_MS = 2000

/** Progress of work that holds the event loop, so that no timer can draw it. */
function progressBar(label: string): { show(share: number): void; stop(): void } {
  const began = Date.now()
  let bar: SingleBar | undefined
  return {
    show(share) {
      if (!process.stderr.isTTY || Date.now() - began < SHOW_AFTER_MS) return
      if (bar === undefined) {
        bar = new SingleBar(
          { format: `${label} {bar} {percentage} %`, stream: process.stderr, clearOnComplete: true },
          Presets.shades_classic,
        )
        bar.start(100, 0)
      }
      bar.update(Math.floor(100 * share))
    },
    stop() {
      bar?.stop()
    },
  }
}
