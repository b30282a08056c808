// One listener: the playlist now with why each song is in it, and what is known of the taste.

import type { Item, SubjectView } from "./api"
import { minutes, number, percent } from "./format"
import { Scroll } from "./scroll"

export function Subject({ view }: { view: SubjectView }) {
  const { subject, playlist, taste } = view
  return (
    <section aria-labelledby="subject">
      <h2 id="subject" tabIndex={-1}>
        {subject.label}
      </h2>
      {taste === null ? (
        <p class="empty">Nothing is known of this taste yet: no plays have been estimated.</p>
      ) : (
        <Taste taste={taste} />
      )}
      {playlist === null ? (
        <p class="empty">
          No playlist has been published. Next: <code>fieldtune round --subject {subject.id}</code>
        </p>
      ) : (
        <Playlist playlist={playlist} />
      )}
    </section>
  )
}

function cost(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

/** Attributes that are more likely in the model than not; the rest says little. */
const SHOWN = 0.5

function Taste({ taste }: { taste: NonNullable<SubjectView["taste"]> }) {
  const rows = taste.names
    .map((name, i) => ({ name, mean: taste.mean[i], sd: taste.sd[i], inclusion: taste.inclusion[i] }))
    .filter((row, i) => i > 0 && row.inclusion >= SHOWN)
    .sort((a, b) => Math.abs(b.mean) - Math.abs(a.mean))
  return (
    <>
      <h3>Taste, from {taste.plays} plays</h3>
      {rows.length === 0 ? (
        <p>No attribute stands out so far.</p>
      ) : (
        <ul class="taste">
          {rows.map((row) => (
            <li key={row.name}>
              <strong>{row.name}</strong> {row.mean > 0 ? "is listened to longer" : "is listened to shorter"}:
              ×{Math.exp(row.mean).toFixed(2)} per unit, standard deviation {number(row.sd)} in log time, in
              the model with probability {percent(row.inclusion)}
            </li>
          ))}
        </ul>
      )}
      {taste.warnings.map((warning) => (
        <p key={warning} class="warning">
          {warning}
        </p>
      ))}
    </>
  )
}

function Playlist({ playlist }: { playlist: NonNullable<SubjectView["playlist"]> }) {
  const explored = playlist.items.filter((item) => item.tag === "explore").length
  return (
    <>
      <h3>
        Playlist {playlist.version}, wave {playlist.wave}
      </h3>
      <p>
        {playlist.design === null
          ? `${playlist.state}; ${playlist.items.length} songs; the study is blind`
          : `Design ${playlist.design}, ${playlist.state}; ${playlist.items.length} songs, ${explored} of them to explore`}
        {playlist.price === null
          ? "."
          : `; ${cost(playlist.price.design)} of the utility given up by the design, ${cost(playlist.price.random)} by random slots.`}
      </p>
      {playlist.notes.map((note) => (
        <p key={note} class="warning">
          {note}
        </p>
      ))}
      <Scroll label="Taste">
        <table class="songs">
          <caption>
            In playing order. Utility is the expected share heard; information the gain in log determinant.
          </caption>
          <thead>
            <tr>
              <th scope="col" class="n">
                #
              </th>
              <th scope="col">Song</th>
              <th scope="col">Why this song</th>
              <th scope="col">Tag</th>
              <th scope="col" class="n">
                Utility
              </th>
              <th scope="col" class="n">
                Information
              </th>
              <th scope="col" class="n">
                Propensity
              </th>
              <th scope="col" class="n">
                Rank
              </th>
            </tr>
          </thead>
          <tbody>
            {playlist.items.map((item, i) => (
              <Row key={item.song} item={item} position={i + 1} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}

function Row({ item, position }: { item: Item; position: number }) {
  const facts = [item.artist, item.genre, minutes(item.lengthMs)].filter((fact) => fact !== "")
  return (
    <tr>
      <td class="n">{position}</td>
      <th scope="row">
        {item.title || `song ${item.song}`}
        <small>{facts.join(" · ")}</small>
      </th>
      <td>{item.reason || "–"}</td>
      <td>{item.tag === null ? "–" : <span class={`tag ${item.tag}`}>{item.tag}</span>}</td>
      <td class="n">{number(item.utility)}</td>
      <td class="n">{number(item.information)}</td>
      <td class="n">{propensity(item)}</td>
      <td class="n">{item.rank ?? "–"}</td>
    </tr>
  )
}

function propensity({ propensity, tag }: Item): string {
  if (tag === null) return "–"
  return propensity === null ? "deterministic" : number(propensity)
}
