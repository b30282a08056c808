// fieldtune clocks: what is known of the time of day of plays, and putting a wrong host clock right.

import { type Command, InvalidArgumentError } from "commander"
import type { MovedClock, StoredClock } from "../store/clocks.js"
import { driftOf, stateOf } from "../study/clocks/boots.js"
import { MAX_UNCERTAINTY_MS, timesOfWeek } from "../study/clocks/time-of-week.js"
import type { Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"
import { table } from "./table.js"
import { withinStudy } from "./within-study.js"

interface CorrectOptions extends CommonOptions {
  from: number
  to: number
  behind: number
  reason: string
}

const syncNumber = wholeNumber(1, Number.MAX_SAFE_INTEGER)

export function clocksCommand(): Command {
  return command(
    "clocks",
    "when the boots of every board were, how sure that is, and what of it is not known",
    "fieldtune clocks --study summer",
  )
    .addHelpText(
      "after",
      `
A board knows only how long it has been on. Every exchange with the host says when that was, to within the time that it
was on its way; all exchanges of a boot together leave a set of possible clocks. A boot without any is bounded by those
around it. "host clock moved" means that this computer's clock was set in between, as exchanges of this boot or of others
show. Nobody but you can know when it was right: a play may have been at either time, and its uncertainty says so, until
fieldtune clocks correct tells. What one board alone sees, while others see nothing, is likely its own clock's fault.`,
    )
    .action((options: CommonOptions) => withinStudy(options, show))
    .addCommand(
      command(
        "correct",
        "this computer's clock was wrong for a while: place all plays anew",
        "fieldtune clocks correct --from 41 --to 96 --behind 3600 --reason 'laptop on winter time'",
      )
        .requiredOption("--from <sync>", "number of the first sync that came by the wrong clock", syncNumber)
        .requiredOption("--to <sync>", "number of the last one", syncNumber)
        .requiredOption(
          "--behind <seconds>",
          "how far it was behind the true time; negative = ahead",
          seconds,
        )
        .requiredOption("--reason <text>", "how you know; it is kept for good")
        .action((options: CorrectOptions) => withinStudy(options, correct)),
    )
}

async function show({ store, plan }: Study, options: CommonOptions): Promise<void> {
  const steps = await store.clocks.settle(Date.now())
  const boots = (await store.clocks.all()).map(describe)
  const plays = await store.plays.all()
  const { unplaced, uncertain } = timesOfWeek(plays, plan.timeZone)
  const known = plays.length - unplaced - uncertain
  const corrections = await store.clocks.corrections()
  const result = { boots, plays: { known, uncertain, unplaced }, steps, corrections }
  const minutes = MAX_UNCERTAINTY_MS / 60_000
  answer(options, result, [
    ...steps.map(stepText),
    `${plays.length} plays: the time of ${known} is known to ${minutes} minutes or better, of ${uncertain} less well, of ${unplaced} not at all.`,
    "",
    ...table(
      ["board", "epoch", "boot", "state", "contacts", "drift ppm", "±", "began", "± s"],
      boots.map((boot) => [
        boot.device,
        boot.epoch,
        boot.boot,
        boot.state,
        boot.contacts,
        boot.driftPpm?.toFixed(0),
        boot.driftUncertaintyPpm?.toFixed(0),
        boot.began === null ? undefined : new Date(boot.began).toISOString(),
        boot.uncertaintyMs === null ? undefined : (boot.uncertaintyMs / 1000).toFixed(0),
      ]),
    ),
    "",
    steps.length > 0
      ? "Next: fieldtune clocks correct --help, where you know when this computer's clock was wrong"
      : "Next: fieldtune check looks at everything else",
  ])
}

function stepText({ sure, before, beforeAt, after, afterAt, movedMs, uncertaintyMs, boards }: MovedClock) {
  const clock = sure ? "this computer's clock" : "this computer's clock, or the board's own,"
  const size = `${Math.round(movedMs / 1000)} ± ${Math.ceil(uncertaintyMs / 1000)} s`
  const shown = (at: number): string => new Date(at).toISOString()
  const from = beforeAt === null ? "" : `after sync ${before} (${shown(beforeAt)}) and `
  const who = boards.length === 0 ? "the order of the syncs" : `board ${boards.join(", ")}`
  return `! ${clock} was moved by ${size}, ${from}before sync ${after} (${shown(afterAt)}), says ${who}`
}

function describe(clock: StoredClock) {
  const { device, epoch, boot, contacts, lasted } = clock
  const drift = driftOf(clock)
  const begin = clock.began
  return {
    device,
    epoch,
    boot,
    state: stateOf(clock),
    contacts,
    lastedMs: lasted,
    driftPpm: drift?.ppm ?? null,
    driftUncertaintyPpm: drift?.uncertainty ?? null,
    began: begin?.at ?? null,
    uncertaintyMs: begin?.uncertaintyMs ?? null,
  }
}

async function correct({ store }: Study, options: CorrectOptions): Promise<void> {
  const { from, to, behind, reason } = options
  const newest = Math.max(0, ...(await store.syncs.latest()).map(({ id }) => id))
  if (to < from || to > newest) {
    throw new CommandError(`--to: must be ${from} to ${newest}, which is the newest sync`)
  }
  const correction = { from, to, offsetMs: Math.round(behind * 1000), reason, at: Date.now() }
  const moved = await store.clocks.correct(correction)
  answer(options, { ...correction, moved }, [
    `Syncs ${from} to ${to} count as ${behind} s later than this computer's clock said; ${moved} plays have another time now.`,
    "Next: fieldtune clocks shows what is left unsure",
  ])
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === "" || !Number.isFinite(value))
    throw new InvalidArgumentError("must be a number of seconds.")
  return value
}
