// The page: what the address asks for, kept up to date with the server.

import { render } from "preact"
import { getOverview, getPatterns, getSongs, getSubject, getSurvey, type Overview } from "./api"
import { Boards } from "./boards"
import { count } from "./format"
import { useLoaded, useNews } from "./live"
import { Patterns } from "./patterns"
import { type Route, useRoute } from "./route"
import { Songs } from "./songs"
import { StudyPage } from "./study"
import { Subject } from "./subject"
import { Subjects } from "./subjects"
import { Survey } from "./survey"

const NAVIGATION = [
  ["study", "#/", "Study"],
  ["boards", "#/boards", "Boards"],
  ["subjects", "#/subjects", "Listeners"],
  ["songs", "#/songs", "Songs"],
  ["patterns", "#/patterns", "Weeks"],
  ["survey", "#/survey", "Survey"],
] as const

function App() {
  const beat = useNews()
  const route = useRoute()
  const [overview, failure] = useLoaded(getOverview, beat, "overview")
  return (
    <>
      <header>
        {overview === undefined ? (
          <p class="empty">{failure ?? "Loading the study …"}</p>
        ) : (
          <Header overview={overview} route={route} failure={failure} />
        )}
      </header>
      <main id="main" tabIndex={-1}>
        <Page route={route} overview={overview} beat={beat} />
      </main>
    </>
  )
}

function Header({
  overview,
  route,
  failure,
}: {
  overview: Overview
  route: Route
  failure: string | undefined
}) {
  const problems = overview.findings.filter(({ severity }) => severity === "problem").length
  return (
    <>
      <h1>{overview.name}</h1>
      <p aria-live="polite">
        {count(overview.plays, "play")} from {count(overview.boards.length, "board")},{" "}
        {count(overview.songs, "song")}
        {failure === undefined ? "" : `; no news from the server (${failure})`}
      </p>
      <nav aria-label="Pages">
        {NAVIGATION.map(([page, href, name]) => (
          <a key={page} href={href} aria-current={current(route, page) ? "page" : undefined}>
            {name}
            {page === "study" && problems > 0 && (
              <span class="problems-count"> {count(problems, "problem")}</span>
            )}
          </a>
        ))}
      </nav>
    </>
  )
}

function current(route: Route, page: string): boolean {
  return route.page === page || (route.page === "subject" && page === "subjects")
}

/** Pages with an answer of their own ask for it beside the overview. */
function Page({ route, overview, beat }: { route: Route; overview: Overview | undefined; beat: number }) {
  if (route.page === "subject") return <SubjectPage subject={route.subject} beat={beat} />
  if (route.page === "songs") return <SongsPage beat={beat} />
  if (route.page === "patterns") return <PatternsPage beat={beat} now={overview?.now ?? Date.now()} />
  if (route.page === "survey") return <SurveyPage beat={beat} actions={overview?.actions ?? false} />
  if (overview === undefined) return null
  if (route.page === "boards") return <Boards overview={overview} />
  if (route.page === "subjects") return <Subjects overview={overview} />
  return <StudyPage overview={overview} />
}

function SubjectPage({ subject, beat }: { subject: number; beat: number }) {
  const [view, failure] = useLoaded(() => getSubject(subject), beat, `subject ${subject}`)
  if (view === undefined) return <p class="empty">{failure ?? "Loading the listener …"}</p>
  return <Subject view={view} />
}

function SongsPage({ beat }: { beat: number }) {
  const [view, failure] = useLoaded(getSongs, beat, "songs")
  if (view === undefined) return <p class="empty">{failure ?? "Loading the songs …"}</p>
  return <Songs view={view} />
}

function PatternsPage({ beat, now }: { beat: number; now: number }) {
  const [view, failure] = useLoaded(getPatterns, beat, "patterns")
  if (view === undefined) return <p class="empty">{failure ?? "Loading the weekly patterns …"}</p>
  return <Patterns view={view} now={now} />
}

function SurveyPage({ beat, actions }: { beat: number; actions: boolean }) {
  const [state, failure] = useLoaded(getSurvey, beat, "survey")
  if (state === undefined) return <p class="empty">{failure ?? "Loading the survey …"}</p>
  return <Survey state={state} actions={actions} />
}

// Following the link leaves the address alone: it says which page is shown.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault()
  document.getElementById("main")?.focus()
})
const app = document.getElementById("app")!
app.replaceChildren()
render(<App />, app)
