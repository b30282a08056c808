// Catalogue import: songs from a CSV file.

import type { Store } from "../store/store.js"

export interface ImportOptions {
  /** Numeric columns that are no attributes. */
  ignore?: readonly string[]
  /** Import the good rows although others are bad. */
  skipBad?: boolean
  /** Unix milliseconds, for the event log. */
  at: number
}

export interface ImportError {
  /** Row of the file, 1 = the header. */
  row: number
  column: string
  value: string
  rule: string
}

export interface ImportResult {
  added: number
  updated: number
  unchanged: number
  /** Bad rows left out. */
  skipped: number
  errors: ImportError[]
  /** Names of the attribute columns. */
  attributes: string[]
}

export declare function importCatalogue(
  store: Store,
  csv: string,
  options: ImportOptions,
): Promise<ImportResult>
