// fieldtune init: a study folder with its plan and an empty database.

import { randomInt } from "node:crypto"
import { resolve } from "node:path"
import type { Command } from "commander"
import type { Plan } from "../study/plan.js"
import { initStudy } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, wholeNumber } from "./command.js"

interface Options extends CommonOptions {
  name?: string
  seed?: number
  size?: number
  arm?: Plan["arms"]
}

const MAX_SEED = 2 ** 31

export function initCommand(): Command {
  return command(
    "init",
    "create a study: study.json (the plan), fieldtune.db, catalogue/, exports/",
    "fieldtune init --study summer --name 'Summer study' --arm model:model:2 --arm control:gower:1",
  )
    .option("--name <text>", "name of the study (default: the folder's)")
    .option("--seed <n>", "seed of every random choice (default: drawn now)", wholeNumber(0, MAX_SEED))
    .option("--size <n>", "songs per playlist", wholeNumber(1, 256))
    .option("--arm <name:design:share>", "an arm: model, gower, random or utility; repeat for more", parseArm)
    .action(async (options: Options) => {
      const study = await initStudy(options.study, {
        ...(options.name === undefined ? {} : { name: options.name }),
        seed: options.seed ?? randomInt(MAX_SEED),
        ...(options.size === undefined ? {} : { playlistSize: options.size }),
        ...(options.arm === undefined ? {} : { arms: options.arm }),
      })
      await study.close()
      answer(options, { study: study.dir, plan: study.plan }, [
        `Created the study "${study.plan.name}" in ${resolve(options.study)} with seed ${study.plan.seed}.`,
        "Next: look through study.json, then fieldtune catalogue add FOLDER (or FILE.csv)",
      ])
    })
}

/** name:design:share; design and share may be left out. The plan's own check judges the values. */
function parseArm(text: string, before: Plan["arms"] = []): Plan["arms"] {
  const [name, design = name, share = "1", ...rest] = text.split(":")
  if (rest.length > 0 || !Number.isFinite(Number(share))) {
    throw new CommandError(`--arm: must be name:design:share, got ${JSON.stringify(text)}`)
  }
  return [...before, { name, design: design as Plan["arms"][number]["design"], share: Number(share) }]
}
