// Enrolment: which listener carries which board, in which arm.

import { KEY_BYTES } from "../../src/wire.js"
import { stream } from "../model/random.js"
import type { Store } from "../store/store.js"
import type { Enrolment } from "../store/subjects.js"
import type { Plan } from "./plan.js"

interface EnrolmentRequest {
  /** The study's number for the listener, 1, 2, 3, … */
  subject: number
  /** What the researcher calls the listener; "subject 7" when empty. */
  label?: string
  /** Sixteen lower-case hexadecimal digits. */
  device: string
  arm: string
  /** KEY_BYTES bytes that the board holds too. */
  key: Uint8Array
  /** Unix milliseconds. */
  at: number
}

const MAX_LABEL = 200

/** An enrolment that the study can't take; the message names place, rule and value. */
export class EnrolmentError extends Error {
  override name = "EnrolmentError"
}

/** Enrols the subject with the device. Neither may have another open enrolment, and a subject keeps its arm. */
export async function enrol(store: Store, request: EnrolmentRequest): Promise<Enrolment> {
  const { subject, device, arm, key, at } = request
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
  if (arm === "") throw new EnrolmentError(`arm of subject ${subject}: must have a name`)
  const label = request.label ?? ""
  if (label.length > MAX_LABEL || /\p{Cc}/u.test(label)) {
    throw new EnrolmentError(
      `label of subject ${subject}: must be at most ${MAX_LABEL} characters without control characters, got ${JSON.stringify(label)}`,
    )
  }
  const known = await store.subjects.get(subject)
  if (known !== undefined && known.arm !== arm) {
    throw new EnrolmentError(`subject ${subject}: is in arm ${known.arm} and stays there, got ${arm}`)
  }
  const other = await store.subjects.enrolmentOf(subject)
  if (other !== undefined) {
    throw new EnrolmentError(
      `subject ${subject}: has the open enrolment of device ${other.device}; end it first`,
    )
  }
  const carrier = await store.subjects.carrierOf(device)
  if (carrier !== undefined && carrier.toAt === null) {
    throw new EnrolmentError(`device ${device}: is enrolled with subject ${carrier.subject}; end that first`)
  }
  return store.subjects.enrol({
    subject,
    label: label || known?.label || `subject ${subject}`,
    arm,
    device,
    key,
    at,
  })
}

/** The arm of a subject by the plan's shares: the same for the same seed and subject, whoever enrols first. */
export function allocateArm(plan: Plan, subject: number): string {
  const total = plan.arms.reduce((sum, arm) => sum + arm.share, 0)
  let rest = stream(plan.seed, "arm", subject).uniform() * total
  for (const arm of plan.arms) {
    rest -= arm.share
    if (rest < 0) return arm.name
  }
  return plan.arms[plan.arms.length - 1].name
}
