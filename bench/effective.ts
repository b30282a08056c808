// Effective sample size of a chain: its length over the integrated autocorrelation time, by Geyer's initial positive
// sequence (Practical Markov chain Monte Carlo, Stat. Sci. 7, 1992). One estimator for all programs.

/** `draws`: one coefficient, in the order of the chain; its own length where nothing varies. */
export function effectiveDraws(draws: ArrayLike<number>): number {
  const n = draws.length
  let mean = 0
  for (let i = 0; i < n; i++) mean += draws[i] / n
  const covariance = (lag: number): number => {
    let sum = 0
    for (let i = 0; i + lag < n; i++) sum += (draws[i] - mean) * (draws[i + lag] - mean)
    return sum / n
  }
  const variance = covariance(0)
  if (variance === 0) return n
  let time = -1
  for (let lag = 0; lag + 1 < n; lag += 2) {
    const pair = (covariance(lag) + covariance(lag + 1)) / variance
    if (pair <= 0) break
    time += 2 * pair
  }
  return n / Math.max(time, 1 / n)
}
