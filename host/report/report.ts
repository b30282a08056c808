// The report of a study: its parts in the order in which they are read, and the files that hold them. The same study gives
// the same bytes.
//
//   report.html            everything in one file
//   figures/ID.svg, .png   every figure, with its numbers beside it
//   figures/ID.csv
//   tables/ID.csv          every table

import { rowsIn } from "../archive/collect.js"
import { writeCsv } from "../archive/csv.js"
import { withGuard } from "../export/spreadsheet.js"
import type { Study } from "../study/study.js"
import { localTime } from "../study/time-zone.js"
import { type PageContent, pText, reportPage, signed } from "./page.js"
import type { Numbers, Part, Section } from "./part.js"
import { changePerListener, changesTable } from "./parts/changes.js"
import { armsCompared } from "./parts/comparison.js"
import { flow, quality } from "./parts/conduct.js"
import { byTimeOfWeek } from "./parts/context.js"
import { price } from "./parts/design.js"
import {
  descriptives,
  ends,
  hoursHeard,
  overDays,
  overHours,
  playsPerListener,
  timesHeard,
} from "./parts/listening.js"
import { diagnostics, foretold, hazard, inclusion, openTastes, SOUND, weights } from "./parts/model.js"
import {
  patternActivities,
  patternAreas,
  patternExample,
  patternLines,
  patternListeners,
  patternTurns,
} from "./parts/patterns.js"
import { sharesByArm } from "./parts/shares.js"
import { foreignLetters, rasterise } from "./raster.js"
import { type ReportData, readStudyData } from "./study-data.js"

export interface Report {
  /** Text and bytes by path within the report's folder, in the order in which they are read. */
  files: Map<string, Uint8Array>
  parts: Part[]
  blind: boolean
  /** What the study found so far, in sentences. */
  findings: string[]
  /** Largest number of a contact in it; 0 = none. */
  throughSync: number
}

export const PAGE = "report.html"

interface Options {
  /** Of the program. */
  version: string
  /** Left out: the time of the week is looked at as a covariate. */
  context?: boolean
  /** Told how many figures of how many are drawn as pictures. */
  progress?: (done: number, of: number) => void
}

export async function buildReport(
  study: Study,
  { version, context = true, progress }: Options,
): Promise<Report> {
  const data = await readStudyData(study, version)
  const sections = sectionsOf(data, context)
  const parts = sections.flatMap((section) => section.parts)
  const findings = findingsOf(parts)
  const files = new Map<string, Uint8Array>()
  const put = (path: string, text: string): void => void files.set(path, new TextEncoder().encode(text))
  put(PAGE, reportPage(contentOf(data, sections, findings)))
  const figures = parts.filter((part) => part.kind === "figure")
  for (const [i, figure] of figures.entries()) {
    put(`figures/${figure.id}.svg`, figure.svg)
    files.set(`figures/${figure.id}.png`, rasterise(figure.svg))
    put(`figures/${figure.id}.csv`, csvOf(figure))
    progress?.(i + 1, figures.length)
    // A server in the same process goes on answering.
    await new Promise((done) => setImmediate(done))
  }
  for (const part of parts) if (part.kind === "table") put(`tables/${part.id}.csv`, csvOf(part))
  return { files, parts, blind: data.blind, findings, throughSync: data.throughSync }
}

/** Text that a spreadsheet would take for a formula has an apostrophe before it. */
function csvOf({ columns, rows }: Numbers): string {
  const texts = columns.filter(({ type }) => type === "string").map(({ name }) => name)
  const safe = rows.map((row) => {
    const guarded = { ...row }
    for (const name of texts) if (typeof row[name] === "string") guarded[name] = withGuard(row[name])
    return guarded
  })
  return writeCsv({ fields: columns }, safe)
}

/** Every file that a report of any study can have: what an earlier one left and this one lacks is not of this one. */
export function pathsOf(parts: readonly Part[]): string[] {
  return parts.flatMap(({ id }) => [
    ...["svg", "png", "csv"].map((suffix) => `figures/${id}.${suffix}`),
    `tables/${id}.csv`,
  ])
}

function sectionsOf(data: ReportData, context: boolean): Section[] {
  const tastes = openTastes(data)
  return [
    {
      id: "conduct",
      title: "How the study went",
      text: [],
      parts: [quality(data), flow(data), descriptives(data)],
    },
    {
      id: "arms",
      title: "The arms compared",
      text: [
        "Listeners are compared, not plays: each listener's own mean is one number. They are counted in the arm to which they were allocated.",
      ],
      parts: [armsCompared(data), ...sharesByArm(data), changesTable(data), ...changePerListener(data)],
    },
    {
      id: "listening",
      title: "How people listened",
      text: [],
      parts: [timesHeard(data), ends(data), playsPerListener(data), overDays(data), overHours(data)],
    },
    ...(context
      ? [
          {
            id: "time",
            title: "The time of the week",
            text: [
              "A covariate, not an outcome: whether the same listeners hear songs differently at other times, and whether that could explain a difference between arms. fieldtune report --no-context leaves it out.",
            ],
            parts: byTimeOfWeek(data),
          },
        ]
      : []),
    {
      id: "weeks",
      title: "Weekly patterns",
      text: [
        "When and how people listen, as a mixture of a few weeks that were learnt from all of them (PACE, Marey, Sguerra & Moussallam 2024). Patterns tell of habits, not of taste: they choose no song.",
      ],
      parts: [
        patternExample(data),
        patternLines(data),
        patternListeners(data),
        patternTurns(data),
        patternAreas(data),
        patternActivities(data),
      ],
    },
    {
      id: "models",
      title: "What the models say",
      text: [
        "One model of taste per listener, from listening times alone. Numbers are posterior means unless said otherwise.",
      ],
      parts: [hazard(data, tastes), foretold(data), inclusion(tastes), weights(data), diagnostics(tastes)],
    },
    { id: "design", title: "What learning cost", text: [], parts: [price(data)] },
  ]
}

/** What the plan said that the study is judged by, in words; how many models are sound; how many problems there are. */
function findingsOf(parts: readonly Part[]): string[] {
  const compared = parts.find(({ id }) => id === "arms-compared")
  if (compared?.kind !== "table") {
    return compared?.kind === "none" ? [`No comparison of arms, because ${compared.because}.`] : []
  }
  const primary = compared.rows.filter((row) => row.primary)
  if (primary.length === 0) {
    return [
      "The plan names no primary outcome of a wave that there is: nothing here was said beforehand to be decisive.",
    ]
  }
  return primary.map((row) => {
    const what = `${row.measure}, ${row.period}`
    if (row.no_answer !== null) {
      return `Primary outcome, ${what}: no answer for ${row.arm} against ${row.versus}, because ${row.no_answer}.`
    }
    const column = compared.columns.find(({ name }) => name === "difference")
    const scale = column?.unless?.(row) ? 1 : 100
    const at = (name: string): string => signed(scale * (row[name] as number), 1, false)
    const unit = scale === 100 ? " percentage points" : ""
    const mean = scale === 100 ? " %" : ""
    return `Primary outcome, ${what}: ${row.arm} ${at("mean_arm")}${mean} (n = ${row.n_arm}), ${row.versus} ${at("mean_versus")}${mean} (n = ${row.n_versus}); difference ${signed(scale * (row.difference as number), 1, true)}${unit}, 95 % interval ${at("low")} to ${at("high")} (Welch's t-test, t = ${signed(row.t as number, 2, false)}, df = ${(row.df as number).toFixed(1)}, p ${pText(row.p as number).startsWith("<") ? "" : "= "}${pText(row.p as number)}).`
  })
}

function contentOf(data: ReportData, sections: readonly Section[], findings: readonly string[]): PageContent {
  const { plan, plays, subjects, waves, tables, blind, version, lastContact } = data
  const problems = rowsIn(tables, "quality").filter(({ severity }) => severity === "problem").length
  const hours = hoursHeard(plays)
  const newest = sections.flatMap(({ parts }) => parts).find(({ id }) => id === "diagnostics")
  const verdicts = newest?.kind === "table" ? newest.rows.map(({ verdict }) => verdict as string) : []
  const sound = verdicts.filter((verdict) => verdict.startsWith(SOUND)).length
  const letters = foreignLetters(sections.flatMap(({ parts }) => parts.map(svgOf)).join(""))
  return {
    title: `Report of ${plan.name}`,
    subtitle:
      lastContact === null
        ? "No board has been in contact yet."
        : `As of the last contact, ${timeText(data)}.`,
    warnings: [
      ...(blind
        ? [
            "The study is blind. Arms are shown by their codes, and what tells of a design (prices, utilities, reasons, tags, propensities) is left out. fieldtune unblind ends that for good, and then the report shows the arms.",
          ]
        : []),
      ...(problems > 0
        ? [
            `The checks of the data found ${problems} problem${problems === 1 ? "" : "s"}: read them before any result.`,
          ]
        : []),
    ],
    glance: [
      ["listeners", String(subjects.size)],
      ["waves with playlists", String(waves.length)],
      ["plays", String(plays.length)],
      ["hours heard", hours.toFixed(1)],
      ["problems found", String(problems)],
      ["sound models", verdicts.length === 0 ? "none yet" : `${sound} of ${verdicts.length}`],
    ],
    findings,
    sections,
    made: [
      `fieldtune ${version}, from the study's database as it was at contact ${data.throughSync}. Intervals that are drawn by chance follow from the plan's seed (${plan.seed}): the same study gives the same report, to the byte.`,
      `Outcomes are those of the plan and are defined in one place; a play counts where it was played from a playlist of the wave and was heard for at least the outcome's shortest time. Profile of the models: ${plan.profile}.`,
      `Thesis: T. S. Chung, My Mobile Music: an adaptive personalization system for digital audio players, University of Maryland, 2007. Its numbers of figures and tables are named where they are known to show the same.`,
      ...(letters === ""
        ? []
        : [
            `The PNG files were drawn with fonts of the machine for ${letters.slice(0, 40)}, which the font that comes along does not have.`,
          ]),
    ],
  }
}

function svgOf(part: Part): string {
  return part.kind === "figure" ? part.svg : ""
}

function timeText({ lastContact, plan }: ReportData): string {
  const { date, minute } = localTime(lastContact as number, plan.timeZone)
  if (plan.privacy.exportTimes === "date") return date
  const clock = `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`
  return `${date} ${clock} (${plan.timeZone})`
}
