// Drawings with a text for those who don't see them, and their numbers as a table for everybody.

import type { ComponentChildren } from "preact"
import { Scroll } from "./scroll"

interface FigureProps {
  /** What the drawing shows, in a sentence with its main figures. */
  label: string
  width: number
  height: number
  header: string[]
  rows: (string | number)[][]
  children: ComponentChildren
}

export function Figure({ label, width, height, header, rows, children }: FigureProps) {
  return (
    <figure>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
        {children}
      </svg>
      <details>
        <summary>Numbers</summary>
        <Scroll label={`Numbers: ${label}`}>
          <table>
            <thead>
              <tr>
                {header.map((name, i) => (
                  <th key={name} scope="col" class={i === 0 ? "" : "n"}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.join(" ")}>
                  {row.map((cell, i) =>
                    i === 0 ? (
                      <th key={header[i]} scope="row">
                        {cell}
                      </th>
                    ) : (
                      <td key={header[i]} class="n">
                        {cell}
                      </td>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </figure>
  )
}

/** A round number at or above the value: 1, 2 or 5 times a power of ten. */
export function roundUp(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return power * ([1, 2, 5].find((step) => step * power >= value) ?? 10)
}

const WIDTH = 440
const HEIGHT = 150
const LEFT = 44
const BOTTOM = 22
const TOP = 8

interface BarsProps {
  /** What is counted, such as "plays". */
  thing: string
  bars: { name: string; value: number }[]
}

/** One bar per name, in their order; the axis is labelled at the ends. */
export function Bars({ thing, bars }: BarsProps) {
  const most = bars.reduce((best, bar) => (bar.value > best.value ? bar : best), bars[0])
  const top = roundUp(most.value)
  const step = (WIDTH - LEFT) / bars.length
  const y = (value: number) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)
  const [first, last] = [bars[0].name, bars[bars.length - 1].name]
  return (
    <Figure
      label={`${thing} from ${first} to ${last}, most on ${most.name}: ${most.value}`}
      width={WIDTH}
      height={HEIGHT}
      header={["day", thing]}
      rows={bars.map((bar) => [bar.name, bar.value])}
    >
      {[0, top / 2, top].map((value) => (
        <g key={value}>
          <line class="grid" x1={LEFT} x2={WIDTH} y1={y(value)} y2={y(value)} />
          <text x={LEFT - 6} y={y(value) + 4} text-anchor="end">
            {value}
          </text>
        </g>
      ))}
      {bars.map((bar, i) => (
        <rect
          key={bar.name}
          class="bar-of"
          x={LEFT + i * step + Math.min(1, step / 8)}
          width={Math.max(0.5, step - 2 * Math.min(1, step / 8))}
          y={y(bar.value)}
          height={y(0) - y(bar.value)}
        >
          <title>{`${bar.name}: ${bar.value} ${thing}`}</title>
        </rect>
      ))}
      <text x={LEFT} y={HEIGHT - 5}>
        {first}
      </text>
      {last !== first && (
        <text x={WIDTH} y={HEIGHT - 5} text-anchor="end">
          {last}
        </text>
      )}
    </Figure>
  )
}
