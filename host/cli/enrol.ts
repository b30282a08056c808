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
  const { store, plan } = study
  const known = await store.subjects.get(subject)
  const device = options.device.toLowerCase()
  const arm = options.arm ?? known?.arm ?? allocateArm(plan, subject)
  // A board that was flashed holds its key already: it is not drawn anew, and nobody needs to see it.
  const flashed = options.key === undefined && (await store.provisioning.latest(device)) !== undefined
  const held = flashed ? await store.subjects.device(device) : undefined
  const key =
    held?.key ?? (options.key === undefined ? randomBytes(KEY_BYTES) : Buffer.from(options.key, "hex"))
  await enrol(store, { subject, label: options.label, device, arm, key: new Uint8Array(key), at: Date.now() })
  const enrolled = { subject, device, arm, syncPath: `/v1/sync/${device}` }
  const carries = `Subject ${subject} carries board ${device} in arm ${arm}.`
  const next = "Next: fieldtune round makes the first playlist, fieldtune serve lets the board fetch it"
  if (held !== undefined) {
    answer(options, enrolled, [
      carries,
      "The board holds its key and the host's address since it was flashed.",
      next,
    ])
    return
  }
  const hex = Buffer.from(key).toString("hex")
  answer(options, { ...enrolled, key: hex }, [
    carries,
    "Write these to the board's settings, and keep the key secret (fieldtune.db holds it too):",
    `  ftkey   ${hex}   (as ${KEY_BYTES} raw bytes)`,
    `  fthost  http://ADDRESS:${plan.port}   (the machine that runs fieldtune serve)`,
    next,
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
