// What a report is made of: figures and tables, each with its numbers as a table of its own, or with the reason why
// there is no answer.

import type { Field, Row } from "../archive/field.js"

/** How the numbers of a column are shown to people; the file beside has them with all digits. */
type Shown = "percent" | "points" | "p" | "decimals"

export interface Column extends Field {
  /** Left out: as it stands. */
  shown?: Shown
  /** Decimals for `decimals`; 1 of percents and points. */
  digits?: number
  /** Rows whose value is no share: it is shown with its decimals. */
  unless?: (row: Row) => boolean
  /** Columns that bound the value: shown in its cell, "(from to)". */
  bounds?: readonly [low: string, high: string]
  /** The page shows it in the cell of another column. */
  elsewhere?: true
  /** Heading in the report; left out: the name. */
  heading?: string
}

interface Heading {
  /** Name of its files. */
  id: string
  title: string
  /** What it shows, how it was counted, and what it does not say. */
  says: string
  /** The figure or table of the dissertation that shows the same, where it is known. */
  thesis?: string
}

export interface Numbers {
  columns: readonly Column[]
  rows: Row[]
}

export interface Figure extends Heading, Numbers {
  kind: "figure"
  /** One SVG document, without resources from elsewhere. */
  svg: string
  /** What the picture shows in one sentence, for those who can't see it. */
  alt: string
}

export interface TablePart extends Heading, Numbers {
  kind: "table"
}

/** There is nothing to show, and why. */
export interface NoAnswer extends Heading {
  kind: "none"
  /** What follows "No answer, because". */
  because: string
}

export type Part = Figure | TablePart | NoAnswer

export interface Section {
  id: string
  title: string
  /** Paragraphs. */
  text: string[]
  parts: Part[]
}

export function noAnswer({ id, title, says, thesis }: Heading, because: string): NoAnswer {
  return { kind: "none", id, title, says, thesis, because }
}
