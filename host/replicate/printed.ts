// What the thesis prints (T. S. Chung, "My Mobile Music", University of Maryland, 2007, chapter 3), one number per subject
// 1 … 5; coefficients that it prints as 0 or not at all are 0.

export const ATTRIBUTES = ["Volume", "Tempo", "Voice", "Size", "Purpose", "Mood"] as const
/** The twelfth genre, Other, is the baseline, without a coefficient. */
export const GENRES = [
  "Alternate",
  "Dance",
  "Jazz",
  "Latin",
  "Metal",
  "Pop",
  "Hip_Hop",
  "Reggae",
  "Rock",
  "Soul",
  "Vocals",
] as const
export const NAMES = ["Constant", ...ATTRIBUTES, ...GENRES]

/** Songs of each genre, 400 in all. */
export const SONGS_PER_GENRE: Record<string, number> = {
  Alternate: 60,
  Dance: 40,
  Jazz: 28,
  Latin: 20,
  Metal: 28,
  Pop: 60,
  Hip_Hop: 40,
  Reggae: 16,
  Rock: 52,
  Soul: 28,
  Vocals: 16,
  Other: 12,
}

type Table = Record<string, [number, number, number, number, number]>

/** True coefficients. */
const TABLE_1: Table = {
  Volume: [0, 0, 0.35, 0.25, 0.35],
  Tempo: [0, 0.35, 0.35, 0, 0],
  Voice: [0.5, 0.45, 0, 0.35, 0.35],
  Size: [0, 0, 0, 0.55, 0.05],
  Purpose: [0, 0, 0.35, 0, 0],
  Mood: [0.5, 0, 0, 0, 0.3],
  Alternate: [1, 0, 0, 0, 0],
  Dance: [0, 0.35, 0, 0, 0],
  Jazz: [0, 0, 1, 0, 0],
  Rock: [0, 0, 0, 0.25, 0],
  Vocals: [0, 0, 0, 0, 0.2],
}

/** Posterior means with selection. */
const TABLE_2: Table = {
  Volume: [0, 0, 0.34, 0.19, 0.44],
  Tempo: [0, 0.42, 0.42, 0, 0],
  Voice: [0.52, 0.47, 0, 0.52, 0.46],
  Size: [0, 0, 0, 0.81, 0],
  Purpose: [0, 0, 0.38, 0, 0],
  Mood: [0.57, 0, 0, 0, 0.38],
  Alternate: [0.88, 0, 0, 0, 0],
  Dance: [0, 0.5, 0, 0, 0],
  Jazz: [0, 0, 0.48, 0, 0],
  Vocals: [0, 0, 0, 0, 0.03],
}

/** Posterior means without selection. */
const TABLE_3: Table = {
  Volume: [0.04, -0.04, 0.38, 0.23, 0.44],
  Tempo: [-0.04, 0.51, 0.4, -0.04, 0.06],
  Voice: [0.59, 0.52, 0.01, 0.57, 0.52],
  Size: [-0.01, -0.01, 0.03, 0.79, 0.04],
  Purpose: [-0.06, -0.01, 0.41, -0.01, -0.03],
  Mood: [0.6, 0.03, -0.01, -0.02, 0.35],
  Alternate: [0.98, -0.11, -0.03, -0.08, -0.16],
  Dance: [-0.07, 0.41, 0, -0.09, -0.31],
  Jazz: [-0.05, -0.18, 0.63, -0.23, -0.13],
  Latin: [-0.02, -0.05, -0.05, -0.03, -0.01],
  Metal: [-0.01, -0.07, 0.02, -0.09, -0.03],
  Pop: [-0.01, -0.01, -0.07, -0.05, -0.13],
  Hip_Hop: [-0.03, 0.06, -0.08, -0.06, 0.01],
  Reggae: [0, -0.01, 0, 0, 0],
  Rock: [-0.05, -0.15, -0.11, 0.24, -0.17],
  Soul: [-0.11, -0.04, -0.07, 0.02, -0.03],
  Vocals: [-0.13, 0.01, 0.01, 0, -0.02],
}

export const SUBJECTS = 5

function bySubject(table: Table): number[][] {
  return Array.from({ length: SUBJECTS }, (_, s) => NAMES.map((name) => table[name]?.[s] ?? 0))
}

const coefficients = (table: Table): { names: string[]; mean: number[] }[] =>
  bySubject(table).map((mean) => ({ names: NAMES, mean }))

/** True coefficients by subject, in the order of NAMES; the constant is 0. */
export const TRUTH = bySubject(TABLE_1)

export const PRINTED = {
  table1: coefficients(TABLE_1),
  table2: coefficients(TABLE_2),
  table3: coefficients(TABLE_3),
  /** σ̂² of tables 2 and 3. */
  sigma2: { table2: [0.69, 0.67, 0.51, 0.83, 0.63], table3: [0.75, 0.67, 0.44, 0.78, 0.57] },
  /** Mean squared error of predicted durations. */
  table5: { own: [6.34, 3.46, 11.1, 43.29, 4.71], averaged: [3.3, 2.78, 6.6, 16.76, 3.66] },
  table6: {
    utility: {
      maximum: [458.33, 318.22, 400.09, 484.31, 361.87],
      optimal: [416.29, 318.22, 400.09, 465.89, 357.98],
      gower: [306.1, 281.49, 267.63, 289.73, 271.2],
      random: [229.09, 153.25, 173.62, 214.88, 187.22],
    },
    precision: {
      maximum: [31.01, 24.81, 26.02, 25.51, 27.67],
      optimal: [30.98, 24.81, 26.02, 25.45, 27.6],
      gower: [31.26, 24.88, 26.24, 25.62, 27.58],
      random: [30.96, 24.54, 26.04, 25.29, 27.37],
    },
  },
}
