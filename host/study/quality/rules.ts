// All rules of `fieldtune check`, in the order in which they are explained.

import {
  audioErrors,
  battery,
  card,
  failedPlays,
  failedRestart,
  logFull,
  unrecorded,
  volumeZero,
} from "./health-rules.js"
import { changedMidWave, noPlaylist, refused, unconfirmed } from "./list-rules.js"
import {
  automatic,
  clockJump,
  gone,
  impossible,
  missing,
  newEpoch,
  quarantine,
  unreadable,
} from "./record-rules.js"
import type { BoardRule, RuleText, StudyRule } from "./rule.js"
import {
  firmware,
  goneBoard,
  neverSynced,
  noBoards,
  nobody,
  noPlays,
  noSongs,
  planEdited,
  silent,
  twoBoards,
  unassigned,
} from "./study-rules.js"

export const STUDY_RULES: readonly StudyRule[] = [
  planEdited,
  noSongs,
  noBoards,
  nobody,
  silent,
  neverSynced,
  noPlays,
  twoBoards,
  unassigned,
  goneBoard,
  firmware,
]

export const BOARD_RULES: readonly BoardRule[] = [
  missing,
  gone,
  unrecorded,
  logFull,
  quarantine,
  unreadable,
  impossible,
  automatic,
  volumeZero,
  clockJump,
  newEpoch,
  card,
  audioErrors,
  failedPlays,
  failedRestart,
  battery,
  noPlaylist,
  refused,
  unconfirmed,
  changedMidWave,
]

export const RULES: readonly RuleText[] = [...STUDY_RULES, ...BOARD_RULES]
