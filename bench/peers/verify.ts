/** Verifies workloads before they are timed: a product by sums in float64, a training step by the reference back end. */
import { backendName, manualSeed, type Tensor, useBackend } from "@gradus/gradus";
import type { Step } from "./workloads.ts";

const SAMPLES = 500; // elements of a product that are verified

/** The ratio of error to Σ|a||b|: 16·ε, which netlib's tests of BLAS allow. */
const NEAR = 16 * 2 ** -23;

/**
 * Compares elements from all over `a.matmul(b)` with sums in float64.
 *
 * @throws {Error} If one is off by more than 16·ε·Σ|a||b|.
 */
export function checkProduct(a: Tensor, b: Tensor): void {
  const c = a.matmul(b);
  const [m, k] = a.shape;
  const n = b.shape[1];
  const step = Math.max(1, Math.floor(m * n / SAMPLES) | 1); // odd, so that with an even number of columns all are visited
  for (let at = 0; at < m * n; at += step) {
    const [i, j] = [Math.floor(at / n), at % n];
    let [sum, bound] = [0, 0];
    for (let p = 0; p < k; p++) {
      const term = a.data[i * k + p] * b.data[p * n + j];
      sum += term;
      bound += Math.abs(term);
    }
    if (!(Math.abs(c.data[at] - sum) <= NEAR * bound)) {
      throw new Error(`Cannot time [${m}, ${k}] @ [${k}, ${n}]: element [${i}, ${j}] is ${c.data[at]}, and not ${sum}`);
    }
  }
}

const STEPS = 3;

/** How far losses may differ, relative to the first: back ends round differently, and three steps amplify it. */
const SAME_LOSS = 1e-4;

/**
 * The training step that `make` makes, after the losses of its first steps were those of the reference back end.
 *
 * @throws {Error} If they differ.
 */
export function checkedStep(workload: Step, make: (workload: Step) => () => number): () => number {
  const name = backendName();
  const losses = firstLosses(workload, make);
  useBackend("reference");
  const expected = firstLosses(workload, make);
  useBackend(name);
  if (losses.some((loss, i) => !(Math.abs(loss - expected[i]) <= SAME_LOSS * expected[0]))) {
    throw new Error(
      `Cannot time ${workload.name}: its losses are ${losses}, and ${expected} on the reference back end`,
    );
  }
  manualSeed(42);
  return make(workload);
}

function firstLosses(workload: Step, make: (workload: Step) => () => number): number[] {
  manualSeed(42);
  const step = make(workload);
  return Array.from({ length: STEPS }, step);
}
