// What a playlist can teach about a subject's coefficients.

/** What is known of a subject's coefficients before the playlist, restricted to the selected variables. */
export interface Knowledge {
  /** Length k: columns of x, ascending. */
  columns: Int32Array
  /** k × k: posterior precision R of these coefficients. */
  precision: Float64Array
  /** Residual variance σ² of log time. */
  sigma2: number
  /** Length P: posterior means, where the weights of censored plays are taken. */
  beta: Float64Array
}
