/** Verifies workloads before they are timed: products and convolutions by float64, a training step by the reference back end. */
import { backendName, manualSeed, nn, randn, type Tensor, useBackend } from "@gradus/gradus";
import type { Convolution, Network } from "./image_workloads.ts";
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

/** An input, weights and a gradient of the result in, the result and the gradients of the first two out. */
type Convolve = (x: Tensor, w: Tensor, g: Tensor) => Tensor[];

/**
 * Compares the result for the first image of `x`, and its gradients, with those of float64, which the plain loops compute.
 *
 * @throws {Error} If an element is off by more than 16·ε·Σ|a||b|.
 */
export function checkConvolution({ name, stride, padding }: Convolution, { weight }: nn.Conv2d, x: Tensor): void {
  const convolve: Convolve = (x, w, g) => {
    const leaves = [x, w].map((part) => part.detach().clone().requiresGrad_());
    const y = nn.functional.conv2d(leaves[0], leaves[1], null, { stride, padding });
    y.backward({ gradient: g });
    return [y.detach(), leaves[0].g!, leaves[1].g!];
  };
  const image = x.narrow(0, 0, 1);
  const given = [image, weight, randn(nn.functional.conv2d(image, weight, null, { stride, padding }).shape)] as const;
  const found = convolve(...given);
  const [x64, w64, g64] = given.map((part) => part.detach().double());
  const expected = convolve(x64, w64, g64);
  const bounds = convolve(x64.abs(), w64.abs(), g64.abs());
  found.forEach((part, i) => {
    const worst = part.double().sub(expected[i]).abs().sub(bounds[i].mul(NEAR)).max().item();
    if (!(worst <= 0)) throw new Error(`Cannot time ${name}: its ${["result", "dx", "dw"][i]} is wrong`);
  });
}

const STEPS = 3;

/** Images of a step that is verified: the plain loops take a second for so many in the largest network. */
const FEW = 4;

/** How far losses may differ, relative to the first: back ends round differently, and three steps amplify it. */
const SAME_LOSS = 1e-4;

/**
 * The training step that `make` makes, after the losses of its first steps were those of the reference back end.
 *
 * @throws {Error} If they differ.
 */
export function checkedStep<W extends Step | Network>(workload: W, make: (workload: W) => () => number): () => number {
  const name = backendName();
  const checked = workload.kind === "network" ? { ...workload, batch: Math.min(workload.batch, FEW) } : workload;
  const losses = firstLosses(checked, make);
  useBackend("reference");
  const expected = firstLosses(checked, make);
  useBackend(name);
  if (losses.some((loss, i) => !(Math.abs(loss - expected[i]) <= SAME_LOSS * expected[0]))) {
    throw new Error(
      `Cannot time ${workload.name}: its losses are ${losses}, and ${expected} on the reference back end`,
    );
  }
  manualSeed(42);
  return make(workload);
}

function firstLosses<W>(workload: W, make: (workload: W) => () => number): number[] {
  manualSeed(42);
  const step = make(workload);
  return Array.from({ length: STEPS }, step);
}
