// Weeks: a listener's plays by the hour, and weekly patterns as lines.

import type { Strongest, Week } from "./api"
import { Figure } from "./chart"

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
const CELL = 18
const LEFT = 44
const TOP = 4
const BOTTOM = 22
const RIGHT = 14
const HOURS = [0, 6, 12, 18, 23]

export function ListenerWeek({ week }: { week: Week }) {
  const { counts, plays, weeks, standing, strongest } = week
  return (
    <>
      <p>
        {plays} plays of at least 30 s in {weeks.toFixed(1)} weeks; {patternsText(strongest)}
        {standing === "projected" && " (too few plays or weeks for the patterns to be learnt from it)"}.
      </p>
      <HourMap counts={counts} />
    </>
  )
}

/** Plays by hour of the week: the fuller, the more. */
export function HourMap({ counts }: { counts: number[] }) {
  const most = Math.max(1, ...counts)
  const busiest = counts.indexOf(Math.max(...counts))
  return (
    <Figure
      label={`Plays by the hour of the week, most on ${DAYS[Math.floor(busiest / 24)]} at ${busiest % 24} h: ${counts[busiest]}`}
      width={LEFT + 24 * CELL + RIGHT}
      height={TOP + 7 * CELL + BOTTOM}
      header={["hour", ...DAYS]}
      rows={Array.from({ length: 24 }, (_, hour) => [
        `${hour} h`,
        ...DAYS.map((_, day) => counts[24 * day + hour]),
      ])}
    >
      {DAYS.map((day, d) => (
        <g key={day}>
          <text x={LEFT - 6} y={TOP + d * CELL + CELL / 2 + 4} text-anchor="end">
            {day}
          </text>
          {Array.from({ length: 24 }, (_, hour) => counts[24 * d + hour]).map((n, hour) => (
            <rect
              key={hour}
              class="hour"
              x={LEFT + hour * CELL + 1}
              y={TOP + d * CELL + 1}
              width={CELL - 2}
              height={CELL - 2}
              fill-opacity={n === 0 ? 0.06 : 0.2 + (0.8 * n) / most}
            >
              <title>{`${day} ${hour} h: ${n} plays`}</title>
            </rect>
          ))}
        </g>
      ))}
      {HOURS.map((hour) => (
        <text key={hour} x={LEFT + hour * CELL + CELL / 2} y={TOP + 7 * CELL + 16} text-anchor="middle">
          {hour} h
        </text>
      ))}
    </Figure>
  )
}

function patternsText(strongest: Strongest[]): string {
  return strongest.length === 0 ? "in no pattern" : `mostly in pattern ${strongestText(strongest, ", then ")}`
}

/** Patterns with their codes. */
export function strongestText(strongest: Strongest[], between: string): string {
  return strongest.map(({ pattern, code }) => `${pattern} (${code.toFixed(1)})`).join(between)
}

function hourText(hour: number): string {
  return `${DAYS[Math.floor(hour / 24)]} ${hour % 24} h`
}

const WIDTH = 440
const HEIGHT = 120
const AXIS = 20

/** One pattern: a line over the week for every channel. */
export function PatternLines({
  name,
  channels,
  lines,
  firstHour,
}: {
  name: string
  channels: string[]
  lines: number[][]
  /** Hour of the week of the first point. */
  firstHour: number
}) {
  const most = Math.max(...lines.flat().map(Math.abs), 1e-9)
  const x = (hour: number) => LEFT + (hour / 168) * (WIDTH - LEFT)
  const y = (value: number) => 6 + (0.5 - value / most / 2) * (HEIGHT - AXIS - 6)
  const peak = lines[0].indexOf(Math.max(...lines[0])) + firstHour
  return (
    <Figure
      label={`${name}: ${channels[0]} is highest on ${DAYS[Math.floor(peak / 24)]} at ${peak % 24} h`}
      width={WIDTH}
      height={HEIGHT}
      header={["hour of the week", ...channels]}
      rows={lines[0].map((_, point) => [
        hourText(point + firstHour),
        ...lines.map((line) => line[point].toFixed(3)),
      ])}
    >
      <line class="grid" x1={LEFT} x2={WIDTH} y1={y(0)} y2={y(0)} />
      {DAYS.map((day, d) => (
        <g key={day}>
          <line class="grid" x1={x(24 * d)} x2={x(24 * d)} y1={4} y2={HEIGHT - AXIS} />
          <text x={x(24 * d + 12)} y={HEIGHT - 5} text-anchor="middle">
            {day}
          </text>
        </g>
      ))}
      {lines.map((line, c) => (
        <polyline
          key={channels[c]}
          class={`curve channel-${c}`}
          points={line
            .map((value, point) => `${x(point + firstHour).toFixed(1)},${y(value).toFixed(1)}`)
            .join(" ")}
        />
      ))}
    </Figure>
  )
}
