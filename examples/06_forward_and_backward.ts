/**
 * Step 6, the forward and backward passes by hand. Each function of the network has a partner that takes the gradient of its
 * output back to its input; called in reverse order, they are the chain rule.
 *
 * Follows document 001, "Now for the backward pass", document 003, "Gradient and backward pass", and document 004, "Gradients and the
 * Backward Pass". The functions are those of stage 1, `layers/01_functional.ts`.
 *
 *     deno run examples/06_forward_and_backward.ts
 */
import { manualSeed, randn, testNearZero, zeros } from "@gradus/gradus";
import { lin, linGrad, mse, mseGrad, relu, reluGrad } from "@gradus/gradus/functional";

manualSeed(42); // steps 6 to 10 begin with these same numbers, and find the same gradients
const x = randn([200, 100]); // [batch, in]
const y = randn([200]);
const w1 = randn([100, 50]).mul(Math.sqrt(2 / 100)); // [in, hidden]
const b1 = zeros([50]);
const w2 = randn([50, 1]).mul(Math.sqrt(2 / 50)); // [hidden, out]
const b2 = zeros([1]);

// Forward.
const l1 = lin(x, w1, b1); // [batch, hidden]
const l2 = relu(l1);
const out = lin(l2, w2, b2); // [batch, 1]
const loss = mse(out, y);
console.log(`l1 mean ${l1.mean()}, std ${l1.std()}`);
console.log(`l2 mean ${l2.mean()}, std ${l2.std()}`);
console.log(`out.shape [${out.shape}]`);
console.log(`loss ${loss}`);

// Backward: every call finds the gradient of its output in `.g`, and leaves that of its input there.
mseGrad(out, y); //          out.g = 2·(out − y) / n
linGrad(l2, out, w2, b2); // l2.g = out.g @ w2.T, w2.g = l2.T @ out.g, b2.g = out.g.sum(0)
reluGrad(l1, l2); //         l1.g = (l1 > 0) · l2.g
linGrad(x, l1, w1, b1);

for (const [name, p] of Object.entries({ w1, b1, w2, b2 })) {
  console.log(`${name}.g [${p.g!.shape}] norm ${p.g!.norm()}`);
}

// What a gradient promises: move one weight a little, and the loss moves `.g` times as much. Float64 to see it clearly.
const [x64, y64, b1_64, w2_64, b2_64] = [x, y, b1, w2, b2].map((t) => t.double());

function lossAt(step: number): number {
  const moved = w1.double();
  moved.at(3, 7).add_(step);
  return mse(lin(relu(lin(x64, moved, b1_64)), w2_64, b2_64), y64).item();
}

const eps = 1e-6;
const measured = (lossAt(eps) - lossAt(-eps)) / (2 * eps);
console.log(`w1.g[3, 7] ${w1.g!.at(3, 7).item().toFixed(6)}, measured ${measured.toFixed(6)}`);
testNearZero(w1.g!.at(3, 7).sub(measured), 1e-6);
