// News from the server: told when something has changed; asked for every now and then where telling does not work.

import { useEffect, useState } from "preact/hooks"

/** Asked again after this even without news: "3 min ago" grows old. */
const ASK_MS = 30_000
/** Without a connection for news. */
const ASK_OFTEN_MS = 3000
/** News that come faster are taken together. */
const PAUSE_MS = 400

/** A number that grows with every reason to ask the server again. */
export function useNews(): number {
  const [beat, setBeat] = useState(0)
  useEffect(() => {
    let pause: ReturnType<typeof setTimeout> | undefined
    const again = () => {
      pause ??= setTimeout(() => {
        pause = undefined
        setBeat((n) => n + 1)
      }, PAUSE_MS)
    }
    const source = new EventSource("api/events")
    source.addEventListener("changed", again)
    // What happened while the connection was gone is not told again.
    source.addEventListener("open", again)
    let asked = 0
    const timer = setInterval(() => {
      asked += ASK_OFTEN_MS
      if (source.readyState === EventSource.OPEN && asked < ASK_MS) return
      asked = 0
      again()
    }, ASK_OFTEN_MS)
    return () => {
      source.close()
      clearInterval(timer)
      clearTimeout(pause)
    }
  }, [])
  return beat
}

/** Loads what `load` gives, anew with every beat; keeps what it has while it loads. */
export function useLoaded<T>(
  load: () => Promise<T>,
  beat: number,
  key: string,
): [T | undefined, string | undefined] {
  const [held, setHeld] = useState<{ key: string; value: T }>()
  const [failure, setFailure] = useState<string>()
  useEffect(() => {
    let live = true
    load().then(
      (value) => {
        if (!live) return
        setHeld({ key, value })
        setFailure(undefined)
      },
      (error: Error) => live && setFailure(error.message),
    )
    return () => {
      live = false
    }
  }, [beat, key])
  return [held?.key === key ? held.value : undefined, failure]
}
