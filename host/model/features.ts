// Features of a song: the constant, standardised attributes, and genre indicators against a baseline genre.
//
//   describeFeatures(songs) → FeatureSpec     once per study, then frozen
//   featureMatrix(spec, songs) → n × P        row-major, first column 1
//
// The spec is plain data (it survives JSON), so songs added later are measured with the same yardstick and a
// coefficient keeps its meaning. A column that does not vary over the catalogue teaches nothing and would have
// prior scale 0: it is left out and named.

/** What the model knows of a song. */
export interface Song {
  /** Song number, 1 … 65535. */
  id: number
  genre?: string
  /** Finite numbers by attribute name, in the catalogue's units. */
  attributes: Readonly<Record<string, number>>
  /** Length in seconds, > 0. */
  lengthS: number
}

export interface FeatureSpec {
  /** Length P: "Constant", attributes, then "genre=NAME" for every genre but the baseline. */
  names: string[]
  /** Sample variance of each column over the catalogue, length P; the constant's is 0. */
  variances: number[]
  /** In the order of `names`: a song's column is (value − centre) / spread; a missing value is 0. */
  attributes: { name: string; centre: number; spread: number }[]
  /** Genres with an indicator, in the order of `names`. */
  genres: string[]
  /** The genre whose songs have every indicator 0; null where genre is not used. */
  baseline: string | null
  leftOut: { name: string; reason: string }[]
}

export interface FeatureOptions {
  /** Centre and scale the attributes to variance 1 (default), or take them as they stand. */
  standardise?: boolean
  /** Use the genre (default). */
  genres?: boolean
  /** Attribute names to leave out. */
  ignore?: readonly string[]
}

const CONSTANT = "Constant"

/** A spread this far below the size of the values is rounding, not variation. */
const CONSTANT_TOLERANCE = 1e-12
/** Columns beyond these sizes have squares, and products of squares, that double precision cannot hold. */
const SMALLEST = 1e-50
const LARGEST = 1e50

/** Freezes the columns of a catalogue. The order of the songs does not matter. */
export function describeFeatures(songs: readonly Song[], options: FeatureOptions = {}): FeatureSpec {
  const { standardise = true, genres: useGenres = true, ignore = [] } = options
  const ordered = [...songs].sort((a, b) => a.id - b.id)
  const spec: FeatureSpec = {
    names: [CONSTANT],
    variances: [0],
    attributes: [],
    genres: [],
    baseline: null,
    leftOut: [],
  }
  const found = new Set<string>()
  for (const song of ordered) for (const name of Object.keys(song.attributes)) found.add(name)
  for (const name of found) {
    if (ignore.includes(name)) continue
    const values = ordered
      .map((song) => song.attributes[name])
      .filter((value) => value !== undefined && Number.isFinite(value))
    const { mean, variance, largest } = moments(values)
    if (largest > LARGEST || (largest > 0 && largest < SMALLEST)) {
      spec.leftOut.push({ name, reason: `reaches ${largest.toPrecision(3)}: give it in another unit` })
      continue
    }
    if (Math.sqrt(variance) <= CONSTANT_TOLERANCE * largest) {
      spec.leftOut.push({ name, reason: `is ${values[0] ?? "missing"} for every song` })
      continue
    }
    spec.names.push(name)
    spec.variances.push(standardise ? 1 : variance)
    spec.attributes.push({
      name,
      centre: standardise ? mean : 0,
      spread: standardise ? Math.sqrt(variance) : 1,
    })
  }
  if (useGenres) addGenres(spec, ordered)
  return spec
}

function addGenres(spec: FeatureSpec, songs: readonly Song[]): void {
  const counts = new Map<string, number>()
  for (const song of songs) {
    if (song.genre) counts.set(song.genre, (counts.get(song.genre) ?? 0) + 1)
  }
  const named = [...counts.keys()].sort()
  if (named.length === 0) return
  // The most frequent genre is the baseline, so that the indicators are as far from collinear as they can be.
  spec.baseline = named.reduce((best, genre) => (counts.get(genre)! > counts.get(best)! ? genre : best))
  for (const genre of named) {
    if (genre === spec.baseline) continue
    spec.names.push(`genre=${genre}`)
    spec.variances.push(moments(songs.map((song) => (song.genre === genre ? 1 : 0))).variance)
    spec.genres.push(genre)
  }
  if (named.length === 1 && counts.get(spec.baseline) === songs.length) {
    spec.leftOut.push({ name: "genre", reason: `is ${spec.baseline} for every song` })
  }
}

function moments(values: readonly number[]): { mean: number; variance: number; largest: number } {
  let sum = 0
  let largest = 0
  for (const value of values) {
    sum += value
    largest = Math.max(largest, Math.abs(value))
  }
  const mean = values.length > 0 ? sum / values.length : 0
  let squares = 0
  for (const value of values) squares += (value - mean) * (value - mean)
  return { mean, variance: values.length > 1 ? squares / (values.length - 1) : 0, largest }
}

/** The songs' columns, n × P row-major, first column 1. An unknown genre counts as the baseline. */
export function featureMatrix(spec: FeatureSpec, songs: readonly Song[]): Float64Array {
  const p = spec.names.length
  const x = new Float64Array(songs.length * p)
  for (let row = 0; row < songs.length; row++) {
    const song = songs[row]
    let at = row * p
    x[at++] = 1
    for (const { name, centre, spread } of spec.attributes) {
      const value = song.attributes[name]
      x[at++] = value !== undefined && Number.isFinite(value) ? (value - centre) / spread : 0
    }
    for (const genre of spec.genres) x[at++] = song.genre === genre ? 1 : 0
  }
  return x
}
