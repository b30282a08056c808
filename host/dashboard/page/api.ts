// What the server tells the page (host/server/dashboard.ts).

export interface Board {
  device: string
  subject: number
  label: string
  arm: string
  /** Unix milliseconds. */
  lastSync: number | null
  firmware: string | null
  plays: number
  /** 0 … 1. */
  logFill: number | null
  playing: number
  published: number
  state: string | null
}

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

export interface Wave {
  wave: number
  designs: string
  plays: number
  /** 0 … 1. */
  meanShareHeard: number | null
  shareFinished: number | null
  playlistsPublished: number
  playlistsConfirmed: number
}

export interface Overview {
  /** The server's time, Unix milliseconds. */
  now: number
  status: {
    name: string
    songs: number
    subjects: number
    plays: number
    quarantined: number
    /** Problems first. */
    findings: Finding[]
    devices: Board[]
  }
  waves: Wave[]
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

export const getOverview = (): Promise<Overview> => get("api/overview")
export const getSubject = (id: number): Promise<SubjectView> => get(`api/subjects/${id}`)
