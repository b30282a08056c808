// Why bytes from outside are refused. The codes are those of docs/wire-format.md and of the vectors.

type WireErrorCode =
  | "size"
  | "seal"
  | "short"
  | "trailing"
  | "depth"
  | "type"
  | "key"
  | "text"
  | "field"
  | "range"
  | "version"
  | "checksum"
  | "format"

export class WireError extends Error {
  override name = "WireError"
  constructor(
    readonly code: WireErrorCode,
    message: string,
  ) {
    super(message)
  }
}
