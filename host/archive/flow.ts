// The flow of listeners through a study, as CONSORT draws it (Schulz, Altman & Moher 2010, figure 1). Every box is
// counted by itself after its own definition, so boxes need not sum; where they differ, the figure says by how much.

import type { Plan } from "../study/plan.js"
import { type Archived, rowsIn } from "./collect.js"
import type { Row } from "./field.js"

const DEFINITIONS = {
  enrolled: "listeners with a row in subjects",
  allocated: "listeners by the arm in subjects",
  received: "listeners with a playlist of the wave that a board confirmed, or that a play was played from",
  withdrawn: "listeners who have asked to be forgotten",
  lost: "listeners whose last enrolment ended as lost, retired or dropped-out and who have not withdrawn",
  analysed:
    "listeners with a value of the primary outcomes (of any outcome where none is primary) in the wave",
} as const
type Stage = keyof typeof DEFINITIONS

const LOST = ["lost", "retired", "dropped-out"]

export function flowCounts(tables: Archived["tables"], plan: Plan): Row[] {
  const subjects = rowsIn(tables, "subjects")
  const lists = rowsIn(tables, "playlists")
  const played = new Set(rowsIn(tables, "plays").map(({ playlist }) => playlist))
  const waves = [...new Set(lists.map(({ wave }) => wave as number))].sort((a, b) => a - b)
  const present = new Set(subjects.map(({ arm }) => arm as string))
  const arms = plan.arms.map(({ name }) => name)
  for (const arm of present) if (!arms.includes(arm)) arms.push(arm)
  const gone = new Set(subjects.filter(({ withdrawn_at }) => withdrawn_at !== null))
  const lastEnd = new Map(
    rowsIn(tables, "enrolments").map(({ subject, end_reason }) => [subject, end_reason]),
  )
  const outcomes = rowsIn(tables, "outcomes").filter(({ value }) => value !== null)
  const primary = outcomes.filter((row) => row.primary)
  const valued = plan.outcomes.some((outcome) => outcome.primary) ? primary : outcomes
  const row = (
    stage: Stage,
    arm: string | null,
    wave: number | null,
    who: (subject: Row) => boolean,
  ): Row => ({
    ...{ stage, arm, wave, definition: DEFINITIONS[stage] },
    count: subjects.filter((subject) => (arm === null || subject.arm === arm) && who(subject)).length,
  })
  return [
    row("enrolled", null, null, () => true),
    ...arms.flatMap((arm) => [
      row("allocated", arm, null, () => true),
      row("withdrawn", arm, null, (subject) => gone.has(subject)),
      row(
        "lost",
        arm,
        null,
        (subject) => !gone.has(subject) && LOST.includes(lastEnd.get(subject.subject) as string),
      ),
      ...waves.flatMap((wave) => [
        row("received", arm, wave, ({ subject }) =>
          lists.some(
            (list) =>
              list.subject === subject &&
              list.wave === wave &&
              (list.confirmed_at !== null || played.has(list.playlist)),
          ),
        ),
        row("analysed", arm, wave, ({ subject }) =>
          valued.some((value) => value.subject === subject && value.wave === wave),
        ),
      ]),
    ]),
  ]
}

/** Where neighbouring boxes differ. */
export function flowNotes(rows: readonly Row[]): string[] {
  const notes: string[] = []
  const count = (stage: Stage, arm: unknown, wave: unknown = null): number =>
    rows.find((row) => row.stage === stage && row.arm === arm && row.wave === wave)?.count as number
  const arms = [...new Set(rows.flatMap(({ arm }) => (arm === null ? [] : [arm])))]
  const waves = [...new Set(rows.flatMap(({ wave }) => (wave === null ? [] : [wave])))]
  const allocated = arms.reduce<number>((sum, arm) => sum + count("allocated", arm), 0)
  const differ = (what: string, a: number, b: number): void => {
    if (a !== b) notes.push(`${what} differ by ${Math.abs(a - b)}`)
  }
  differ("enrolled and the sum of allocated", count("enrolled", null), allocated)
  for (const arm of arms) {
    for (const wave of waves) {
      const received = count("received", arm, wave)
      differ(`arm ${arm}, wave ${wave}: allocated and received`, count("allocated", arm), received)
      differ(`arm ${arm}, wave ${wave}: received and analysed`, received, count("analysed", arm, wave))
    }
  }
  return notes
}

const BOX = { width: 210, height: 44, gap: 22, left: 20 }

/** The figure, from the rows alone. */
export function flowFigure(rows: readonly Row[]): string {
  const arms = [...new Set(rows.flatMap(({ arm }) => (arm === null ? [] : [arm as string])))]
  const columns = Math.max(1, arms.length)
  const width = 2 * BOX.left + columns * BOX.width + (columns - 1) * BOX.gap
  const parts: string[] = []
  const box = (x: number, y: number, row: Row): void => {
    const name = row.wave === null ? `${row.stage}` : `${row.stage}, wave ${row.wave}`
    parts.push(
      `<g><title>${escaped(row.definition as string)}</title>` +
        `<rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" fill="white" stroke="black"/>` +
        `<text x="${x + BOX.width / 2}" y="${y + 18}" text-anchor="middle">${escaped(name)}</text>` +
        `<text x="${x + BOX.width / 2}" y="${y + 35}" text-anchor="middle">n = ${row.count}</text></g>`,
    )
  }
  const line = (x1: number, y1: number, x2: number, y2: number): void => {
    parts.push(`<path d="M${x1} ${y1} L${x2} ${y2}" stroke="black" fill="none"/>`)
  }
  const step = BOX.height + BOX.gap
  const middle = width / 2
  const top = 30
  box(middle - BOX.width / 2, top, rows[0])
  let bottom = top + BOX.height
  for (const [column, arm] of arms.entries()) {
    const x = BOX.left + column * (BOX.width + BOX.gap)
    const centre = x + BOX.width / 2
    let y = top + step + 20
    line(middle, top + BOX.height, centre, y - 16)
    parts.push(
      `<text x="${centre}" y="${y - 4}" text-anchor="middle" font-weight="bold">${escaped(arm)}</text>`,
    )
    for (const [i, row] of rows.filter((candidate) => candidate.arm === arm).entries()) {
      if (i > 0) line(centre, y - BOX.gap, centre, y)
      box(x, y, row)
      bottom = Math.max(bottom, y + BOX.height)
      y += step
    }
  }
  const notes = ["Every box is counted by itself: boxes need not sum.", ...flowNotes(rows)]
  const lines = notes.map(
    (note, i) => `<text x="${BOX.left}" y="${bottom + 26 + 16 * i}">${escaped(note)}</text>`,
  )
  const height = bottom + 40 + 16 * notes.length
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.max(width, 480)}" height="${height}" font-family="sans-serif" font-size="12">`,
    "<title>Flow of listeners</title>",
    ...parts,
    ...lines,
    "</svg>",
    "",
  ].join("\n")
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]!)
}
