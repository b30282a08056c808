// Points side by side where they would cover each other.

/**
 * A lane for each value: 0, 1, −1, 2, … so that no two values of a lane are nearer than `apart` (same unit); beyond `most`
 * lanes to a side they share the last ones. The same values give the same lanes.
 */
export function lanesOf(values: readonly number[], apart: number, most: number): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b] || a - b)
  const newest = new Map<number, number>()
  const lanes: number[] = new Array(values.length)
  for (const i of order) {
    let turn = 0
    while (turn < 2 * most && values[i] - (newest.get(laneOf(turn)) ?? Number.NEGATIVE_INFINITY) < apart)
      turn++
    lanes[i] = laneOf(turn)
    newest.set(lanes[i], values[i])
  }
  return lanes
}

/** 0, 1, −1, 2, −2, … */
function laneOf(turn: number): number {
  return turn % 2 === 1 ? (turn + 1) / 2 : turn === 0 ? 0 : -turn / 2
}
