// fieldtune archive: the whole study as one file, and the check of such a file.

import { createHash, randomBytes } from "node:crypto"
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { createRequire } from "node:module"
import { availableParallelism, tmpdir } from "node:os"
import { basename, join } from "node:path"
import type { Command } from "commander"
import { bodiesStay, forgetBodies } from "../archive/bodies.js"
import { PSEUDONYM_KEY_BYTES } from "../archive/conceal.js"
import type { Verification } from "../archive/verify.js"
import type { WrittenArchive } from "../archive/write.js"
import { MAX_ARCHIVE_BYTES } from "../archive/zip.js"
import { packageRoot } from "../firmware/manifest.js"
import { EXPORTS_FOLDER, openStudy, type Study } from "../study/study.js"
import { answer, CommandError, type CommonOptions, command } from "./command.js"
import { withProgress } from "./progress.js"
import { MOST_WORKERS, workerCount } from "./round.js"
import { table } from "./table.js"

interface WriteOptions extends CommonOptions {
  out?: string
  pseudonymise?: boolean
  blind?: boolean
  openAllocation?: boolean
  forgetBodies?: boolean
  workers: number
}

interface VerifyOptions {
  json?: boolean
  workers: number
}

/** Holds what fresh numbers and ids follow from: whoever has it can undo them. */
const PSEUDONYM_FILE = "pseudonyms.key"
/** Problems that are shown as text; --json shows all. */
const MOST_SHOWN = 20

export function archiveCommand(): Command {
  return command(
    "archive",
    "write the whole study into one file that anybody can read and verify; no keys, no names",
    "fieldtune archive --pseudonymise",
  )
    .enablePositionalOptions()
    .option("--out <file>", "file to write (default: archive.zip in exports/)")
    .option("--pseudonymise", "fresh numbers of listeners and boards, dates moved, free text left out")
    .option("--blind", "archive a blind study: arms coded, all that tells of one left out")
    .option("--open-allocation", "with the key of the allocation: once nobody is enrolled any more")
    .option("--forget-bodies", "verify the archive, then delete the sealed bytes of the contacts in it")
    .option(
      "--workers <n>",
      "threads; the result does not depend on them",
      workerCount,
      availableParallelism(),
    )
    .action(async (options: WriteOptions) => {
      const study = await openStudy(options.study)
      try {
        await write(study, options)
      } finally {
        await study.close()
      }
    })
    .addCommand(
      command(
        "verify",
        "check an archive, and estimate and design everything in it again",
        "fieldtune archive verify exports/archive.zip",
        { standalone: true },
      )
        .argument("<file>", "the archive")
        .option(
          "--workers <n>",
          "threads; the result does not depend on them",
          workerCount,
          availableParallelism(),
        )
        .action(async (file: string, options: VerifyOptions) => {
          const verification = await verify(file, readArchive(file), options.workers)
          if (!verification.valid) process.exitCode = 1
          answer(
            options,
            { file, ...verification, problems: said(verification) },
            verificationLines(file, verification),
          )
        }),
    )
}

async function write(study: Study, options: WriteOptions): Promise<void> {
  const { pseudonymise = false, blind = false } = options
  const out =
    options.out ?? join(study.dir, EXPORTS_FOLDER, pseudonymise ? "archive-pseudonymised.zip" : "archive.zip")
  // The estimation is heavy to load, and no other command needs it.
  const { buildArchive, UnarchivableError } = await import("../archive/write.js")
  await study.store.clocks.settle(Date.now())
  let archive: WrittenArchive
  try {
    archive = await withPasses((progress) =>
      buildArchive(study, {
        program: program(),
        pseudonymKey: pseudonymise ? pseudonymKey(study) : undefined,
        openAllocation: options.openAllocation,
        ...{ blind, progress },
        workers: Math.min(options.workers, MOST_WORKERS),
      }),
    )
    if (options.forgetBodies) {
      const why = bodiesStay(study, archive)
      if (why !== undefined) throw new CommandError(`--forget-bodies: ${why}`)
    }
  } catch (error) {
    if (error instanceof UnarchivableError) throw new CommandError(error.message)
    throw error
  }
  const sha256 = createHash("sha256").update(archive.bytes).digest("hex")
  const kept = existsSync(out)
  if (kept && Buffer.compare(readFileSync(out), archive.bytes) !== 0) {
    throw new CommandError(`${out}: is there and holds something else; --out names another file`)
  }
  if (!kept) {
    writeFileSync(`${out}.new`, archive.bytes)
    renameSync(`${out}.new`, out)
  }
  const { rerun, about, tables } = archive
  const differences = rerun?.differences.map(({ message }) => message) ?? []
  if (differences.length > 0) process.exitCode = 1
  const forgotten = options.forgetBodies ? await forget(study, out, archive, sha256, options) : null
  const counts = { bytes: archive.bytes.length, sha256, unchanged: kept }
  const again = rerun && {
    passes: rerun.passes,
    repeated: rerun.repeated,
    notRepeated: rerun.notRepeated,
    differences,
  }
  answer(options, { file: out, ...counts, ...about, tables, rerun: again, bodiesForgotten: forgotten }, [
    `${kept ? "Is there already" : "Wrote"}: ${out}, ${archive.bytes.length} bytes.`,
    `SHA-256 ${sha256}: cite it with the archive.`,
    "",
    ...table(
      ["table", "rows"],
      tables.map(({ name, rows }) => [name, rows]),
    ),
    "",
    ...(rerun === null ? ["Blind: nothing was repeated, and arms can't be told."] : rerunLines(rerun)),
    ...differences.slice(0, MOST_SHOWN).map((difference) => `! ${difference}`),
    ...(forgotten === null ? [] : [`Deleted the sealed bytes of ${forgotten} contacts; it is recorded.`]),
    ...(about.pseudonymised
      ? [`${PSEUDONYM_FILE} in the study's folder undoes the pseudonyms: keep it there.`]
      : []),
    `Next: fieldtune archive verify ${out}`,
  ])
}

async function forget(
  study: Study,
  out: string,
  archive: WrittenArchive,
  sha256: string,
  { workers }: WriteOptions,
): Promise<number> {
  const { valid, problems } = await verify(out, readArchive(out), workers)
  if (!valid) throw new CommandError(`--forget-bodies: the archive does not verify: ${problems[0]?.message}`)
  return forgetBodies(study, archive, { sha256, at: Date.now() })
}

function program() {
  const { version } = createRequire(import.meta.url)("../../../package.json") as { version: string }
  const folder = join(packageRoot(), "dist", "firmware")
  const names = existsSync(folder) ? readdirSync(folder).sort() : []
  const firmware = names.map((name) => {
    const sha256 = createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex")
    return { name, sha256 }
  })
  return { version, firmware }
}

/** Drawn when it is first needed. */
function pseudonymKey(study: Study): Uint8Array {
  const file = join(study.dir, PSEUDONYM_FILE)
  if (!existsSync(file)) {
    writeFileSync(file, `${randomBytes(PSEUDONYM_KEY_BYTES).toString("hex")}\n`, { mode: 0o600, flag: "wx" })
  }
  const text = readFileSync(file, "utf8").trim()
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new CommandError(`${file}: must hold ${2 * PSEUDONYM_KEY_BYTES} hexadecimal digits`)
  }
  return new Uint8Array(Buffer.from(text, "hex"))
}

function readArchive(file: string): Uint8Array {
  const { size } = statSync(file)
  if (size > MAX_ARCHIVE_BYTES) {
    throw new CommandError(`${file}: an archive has at most ${MAX_ARCHIVE_BYTES} bytes, got ${size}`)
  }
  return readFileSync(file)
}

async function verify(file: string, bytes: Uint8Array, workers: number): Promise<Verification> {
  const { verifyArchive } = await import("../archive/verify.js")
  const dir = mkdtempSync(join(tmpdir(), "fieldtune-verify-"))
  try {
    return await withPasses((progress) =>
      verifyArchive(bytes, {
        place: basename(file),
        dir,
        workers: Math.min(workers, MOST_WORKERS),
        progress,
      }),
    )
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Per cent, because how many passes there are shows only when they are read. */
function withPasses<T>(work: (progress: (done: number, of: number) => void) => Promise<T>): Promise<T> {
  return withProgress("repeating, %", 100, (tell) => work((done, of) => tell(Math.floor((100 * done) / of))))
}

function rerunLines({ passes, repeated, notRepeated }: NonNullable<Verification["rerun"]>): string[] {
  return [
    `${repeated} of ${passes} passes (estimates and rounds) were run again from the archive alone.`,
    ...notRepeated.slice(0, MOST_SHOWN).map(({ what, why }) => `  not repeated: ${what}: ${why}`),
    ...(notRepeated.length > MOST_SHOWN ? [`  and ${notRepeated.length - MOST_SHOWN} more`] : []),
  ]
}

const said = ({ problems }: Verification) =>
  problems.map(({ place, rule, got, message }) => ({ place, rule, got, message }))

function verificationLines(
  file: string,
  { valid, sha256, problems, notes, rerun, allocation }: Verification,
): string[] {
  const more = problems.length - MOST_SHOWN
  return [
    valid ? `${file} is whole and true to itself.` : `${file} does not verify: ${problems.length} problems.`,
    `SHA-256 ${sha256}: compare it with the one that the archive is cited with.`,
    ...problems.slice(0, MOST_SHOWN).map(({ message }) => `! ${message}`),
    ...(more > 0 ? [`! and ${more} more: --json shows all`] : []),
    ...(rerun === null ? [] : rerunLines(rerun)),
    ...(allocation === null
      ? []
      : [
          `The arms of ${allocation.checked} listeners were drawn again under the opened key; ${allocation.byHand} were set by hand.`,
          "It proves something where data/allocation_key.csv has the commitment that was made known at the start.",
        ]),
    ...notes.map((note) => `Note: ${note}.`),
    valid
      ? "Next: publish it, or fieldtune archive --forget-bodies in the study's folder"
      : "Next: get the archive again from where it came from; fieldtune archive writes it anew from the study",
  ]
}
