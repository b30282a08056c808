// Weekly listening patterns: the patterns, what they tell of activities, who listens in which.

import type { PatternsView } from "./api"
import { Figure } from "./chart"
import { ago, count, percent } from "./format"
import { Scroll } from "./scroll"
import { HourMap, PatternLines, strongestText } from "./week"

/** Patterns that are drawn at once: the heaviest. */
const DRAWN = 8

export function Patterns({ view, now }: { view: PatternsView; now: number }) {
  const { dictionary, patterns, listeners } = view
  if (dictionary === null) {
    return (
      <section aria-labelledby="patterns">
        <h2 id="patterns">Weekly patterns</h2>
        <p class="empty">
          No weekly patterns have been learnt: when and how people listen, as a mixture of a few weeks. Next:{" "}
          <code>fieldtune patterns fit</code>
        </p>
      </section>
    )
  }
  const { atoms, fitted, channels, dropped, ratios, explained, used, at, version, withdrawnData, firstHour } =
    dictionary
  return (
    <>
      <section aria-labelledby="patterns">
        <h2 id="patterns">Weekly patterns</h2>
        <p>
          {count(atoms, "pattern")}{" "}
          {fitted === 0 ? "learnt in another study" : `learnt from ${count(fitted, "listener")}`}{" "}
          {ago(at, now)} (version {version}); they explain {percent(explained)} of the variance with{" "}
          {percent(used)} of the codes.
          {dropped.length > 0 && ` No play tells of: ${dropped.join(", ")}.`}
          {ratios === "shrunk" &&
            " Shares of an hour's plays are drawn to the listener's mean, because the study is short."}
        </p>
        {withdrawnData && (
          <p class="warning">
            Learnt with plays of a listener who has withdrawn since. Next: <code>fieldtune patterns fit</code>
          </p>
        )}
        <p class="fine">
          A line is above the middle where its channel is above a listener's own mean.{" "}
          {channels.map((channel, c) => (
            <span key={channel} class={`key channel-${c}`}>
              {channel}
            </span>
          ))}
        </p>
        <div class="patterns">
          {patterns.slice(0, DRAWN).map(({ pattern, lines, listeners: own }) => (
            <div key={pattern}>
              <h3>
                Pattern {pattern} <small>strongest of {count(own, "listener")}</small>
              </h3>
              <PatternLines
                name={`Pattern ${pattern}`}
                channels={channels}
                lines={lines}
                firstHour={firstHour}
              />
            </div>
          ))}
        </div>
        {patterns.length > DRAWN && (
          <p class="fine">
            The {DRAWN} heaviest of {patterns.length}; <code>fieldtune report</code> has all.
          </p>
        )}
      </section>
      <Learning dictionary={dictionary} view={view} />
      <Activities view={view} />
      <section aria-labelledby="places">
        <h2 id="places">Listeners</h2>
        <Scroll label="Listeners and their patterns">
          <table>
            <thead>
              <tr>
                <th scope="col">Listener</th>
                <th scope="col" class="n">
                  Plays
                </th>
                <th scope="col" class="n">
                  Weeks
                </th>
                <th scope="col">Patterns</th>
                <th scope="col">Is</th>
              </tr>
            </thead>
            <tbody>
              {listeners.map(({ subject, plays, weeks, strongest, standing }) => (
                <tr key={subject}>
                  <th scope="row">
                    <a href={`#/subjects/${subject}`}>subject {subject}</a>
                  </th>
                  <td class="n">{plays}</td>
                  <td class="n">{weeks.toFixed(1)}</td>
                  <td>{strongestText(strongest, ", ") || "none"}</td>
                  <td>{standing}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        <p class="fine">
          fitted: the patterns were learnt from it, too. projected: too few plays or weeks for that, so only
          placed among them.
        </p>
      </section>
    </>
  )
}

/** One listener's way into the patterns, and how they were learnt. */
function Learning({
  dictionary: { objectives, firstHour },
  view: { example, evaluation },
}: {
  dictionary: NonNullable<PatternsView["dictionary"]>
  view: PatternsView
}) {
  return (
    <section aria-labelledby="learning">
      <h2 id="learning">From plays to patterns</h2>
      {example !== null && (
        <>
          <p>
            <a href={`#/subjects/${example.subject}`}>Subject {example.subject}</a>, who has the most plays:
            plays by the hour, and the week as patterns are learnt from it (sums of three hours, centred and
            scaled).
          </p>
          <div class="patterns">
            <HourMap counts={example.counts} />
            <PatternLines
              name={`Normalised week of subject ${example.subject}`}
              channels={example.weeks.map(({ channel }) => channel)}
              lines={example.weeks.map(({ normalised }) => normalised)}
              firstHour={firstHour}
            />
          </div>
        </>
      )}
      {objectives.length > 0 && <Turns objectives={objectives} curve={evaluation?.curve ?? []} />}
    </section>
  )
}

const WIDTH = 440
const HEIGHT = 130
const LEFT = 44
const BOTTOM = 20

/** The objective by turns, as a share of the first; areas where activities are known. */
function Turns({
  objectives,
  curve,
}: {
  objectives: number[]
  curve: { turns: number; area: number | null; explained: number }[]
}) {
  const lines = [
    { name: "objective", points: objectives.map((value, i) => [i + 1, value / objectives[0]] as const) },
    {
      name: "area under the curve",
      points: curve.flatMap(({ turns, area }) => (area === null ? [] : [[turns, area] as const])),
    },
    { name: "explained variance", points: curve.map(({ turns, explained }) => [turns, explained] as const) },
  ].filter(({ points }) => points.length > 0)
  const last = Math.max(2, ...lines.flatMap(({ points }) => points.map(([turn]) => turn)))
  const x = (turn: number) => LEFT + (Math.log(turn) / Math.log(last)) * (WIDTH - LEFT - 18)
  const y = (share: number) => 6 + (1 - share) * (HEIGHT - BOTTOM - 6)
  return (
    <>
      <p class="fine">
        By turns of learning:{" "}
        {lines.map(({ name }, i) => (
          <span key={name} class={`key channel-${i}`}>
            {name}
          </span>
        ))}
      </p>
      <Figure
        label={`After ${objectives.length} turns the objective is ${percent(objectives[objectives.length - 1] / objectives[0])} of the first`}
        width={WIDTH}
        height={HEIGHT}
        header={["turn", "curve", "value"]}
        rows={lines.flatMap(({ name, points }) =>
          points.map(([turn, value]) => [String(turn), name, value.toFixed(4)]),
        )}
      >
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="grid" x1={LEFT} x2={WIDTH} y1={y(share)} y2={y(share)} />
            <text x={LEFT - 6} y={y(share) + 4} text-anchor="end">
              {share}
            </text>
          </g>
        ))}
        {[1, 10, 100]
          .filter((turn) => turn <= last)
          .map((turn) => (
            <text key={turn} x={x(turn)} y={HEIGHT - 5} text-anchor="middle">
              {turn}
            </text>
          ))}
        {lines.map(({ name, points }, i) => (
          <polyline
            key={name}
            class={`curve channel-${i}`}
            points={points.map(([turn, value]) => `${x(turn).toFixed(1)},${y(value).toFixed(1)}`).join(" ")}
          />
        ))}
      </Figure>
    </>
  )
}

const three = (value: number | null): string => (value === null ? "–" : value.toFixed(2))

function Activities({ view: { evaluation } }: { view: PatternsView }) {
  if (evaluation === null) {
    return (
      <section aria-labelledby="activities">
        <h2 id="activities">Activities</h2>
        <p class="empty">
          Nobody has asked yet what patterns tell of activities. Next:{" "}
          <code>fieldtune patterns evaluate --labels FILE.csv</code>
        </p>
      </section>
    )
  }
  const { people, activities, sets, permuted, weights } = evaluation
  const answered = activities.filter(({ noAnswer }) => noAnswer === null)
  return (
    <section aria-labelledby="activities">
      <h2 id="activities">Activities</h2>
      <p>
        Area under the ROC curve on listeners nobody has seen ({people} in all; .5 is guessing; published: .56
        to .74), with 95 % intervals.
      </p>
      <Scroll label="What patterns tell of activities">
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              {answered.map(({ activity }) => (
                <th key={activity} scope="col" class="n">
                  {activity}
                </th>
              ))}
              <th scope="col" class="n">
                Mean
              </th>
            </tr>
          </thead>
          <tbody>
            {sets.map(({ features, byActivity, mean }) => (
              <tr key={features}>
                <th scope="row">{features}</th>
                {[...byActivity, { activity: "mean", ...mean }].map(({ activity, area, low, high }) => (
                  <td key={activity} class="n">
                    {three(area)}
                    <small>
                      {three(low)}–{three(high)}
                    </small>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {permuted !== null && (
        <p class="fine">
          With shuffled labels: {permuted.mean.toFixed(3)} on the mean of {permuted.times} times.
        </p>
      )}
      {people < 200 && (
        <p class="fine">
          With fewer than 200 listeners the intervals stand for themselves and nothing is claimed.
        </p>
      )}
      {weights !== null && weights.rows.length > 0 && <Weights rows={weights.rows} />}
    </section>
  )
}

function Weights({ rows }: { rows: { activity: string; weights: number[] }[] }) {
  const most = Math.max(...rows.flatMap(({ weights }) => weights.map(Math.abs)), 1e-9)
  return (
    <>
      <h3>Activities and patterns</h3>
      <p class="fine">
        Log odds for one standard deviation more of a pattern; the fuller the cell, the more it says.
      </p>
      <Scroll label="Weights of patterns for activities">
        <table>
          <thead>
            <tr>
              <th scope="col">Activity</th>
              {rows[0].weights.map((_, k) => (
                <th key={k} scope="col" class="n">
                  {k + 1}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ activity, weights }) => (
              <tr key={activity}>
                <th scope="row">{activity}</th>
                {weights.map((weight, k) => (
                  <td key={k} class="n weight" style={`--share: ${(Math.abs(weight) / most).toFixed(2)}`}>
                    {weight.toFixed(2)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}
