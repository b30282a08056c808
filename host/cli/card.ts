// fieldtune card: the songs of the study on the SD cards of its boards, read back and known to the study.

import { resolve } from "node:path"
import { type Command, Option } from "commander"
import { AUDIO_BOARDS, BOARD_NAMES, type BoardName, CARD_EVENT, recordedBoard } from "../card/boards.js"
import { CardError, listed } from "../card/card-error.js"
import { type CheckedCard, checkCard, manifestOf } from "../card/check.js"
import { catalogueHash, readManifest } from "../card/manifest.js"
import { assignCards, mountedCards } from "../card/mounted.js"
import { type CardSong, findSources } from "../card/sources.js"
import { UnfinishedCardError, type WrittenCard, writeCard } from "../card/write.js"
import { openStudy, type Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command, nameList } from "./command.js"
import { withProgress } from "./progress.js"

interface Options extends CommonOptions {
  all?: boolean
  device?: string[]
  board?: BoardName
  music?: string
  replace?: boolean
  check?: boolean
}

/** A card that was not written, or could not be checked. */
interface FailedCard {
  dir: string
  error: string
}

const MEGABYTE = 1e6
/** In the study's folder, where --music does not say otherwise. */
const MUSIC_FOLDER = "music"

/** `find` names the cards of --all. */
export function cardCommand(find = mountedCards): Command {
  return command(
    "card",
    "write the songs of the catalogue to the SD card of a board and read them back; the same command again takes up an interrupted one",
    "fieldtune card /media/me/SONGS --device 3f2a9c01d4e5b678 --board mp3trigger --music ~/songs",
  )
    .argument("[dir]", "folder where the card is mounted")
    .option("--all", "all mounted cards that are empty or ours, instead of one folder")
    .option("--device <id>", "board that the card is for; with --all one for all, or one for each", nameList)
    .addOption(
      new Option("--board <name>", "its sound board (default: as in the study's record)").choices([
        ...BOARD_NAMES,
      ]),
    )
    .option("--music <folder>", "where the audio files are (default: music in the folder of the study)")
    .option("--replace", "take over the card of another device, and overwrite files that are in the way")
    .option("--check", "compare the card with its manifest and the study, write nothing")
    .action(async (dir: string | undefined, options: Options) => {
      if ((dir === undefined) !== (options.all === true)) {
        throw new CommandError("card: needs the folder of the card, or --all; one of the two")
      }
      const study = await openStudy(options.study)
      try {
        const mounted = dir === undefined ? await find() : { cards: [resolve(dir)], left: [] }
        if (mounted.cards.length === 0) {
          const left =
            mounted.left.length === 0
              ? ""
              : `; left alone, for they hold other files: ${listed(mounted.left)}`
          throw new CommandError(`--all: no empty card and none of ours is mounted${left}`)
        }
        await (options.check ? check : write)(study, mounted.cards, options)
      } finally {
        await study.close()
      }
    })
}

async function write(study: Study, dirs: readonly string[], options: Options): Promise<void> {
  const devices = (options.device ?? []).map((id) => id.toLowerCase())
  if (devices.length === 0)
    throw new CommandError("card: --device is needed: the id of the board that gets the card")
  if (options.all !== true && devices.length > 1) {
    throw new CommandError(`--device: one card is for one board, got ${devices.length}`)
  }
  for (const device of devices) {
    if ((await study.store.subjects.device(device)) === undefined) {
      throw new CommandError(
        `--device: the study has no board ${device}; fieldtune enrol N --device ${device}`,
      )
    }
  }
  const songs = await study.store.songs.all()
  const notes: string[] = []
  const boards = new Map<string, BoardName>()
  const sources = new Map<BoardName, CardSong[]>()
  const music = options.music ?? resolve(study.dir, MUSIC_FOLDER)
  for (const device of devices) {
    const recorded = await recordedBoard(study.store, device)
    const board = options.board ?? recorded
    if (board === undefined) {
      throw new CommandError(
        `--board: is needed the first time, ${BOARD_NAMES.join(", ")}; the study does not know the sound board of ${device}`,
      )
    }
    if (recorded !== undefined && recorded !== board) {
      notes.push(`${device}: had a card for a ${AUDIO_BOARDS[recorded].title} before`)
    }
    boards.set(device, board)
    if (!sources.has(board)) sources.set(board, await findSources(songs, AUDIO_BOARDS[board], music))
  }
  const jobs = assignCards(
    await Promise.all(dirs.map(async (dir) => ({ dir, device: await deviceOf(dir) }))),
    devices,
  )
  const plan = jobs.map((job) => {
    const board = boards.get(job.device) as BoardName
    return { ...job, board, songs: sources.get(board) as CardSong[] }
  })
  const bytes = plan.flatMap((job) => job.songs).reduce((sum, song) => sum + 2 * song.bytes, 0)
  const catalogue = catalogueHash(songs)
  const results = await withProgress(
    "write and read back, MB",
    Math.ceil(bytes / MEGABYTE),
    async (done): Promise<(WrittenCard | FailedCard)[]> => {
      let count = 0
      const progress = (more: number): void => {
        count += more
        done(Math.floor(count / MEGABYTE))
      }
      return Promise.all(
        plan.map(async (job) => {
          const at = Date.now()
          const common = { study: study.plan.name, catalogue, at, replace: options.replace, progress }
          try {
            const written = await writeCard({ ...job, ...common })
            await record(study, job, "written", { ...detailOf(written) })
            return written
          } catch (error) {
            if (!(error instanceof CardError)) throw error
            if (error instanceof UnfinishedCardError) await record(study, job, "unfinished", {})
            return { dir: job.dir, error: error.message }
          }
        }),
      )
    },
  )
  report(options, results, [
    ...notes.map((note) => `! ${note}`),
    ...results.flatMap((card) => ("error" in card ? [`! ${card.error}`] : writtenLines(card))),
  ])
}

/** The device of the card's manifest; none where it has none that can be read, which writing it will say. */
async function deviceOf(dir: string): Promise<string | undefined> {
  try {
    return (await readManifest(dir))?.device
  } catch (error) {
    if (error instanceof CardError) return undefined
    throw error
  }
}

function detailOf({ songs, bytes, copied, manifest, readFrom }: WrittenCard): Record<string, unknown> {
  return { songs, bytes, copied, manifest, readFrom }
}

async function record(
  study: Study,
  { device, board }: { device: string; board: BoardName },
  outcome: string,
  detail: Record<string, unknown>,
): Promise<void> {
  const carrier = await study.store.subjects.carrierOf(device)
  await study.store.events.append({
    at: Date.now(),
    kind: CARD_EVENT,
    subject: carrier?.subject ?? null,
    device,
    detail: { board, outcome, ...detail },
  })
}

async function check(study: Study, dirs: readonly string[], options: Options): Promise<void> {
  const catalogue = catalogueHash(await study.store.songs.all())
  const expected = { study: study.plan.name, catalogue, board: options.board }
  const devices = options.device?.map((id) => id.toLowerCase())
  if (devices !== undefined && devices.length > 1) {
    throw new CommandError(`--device: --check compares with one board, got ${devices.length}`)
  }
  const results: (CheckedCard | FailedCard)[] = []
  for (const dir of dirs) {
    try {
      const manifest = await manifestOf(dir)
      const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
      const checked = await withProgress("read, MB", Math.ceil(bytes / MEGABYTE), (done) => {
        let count = 0
        return checkCard(dir, manifest, { ...expected, device: devices?.[0] }, (more) => {
          count += more
          done(Math.floor(count / MEGABYTE))
        })
      })
      if ((await study.store.subjects.device(manifest.device)) === undefined) {
        checked.problems.push(`the study has no board ${manifest.device}`)
      }
      results.push(checked)
    } catch (error) {
      if (!(error instanceof CardError)) throw error
      results.push({ dir, error: error.message })
    }
  }
  report(
    options,
    results,
    results.flatMap((card) => ("error" in card ? [`! ${card.error}`] : checkedLines(card))),
  )
}

/** Prints what happened. One card that failed is an error like any other; of several, the report says which. */
function report(options: Options, results: readonly (object | FailedCard)[], lines: readonly string[]): void {
  const [only] = results
  if (results.length === 1 && "error" in only) throw new CommandError(only.error)
  answer(options, { cards: results }, lines)
  const bad = (card: object): boolean =>
    "error" in card || ("problems" in card && (card as CheckedCard).problems.length > 0)
  if (results.some(bad)) process.exitCode = 2
}

function writtenLines(card: WrittenCard): string[] {
  const size = (bytes: number): string => `${(bytes / MEGABYTE).toFixed(1)} MB`
  return [
    ...card.warnings.map((warning) => `! ${warning}`),
    `${card.dir}: ${card.songs} songs (${size(card.bytes)}) for the ${AUDIO_BOARDS[card.board].title} of board ${card.device}: ${card.copied} copied (${size(card.copiedBytes)}), ${card.songs - card.copied} were there, all read back and right.`,
    `Next: eject the card, write ${card.device} on it${card.readFrom === "cache" ? `, put it in again and run fieldtune card ${card.dir} --check (what was read back came from this computer's memory)` : " and put it into the board"}`,
  ]
}

function checkedLines(card: CheckedCard): string[] {
  const right = card.problems.length === 0
  return [
    ...card.problems.map((problem) => `! ${problem}`),
    ...card.warnings.map((warning) => `! ${warning}`),
    right
      ? `${card.dir}: all ${card.songs} songs for board ${card.device} are right.`
      : `${card.dir}: ${card.problems.length} problems on the card of board ${card.device}.`,
    right
      ? "Next: eject the card and put it into the board"
      : `Next: fieldtune card ${card.dir} --device ${card.device} writes what is missing or wrong`,
  ]
}
