// Plain text tables: columns aligned, numbers to the right.

/** One line per row under a header and a rule; undefined cells are dashes. */
export function table(header: readonly string[], rows: readonly (readonly unknown[])[]): string[] {
  const cells = rows.map((row) =>
    row.map((cell) => (cell === undefined || cell === null ? "-" : String(cell))),
  )
  const widths = header.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)))
  const right = header.map((_, i) => rows.every((row) => row[i] == null || typeof row[i] === "number"))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join("  ")
      .trimEnd()
  return [line(header), widths.map((w) => "-".repeat(w)).join("  "), ...cells.map(line)]
}

/** How long ago in words: "3 min", "2 h", "5 d"; undefined where it never was. */
export function ago(at: number | null | undefined, now: number): string | undefined {
  if (at === null || at === undefined) return undefined
  const minutes = Math.max(0, Math.round((now - at) / 60000))
  if (minutes < 120) return `${minutes} min`
  if (minutes < 2880) return `${Math.round(minutes / 60)} h`
  return `${Math.round(minutes / 1440)} d`
}
