// What the server tells the page (host/server/dashboard.ts).

/** What a check found (host/study/quality). */
export interface Finding {
  rule: string
  severity: "problem" | "warning" | "note"
  subject: number | null
  device: string | null
  /** Unix milliseconds; null where nothing tells. */
  since: number | null
  found: string
  /** The rule in words, and what to do. */
  says: string
  todo: string
}

interface ArmInWave {
  arm: string
  published: number
  confirmed: number
  plays: number
  /** 0 … 1; null without plays, and while the study is blind. */
  meanShareHeard: number | null
  shareFinished: number | null
}

export interface Wave {
  wave: number
  cohort: string
  state: "planned" | "begun" | "open" | "closed"
  plannedFrom: string | null
  plannedTo: string | null
  openedAt: number | null
  closedAt: number | null
  missed: number
}

export interface Board {
  device: string
  state: string
  subject: number | null
  label: string
  arm: string
  /** Unix milliseconds. */
  lastSync: number | null
  firmware: string | null
  plays: number
  /** 0 … 1. */
  logFill: number | null
  /** Percent. */
  battery: number | null
  playing: { version: number; wave: number | null; song: string | null }
  next: { version: number; wave: number; songs: number; state: string } | null
}

export interface Overview {
  /** The server's time, Unix milliseconds. */
  now: number
  /** May the page act? */
  actions: boolean
  revision: string
  name: string
  blind: boolean
  timeZone: string
  songs: number
  plays: number
  quarantined: number
  /** Problems first. */
  findings: Finding[]
  people: {
    enrolled: number
    carrying: number
    withdrawn: number
    arms: { arm: string; enrolled: number; carrying: number; withdrawn: number }[]
  }
  waves: Wave[]
  outcomes: { wave: number; arms: ArmInWave[] }[]
  days: { day: string; plays: number; syncs: number }[]
  boards: Board[]
  subjects: {
    id: number
    label: string
    arm: string
    device: string | null
    plays: number
    wave: number | null
  }[]
}

export interface Item {
  song: number
  title: string
  artist: string
  genre: string
  lengthMs: number | null
  utility: number | null
  information: number | null
  /** null, like all that tells of a design, while the study is blind. */
  tag: "explore" | "exploit" | null
  propensity: number | null
  rank: number | null
  reason: string
}

export interface SubjectView {
  subject: { id: number; label: string; arm: string }
  playlist: {
    version: number
    wave: number
    design: string | null
    state: string
    /** Shares of the highest utility that were given up, 0 … 1. */
    price: { design: number; random: number } | null
    notes: string[]
    items: Item[]
  } | null
  taste: {
    names: string[]
    mean: number[]
    sd: number[]
    inclusion: number[]
    sigma: number
    plays: number
    warnings: string[]
  } | null
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(path)
  if (!response.ok) throw new Error(`${path}: the server answers ${response.status}`)
  return response.json()
}

export type Action =
  | { action: "open-wave" | "close-wave"; wave: number; cohort: string }
  | { action: "round" }
  | { action: "return-board"; device: string }

/** Asks the server to do it; gives the lines that say what came of it. */
export async function ask(action: Action): Promise<{ done: boolean; lines: string[] }> {
  const response = await fetch("api/actions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(action),
  })
  const told = await response.json()
  return Array.isArray(told.lines)
    ? told
    : { done: false, lines: [told.error ?? `the server answers ${response.status}`] }
}

export const getOverview = (): Promise<Overview> => get("api/overview")
export const getSubject = (id: number): Promise<SubjectView> => get(`api/subjects/${id}`)
