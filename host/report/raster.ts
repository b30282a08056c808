// SVG to PNG without a browser: resvg with a font that the package brings, so that a machine without fonts draws the same
// letters, and every machine the same bytes.
//
// DejaVu Sans has Latin, Greek, Cyrillic, Armenian, Georgian, Arabic, Hebrew and more; where a figure has letters that it
// lacks (Chinese, Japanese, Korean, Devanagari, Thai, …) the fonts of the machine are asked too, and the bytes then
// depend on them.

import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { Resvg } from "@resvg/resvg-js"

const FAMILY = "DejaVu Sans"
/** Pixels per unit of the drawing: 2 prints 720 units at 300 dpi in 12 cm. */
const ZOOM = 2

/** PNG of an SVG document, ZOOM pixels per unit. */
export function rasterise(svg: string): Uint8Array {
  const image = new Resvg(svg, {
    fitTo: { mode: "zoom", value: ZOOM },
    font: {
      fontFiles: ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map(fontFile),
      loadSystemFonts: foreignLetters(svg) !== "",
      defaultFontFamily: FAMILY,
      sansSerifFamily: FAMILY,
    },
  })
  return image.render().asPng()
}

let known: Set<number> | undefined

/** Letters of the text that the font does not have, each once. */
export function foreignLetters(text: string): string {
  known ??= lettersOf(readFileSync(fontFile("DejaVuSans.ttf")))
  const found = new Set<string>()
  for (const letter of text) if (letter >= " " && !known.has(letter.codePointAt(0)!)) found.add(letter)
  return [...found].join("")
}

function fontFile(name: string): string {
  return join(dirname(createRequire(import.meta.url).resolve("dejavu-fonts-ttf/package.json")), "ttf", name)
}

/** Code points of a TrueType font: the segments of its `cmap` tables of format 12 (OpenType 1.9, chapter cmap). */
function lettersOf(font: Buffer): Set<number> {
  const tables = font.readUInt16BE(4)
  let cmap = -1
  for (let t = 0; t < tables; t++) {
    const record = 12 + 16 * t
    if (font.toString("latin1", record, record + 4) === "cmap") cmap = font.readUInt32BE(record + 8)
  }
  if (cmap < 0) throw new Error("font: has no table cmap")
  const letters = new Set<number>()
  const subtables = font.readUInt16BE(cmap + 2)
  for (let s = 0; s < subtables; s++) {
    const at = cmap + font.readUInt32BE(cmap + 4 + 8 * s + 4)
    if (font.readUInt16BE(at) === 12) {
      const groups = font.readUInt32BE(at + 12)
      for (let g = 0; g < groups; g++) {
        const from = font.readUInt32BE(at + 16 + 12 * g)
        const to = font.readUInt32BE(at + 20 + 12 * g)
        for (let code = from; code <= to; code++) letters.add(code)
      }
    }
  }
  if (letters.size === 0) throw new Error("font: its cmap has no segments of format 12")
  return letters
}
