// The report as one HTML file: everything inside, nothing loaded from elsewhere, no script. Light and dark, for screens of
// any width and for paper.

import type { Row } from "../archive/field.js"
import { escaped } from "./draw.js"
import type { Column, Part, Section } from "./part.js"

export interface PageContent {
  title: string
  /** One line under the title. */
  subtitle: string
  /** What has to be known before anything is read: shown in a box. */
  warnings: readonly string[]
  /** Key numbers: what, and how many. */
  glance: readonly (readonly [string, string])[]
  /** What the study found, in sentences. */
  findings: readonly string[]
  sections: readonly Section[]
  /** Closing paragraphs: how it was made. */
  made: readonly string[]
}

/** Rows beyond this are left to the file beside. */
const MOST_ROWS = 60

export function reportPage(content: PageContent): string {
  const { title, subtitle, warnings, glance, findings, sections, made } = content
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header>
<h1>${escaped(title)}</h1>
<p>${escaped(subtitle)}</p>
</header>
<nav aria-label="Contents"><ul>
${sections.map(({ id, title: name }) => `<li><a href="#${id}">${escaped(name)}</a></li>`).join("\n")}
</ul></nav>
<main id="main">
${warnings.map((warning) => `<p class="warning" role="note">${escaped(warning)}</p>`).join("\n")}
<section aria-labelledby="glance"><h2 id="glance">At a glance</h2>
<dl>
${glance.map(([what, value]) => `<div><dt>${escaped(what)}</dt><dd>${escaped(value)}</dd></div>`).join("\n")}
</dl>
${findings.map((finding) => `<p>${escaped(finding)}</p>`).join("\n")}
</section>
${sections.map(sectionOf).join("\n")}
<section aria-labelledby="made"><h2 id="made">How this report was made</h2>
${made.map((text) => `<p>${escaped(text)}</p>`).join("\n")}
</section>
</main>
</body>
</html>
`
}

function sectionOf({ id, title, text, parts }: Section): string {
  return `<section aria-labelledby="${id}"><h2 id="${id}">${escaped(title)}</h2>
${text.map((paragraph) => `<p>${escaped(paragraph)}</p>`).join("\n")}
${parts.map(partOf).join("\n")}
</section>`
}

function partOf(part: Part): string {
  const says = `<p class="says">${escaped(part.says)}${thesisOf(part)}</p>`
  if (part.kind === "none") {
    return `<article id="${part.id}"><h3>${escaped(part.title)}</h3>
<p class="none">No answer, because ${escaped(part.because)}.</p>${says}</article>`
  }
  const numbers = tableOf(part.title, part.columns, part.rows)
  if (part.kind === "table") {
    return `<article id="${part.id}"><h3>${escaped(part.title)}</h3>
${says}
${numbers}
<p class="files">Numbers: <a href="tables/${part.id}.csv">tables/${part.id}.csv</a></p></article>`
  }
  const { id } = part
  return `<article id="${id}"><h3 class="hidden">${escaped(part.title)}</h3>
<figure tabindex="0">${part.svg}<figcaption>${says}</figcaption></figure>
<details><summary>Numbers of this figure</summary>${numbers}</details>
<p class="files">Files: <a href="figures/${id}.svg">SVG</a>, <a href="figures/${id}.png">PNG</a>, <a href="figures/${id}.csv">numbers as CSV</a></p></article>`
}

function thesisOf({ thesis }: Part): string {
  return thesis === undefined ? "" : ` <span class="thesis">(Compare the thesis, ${escaped(thesis)}.)</span>`
}

function tableOf(caption: string, all: readonly Column[], rows: readonly Row[]): string {
  const shown = rows.slice(0, MOST_ROWS)
  const missing = (name: string): boolean => rows.every((row) => row[name] === null)
  const columns = all.filter(
    ({ name, type, elsewhere }) => !elsewhere && !(type === "string" && missing(name)),
  )
  const head = columns
    .map(
      ({ name, heading, description, unit, type }) =>
        `<th scope="col"${isNumber(type) ? ' class="number"' : ""} title="${escaped(description)}">${escaped(heading ?? name.replaceAll("_", " "))}${unit === undefined ? "" : `, ${escaped(unit)}`}</th>`,
    )
    .join("")
  const body = shown
    .map(
      (row) =>
        `<tr>${columns
          .map((column) => {
            return `<td${isNumber(column.type) ? ' class="number"' : ""}>${escaped(cellText(column, row))}</td>`
          })
          .join("")}</tr>`,
    )
    .join("\n")
  const rest = rows.length - shown.length
  const more = rest > 0 ? `<p class="files">${rest} more rows are in the file.</p>` : ""
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escaped(caption)}, numbers"><table><caption class="hidden">${escaped(caption)}</caption><thead><tr>${head}</tr></thead><tbody>
${body}
</tbody></table></div>${more}`
}

const isNumber = (type: Column["type"]): boolean => type === "number" || type === "integer"

/** A value with its bounds as people read them; a missing one is a dash. */
function cellText(column: Column, row: Row): string {
  const value = valueText(column, row[column.name], row)
  if (column.bounds === undefined || row[column.name] === null) return value
  const [low, high] = column.bounds.map((name) => valueText(column, row[name], row))
  return `${value} (${low} to ${high})`
}

function valueText(column: Column, value: unknown, row: Row): string {
  if (value === null || value === undefined) return "–"
  if (typeof value === "boolean") return value ? "yes" : "–"
  if (typeof value !== "number") return String(value)
  const { shown, digits = 1 } = column
  if (shown !== undefined && shown !== "p" && column.unless?.(row))
    return signed(value, digits, shown === "points")
  switch (shown) {
    case "percent":
      return `${signed(100 * value, digits, false)} %`
    case "points":
      return signed(100 * value, digits, true)
    case "p":
      return pText(value)
    case "decimals":
      return signed(value, digits, false)
    default:
      return column.type === "integer"
        ? String(value)
        : Number(value.toPrecision(4)).toString().replace("-", "−")
  }
}

/** With a true minus, and a plus where asked. */
export function signed(value: number, digits: number, plus: boolean): string {
  const text = value.toFixed(digits).replace("-", "−")
  return plus && value > 0 ? `+${text}` : text
}

export function pText(p: number): string {
  return p < 0.001 ? "< .001" : p.toFixed(3).replace(/^0/, "")
}

const STYLE = `
:root{--back:#fbfbf9;--card:#fff;--text:#1d2326;--soft:#4f5a60;--line:#d9dedc;--accent:#0b6b5d;--warn:#8a3b00;font-family:system-ui,"Segoe UI","Noto Sans","DejaVu Sans",sans-serif;line-height:1.5}
@media (prefers-color-scheme:dark){:root{--back:#14181a;--card:#1c2225;--text:#e8ecea;--soft:#a9b4b3;--line:#38423f;--accent:#6fd3c1;--warn:#ffb27a}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:72rem;background:var(--back);color:var(--text)}
h1{font-size:1.7rem;margin:.5rem 0 0}h2{font-size:1.3rem;margin:2.2rem 0 .6rem;border-bottom:2px solid var(--line)}h3{font-size:1.05rem;margin:0 0 .5rem}
header p,.says,.files{color:var(--soft)}.says,.files{font-size:.9rem;margin:.5rem 0}.thesis{font-style:italic}
a{color:var(--accent)}a:focus-visible,summary:focus-visible,.scroll:focus-visible,figure:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;list-style:none;padding:0;margin:1rem 0}nav a{display:inline-block;padding:.3rem 0}
article{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:1rem 0}
.warning{border-left:.4rem solid var(--warn);background:var(--card);padding:.6rem 1rem;margin:1rem 0}
.none{font-weight:600}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.6rem;margin:0 0 1rem}
dl div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.25rem;font-weight:600}
figure{margin:0;overflow-x:auto}figure>svg{height:auto;display:block}figure>svg:not(.figure){max-width:100%}figure>svg.figure{width:100%;min-width:34rem;max-width:54rem}figure svg.figure{color:var(--text)}figure svg .paper{fill:var(--card)}
figure>svg:not(.figure){background:#fff;color:#000;border-radius:.3rem}
.scroll{overflow-x:auto;margin:.5rem 0}table{border-collapse:collapse;font-size:.85rem;width:100%}
th,td{padding:.3rem .5rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}th{border-bottom:2px solid var(--line)}
td:not(.number){min-width:6.5rem}th.number,td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
summary{cursor:pointer;padding:.3rem 0}.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media print{:root{--back:#fff;--card:#fff;--text:#000;--soft:#333;--line:#bbb;--accent:#000;--warn:#000;font-size:10pt}body{max-width:none;padding:0}nav,.skip,details,.files{display:none}article{border:0;padding:0;break-inside:avoid}h2,h3{break-after:avoid}.scroll,figure{overflow:visible}figure>svg.figure{min-width:0}td:not(.number){min-width:0}table{font-size:7.5pt}th,td{padding:.15rem .25rem}}
`
