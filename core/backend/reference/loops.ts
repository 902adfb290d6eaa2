/** Strided walks: several operands over one shape, in row-major order, a run of equal steps at a time. */

/**
 * A shape with the steps of its operands, simplified: sizes of 1 are dropped, and neighbouring dimensions are joined where
 * every operand steps evenly over both. A dense tensor of any rank becomes one dimension.
 */
export interface Walk {
  /** Sizes, outermost first; never empty. */
  shape: number[];
  /** Steps of each operand along `shape`. */
  strides: number[][];
}

/** Simplifies a shape and its operands' steps. */
export function joinDims(shape: readonly number[], operands: readonly (readonly number[])[]): Walk {
  const walk: Walk = { shape: [], strides: operands.map(() => []) };
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const last = walk.shape.length - 1;
    const even = last >= 0 && operands.every((s, i) => walk.strides[i][last] === s[d] * shape[d]);
    if (!even) {
      walk.shape.push(shape[d]);
      operands.forEach((s, i) => walk.strides[i].push(s[d]));
      continue;
    }
    walk.shape[last] *= shape[d];
    operands.forEach((s, i) => (walk.strides[i][last] = s[d]));
  }
  if (walk.shape.length === 0) {
    walk.shape.push(1);
    walk.strides.forEach((s) => s.push(0));
  }
  return walk;
}

/**
 * Calls `row` once for every run along the innermost dimension, with the run's start in each operand.
 * `starts` is advanced in place and must not be kept.
 */
export function eachRow({ shape, strides }: Walk, starts: number[], row: (starts: number[]) => void): void {
  const outer = shape.length - 1;
  if (shape.includes(0)) return;
  const count = new Array<number>(outer).fill(0);
  while (true) {
    row(starts);
    let d = outer - 1;
    for (; d >= 0; d--) {
      for (let i = 0; i < starts.length; i++) starts[i] += strides[i][d];
      if (++count[d] < shape[d]) break;
      count[d] = 0;
      for (let i = 0; i < starts.length; i++) starts[i] -= strides[i][d] * shape[d];
    }
    if (d < 0) return;
  }
}
