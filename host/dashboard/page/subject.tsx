// One listener: what was heard, what the model makes of it, and the playlists with why each song is in them.

import { useState } from "preact/hooks"
import type { List, SubjectView } from "./api"
import { count, minutes, number, percent } from "./format"
import { Scroll } from "./scroll"
import { Coefficients, HazardCurve, Trust } from "./taste"
import { Timeline } from "./timeline"
import { ListenerWeek } from "./week"

export function Subject({ view }: { view: SubjectView }) {
  const { subject, plays, playsInAll, taste, hazard, lists, week, blind } = view
  return (
    <>
      <section aria-labelledby="subject">
        <h2 id="subject" tabIndex={-1}>
          {subject.label || `subject ${subject.id}`}
        </h2>
        <p>
          Arm {subject.arm};{" "}
          {subject.device === null ? "carries no board" : `carries board ${subject.device}`};{" "}
          {count(playsInAll, "play")}
        </p>
        {playsInAll === 0 ? (
          <p class="empty">Nothing was heard yet: plays come with the next sync of the board.</p>
        ) : (
          <>
            <h3>What was heard</h3>
            <p class="fine">
              Filled: to the end.{blind ? "" : " Ringed: put in to learn from it."}
              {plays.length < playsInAll && ` The newest ${plays.length} of ${playsInAll} plays.`}
            </p>
            <Timeline plays={plays} />
          </>
        )}
      </section>
      <section aria-labelledby="taste">
        <h2 id="taste">Taste</h2>
        {taste === null ? (
          <p class="empty">
            Nothing is known of this taste yet: no plays have been estimated. Next:{" "}
            <code>fieldtune serve</code> estimates by itself, <code>fieldtune round</code> before it designs
          </p>
        ) : (
          <>
            <p>
              A song of average attributes is heard for {minutes(1000 * taste.typicalSeconds)} at the median,
              were it endless; σ of log time {number(taste.sigma.mean)} ({number(taste.sigma.low)} to{" "}
              {number(taste.sigma.high)}). From {count(taste.plays, "play")}, {taste.censored} of them not
              ended by the listener.
            </p>
            <h3>What matters</h3>
            <Coefficients taste={taste} />
            {hazard !== null && (
              <>
                <h3>When skips come</h3>
                <HazardCurve hazard={hazard} />
              </>
            )}
            <h3>How far to trust it</h3>
            <Trust taste={taste} />
          </>
        )}
      </section>
      <section aria-labelledby="week">
        <h2 id="week">Week</h2>
        {week === null ? (
          <p class="empty">
            The week has not been computed yet. Next: <code>fieldtune patterns fit</code>
          </p>
        ) : week.plays === 0 ? (
          <p class="empty">No play of at least 30 s has a known time.</p>
        ) : (
          <ListenerWeek week={week} />
        )}
      </section>
      <section aria-labelledby="lists">
        <h2 id="lists">Playlists</h2>
        {lists.length === 0 ? (
          <p class="empty">
            No playlist has been published. Next: <code>fieldtune round --subject {subject.id}</code>
          </p>
        ) : (
          <Lists lists={lists} />
        )}
      </section>
    </>
  )
}

function Lists({ lists }: { lists: List[] }) {
  const [chosen, setChosen] = useState(lists[0].version)
  const list = lists.find(({ version }) => version === chosen) ?? lists[0]
  return (
    <>
      <Scroll label="Playlists, newest first">
        <table>
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col" class="n">
                Wave
              </th>
              <th scope="col">Design</th>
              <th scope="col">State</th>
              <th scope="col" class="n">
                Plays
              </th>
              <th scope="col" class="n">
                Expected
              </th>
              <th scope="col" class="n">
                Heard
              </th>
              <th scope="col" class="n">
                Price
              </th>
            </tr>
          </thead>
          <tbody>
            {lists.map((one) => (
              <tr key={one.version}>
                <th scope="row">
                  <button
                    type="button"
                    aria-pressed={one.version === list.version}
                    onClick={() => setChosen(one.version)}
                  >
                    {one.version}
                  </button>
                </th>
                <td class="n">{one.wave}</td>
                <td>{one.design ?? "–"}</td>
                <td>{one.state}</td>
                <td class="n">{one.plays}</td>
                <td class="n">{percent(one.expected)}</td>
                <td class="n">{percent(one.heard)}</td>
                <td class="n">{one.price === null ? "–" : cost(one.price.design + one.price.random)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p class="fine">
        Expected and heard: mean share of the songs, of those of which both are known. Price: share of the
        highest utility given up to learn and to randomise.
      </p>
      <h3>Playlist {list.version}</h3>
      {list.price !== null && (
        <p>
          Learning cost {cost(list.price.design)} of the highest utility, random slots{" "}
          {cost(list.price.random)}.
        </p>
      )}
      {list.notes.map((note) => (
        <p key={note} class="fine">
          {note}
        </p>
      ))}
      <Scroll label={`Songs of playlist ${list.version}`}>
        <table class="songs">
          <thead>
            <tr>
              <th scope="col" class="n">
                #
              </th>
              <th scope="col">Song</th>
              <th scope="col">Why this song</th>
              <th scope="col" class="n">
                Utility
              </th>
              <th scope="col" class="n">
                Chance
              </th>
              <th scope="col" class="n">
                Expected
              </th>
              <th scope="col" class="n">
                Heard
              </th>
            </tr>
          </thead>
          <tbody>
            {list.songs.map((song, i) => (
              <tr key={song.song}>
                <td class="n">{i + 1}</td>
                <th scope="row">
                  {song.title || `song ${song.song}`}
                  <small>
                    {[song.artist, song.genre, minutes(song.lengthMs)]
                      .filter((text) => text !== "")
                      .join(", ")}
                  </small>
                </th>
                <td>
                  {song.tag !== null && <span class={`tag ${song.tag}`}>{song.tag}</span>} {song.reason}
                </td>
                <td class="n">{number(song.utility)}</td>
                <td class="n">{number(song.propensity)}</td>
                <td class="n">{percent(song.expected)}</td>
                <td class="n">{percent(song.heard)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}

function cost(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
