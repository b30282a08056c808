// Area under the ROC curve: how probable it is that one with the activity has a higher score than one without, ties
// counting half (Mann-Whitney).

/** null where one of the classes is missing. `times`: how often each counts, 1 where left out. */
export function rocAuc(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  times?: ArrayLike<number>,
): number | null {
  return areaOf(ascending(scores), scores, labels, times)
}

/** The places of the scores in ascending order. */
export function ascending(scores: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => scores[a] - scores[b] || a - b,
  )
}

/** The same with the order known: resampling needs it once only. */
export function areaOf(
  order: Uint32Array,
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
  times?: ArrayLike<number>,
): number | null {
  let below = 0
  let won = 0
  let ones = 0
  for (let i = 0; i < order.length; ) {
    const score = scores[order[i]]
    let tiedOnes = 0
    let tiedZeros = 0
    for (; i < order.length && scores[order[i]] === score; i++) {
      const weight = times === undefined ? 1 : times[order[i]]
      if (labels[order[i]] === 1) tiedOnes += weight
      else tiedZeros += weight
    }
    won += tiedOnes * (below + tiedZeros / 2)
    ones += tiedOnes
    below += tiedZeros
  }
  return ones === 0 || below === 0 ? null : won / (ones * below)
}
