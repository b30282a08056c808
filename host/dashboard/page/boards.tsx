// The boards: where each is, how it is, what it plays and what comes next.

import type { Board, Overview } from "./api"
import { AskOnce } from "./ask-once"
import { ago, percent } from "./format"
import { Scroll } from "./scroll"

const STATE: Record<string, string> = {
  stock: "in stock",
  "handed-out": "handed out",
  returned: "returned",
  lost: "lost",
  retired: "retired",
}

export function Boards({ overview }: { overview: Overview }) {
  const { boards, now, actions } = overview
  return (
    <section aria-labelledby="boards">
      <h2 id="boards">Boards</h2>
      {boards.length === 0 ? (
        <p class="empty">
          No board is enrolled. Next: <code>fieldtune enrol 1 --device ID</code>
        </p>
      ) : (
        <Scroll label="Table of boards">
          <table class="boards">
            <thead>
              <tr>
                <th scope="col">Board</th>
                <th scope="col">Listener</th>
                <th scope="col">State</th>
                <th scope="col">Last sync</th>
                <th scope="col">Plays now</th>
                <th scope="col">Next</th>
                <th scope="col" class="n">
                  Plays
                </th>
                <th scope="col" class="n">
                  Log
                </th>
                <th scope="col" class="n">
                  Battery
                </th>
                <th scope="col">Firmware</th>
                {actions && <th scope="col">Action</th>}
              </tr>
            </thead>
            <tbody>
              {boards.map((board) => (
                <tr key={board.device}>
                  <th scope="row">
                    <code>{board.device}</code>
                  </th>
                  <td data-label="Listener">
                    {board.subject === null ? (
                      "–"
                    ) : (
                      <a href={`#/subjects/${board.subject}`}>{board.label || `subject ${board.subject}`}</a>
                    )}
                    {board.arm !== "" && <small>{board.arm}</small>}
                  </td>
                  <td data-label="State">{STATE[board.state] ?? board.state}</td>
                  <td data-label="Last sync">{ago(board.lastSync, now)}</td>
                  <td data-label="Plays now">{playing(board)}</td>
                  <td data-label="Next">{next(board)}</td>
                  <td class="n" data-label="Plays">
                    {board.plays}
                  </td>
                  <td class="n" data-label="Log">
                    {percent(board.logFill)}
                  </td>
                  <td class="n" data-label="Battery">
                    {board.battery === null ? "–" : `${board.battery} %`}
                  </td>
                  <td data-label="Firmware">{board.firmware ?? "–"}</td>
                  {actions && (
                    <td>
                      {board.state === "handed-out" && (
                        <AskOnce
                          action={{ action: "return-board", device: board.device }}
                          says={`Board ${board.device} is back: ${board.label || `subject ${board.subject}`} no longer carries it, and it may be handed out again. Sync it first, or what it still holds comes in later.`}
                        >
                          Returned
                        </AskOnce>
                      )}
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}

function playing({ playing: { version, wave, song } }: Board) {
  if (version === 0) return "no list yet"
  return (
    <>
      list {version}
      {wave !== null && `, wave ${wave}`}
      {song !== null && <small>{song}, at the last sync</small>}
    </>
  )
}

function next({ next: list }: Board) {
  if (list === null) return "–"
  return (
    <>
      list {list.version}, wave {list.wave}
      <small>
        {list.songs} songs, {list.state}
      </small>
    </>
  )
}
