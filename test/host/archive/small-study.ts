// A study in which all happens that an archive has to carry: two arms, three waves, an amendment, a board that is
// replaced, a label that must not get out, a record that nobody believes and a hole in the numbering.

import { randomBytes } from "node:crypto"
import { runRound } from "../../../host/round.js"
import { amendPlan } from "../../../host/study/amend.js"
import { replaceBoard } from "../../../host/study/devices.js"
import { enrol } from "../../../host/study/enrol.js"
import type { Plan } from "../../../host/study/plan.js"
import { openStudy, type Study, writePlanFile } from "../../../host/study/study.js"
import { KEY, recordOf, START } from "../study/folder.js"
import { deviceOf, HOUR, listen, sync, withPeople } from "../study/people.js"

export const LABEL = "Philomena Quince"
export const SONG_FILE = "/home/researcher/music/secret-folder/1.mp3"
export const BOARDS = [1, 2, 3, 4, 9].map(deviceOf)
export const PROGRAM = {
  version: "0.0.0-test",
  firmware: [{ name: "fieldtune.devs", sha256: "ab".repeat(32) }],
}

const ARMS: Plan["arms"] = [
  { name: "model", design: "model", share: 1 },
  { name: "gower", design: "gower", share: 1 },
]

/** Four listeners; `between` runs before the last wave. */
export function withArchivable<T>(
  body: (study: Study) => Promise<T>,
  plan: Partial<Plan> = {},
  between: (study: Study) => Promise<void> = async () => {},
): Promise<T> {
  const given = { arms: ARMS, draws: 60, playlistSize: 8, ...plan }
  return withPeople(3, given, async (study) => {
    const { store } = study
    await enrol(store, { subject: 4, label: LABEL, device: deviceOf(4), arm: "gower", key: KEY, at: START })
    const [song] = await store.songs.all()
    await store.songs.put([{ ...song, file: SONG_FILE }])
    await runRound(study, { now: START + 1 })
    const next = [1, 1, 1, 1]
    const wave = async (of: Study, now: number, subjects = [1, 2, 3, 4]): Promise<void> => {
      for (const subject of subjects)
        next[subject - 1] = await listen(of, subject, next[subject - 1], now + subject)
    }
    await wave(study, START + HOUR)
    await runRound(study, { now: START + 3 * HOUR })
    // One record of a song that nobody has, and one sequence that never comes.
    const strange = recordOf({ sequence: next[3], song: 999 })
    next[3] += 2
    await sync(study, deviceOf(4), { plays: [strange] }, START + 4 * HOUR)
    await wave(study, START + 5 * HOUR, [1, 2])
    // A board is replaced within the wave: its list goes to another one.
    const key = new Uint8Array(randomBytes(32))
    const swap = {
      device: deviceOf(3),
      by: deviceOf(9),
      key,
      to: "lost" as const,
      reason: "fell into a lake",
    }
    await replaceBoard(store, { ...swap, at: START + 6 * HOUR })
    next[2] = 1
    await wave(study, START + 7 * HOUR, [3, 4])
    writePlanFile(study.dir, { ...study.plan, playlistSize: 9 })
    await amendPlan(study, "the lists were too short for the way to work", START + 8 * HOUR)
    const amended = await openStudy(study.dir)
    try {
      await between(amended)
      await runRound(amended, { now: START + 9 * HOUR })
      const withdrawn = new Set((await amended.store.withdrawals.all()).map(({ subject }) => subject))
      await wave(
        amended,
        START + 10 * HOUR,
        [1, 2, 3, 4].filter((id) => !withdrawn.has(id)),
      )
      return await body(amended)
    } finally {
      await amended.close()
    }
  })
}
