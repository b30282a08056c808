// The study: problems first, then the waves, then the boards.

import type { Board, Finding, Overview, Wave } from "./api"
import { ago, percent } from "./format"

const SEVERITY = { problem: "Problem", warning: "Warning", note: "Note" }

export function Findings({ findings, now }: { findings: Finding[]; now: number }) {
  if (findings.length === 0) return <p class="fine">No problems found.</p>
  return (
    <section aria-labelledby="problems">
      <h2 id="problems">Needs a look</h2>
      <ul class="problems">
        {findings.map((finding) => (
          <li key={`${finding.rule} ${finding.subject} ${finding.device}`} class={finding.severity}>
            <strong>{SEVERITY[finding.severity]}</strong>{" "}
            {finding.subject === null ? "" : `Subject ${finding.subject}: `}
            {finding.found}
            {finding.device === null ? "" : ` (${finding.device})`}
            {finding.since === null ? "" : `, since ${ago(finding.since, now)}`}
            <p>{finding.todo}</p>
            <details>
              <summary>The rule</summary>
              {finding.says}
            </details>
          </li>
        ))}
      </ul>
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

export function Waves({ waves }: { waves: Wave[] }) {
  return (
    <section aria-labelledby="waves">
      <h2 id="waves">Waves</h2>
      {waves.length === 0 ? (
        <p class="empty">
          No playlist has been published. Next: <code>fieldtune round</code>
        </p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Wave</th>
                <th scope="col">Design</th>
                <th scope="col" class="n">
                  Plays
                </th>
                <th scope="col">Share of the song heard</th>
                <th scope="col">Heard to the end</th>
                <th scope="col" class="n">
                  Playlists confirmed
                </th>
              </tr>
            </thead>
            <tbody>
              {waves.map((wave) => (
                <tr key={wave.wave}>
                  <th scope="row">{wave.wave}</th>
                  <td>{wave.designs}</td>
                  <td class="n">{wave.plays}</td>
                  <td>
                    <Share value={wave.meanShareHeard} />
                  </td>
                  <td>
                    <Share value={wave.shareFinished} />
                  </td>
                  <td class="n">
                    {wave.playlistsConfirmed} of {wave.playlistsPublished}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

interface BoardsProps {
  overview: Overview
  chosen: number | undefined
  choose: (subject: number) => void
}

export function Boards({ overview, chosen, choose }: BoardsProps) {
  const { devices } = overview.status
  return (
    <section aria-labelledby="boards">
      <h2 id="boards">Boards</h2>
      {devices.length === 0 ? (
        <p class="empty">
          No board is enrolled. Next: <code>fieldtune enrol 1 --device ID</code>
        </p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Listener</th>
                <th scope="col">Board</th>
                <th scope="col">Arm</th>
                <th scope="col">Last sync</th>
                <th scope="col" class="n">
                  Plays
                </th>
                <th scope="col" class="n">
                  Log
                </th>
                <th scope="col">Playlist</th>
              </tr>
            </thead>
            <tbody>
              {devices.map((board) => (
                <tr key={board.device} class={board.subject === chosen ? "chosen" : ""}>
                  <th scope="row">
                    <button
                      type="button"
                      aria-pressed={board.subject === chosen}
                      onClick={() => choose(board.subject)}
                    >
                      {board.label || `subject ${board.subject}`}
                    </button>
                  </th>
                  <td>
                    <code>{board.device}</code>
                  </td>
                  <td>{board.arm}</td>
                  <td>{ago(board.lastSync, overview.now)}</td>
                  <td class="n">{board.plays}</td>
                  <td class="n">{percent(board.logFill)}</td>
                  <td>{playlistOf(board)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function playlistOf(board: Board): string {
  if (board.published === 0) return "none yet"
  if (board.playing === board.published) return `${board.playing}, confirmed`
  return `${board.playing === 0 ? "none" : board.playing} now, ${board.published} ${board.state ?? ""}`
}
