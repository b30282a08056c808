// Figures without a browser: Observable Plot on a DOM of its own, framed with title and legend as one SVG document.
//
// Colours follow the page: text and axes are currentColor, the ground is a rectangle of the class `paper`, and the colours
// of arms have a contrast of 3 : 1 or more on white and on dark ground. Every arm also has a mark of its own, so that
// nothing depends on colour alone. The same input gives the same text.

import * as Plot from "@observablehq/plot"
import { parseHTML } from "linkedom"

const WIDTH = 720
const FONT = "'DejaVu Sans', system-ui, sans-serif"
const INK = "#1d2326"
const PAPER = "#ffffff"
const PAD = 14

/** After Okabe & Ito (2008), darkened or lightened until each has 3 : 1 on #ffffff and on #1c2225. */
const COLOURS = ["#0a72b8", "#cf5b00", "#0b9070", "#b8609a", "#8d7a1a", "#7d6be0"]
const SYMBOLS = ["circle", "triangle", "square", "diamond", "cross", "star"] as const
/** What is no arm: references and neutral marks. */
export const GREY = "#7d8588"
export const ACCENT = COLOURS[0]
export const WARM = COLOURS[1]

interface ArmStyle {
  colour: string
  symbol: (typeof SYMBOLS)[number]
}

/** By arm; from the seventh on the styles begin again. */
function armStyles(arms: readonly string[]): Map<string, ArmStyle> {
  return new Map(
    arms.map((arm, i) => [arm, { colour: COLOURS[i % COLOURS.length], symbol: SYMBOLS[i % SYMBOLS.length] }]),
  )
}

/** Plot's scales for a channel that holds arms. */
export function armScales(arms: readonly string[]): Pick<Plot.PlotOptions, "color" | "symbol"> {
  const styles = [...armStyles(arms).values()]
  return {
    color: { domain: [...arms], range: styles.map(({ colour }) => colour) },
    symbol: { domain: [...arms], range: styles.map(({ symbol }) => symbol) },
  }
}

interface Key {
  label: string
  colour: string
  /** Left out: a square. */
  symbol?: ArmStyle["symbol"] | "line" | "dashes"
  /** Left out: 1. */
  opacity?: number
}

export function armKeys(arms: readonly string[]): Key[] {
  return [...armStyles(arms)].map(([label, { colour, symbol }]) => ({ label, colour, symbol }))
}

interface Drawing {
  title: string
  /** One line under the title. */
  subtitle?: string
  keys?: readonly Key[]
  /** What somebody who can't see it has to know. */
  alt: string
  height: number
  plot: Plot.PlotOptions
}

/** The drawing as one SVG document, WIDTH wide. */
export function draw({ title, subtitle, keys = [], alt, height, plot }: Drawing): string {
  const titles = linesOf(title, 72)
  const subtitles = subtitle === undefined ? [] : linesOf(subtitle, 96)
  const legend = legendOf(keys)
  let y = PAD + 6
  const head: string[] = []
  for (const line of titles) {
    y += 14
    head.push(`<text x="${PAD}" y="${y}" font-size="16" font-weight="bold">${escaped(line)}</text>`)
    y += 7
  }
  for (const line of subtitles) {
    y += 11
    head.push(`<text x="${PAD}" y="${y}" font-size="12" fill-opacity="0.8">${escaped(line)}</text>`)
    y += 6
  }
  y += 6
  const top = y + legend.height
  const total = top + height + PAD
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="figure" role="img" aria-label="${escaped(`${title}. ${alt}`)}" width="${WIDTH}" height="${total}" viewBox="0 0 ${WIDTH} ${total}" font-family="${FONT}" font-size="12" fill="currentColor" color="${INK}">`,
    `<rect class="paper" width="${WIDTH}" height="${total}" fill="${PAPER}"/>`,
    ...head,
    `<g transform="translate(${PAD},${y})">${legend.svg}</g>`,
    `<g transform="translate(0,${top})">${plotted({ ...plot, height })}</g>`,
    "</svg>",
    "",
  ].join("\n")
}

/** Plot's marks; a document of its own for each, so that nothing is carried from one figure to the next. */
function plotted(options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>")
  const made = Plot.plot({
    document: document as unknown as Plot.PlotOptions["document"],
    width: WIDTH,
    marginLeft: 62,
    marginRight: 24,
    marginBottom: 44,
    style: { fontSize: "12px" },
    ...options,
  })
  // Its style sheet speaks to the root of a document, which this is not.
  for (const style of made.querySelectorAll("style")) style.remove()
  made.removeAttribute("class")
  made.removeAttribute("style")
  made.setAttribute("font-size", "12")
  made.setAttribute("font-family", "inherit")
  // The figure as a whole has a text; its groups are no more than parts of the picture.
  for (const group of made.querySelectorAll("g[aria-label]")) group.removeAttribute("aria-label")
  return made.outerHTML.replace(/ font-family="inherit"/, "")
}

const KEY_HEIGHT = 20

function legendOf(keys: readonly Key[]): { svg: string; height: number } {
  let x = 0
  let row = 0
  const parts: string[] = []
  for (const { label, colour, symbol, opacity } of keys) {
    const wide = 30 + textWidth(label)
    if (x > 0 && x + wide > WIDTH - 2 * PAD) {
      x = 0
      row++
    }
    const y = row * KEY_HEIGHT + 8
    parts.push(
      `<g${opacity === undefined ? "" : ` opacity="${opacity}"`}>${keyMark(symbol, colour, x + 6, y)}</g>`,
      `<text x="${x + 18}" y="${y + 4}">${escaped(label)}</text>`,
    )
    x += wide
  }
  return { svg: parts.join(""), height: keys.length === 0 ? 0 : (row + 1) * KEY_HEIGHT + 4 }
}

function keyMark(symbol: Key["symbol"], colour: string, x: number, y: number): string {
  const path = (d: string): string => `<path d="${d}" fill="${colour}" stroke="${colour}"/>`
  switch (symbol) {
    case "line":
    case "dashes":
      return `<path d="M${x - 7} ${y}H${x + 8}" stroke="${colour}" stroke-width="2.5" fill="none"${symbol === "dashes" ? ' stroke-dasharray="4 3"' : ""}/>`
    case "circle":
      return `<circle cx="${x}" cy="${y}" r="4.5" fill="${colour}"/>`
    case "triangle":
      return path(`M${x} ${y - 5}L${x + 5} ${y + 4}H${x - 5}Z`)
    case "diamond":
      return path(`M${x} ${y - 6}L${x + 4} ${y}L${x} ${y + 6}L${x - 4} ${y}Z`)
    case "cross":
      return `<path d="M${x - 5} ${y}H${x + 5}M${x} ${y - 5}V${y + 5}" stroke="${colour}" stroke-width="3.5"/>`
    case "star":
      return `<path d="M${x - 5} ${y}H${x + 5}M${x - 3} ${y - 4}L${x + 3} ${y + 4}M${x + 3} ${y - 4}L${x - 3} ${y + 4}" stroke="${colour}" stroke-width="2"/>`
    default:
      return `<rect x="${x - 5}" y="${y - 5}" width="10" height="10" fill="${colour}"/>`
  }
}

/** About how wide 12 px text of the font is; wide scripts count double. */
function textWidth(text: string): number {
  let width = 0
  for (const letter of text) width += letter.codePointAt(0)! >= WIDE_FROM ? 13 : 7.4
  return width
}

/** Hangul Jamo: from here on most letters take a full square. */
const WIDE_FROM = 0x1100

/** Text in lines of at most `most` letters, broken between words. */
function linesOf(text: string, most: number): string[] {
  const lines: string[] = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= most)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]!)
}
