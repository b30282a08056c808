// The listeners, to choose one from.

import type { Overview } from "./api"
import { Scroll } from "./scroll"

export function Subjects({ overview: { subjects } }: { overview: Overview }) {
  return (
    <section aria-labelledby="listeners">
      <h2 id="listeners">Listeners</h2>
      {subjects.length === 0 ? (
        <p class="empty">
          Nobody is enrolled. Next: <code>fieldtune enrol 1 --device ID</code>
        </p>
      ) : (
        <Scroll label="Table of listeners">
          <table>
            <thead>
              <tr>
                <th scope="col">Listener</th>
                <th scope="col">Arm</th>
                <th scope="col">Board</th>
                <th scope="col" class="n">
                  Plays
                </th>
                <th scope="col" class="n">
                  Newest wave
                </th>
              </tr>
            </thead>
            <tbody>
              {subjects.map(({ id, label, arm, device, plays, wave }) => (
                <tr key={id}>
                  <th scope="row">
                    <a href={`#/subjects/${id}`}>{label || `subject ${id}`}</a>
                  </th>
                  <td>{arm}</td>
                  <td>{device === null ? "–" : <code>{device}</code>}</td>
                  <td class="n">{plays}</td>
                  <td class="n">{wave ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}
