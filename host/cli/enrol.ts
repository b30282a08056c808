// fieldtune enrol: which listener carries which board, and the key that both sides hold.

import { randomBytes } from "node:crypto"
import type { Command } from "commander"
import { KEY_BYTES } from "../../src/wire.js"
import { allocateArm, enrol } from "../study/enrol.js"
import { openStudy, type Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"

interface Options extends CommonOptions {
  device?: string
  arm?: string
  label?: string
  key?: string
  end?: boolean
}

export function enrolCommand(): Command {
  return command(
    "enrol",
    "give a listener a board, or end that with --end",
    "fieldtune enrol 7 --device 3f2a9c01d4e5b678 --label 'P07'",
  )
    .argument("<subject>", "number of the listener, 1, 2, 3, …", wholeNumber(1, 2 ** 31))
    .option("--device <id>", "id of the board, 16 hexadecimal digits")
    .option("--arm <name>", "arm of the plan (default: allocated by the study's seed)")
    .option("--label <text>", "what you call the listener")
    .option("--key <hex>", "key that the board holds already (default: a new one is drawn)")
    .option("--end", "end the listener's enrolment instead")
    .action(async (subject: number, options: Options) => {
      const study = await openStudy(options.study)
      try {
        await (options.end ? end(study, subject, options) : begin(study, subject, options))
      } finally {
        await study.close()
      }
    })
}

async function begin(study: Study, subject: number, options: Options): Promise<void> {
  if (options.device === undefined) throw new CommandError("enrol: --device is needed: the id of the board")
  const arms = study.plan.arms.map((arm) => arm.name)
  if (options.arm !== undefined && !arms.includes(options.arm)) {
    throw new CommandError(`--arm: must be ${arms.join(" or ")} (study.json), got ${options.arm}`)
  }
  if (options.key !== undefined && !/^[0-9a-f]{64}$/i.test(options.key)) {
    throw new CommandError(`--key: must be ${KEY_BYTES * 2} hexadecimal digits`)
  }
  const known = await study.store.subjects.get(subject)
  const key = options.key === undefined ? randomBytes(KEY_BYTES) : Buffer.from(options.key, "hex")
  const device = options.device.toLowerCase()
  const arm = options.arm ?? known?.arm ?? allocateArm(study.plan, subject)
  await enrol(study.store, {
    subject,
    label: options.label,
    device,
    arm,
    key: new Uint8Array(key),
    at: Date.now(),
  })
  answer(options, { subject, device, arm, key: key.toString("hex"), syncPath: `/v1/sync/${device}` }, [
    `Subject ${subject} carries board ${device} in arm ${arm}.`,
    "Write these to the board's settings, and keep the key secret (fieldtune.db holds it too):",
    `  ftkey   ${key.toString("hex")}   (as ${KEY_BYTES} raw bytes)`,
    `  fthost  http://ADDRESS:${study.plan.port}   (the machine that runs fieldtune serve)`,
    "Next: fieldtune round makes the first playlist, fieldtune serve lets the board fetch it",
  ])
}

async function end(study: Study, subject: number, options: Options): Promise<void> {
  const open = await study.store.subjects.enrolmentOf(subject)
  if (open === undefined) throw new CommandError(`subject ${subject}: has no open enrolment to end`)
  await study.store.subjects.release(open.device, Date.now())
  answer(options, { subject, device: open.device, ended: true }, [
    `Subject ${subject} no longer carries board ${open.device}; plays it still brings go to this subject.`,
    `Next: fieldtune enrol N --device ${open.device} gives the board to somebody else`,
  ])
}
