// A study whose listeners' logs were imported: simulated people with planted activities.

import { join } from "node:path"
import { evaluate } from "../../../host/patterns/evaluation/evaluate.js"
import { judgedOfStudy } from "../../../host/patterns/evaluation/judged.js"
import { readLabelsCsv } from "../../../host/patterns/evaluation/labels.js"
import { DEFAULT_FIT, fitPatterns } from "../../../host/patterns/fit.js"
import { storeEvaluation } from "../../../host/patterns/stored.js"
import { ACTIVITIES, simulatePeople } from "../../../host/rehearsal/weekly-activities.js"
import { enrol } from "../../../host/study/enrol.js"
import type { Plan } from "../../../host/study/plan.js"
import { initStudy, type Study } from "../../../host/study/study.js"
import { KEY, withFolder } from "../study/folder.js"
import { deviceOf } from "../study/people.js"

const START = Date.UTC(2025, 0, 6)
/** After everything that was heard. */
const LATER = Date.UTC(2025, 5, 1)

/** Runs `body` with patterns learnt from `count` people over `weeks` weeks, and two activities judged. */
export function withPatterns<T>(
  { count, weeks, plan = {} }: { count: number; weeks: number; plan?: Partial<Plan> },
  body: (study: Study) => Promise<T>,
): Promise<T> {
  return withFolder(async (dir) => {
    const study = await initStudy(join(dir, "study"), { timeZone: "UTC", ...plan })
    try {
      const people = simulatePeople(count, weeks, 4)
      for (const [i, { plays }] of people.entries()) {
        const subject = i + 1
        await enrol(study.store, {
          subject,
          device: deviceOf(subject),
          arm: study.plan.arms[0].name,
          key: KEY,
          at: START,
        })
        await study.store.imports.add(
          plays.map(({ at, track }, row) => ({
            ...{
              subject,
              listener: "",
              source: "csv",
              file: "log.csv",
              fileSha256: "0".repeat(64),
              song: null,
            },
            ...{
              importedAt: LATER,
              row: row + 1,
              startedAt: at,
              localSecond: null,
              artist: "A",
              title: track,
            },
            ...{ album: "", lengthMs: 180_000, heardMs: 180_000, endReason: "finished" },
          })),
        )
      }
      const options = { ...DEFAULT_FIT, starts: 1, iterations: 20, source: "imported" as const }
      await fitPatterns(study, options, LATER)
      const kept = ACTIVITIES.map((name, a) => ({ name, a })).filter(
        ({ name }) => name === "friends" || name === "wake",
      )
      const labels = readLabelsCsv(
        ["subject", ...kept.map(({ name }) => name)].join(",") +
          people
            .map(({ labels: own }, i) => `\n${[i + 1, ...kept.map(({ a }) => own[a])].join(",")}`)
            .join(""),
      )
      const found = await judgedOfStudy(study, labels, options)
      if ("noAnswer" in found) throw new Error(found.noAnswer)
      const learning = { atoms: 4, lambda: 2, starts: 1, iterations: 10, seed: 1 }
      const judgement = evaluate(found.judged, { ...learning, folds: 3, permutations: 2 })
      await storeEvaluation(study, judgement, found.judged, LATER)
      return await body(study)
    } finally {
      await study.close()
    }
  })
}
