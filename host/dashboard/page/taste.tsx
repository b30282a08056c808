// What the model makes of a listener: what matters, how soon skips come, and how far it is to be trusted.

import type { SubjectView } from "./api"
import { Figure, roundUp } from "./chart"
import { number, percent } from "./format"

type Taste = NonNullable<SubjectView["taste"]>
type Hazard = NonNullable<SubjectView["hazard"]>

const ROW = 22
const NAME = 170
const WIDTH = 640
const TOP = 24
/** Coefficients that are drawn: those that matter most surely. */
const SHOWN = 20

export function Coefficients({ taste }: { taste: Taste }) {
  const rows = [...taste.coefficients].sort((a, b) => b.inclusion - a.inclusion).slice(0, SHOWN)
  if (rows.length === 0) return <p class="empty">No song has an attribute or a genre to go by.</p>
  const reach = roundUp(Math.max(...rows.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)])))
  const x = (value: number) => NAME + ((value + reach) / (2 * reach)) * (WIDTH - NAME - 60)
  const height = TOP + rows.length * ROW + 22
  const sure = rows.filter(({ inclusion }) => inclusion >= 0.5).map(({ name }) => name)
  return (
    <Figure
      label={`Effect of each attribute on log listening time with 95 % intervals. More likely in than not: ${sure.join(", ") || "none"}`}
      width={WIDTH}
      height={height}
      header={["attribute", "mean", "from", "to", "probability"]}
      rows={taste.coefficients.map((row) => [
        row.name,
        number(row.mean),
        number(row.low),
        number(row.high),
        percent(row.inclusion),
      ])}
    >
      <text x={NAME} y={14}>
        skipped sooner
      </text>
      <text x={WIDTH - 60} y={14} text-anchor="end">
        heard longer
      </text>
      <text x={WIDTH} y={14} text-anchor="end">
        matters
      </text>
      <line class="grid" x1={x(0)} x2={x(0)} y1={TOP} y2={height - 22} />
      {rows.map((row, i) => {
        const y = TOP + (i + 0.5) * ROW
        return (
          <g key={row.name} class={row.inclusion >= 0.5 ? "" : "faint"}>
            <text x={NAME - 8} y={y + 4} text-anchor="end">
              {row.name}
            </text>
            <line class="interval" x1={x(row.low)} x2={x(row.high)} y1={y} y2={y} />
            <circle class="mark finished" cx={x(row.mean)} cy={y} r={4} />
            <text x={WIDTH} y={y + 4} text-anchor="end">
              {percent(row.inclusion)}
            </text>
          </g>
        )
      })}
      <text x={x(-reach)} y={height - 6}>
        {number(-reach, 1)}
      </text>
      <text x={x(0)} y={height - 6} text-anchor="middle">
        0
      </text>
      <text x={x(reach)} y={height - 6} text-anchor="end">
        {number(reach, 1)}
      </text>
    </Figure>
  )
}

const HEIGHT = 200
const LEFT = 52
const BOTTOM = 26

export function HazardCurve({ hazard }: { hazard: Hazard }) {
  const { seconds, low, median, high } = hazard
  const top = roundUp(Math.max(...median) * 100 * 1.2) / 100
  const span = Math.log(seconds[seconds.length - 1] / seconds[0])
  const x = (s: number) => LEFT + (Math.log(s / seconds[0]) / span) * (WIDTH - LEFT - 10)
  const y = (h: number) => 10 + (1 - Math.min(h, top) / top) * (HEIGHT - 10 - BOTTOM)
  const line = (values: number[]) =>
    values.map((value, i) => `${x(seconds[i]).toFixed(1)},${y(value).toFixed(1)}`).join(" ")
  const peak = median.indexOf(Math.max(...median))
  const share = (value: number) => `${(100 * value).toPrecision(2)} %`
  return (
    <Figure
      label={`How likely a skip is within the next second, of a song of average attributes: most likely after ${Math.round(seconds[peak])} s, ${share(median[peak])}`}
      width={WIDTH}
      height={HEIGHT}
      header={["after, s", "median", "from", "to"]}
      rows={seconds.map((s, i) => [s.toFixed(1), share(median[i]), share(low[i]), share(high[i])])}
    >
      {[0, top / 2, top].map((h) => (
        <g key={h}>
          <line class="grid" x1={LEFT} x2={WIDTH - 10} y1={y(h)} y2={y(h)} />
          <text x={LEFT - 6} y={y(h) + 4} text-anchor="end">
            {share(h)}
          </text>
        </g>
      ))}
      <polygon
        class="band"
        points={`${line(low)} ${high
          .map((value, i) => `${x(seconds[i]).toFixed(1)},${y(value).toFixed(1)}`)
          .reverse()
          .join(" ")}`}
      />
      <polyline class="curve" points={line(median)} />
      {[1, 10, 60, 600].map((s) => (
        <text key={s} x={x(s)} y={HEIGHT - 6} text-anchor={s === 600 ? "end" : "middle"}>
          {s < 60 ? `${s} s` : `${s / 60} min`}
        </text>
      ))}
    </Figure>
  )
}

export function Trust({ taste }: { taste: Taste }) {
  return (
    <ul class="trust">
      {taste.diagnosis.map(({ good, says }) => (
        <li key={says} class={good ? "" : "warning"}>
          {good ? "" : "Mind: "}
          {says}
        </li>
      ))}
    </ul>
  )
}
