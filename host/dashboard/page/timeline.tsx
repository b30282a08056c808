// What was heard, play by play: one mark each, as high as the share of the song that was heard.

import type { HeardPlay } from "./api"
import { Figure } from "./chart"
import { minutes, percent } from "./format"

const WIDTH = 640
const HEIGHT = 200
const LEFT = 44
const RIGHT = 8
const TOP = 10
const BOTTOM = 24
/** Rows of the table of numbers: the newest. */
const ROWS = 200

export function Timeline({ plays }: { plays: HeardPlay[] }) {
  const placed = plays.filter((play) => play.at !== null) as (HeardPlay & { at: number })[]
  if (placed.length === 0) return <p class="empty">No clock tells when these plays were.</p>
  const first = Math.min(...placed.map((play) => play.at))
  const last = Math.max(...placed.map((play) => play.at))
  const x = (at: number) =>
    LEFT + (last === first ? 0.5 : (at - first) / (last - first)) * (WIDTH - LEFT - RIGHT)
  const y = (share: number) => TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)
  const finished = plays.filter((play) => play.end === "finished").length
  const unplaced = plays.length - placed.length
  return (
    <>
      <Figure
        label={`${plays.length} plays from ${day(first)} to ${day(last)}, ${finished} heard to the end; height: share of the song heard`}
        width={WIDTH}
        height={HEIGHT}
        header={["when (UTC)", "song", "heard", "share", "end"]}
        rows={placed
          .slice(-ROWS)
          .reverse()
          .map((play) => [
            moment(play.at),
            play.title || `song ${play.song}`,
            minutes(1000 * play.heardS),
            percent(play.share),
            play.end,
          ])}
      >
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(share)} y2={y(share)} />
            <text x={LEFT - 6} y={y(share) + 4} text-anchor="end">
              {percent(share)}
            </text>
          </g>
        ))}
        {placed.map((play) => (
          <circle
            key={play.id}
            class={`mark ${play.end === "finished" ? "finished" : ""} ${play.toLearn ? "explored" : ""}`}
            cx={x(play.at)}
            cy={y(play.share)}
            r={3}
          >
            <title>{`${play.title || `song ${play.song}`}: ${percent(play.share)}, ${play.end}, ${moment(play.at)}`}</title>
          </circle>
        ))}
        <text x={LEFT} y={HEIGHT - 6}>
          {day(first)}
        </text>
        <text x={WIDTH - RIGHT} y={HEIGHT - 6} text-anchor="end">
          {day(last)}
        </text>
      </Figure>
      {unplaced > 0 && <p class="fine">{unplaced} plays have no time: no clock tells of their boot.</p>}
    </>
  )
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

function moment(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace("T", " ")
}
