// The study: problems first, then its people, waves and arms, and what came in over time.

import type { Finding, Overview, Wave } from "./api"
import { AskOnce } from "./ask-once"
import { Bars } from "./chart"
import { ago, count, lasting, percent } from "./format"
import { Scroll } from "./scroll"

const SEVERITY = { problem: "Problem", warning: "Warning", note: "Note" }
/** More findings of one rule are folded. */
const SHOWN = 3

export function StudyPage({ overview }: { overview: Overview }) {
  return (
    <>
      <Findings findings={overview.findings} now={overview.now} />
      <People overview={overview} />
      <Waves overview={overview} />
      <Days overview={overview} />
    </>
  )
}

function Findings({ findings, now }: { findings: Finding[]; now: number }) {
  if (findings.length === 0) return <p class="fine">No problems found.</p>
  const rules = [...new Set(findings.map(({ rule }) => rule))]
  return (
    <section aria-labelledby="problems">
      <h2 id="problems">Needs a look</h2>
      {rules.map((rule) => {
        const own = findings.filter((finding) => finding.rule === rule)
        const [{ severity, says, todo }] = own
        return (
          <div key={rule} class={`finding ${severity}`}>
            <ul>
              {own.slice(0, SHOWN).map((finding) => (
                <Found key={`${finding.subject} ${finding.device}`} finding={finding} now={now} />
              ))}
            </ul>
            {own.length > SHOWN && (
              <details>
                <summary>{count(own.length - SHOWN, "more of these")}</summary>
                <ul>
                  {own.slice(SHOWN).map((finding) => (
                    <Found key={`${finding.subject} ${finding.device}`} finding={finding} now={now} />
                  ))}
                </ul>
              </details>
            )}
            <p>{todo}</p>
            <details>
              <summary>The rule</summary>
              {says}
            </details>
          </div>
        )
      })}
    </section>
  )
}

function Found({ finding, now }: { finding: Finding; now: number }) {
  const { severity, subject, device, found, since } = finding
  return (
    <li>
      <strong>{SEVERITY[severity]}</strong>{" "}
      {subject !== null && <a href={`#/subjects/${subject}`}>Subject {subject}</a>}
      {subject !== null && ": "}
      {found}
      {device !== null && ` (${device})`}
      {since !== null && `, ${lasting(since, now)}`}
    </li>
  )
}

function People({ overview: { people } }: { overview: Overview }) {
  const { enrolled, carrying, withdrawn, arms } = people
  return (
    <section aria-labelledby="people">
      <h2 id="people">Listeners</h2>
      {enrolled === 0 ? (
        <p class="empty">
          Nobody is enrolled. Next: <code>fieldtune enrol 1 --device ID</code>
        </p>
      ) : (
        <Scroll label="Listeners by arm">
          <table>
            <thead>
              <tr>
                <th scope="col">Arm</th>
                <th scope="col" class="n">
                  Enrolled
                </th>
                <th scope="col" class="n">
                  With a board now
                </th>
                <th scope="col" class="n">
                  Withdrawn
                </th>
              </tr>
            </thead>
            <tbody>
              {[...arms, ...(arms.length > 1 ? [{ arm: "all", enrolled, carrying, withdrawn }] : [])].map(
                (row) => (
                  <tr key={row.arm}>
                    <th scope="row">{row.arm}</th>
                    <td class="n">{row.enrolled}</td>
                    <td class="n">{row.carrying}</td>
                    <td class="n">{row.withdrawn}</td>
                  </tr>
                ),
              )}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}

function Share({ value }: { value: number | null }) {
  return (
    <span class="share">
      <span class="bar" aria-hidden="true">
        <span style={{ width: `${100 * (value ?? 0)}%` }} />
      </span>
      {percent(value)}
    </span>
  )
}

function Waves({ overview }: { overview: Overview }) {
  const { waves, outcomes, blind, actions, now } = overview
  return (
    <section aria-labelledby="waves">
      <h2 id="waves">Waves and arms</h2>
      {outcomes.length === 0 && (
        <p class="empty">
          No playlist has been published. Next: <code>fieldtune wave open 1</code> or{" "}
          <code>fieldtune round</code>
        </p>
      )}
      <ul class="waves">
        {waves.map((wave) => (
          <li key={`${wave.cohort} ${wave.wave}`}>
            <strong>
              Wave {wave.wave}
              {wave.cohort === "" ? "" : `, cohort ${wave.cohort}`}
            </strong>{" "}
            {standing(wave, now)}
            {wave.missed > 0 && `; ${count(wave.missed, "board")} missed the sync and play an older list`}{" "}
            {actions && wave.state !== "open" && wave.state !== "closed" && (
              <AskOnce
                action={{ action: "open-wave", wave: wave.wave, cohort: wave.cohort }}
                says={`Opens wave ${wave.wave}: a playlist is designed for every listener and published. Boards fetch it at their next sync. It can't be taken back; fieldtune wave open ${wave.wave} --dry-run shows the lists first.`}
              >
                Open it
              </AskOnce>
            )}
            {actions && wave.state === "open" && (
              <AskOnce
                action={{ action: "close-wave", wave: wave.wave, cohort: wave.cohort }}
                says={`Closes wave ${wave.wave}. Plays that come later still count.`}
              >
                Close it
              </AskOnce>
            )}
          </li>
        ))}
      </ul>
      {actions && (
        <AskOnce
          action={{ action: "round" }}
          says="Estimates every listener's taste from the plays so far, designs a new playlist for each and publishes it. Boards fetch it at their next sync."
        >
          Publish new playlists
        </AskOnce>
      )}
      {outcomes.length > 0 && (
        <Scroll label="Waves by arm">
          <table>
            {blind && <caption>The study is blind: what was heard by arm is shown after unblinding.</caption>}
            <thead>
              <tr>
                <th scope="col">Wave</th>
                <th scope="col">Arm</th>
                <th scope="col" class="n">
                  Plays
                </th>
                <th scope="col">Share of the song heard</th>
                <th scope="col">Heard to the end</th>
                <th scope="col" class="n">
                  Lists confirmed
                </th>
              </tr>
            </thead>
            <tbody>
              {outcomes.flatMap(({ wave, arms }) =>
                arms.map((row, i) => (
                  <tr key={`${wave} ${row.arm}`}>
                    {i === 0 && (
                      <th scope="rowgroup" rowSpan={arms.length}>
                        {wave}
                      </th>
                    )}
                    <td>{row.arm}</td>
                    <td class="n">{row.plays}</td>
                    <td>
                      <Share value={row.meanShareHeard} />
                    </td>
                    <td>
                      <Share value={row.shareFinished} />
                    </td>
                    <td class="n">
                      {row.confirmed} of {row.published}
                    </td>
                  </tr>
                )),
              )}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}

function standing(wave: Wave, now: number): string {
  if (wave.state === "open")
    return wave.openedAt === null ? "is open" : `has been open ${lasting(wave.openedAt, now)}`
  if (wave.state === "closed") return `was closed ${ago(wave.closedAt, now)}`
  if (wave.state === "begun") return "has playlists, and was not opened by hand"
  return wave.plannedFrom === null ? "is planned" : `is planned from ${wave.plannedFrom} to ${wave.plannedTo}`
}

function Days({ overview: { days, timeZone } }: { overview: Overview }) {
  return (
    <section aria-labelledby="days">
      <h2 id="days">Day by day</h2>
      {days.length === 0 ? (
        <p class="empty">
          No board has synced. Next: <code>fieldtune serve --host 0.0.0.0</code>, and boards in range of the
          network
        </p>
      ) : (
        <>
          <h3>Plays ({timeZone})</h3>
          <Bars thing="plays" bars={days.map(({ day, plays }) => ({ name: day, value: plays }))} />
          <h3>Syncs</h3>
          <Bars thing="syncs" bars={days.map(({ day, syncs }) => ({ name: day, value: syncs }))} />
        </>
      )}
    </section>
  )
}
