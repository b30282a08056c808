// The page: asks the server every few seconds and shows what it says.

import { render } from "preact"
import { useEffect, useState } from "preact/hooks"
import { getOverview, getSubject, type Overview, type SubjectView } from "./api"
import { count } from "./format"
import { Boards, Findings, Waves } from "./study"
import { Subject } from "./subject"

const REFRESH_MS = 3000

function Page() {
  const [overview, setOverview] = useState<Overview>()
  const [chosen, setChosen] = useState<number>()
  const [view, setView] = useState<SubjectView>()
  const [failure, setFailure] = useState<string>()
  const [beat, setBeat] = useState(0)

  useEffect(() => {
    let live = true
    const refresh = async () => {
      try {
        const next = await getOverview()
        if (!live) return
        setOverview(next)
        setFailure(undefined)
        setChosen((before) => before ?? next.status.devices[0]?.subject)
      } catch (error) {
        if (live) setFailure((error as Error).message)
      }
      setBeat((n) => n + 1)
    }
    void refresh()
    const timer = setInterval(refresh, REFRESH_MS)
    return () => {
      live = false
      clearInterval(timer)
    }
  }, [])

  // The beat asks again although the subject is the same.
  useEffect(() => {
    let live = true
    if (chosen === undefined) return
    getSubject(chosen).then(
      (next) => live && setView(next),
      (error: Error) => live && setFailure(error.message),
    )
    return () => {
      live = false
    }
  }, [chosen, beat])

  if (overview === undefined) {
    return <p class="empty">{failure ?? "Loading the study …"}</p>
  }
  const { status, waves } = overview
  return (
    <>
      <header>
        <h1>{status.name}</h1>
        <p aria-live="polite">
          {count(status.plays, "play")} from {count(status.devices.length, "board")},{" "}
          {count(status.songs, "song")}
          {failure === undefined ? "" : `; no news from the server (${failure})`}
        </p>
      </header>
      <main id="main">
        <Findings findings={status.findings} now={overview.now} />
        <Waves waves={waves} />
        <Boards overview={overview} chosen={chosen} choose={setChosen} />
        {view !== undefined && view.subject.id === chosen && <Subject view={view} />}
      </main>
    </>
  )
}

render(<Page />, document.getElementById("app")!)
