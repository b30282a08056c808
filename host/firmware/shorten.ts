// Shorter names for the firmware's own functions, fields and methods. Bytecode carries every name as text, and a board
// has no room for good ones.
//
// A name is shortened where it stands in the firmware's code, in no text of it (a text may be a key of a message) and
// in no library. The same sources give the same names.

const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\d[\w.]*|[A-Za-z_$][\w$]*/g
const WORD = /[A-Za-z_$][\w$]*/g
/** Words of the language that no library need use. */
const KEYWORDS =
  "abstract any assert async await boolean break case catch class const continue debugger declare default delete enum export extends false finally from function implements import instanceof interface keyof module namespace never null number object override private protected public readonly require return satisfies static string super type switch symbol this throw true typeof undefined unique unknown void while with yield"
/** Shorter ones gain nothing. */
const MIN_LENGTH = 4
const FIRST_LETTER = "a".charCodeAt(0)
const LETTERS = 26

const isName = (token: string): boolean => /^[A-Za-z_$]/.test(token)
const isText = (token: string): boolean => token.startsWith('"') || token.startsWith("`")

/** New name by old one. `sources`: all files that are compiled but for the libraries, whose text is `libraries`. */
export function shortNames(sources: readonly string[], libraries: readonly string[]): Map<string, string> {
  const taken = new Set([KEYWORDS, ...libraries].flatMap((text) => text.match(WORD) ?? []))
  const names = new Set<string>()
  for (const source of sources) {
    for (const token of source.match(TOKEN) ?? []) {
      if (isName(token)) names.add(token)
      else if (isText(token)) for (const word of token.match(WORD) ?? []) taken.add(word)
    }
  }
  const short = new Map<string, string>()
  let next = 0
  for (const name of [...names].sort()) {
    // What begins with _ may be the runtime's own, which no library declares.
    if (name.length < MIN_LENGTH || name.startsWith("_") || taken.has(name)) continue
    let fresh: string
    do fresh = `$${numbered(next++)}`
    while (taken.has(fresh) || names.has(fresh))
    short.set(name, fresh)
  }
  return short
}

/** a … z, aa … zz, … */
function numbered(n: number): string {
  const last = String.fromCharCode(FIRST_LETTER + (n % LETTERS))
  return n < LETTERS ? last : numbered(Math.floor(n / LETTERS) - 1) + last
}

/** `source` with the names replaced; comments and texts stay. */
export function shorten(source: string, names: ReadonlyMap<string, string>): string {
  return source.replace(TOKEN, (token) => names.get(token) ?? token)
}
