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

export interface HeardPlay {
  id: number
  at: number | null
  uncertaintyMs: number | null
  song: number
  title: string
  artist: string
  heardS: number
  share: number
  end: string
  wave: number | null
  toLearn: boolean | null
}

interface Coefficient {
  name: string
  mean: number
  low: number
  high: number
  inclusion: number
}

interface ListedSong {
  song: number
  title: string
  artist: string
  genre: string
  lengthMs: number | null
  /** null, like all that tells of a design, while the study is blind. */
  tag: string | null
  utility: number | null
  propensity: number | null
  reason: string
  expected: number | null
  heard: number | null
}

export interface List {
  version: number
  wave: number
  design: string | null
  state: string
  at: number
  price: { design: number; random: number } | null
  notes: string[]
  plays: number
  expected: number | null
  heard: number | null
  songs: ListedSong[]
}

export interface SubjectView {
  subject: { id: number; label: string; arm: string; device: string | null }
  blind: boolean
  playsInAll: number
  /** The newest, oldest first. */
  plays: HeardPlay[]
  taste: {
    coefficients: Coefficient[]
    sigma: { mean: number; low: number; high: number }
    typicalSeconds: number
    plays: number
    censored: number
    diagnosis: { good: boolean; says: string }[]
  } | null
  hazard: { seconds: number[]; low: number[]; median: number[]; high: number[] } | null
  /** Newest first. */
  week: Week | null
  lists: List[]
}

export interface Strongest {
  pattern: number
  code: number
}

export interface Week {
  at: number
  standing: string
  plays: number
  weeks: number
  counts: number[]
  strongest: Strongest[]
}

interface Area {
  area: number | null
  low: number | null
  high: number | null
}

export interface PatternsView {
  dictionary: {
    version: number
    at: number
    atoms: number
    lambda: number
    fitted: number
    channels: string[]
    dropped: string[]
    ratios: "raw" | "shrunk"
    source: string
    explained: number | null
    used: number | null
    objectives: number[]
    withdrawnData: boolean
    firstHour: number
  } | null
  patterns: { pattern: number; lines: number[][]; listeners: number; weight: number }[]
  example: {
    subject: number
    counts: number[]
    weeks: { channel: string; week: number[]; normalised: number[] }[]
  } | null
  listeners: { subject: number; standing: string; plays: number; weeks: number; strongest: Strongest[] }[]
  evaluation: {
    people: number
    activities: { activity: string; noAnswer: string | null }[]
    sets: { features: string; byActivity: ({ activity: string } & Area)[]; mean: Area }[]
    curve: { turns: number; area: number | null; explained: number }[]
    permuted: { times: number; mean: number; sd: number } | null
    weights: { dictionary: string; rows: { activity: string; weights: number[] }[] } | null
  } | null
}

export interface SongRow {
  song: number
  title: string
  artist: string
  genre: string
  lengthMs: number
  attributes: Record<string, number>
  listed: number
  toLearn: number | null
  plays: number
  meanShareHeard: number | null
  constant: { mean: number; sd: number } | null
}

export interface SongsView {
  blind: boolean
  attributes: string[]
  songs: SongRow[]
}

export interface Question {
  id: string
  text: string
  kind: "likert" | "amount" | "number" | "choice" | "text"
  points?: number
  ends?: string[]
  currency?: string
  options?: string[]
}

export interface SurveyState {
  questions: Question[]
  subjects: { subject: number; arm: string; answers: Record<string, number | string> }[]
}

/** Keeps a listener's answers; gives what is wrong with them, or undefined. */
export async function answerSurvey(
  subject: number,
  answers: Record<string, number | string>,
): Promise<string | undefined> {
  const response = await fetch("api/survey", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ subject, answers }),
  })
  if (response.ok) return undefined
  return (await response.json()).error ?? `the server answers ${response.status}`
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
export const getSongs = (): Promise<SongsView> => get("api/songs")
export const getPatterns = (): Promise<PatternsView> => get("api/patterns")
export const getSurvey = (): Promise<SurveyState> => get("api/survey")
