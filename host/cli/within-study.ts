// What commands on a study have in common: it is opened, and closed whatever comes of them.

import { openStudy, type Study } from "../study/study.js"
import type { CommonOptions } from "./command.js"

/** Runs `body` with the study that --study names. */
export async function withinStudy<O extends Pick<CommonOptions, "study">, T>(
  options: O,
  body: (study: Study, options: O) => Promise<T>,
): Promise<T> {
  const study = await openStudy(options.study)
  try {
    return await body(study, options)
  } finally {
    await study.close()
  }
}
