/**
 * Step 2, matrix multiplication, from three loops to a compiled kernel. Each rung of the ladder is a file of `core/matmul/`, short
 * enough to read beside this; each is compared with the first before it is timed.
 *
 * Follows document 001, "Moving on to our linear model" and "Element-wise operations", and document 004, "Matrix Multiplication from
 * Scratch".
 *
 *     deno run examples/02_matmul_ladder.ts
 *
 * The last rung loads a library: it joins in with `--allow-ffi --allow-read --allow-env=HOME`, after `deno task build`.
 */
import { manualSeed, near, randn, type Tensor, tensor, testEq, useBackend } from "@gradus/gradus";
import { ladder, type Rung } from "@gradus/gradus/ladder";

// Element-wise arithmetic first. It is enough for the Frobenius norm, √Σ a², and for the second rung.
const m = tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
console.log(`norm: ${m.mul(m).sum().sqrt()}`);

// The definition, on numbers small enough to check by hand: c[i, j] = Σ a[i, k]·b[k, j].
const [a, b] = [tensor([[1, 2], [3, 4]]), tensor([[5, 6], [7, 8]])];
testEq(ladder[0].multiply(a, b), tensor([[19, 22], [43, 50]]));

// The documents' sizes: five pictures of 784 pixels, by the weights of ten neurons.
manualSeed(42);
const m1 = randn([5, 784]);
const m2 = randn([784, 10]);
const t1 = ladder[0].multiply(m1, m2);
console.log(`t1.shape: [${t1.shape}]`);

/** Seconds for one product: the median of seven, each the mean of as many calls as fit 20 ms. */
function secondsFor(multiply: Rung["multiply"], a: Tensor, b: Tensor): number {
  let calls = 1;
  while (elapsed(multiply, a, b, calls) < 0.02) calls *= 2;
  const times = Array.from({ length: 7 }, () => elapsed(multiply, a, b, calls) / calls);
  return times.sort((x, y) => x - y)[3];
}

function elapsed(multiply: Rung["multiply"], a: Tensor, b: Tensor, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) multiply(a, b);
  return (performance.now() - start) / 1000;
}

console.log("\nrung           near   microseconds   times faster than the first");
let first = 0;
for (const { name, backend, multiply } of ladder) {
  try {
    useBackend(backend); // the rungs in TypeScript are judged on plain loops, the others on what they are named after
  } catch (error) {
    console.log(`${name.padEnd(14)} ${(error as Error).message}`);
    continue;
  }
  const right = near(t1, multiply(m1, m2));
  const seconds = secondsFor(multiply, m1, m2);
  first ||= seconds;
  const figures = [(seconds * 1e6).toFixed(1).padStart(12), (first / seconds).toFixed(1).padStart(28)];
  console.log(`${name.padEnd(14)} ${String(right).padEnd(6)} ${figures.join(" ")}`);
}
