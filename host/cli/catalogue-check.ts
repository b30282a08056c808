// fieldtune catalogue check: what the attributes are good for, before a study goes by them.

import type { Command } from "commander"
import { type CatalogueReport, describeCatalogue } from "../catalogue/describe.js"
import { openStudy } from "../study/study.js"
import { answer, type CommonOptions, command } from "./command.js"
import { table } from "./table.js"

/** From here on a coefficient is told apart badly (a rule of thumb: Kutner et al. 2005, Applied Linear Statistical Models). */
const INFLATED = 10
/** A genre with fewer songs is hard to tell from its songs. */
const FEW_SONGS = 5

export function catalogueCheckCommand(): Command {
  return command(
    "check",
    "attributes: what is missing, what stands out, what says the same as something else",
    "fieldtune catalogue check",
  ).action(async (options: CommonOptions) => {
    const study = await openStudy(options.study)
    try {
      const report = describeCatalogue(await study.store.songs.all())
      answer(options, report, report.songs === 0 ? EMPTY : lines(report))
    } finally {
      await study.close()
    }
  })
}

const EMPTY = ["The catalogue is empty.", "Next: fieldtune catalogue add FOLDER"]

function lines(report: CatalogueReport): string[] {
  const round = (value: number): number => Number(value.toPrecision(4))
  const factors = new Map(report.inflation.map(({ name, factor }) => [name, round(factor)]))
  const found = findings(report)
  return [
    ...(report.attributes.length === 0
      ? ["No song has an attribute: taste can only go by genre."]
      : table(
          ["attribute", "songs", "min", "mean", "max", "variance inflation"],
          report.attributes.map(({ name, songs, min, mean, max }) => [
            ...[name, songs, round(min), round(mean), round(max), factors.get(name)],
          ]),
        )),
    "",
    `Genres: ${report.genres.map(({ genre, songs }) => `${genre || "(none)"} ${songs}`).join(", ")}.`,
    ...(found.length === 0 ? [`Nothing stands out in ${report.songs} songs.`] : found),
    "Next: fieldtune enrol 1 --device ID",
  ]
}

function findings(report: CatalogueReport): string[] {
  const { songs, attributes } = report
  const some = (ids: readonly number[], all: number): string =>
    ids.join(", ") + (all > ids.length ? " …" : "")
  return [
    ...attributes
      .filter((one) => one.songs < songs)
      .map(
        ({ name, songs: having, missing }) =>
          `Missing: ${songs - having} of ${songs} songs have no ${name} and count as average in it (songs ${some(missing, songs - having)}). fieldtune catalogue join adds it.`,
      ),
    ...report.leftOut.map(({ name, reason }) => `Left out of models: ${name} ${reason}.`),
    ...report.dependent.map(({ name, of }) =>
      of.length === 1
        ? `The same: ${name} says what ${of[0]} says. Take one out (fieldtune catalogue drop), or tastes share between them at random.`
        : `Given by others: ${name} is a sum of ${of.join(", ")}. Take one of them out (fieldtune catalogue drop).`,
    ),
    ...report.pairs
      .filter(
        ({ a, b }) =>
          !report.dependent.some(({ name, of }) => name === b && of.includes(a) && of.length === 1),
      )
      .map(
        ({ a, b, correlation }) =>
          `Much alike: ${a} and ${b} have a correlation of ${correlation.toFixed(2)}; a taste for one can hardly be told from a taste for the other.`,
      ),
    ...report.inflation
      .filter(({ factor }) => factor >= INFLATED)
      .map(
        ({ name, factor }) =>
          `Collinear: the others say most of ${name} (variance inflation ${factor.toFixed(1)}); its inclusion probability is shared with them.`,
      ),
    ...attributes
      .filter(({ outliers }) => outliers.length > 0)
      .map(
        ({ name, outliers }) =>
          `Far out: ${name} of song ${outliers.join(", ")} is over six robust standard deviations from the median; a slip of the unit or of the decimal point?`,
      ),
    ...report.genres
      .filter(({ genre, songs: n }) => genre !== "" && n < FEW_SONGS)
      .map(
        ({ genre, songs: n }) =>
          `Few songs: genre ${genre} has ${n}; a taste for it can hardly be told from one for these songs.`,
      ),
    ...(report.untitled.length === 0 ? [] : [`Untitled: songs ${report.untitled.slice(0, 20).join(", ")}.`]),
  ]
}
