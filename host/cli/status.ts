// fieldtune status: how the study stands, problems first.

import type { Command } from "commander"
import { findingText } from "../study/quality/check.js"
import { studyStatus } from "../study/status.js"
import { openStudy } from "../study/study.js"
import { answer, type CommonOptions, command } from "./command.js"
import { ago, table } from "./table.js"

export function statusCommand(): Command {
  return command(
    "status",
    "devices, last syncs, plays, playlists; problems first",
    "fieldtune status --study summer",
  ).action(async (options: CommonOptions) => {
    const study = await openStudy(options.study)
    try {
      const now = Date.now()
      const status = await studyStatus(study, now)
      const { playlists } = status
      const rows = status.devices.map((d) => [
        d.subject,
        d.label,
        d.arm,
        d.device,
        ago(d.lastSync, now),
        d.plays,
        d.logFill === null ? undefined : `${Math.round(d.logFill * 100)} %`,
        d.playing,
        d.published,
        d.state,
      ])
      const header = [
        "subject",
        "label",
        "arm",
        "device",
        "last sync",
        "plays",
        "log",
        "playing",
        "newest",
        "state",
      ]
      const published = Object.values(playlists).reduce((sum, n) => sum + n, 0)
      answer(options, status, [
        ...status.findings.map(findingText),
        `${status.name}: ${status.songs} songs, ${status.subjects} subjects, ${status.plays} plays, ${status.waves} waves.`,
        `Playlists: ${published} published, ${playlists.confirmed} confirmed, ${playlists.refused} refused, ${playlists.superseded} superseded.`,
        ...(rows.length > 0 ? ["", ...table(header, rows)] : []),
        "",
        status.findings.some(({ severity }) => severity === "problem")
          ? "Next: fieldtune check says what each of these means and what to do"
          : "No problems. Next: fieldtune wave status",
      ])
    } finally {
      await study.close()
    }
  })
}
