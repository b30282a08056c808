// Which page is shown stands in the address behind #, so that it can be linked, and the browser's back works.

import { useEffect, useState } from "preact/hooks"

export type Route =
  | { page: "study" | "boards" | "subjects" | "songs" | "patterns" | "survey" }
  | { page: "subject"; subject: number }

const PAGES = ["boards", "subjects", "songs", "patterns", "survey"] as const

function routeOf(hash: string): Route {
  const [, first = "", second = ""] = hash.split("/")
  if (first === "subjects" && /^[1-9]\d{0,8}$/.test(second))
    return { page: "subject", subject: Number(second) }
  return { page: PAGES.find((page) => page === first) ?? "study" }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash))
  useEffect(() => {
    const follow = () => setRoute(routeOf(location.hash))
    addEventListener("hashchange", follow)
    return () => removeEventListener("hashchange", follow)
  }, [])
  return route
}
