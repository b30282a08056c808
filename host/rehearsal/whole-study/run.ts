// A whole study, run in advance: enrolment and concealed allocation, waves that are opened and closed, boards that are
// handed out, listened to, synced, lost and brought back, with the real protocol, store and rounds. Only the listeners
// are virtual, and the boards: the real firmware in the VM, or the model of it.
//
// Everything follows from the seed. Boards touch the study only in contacts, which come one after the other in the order
// of the host's clock, so neither threads nor the speed of the machine change anything.

import { KEY_BYTES } from "../../../src/wire.js"
import { importCatalogue } from "../../catalogue/import.js"
import { loadFirmware } from "../../firmware/build.js"
import { describeFeatures, type FeatureSpec, type Song } from "../../model/features.js"
import { stream } from "../../model/random.js"
import { openWave } from "../../round/open-wave.js"
import { estimate } from "../../round.js"
import { answerSync } from "../../server/sync.js"
import type { Song as StoredSong } from "../../store/songs.js"
import { allocationRule } from "../../study/allocate.js"
import { cohortNames } from "../../study/cohorts.js"
import { moveBoard, replaceBoard } from "../../study/devices.js"
import { enrolSubject } from "../../study/enrol.js"
import { checkPlan, type Plan } from "../../study/plan.js"
import { initStudy, type Study } from "../../study/study.js"
import { closeWave } from "../../study/wave-periods.js"
import { drawCatalogue, NO_ATTRIBUTES } from "../catalogue.js"
import { bytesFrom } from "../random-bytes.js"
import { ModelFleet } from "./model-fleet.js"
import type { Catalogue, Pocket, PocketLedger } from "./pocket.js"
import { drawLife, type Life, POPULATION, type Population, scaledPopulation } from "./population.js"
import { type HostExchange, VmFleet } from "./vm-fleet.js"

export type Firmware = "vm" | "model"

export interface WholeStudyOptions {
  /** A folder that does not hold a study yet. */
  dir: string
  /** What is rehearsed; thesisPlan() without a plan of one's own. */
  plan: Partial<Plan>
  /** The study's songs; left out: drawn from the catalogue that ships with the project. */
  songs?: readonly StoredSong[]
  subjects: number
  seed: number
  /** Scale of the tastes: 1 = the population's, 0 = every song is the same to everybody. */
  effect: number
  firmware: Firmware
  /** Threads; they change nothing but the time it takes. */
  workers: number
  population?: Population
  /** Told what is done, and the share of all the work. */
  progress?: (label: string, share: number) => void
}

/** A subject with all the boards that it had. */
interface Participant {
  subject: number
  cohort: string
  life: Life
  /** The last one is the subject's now. */
  pockets: Pocket[]
  /** Carries a board and takes part. */
  present: boolean
}

/** What happened to the people and their boards. */
interface Happenings {
  droppedOut: number
  boardsLost: number
}

interface OpenedWave {
  wave: number
  cohort: string
  /** Rows of the round: design and price by subject. */
  rows: { subject: number; design: string; price: number | null }[]
  weighting: string
}

export interface WholeStudy {
  study: Study
  options: WholeStudyOptions
  population: Population
  catalogue: Catalogue
  participants: Participant[]
  ledgers: Map<string, PocketLedger>
  happenings: Happenings
  waves: OpenedWave[]
}

/** Monday 6 January 2025: rehearsals have a calendar of their own. */
const START = Date.UTC(2025, 0, 6)
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** On the first day of a wave it is opened, and then the boards come to the desk one after the other. */
const OPENING_MS = 6 * HOUR_MS
const DESK_MS = 7 * HOUR_MS
/** Boards are flashed two days before the first wave. */
const FLASHED_MS = 2 * DAY_MS
/** Between two contacts. */
const NEXT_MS = 1000
/** A board's clock may be this much ahead of the host's. */
const SLACK_MS = 60_000
const CATALOGUE_SONGS = 400
/** Highest file number of a Jacdac sound board (src/audio/jacdac.ts). */
const MAX_FILE = 9999

/** The thesis's experiment: 400 songs, 50 a list, a random first wave, a second one by model or benchmark, two to one. */
export function thesisPlan(): Partial<Plan> {
  return {
    name: "the thesis's experiment",
    playlistSize: 50,
    arms: [
      { name: "model", design: "model", share: 2 },
      { name: "gower", design: "gower", share: 1 },
    ],
    waves: { count: 2, days: 5, gapDays: 2, first: "random" },
    // The thesis's utility. It does not favour short songs, of which more is heard whoever chooses them.
    utility: "logTime",
  }
}

/** Subjects of the thesis's experiment. */
export const THESIS_SUBJECTS = 86

/**
 * The plan as it is rehearsed. Boards sync in the evening and at the desk, not by themselves, nobody falls asleep, the
 * calendar is the rehearsal's, and nothing is blind.
 */
function rehearsedPlan(given: Partial<Plan>, seed: number): Partial<Plan> {
  const { waves, cohorts = [], ...plan } = given
  const { start: _, ...period } = waves ?? {}
  return {
    ...plan,
    name: `rehearsal of ${given.name ?? "a study"}`.slice(0, 120),
    seed,
    waves: period as Plan["waves"],
    cohorts: cohorts.map(({ start: __, ...cohort }) => cohort),
    blind: "none",
    syncMinutes: 0,
    syncHours: [],
    sleepMinutes: 0,
  }
}

/** What can't be rehearsed, before anything is begun; throws RangeError. */
export function checkWholeStudy({ plan, songs, firmware, subjects }: WholeStudyOptions): void {
  if (firmware === "model" && plan.onDevice !== undefined) {
    throw new RangeError("onDevice: the model does not choose songs by itself: --firmware vm does")
  }
  const beyond = songs?.find(({ id }) => id > MAX_FILE)
  if (beyond !== undefined) {
    throw new RangeError(`song ${beyond.id}: the rehearsed boards have files 1 to ${MAX_FILE}`)
  }
  const { cohorts } = checkPlan({ ...plan }, "plan")
  const room = cohorts.reduce((sum, cohort) => sum + (cohort.subjects ?? subjects), 0)
  if (cohorts.length > 0 && room < subjects) {
    throw new RangeError(`subjects: the plan's cohorts have room for ${room}, got ${subjects}`)
  }
}

/** Runs all waves of the study and estimates; the study stays open. */
export async function runWholeStudy(options: WholeStudyOptions): Promise<WholeStudy> {
  checkWholeStudy(options)
  const { dir, seed, subjects, effect, firmware, workers } = options
  const population = scaledPopulation(options.population ?? POPULATION, effect)
  const study = await initStudy(dir, rehearsedPlan(options.plan, seed))
  try {
    const catalogue = await loadCatalogue(study, options)
    const salts = bytesFrom(stream(seed, "host salts"))
    const exchange: HostExchange = async (device, body, now) => {
      const answer = await answerSync({ study, now: () => now, random: salts }, device, body)
      if ("sealed" in answer) return { status: 200, body: new Uint8Array(answer.sealed) }
      return { status: answer.status, body: new Uint8Array(0) }
    }
    const fleet =
      firmware === "vm"
        ? new VmFleet({ bytecode: loadFirmware(), catalogue }, exchange, Math.min(workers, subjects))
        : new ModelFleet(catalogue, exchange)
    try {
      const run = new StudyRun({ study, options, population, catalogue, fleet })
      await run.enrol()
      await run.allWaves()
      return await run.finish()
    } finally {
      await fleet.close()
    }
  } catch (error) {
    await study.close()
    throw error
  }
}

async function loadCatalogue(study: Study, { songs, seed }: WholeStudyOptions): Promise<Catalogue> {
  const at = START - FLASHED_MS
  if (songs !== undefined) await study.store.songs.put(songs)
  else {
    const csv = drawCatalogue(CATALOGUE_SONGS, stream(seed, "catalogue"))
    const { errors } = await importCatalogue(study.store, csv, { ignore: NO_ATTRIBUTES, at })
    if (errors.length > 0) throw new Error(`catalogue: ${JSON.stringify(errors[0])}`)
  }
  const rows = await study.store.songs.all()
  const known: Song[] = rows.map(({ id, genre, attributes, lengthMs }) => ({
    id,
    genre: genre || undefined,
    attributes,
    lengthS: lengthMs / 1000,
  }))
  // What the first round freezes, too.
  const spec: FeatureSpec = describeFeatures(known)
  return { songs: known, spec }
}

interface RunParts {
  study: Study
  options: WholeStudyOptions
  population: Population
  catalogue: Catalogue
  fleet: VmFleet | ModelFleet
}

class StudyRun {
  private readonly participants: Participant[] = []
  private readonly opened: OpenedWave[] = []
  private readonly happenings: Happenings = { droppedOut: 0, boardsLost: 0 }
  /** Host time at which the last thing that touched the study was over. */
  private now = START - FLASHED_MS
  private steps = 0

  constructor(private readonly parts: RunParts) {}

  /** Everybody is enrolled with a board that has been flashed. */
  async enrol(): Promise<void> {
    const { study, options, population, catalogue } = this.parts
    const { seed, subjects } = options
    const { plan } = study
    const random = bytesFrom(stream(seed, "allocation key"))
    // Refused before the first board is made.
    allocationRule(plan)
    const names = cohortNames(plan)
    for (let subject = 1; subject <= subjects; subject++) {
      const cohort = cohortFor(plan, names, subject, subjects)
      const life = drawLife({ seed, population, spec: catalogue.spec }, subject, {
        waves: plan.waves.count,
        days: plan.waves.days,
      })
      const pocket = await this.flash(subject, 0)
      const draws = stream(seed, "strata", subject)
      await enrolSubject(
        study,
        {
          subject,
          device: pocket.options.device,
          key: pocket.options.key,
          at: this.now,
          ...(cohort === "" ? {} : { cohort }),
          strata: Object.fromEntries(
            plan.allocation.strata.map(({ name, levels }) => [name, levels[draws.int(levels.length)]]),
          ),
        },
        random,
      )
      this.participants.push({ subject, cohort, life, pockets: [pocket], present: true })
    }
  }

  /** Cohort after cohort, wave after wave, day after day. */
  async allWaves(): Promise<void> {
    const { plan } = this.parts.study
    const { count, days, gapDays } = plan.waves
    let first = START
    for (const cohort of cohortNames(plan)) {
      for (let wave = 1; wave <= count; wave++) {
        if (this.of(cohort).length > 0) await this.wave(cohort, wave, first)
        first += (days + gapDays) * DAY_MS
      }
    }
  }

  /** Estimates what came last and closes the accounts. */
  async finish(): Promise<WholeStudy> {
    const { study, options, population, catalogue } = this.parts
    this.tell("estimating")
    await estimate(study, { now: this.later(this.now), workers: options.workers })
    const ledgers = new Map<string, PocketLedger>()
    for (const { pockets } of this.participants) {
      for (const pocket of pockets) ledgers.set(pocket.options.device, await pocket.ledger())
    }
    const { participants, happenings, opened: waves } = this
    return { study, options, population, catalogue, participants, ledgers, happenings, waves }
  }

  private async wave(cohort: string, wave: number, first: number): Promise<void> {
    const { study, options } = this.parts
    const { days } = study.plan.waves
    this.tell(`designing wave ${wave}`)
    this.now = this.later(first + OPENING_MS)
    const { round } = await openWave(study, { wave, cohort, now: this.now, workers: options.workers })
    this.opened.push({
      wave,
      cohort,
      rows: round.subjects.map(({ subject, design, price }) => ({ subject, design, price })),
      weighting: round.weights.weighting,
    })
    await this.desk(this.of(cohort), first + DESK_MS)
    const reached = new Set<number>()
    for (let day = 0; day < days; day++) {
      this.tell(`wave ${wave}: day ${day + 1} of ${days}`)
      reached.clear()
      await this.day(cohort, wave, day, first + day * DAY_MS, reached)
      await this.morning(cohort, wave, day, first + (day + 1) * DAY_MS + DESK_MS)
    }
    // Who was not heard of on the last day brings the board to the desk.
    const missing = this.of(cohort).filter(({ subject }) => !reached.has(subject))
    await this.desk(missing, first + days * DAY_MS + DESK_MS)
    this.now = this.later(this.now)
    await closeWave(study, wave, cohort, this.now)
  }

  /** Everybody who listens on this day listens, and then the boards that reach the host come one after the other. */
  private async day(
    cohort: string,
    wave: number,
    day: number,
    midnight: number,
    reached: Set<number>,
  ): Promise<void> {
    const out = this.of(cohort).flatMap((participant) => {
      const { taste, outings } = participant.life.waves[wave - 1]
      const outing = outings.find((candidate) => candidate.day === day)
      return outing === undefined ? [] : [{ participant, taste, outing }]
    })
    const back = await Promise.all(
      out.map(async ({ participant, taste, outing }) => {
        const pocket = participant.pockets.at(-1)!
        const at = Math.max(midnight + outing.at, this.now + SLACK_MS)
        const until = await pocket.listen({ at, taste, plays: outing.plays, wave, day })
        if (!outing.reaches) await pocket.switchOff()
        return { participant, outing, until, pocket }
      }),
    )
    const coming = back.filter(({ outing }) => outing.reaches)
    coming.sort((a, b) => a.until - b.until || a.participant.subject - b.participant.subject)
    for (const { pocket, until, participant } of coming) {
      this.now = await pocket.contact(this.later(until))
      await pocket.switchOff()
      reached.add(participant.subject)
    }
    // The next day begins when the last board is back.
    for (const { until } of back) this.now = Math.max(this.now, until)
  }

  /** The morning after a day: who leaves brings the board back, who has lost it gets another one. */
  private async morning(cohort: string, wave: number, day: number, at: number): Promise<void> {
    const { store } = this.parts.study
    for (const participant of this.of(cohort)) {
      const { leavesAfter, losesAfter } = participant.life.waves[wave - 1]
      const pocket = participant.pockets.at(-1)!
      const { device } = pocket.options
      if (losesAfter === day) {
        this.now = this.later(at)
        const next = await this.flash(participant.subject, participant.pockets.length)
        const { device: by, key } = next.options
        await replaceBoard(store, { device, by, key, to: "lost", reason: "lost", at: this.now })
        participant.pockets.push(next)
        this.happenings.boardsLost++
        await this.desk([participant], at)
      }
      if (leavesAfter === day) {
        await this.desk([participant], at)
        this.now = this.later(this.now)
        await moveBoard(store, "return", device, "dropped out", this.now)
        participant.present = false
        this.happenings.droppedOut++
      }
    }
  }

  /** Boards are switched on and sync at the study's desk, one after the other. */
  private async desk(participants: readonly Participant[], at: number): Promise<void> {
    for (const { pockets } of participants) {
      const pocket = pockets.at(-1)!
      this.now = await pocket.contact(this.later(Math.max(at, this.now + SLACK_MS)))
      await pocket.switchOff()
    }
  }

  private flash(subject: number, number: number): Promise<Pocket> {
    const { fleet, options, population } = this.parts
    const { seed } = options
    const device = `f1e1d7${subject.toString(16).padStart(8, "0")}${number.toString(16).padStart(2, "0")}`
    const key = bytesFrom(stream(seed, "key", subject, number))(KEY_BYTES)
    const ppm = population.clockPpm * stream(seed, "crystal", subject, number).normal()
    return fleet.provision({ subject, device, key, seed, ppm }, this.now)
  }

  private of(cohort: string): Participant[] {
    return this.participants.filter((participant) => participant.present && participant.cohort === cohort)
  }

  /** `at`, or when the one before is over. */
  private later(at: number): number {
    return Math.max(at, this.now + NEXT_MS)
  }

  private tell(label: string): void {
    const { options, study } = this.parts
    const { count, days } = study.plan.waves
    const cohorts = cohortNames(study.plan).length
    // A design takes about as long as a day.
    options.progress?.(label, this.steps / (cohorts * count * (days + 1) + 1))
    this.steps++
  }
}

/** The cohorts are filled one after the other; without a stated room they share equally. */
function cohortFor(plan: Plan, names: readonly string[], subject: number, subjects: number): string {
  let before = 0
  for (const name of names) {
    const room = plan.cohorts.find((cohort) => cohort.name === name)?.subjects
    before += room ?? Math.ceil(subjects / names.length)
    if (subject <= before) return name
  }
  return names[names.length - 1]
}
