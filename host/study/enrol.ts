// Enrolment: which listener carries which board, and how a new one comes to an arm.

import { KEY_BYTES } from "../../src/wire.js"
import type { Draw } from "../store/allocations.js"
import { EnrolmentError } from "../store/boards.js"
import type { Store } from "../store/store.js"
import type { Enrolment } from "../store/subjects.js"
import { ALLOCATION_KEY_BYTES, allocationRule, commitmentOf, drawFrom, stratumOf } from "./allocate.js"
import { startPlan } from "./amend.js"
import { armFor, armShown } from "./blind.js"
import type { Plan } from "./plan.js"
import { planNow, type Study } from "./study.js"

export { EnrolmentError }

interface Carrying {
  /** The study's number for the listener, 1, 2, 3, … */
  subject: number
  /** What the researcher calls the listener; "subject 7" when empty. */
  label?: string
  /** Sixteen lower-case hexadecimal digits. */
  device: string
  /** KEY_BYTES bytes that the board holds too. */
  key: Uint8Array
  /** Unix milliseconds. */
  at: number
}

interface EnrolmentRequest extends Carrying {
  arm: string | Draw
  /** Of a new subject: the rest of what decides its arm. */
  stratum?: string
  reason?: string
  cohort?: string
  strata?: Record<string, string>
  room?: number
}

export interface EnrolmentWish extends Carrying {
  /** The arm by hand (in a blind study its code will do, too), which needs a reason; otherwise it is drawn. */
  arm?: string
  reason?: string
  cohort?: string
  /** Level by stratum. */
  strata?: Record<string, string>
}

interface Enrolled {
  enrolment: Enrolment
  /** The arm as it may be shown: its code in a blind study. */
  arm: string
  /** `kept`: the subject was in the study before. */
  allocated: "drawn" | "by hand" | "kept"
}

const MAX_LABEL = 200
const MAX_REASON = 2000

/**
 * Enrols the subject as the plan says, and starts the study where it is the first one. A new subject's arm is drawn in
 * the transaction of its enrolment. `random` gives the bytes of the allocation key.
 */
export async function enrolSubject(
  study: Study,
  wish: EnrolmentWish,
  random: (bytes: number) => Uint8Array,
): Promise<Enrolled> {
  const { store } = study
  const { subject, at, arm: wanted, reason = "", cohort, strata = {}, ...rest } = wish
  checkCarrying(wish)
  const plan = await planNow(study)
  if (wish.label && !plan.privacy.labels) {
    throw new EnrolmentError(`label of subject ${subject}: the plan allows none (privacy.labels)`)
  }
  if (reason.length > MAX_REASON) {
    throw new EnrolmentError(`reason: must be at most ${MAX_REASON} characters, got ${reason.length}`)
  }
  const known = await store.subjects.get(subject)
  const byHand = wanted === undefined ? undefined : await armFor(study, wanted)
  if (known !== undefined) {
    if (byHand !== undefined && byHand !== known.arm) {
      throw new EnrolmentError(`subject ${subject}: stays in the arm that it was enrolled in`)
    }
    if (cohort !== undefined && cohort !== known.cohort) {
      throw new EnrolmentError(
        `subject ${subject}: is in cohort ${known.cohort} and stays there, got ${cohort}`,
      )
    }
    for (const [name, level] of Object.entries(strata)) {
      if (known.strata[name] !== level) {
        throw new EnrolmentError(
          `subject ${subject}: stratum ${name} is ${known.strata[name]} and stays, got ${level}`,
        )
      }
    }
    const enrolment = await enrol(store, { ...rest, subject, at, arm: known.arm })
    return { enrolment, arm: (await armShown(study))(known.arm), allocated: "kept" }
  }
  const room = roomOf(plan, cohort)
  const stratum = stratumOf(plan, strata)
  const rule = allocationRule(plan)
  if (byHand !== undefined && reason.trim() === "") {
    throw new EnrolmentError(`arm of subject ${subject}: set by hand needs a reason (--reason)`)
  }
  await checkFree(store, wish)
  await startPlan(study, at)
  await beginAllocation(store, random, at)
  const enrolment = await enrol(store, {
    ...rest,
    ...{ subject, at, cohort, strata, room, stratum },
    ...(byHand === undefined ? { arm: drawFrom(rule, stratum) } : { arm: byHand, reason }),
  })
  const arm = (await armShown(study))(enrolment.arm)
  return { enrolment, arm, allocated: byHand === undefined ? "drawn" : "by hand" }
}

/** Draws the allocation key, keeps it and binds it by its hash, unless that was done before. */
async function beginAllocation(
  store: Store,
  random: (bytes: number) => Uint8Array,
  at: number,
): Promise<void> {
  if ((await store.allocations.key()) !== undefined) return
  const key = random(ALLOCATION_KEY_BYTES)
  await store.allocations.begin(key, commitmentOf(key), at)
}

/** Room of the subject's cohort; throws where the plan has no such cohort, or needs one. */
function roomOf({ cohorts }: Plan, wanted: string | undefined): number | undefined {
  const names = cohorts.map(({ name }) => name)
  if (wanted === undefined) {
    if (cohorts.length === 0) return undefined
    throw new EnrolmentError(`cohort: is needed: ${names.join(" or ")}`)
  }
  const found = cohorts.find(({ name }) => name === wanted)
  if (found !== undefined) return found.subjects
  const rule = names.length > 0 ? `must be ${names.join(" or ")}` : "the plan has none"
  throw new EnrolmentError(`cohort: ${rule}, got ${JSON.stringify(wanted)}`)
}

/** Enrols the subject with the device in an arm that is given, as rehearsals do. Neither may have another open
 *  enrolment, and a subject keeps its arm. */
export async function enrol(store: Store, request: EnrolmentRequest): Promise<Enrolment & { arm: string }> {
  const { subject, arm } = request
  checkCarrying(request)
  if (arm === "") throw new EnrolmentError(`arm of subject ${subject}: must have a name`)
  const known = await store.subjects.get(subject)
  const label = request.label || known?.label || `subject ${subject}`
  return store.subjects.enrol({ ...request, label })
}

function checkCarrying({ subject, device, key, label = "" }: Carrying): void {
  if (!Number.isSafeInteger(subject) || subject < 1) {
    throw new EnrolmentError(`subject: must be a whole number from 1, got ${subject}`)
  }
  if (!/^[0-9a-f]{16}$/.test(device)) {
    throw new EnrolmentError(
      `device: must be 16 lower-case hexadecimal digits, got ${JSON.stringify(device)}`,
    )
  }
  if (key.length !== KEY_BYTES) {
    throw new EnrolmentError(`key of device ${device}: must have ${KEY_BYTES} bytes, got ${key.length}`)
  }
  if (label.length > MAX_LABEL || /\p{Cc}/u.test(label)) {
    throw new EnrolmentError(
      `label of subject ${subject}: must be at most ${MAX_LABEL} characters without control characters, got ${JSON.stringify(label)}`,
    )
  }
}

/** What would refuse the enrolment is found before the study starts by it. */
async function checkFree(store: Store, { device }: Carrying): Promise<void> {
  const board = (await store.boards.all()).find((known) => known.device === device)
  if (board === undefined || board.state === "stock" || board.state === "returned") return
  if (board.subject !== null) {
    throw new EnrolmentError(`device ${device}: is enrolled with subject ${board.subject}; end that first`)
  }
  throw new EnrolmentError(
    `device ${device}: is ${board.state} and can't be handed out: fieldtune board status`,
  )
}
