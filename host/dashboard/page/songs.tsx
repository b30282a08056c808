// The catalogue: every song with what became of it, to filter, sort and page through.

import { useState } from "preact/hooks"
import type { SongRow, SongsView } from "./api"
import { count, minutes, number, percent } from "./format"
import { Scroll } from "./scroll"

/** Rows at a time: ten thousand at once would make the page slow. */
const PAGE = 100

type Column = "song" | "title" | "listed" | "toLearn" | "plays" | "heard" | "constant"

const COLUMNS: readonly { column: Column; name: string; numeric: boolean }[] = [
  { column: "song", name: "Number", numeric: true },
  { column: "title", name: "Song", numeric: false },
  { column: "listed", name: "In lists", numeric: true },
  { column: "toLearn", name: "To learn from", numeric: true },
  { column: "plays", name: "Plays", numeric: true },
  { column: "heard", name: "Share heard", numeric: true },
  { column: "constant", name: "Song constant", numeric: true },
]

function keyOf(row: SongRow, column: Column): number | string {
  if (column === "title") return `${row.title} ${row.artist}`.toLowerCase()
  if (column === "heard") return row.meanShareHeard ?? -1
  if (column === "constant") return row.constant?.mean ?? Number.NEGATIVE_INFINITY
  return row[column] ?? -1
}

export function Songs({ view }: { view: SongsView }) {
  const [text, setText] = useState("")
  const [sort, setSort] = useState<{ column: Column; down: boolean }>({ column: "song", down: false })
  const [page, setPage] = useState(0)
  const wanted = text.trim().toLowerCase()
  const found = view.songs
    .filter((row) => `${row.song} ${row.title} ${row.artist} ${row.genre}`.toLowerCase().includes(wanted))
    .sort((a, b) => {
      const [x, y] = [keyOf(a, sort.column), keyOf(b, sort.column)]
      return (x < y ? -1 : x > y ? 1 : a.song - b.song) * (sort.down ? -1 : 1)
    })
  const pages = Math.max(1, Math.ceil(found.length / PAGE))
  const at = Math.min(page, pages - 1)
  const by = (column: Column, numeric: boolean) => {
    setSort({ column, down: sort.column === column ? !sort.down : numeric && column !== "song" })
    setPage(0)
  }
  return (
    <section aria-labelledby="songs">
      <h2 id="songs">Songs</h2>
      {view.songs.length === 0 ? (
        <p class="empty">
          The catalogue is empty. Next: <code>fieldtune catalogue add FOLDER</code>
        </p>
      ) : (
        <>
          <p>
            {count(view.songs.length, "song")}; attributes: {view.attributes.join(", ") || "none"}
          </p>
          <div class="search">
            <label for="filter">Title, artist, genre or number</label>
            <input
              id="filter"
              type="search"
              value={text}
              onInput={(event) => {
                setText(event.currentTarget.value)
                setPage(0)
              }}
            />
            <span aria-live="polite">{count(found.length, "song")}</span>
          </div>
          <Scroll label="Table of songs">
            <table>
              <thead>
                <tr>
                  {COLUMNS.map(({ column, name, numeric }) => (
                    <th
                      key={column}
                      scope="col"
                      class={numeric ? "n" : ""}
                      aria-sort={
                        sort.column === column ? (sort.down ? "descending" : "ascending") : undefined
                      }
                    >
                      <button type="button" onClick={() => by(column, numeric)}>
                        {name}
                        {sort.column === column ? (sort.down ? " ↓" : " ↑") : ""}
                      </button>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {found.slice(at * PAGE, (at + 1) * PAGE).map((row) => (
                  <tr key={row.song}>
                    <td class="n">{row.song}</td>
                    <th scope="row">
                      {row.title || `song ${row.song}`}
                      <small>
                        {[row.artist, row.genre, minutes(row.lengthMs)]
                          .filter((part) => part !== "")
                          .join(", ")}
                      </small>
                    </th>
                    <td class="n">{row.listed}</td>
                    <td class="n">{row.toLearn ?? "–"}</td>
                    <td class="n">{row.plays}</td>
                    <td class="n">{percent(row.meanShareHeard)}</td>
                    <td class="n">
                      {row.constant === null
                        ? "–"
                        : `${number(row.constant.mean)} ± ${number(row.constant.sd)}`}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
          <p class="fine">
            Song constant: log of the seconds that an average listener hears, whatever the attributes, ±
            standard deviation.
          </p>
          {pages > 1 && (
            <div class="choices">
              <button type="button" disabled={at === 0} onClick={() => setPage(at - 1)}>
                Before
              </button>
              <span>
                Page {at + 1} of {pages}
              </span>
              <button type="button" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
                After
              </button>
            </div>
          )}
        </>
      )}
    </section>
  )
}
