/**
 * Step 1, a neuron: it weighs its inputs, adds a bias, and stays silent below zero.
 *
 * Follows document 004, "Modeling a Neuron".
 *
 *     deno run examples/01_neuron.ts
 */
import { manualSeed, near, randn, type Tensor, tensor } from "@gradus/gradus";

manualSeed(42); // the same numbers at every run, and the same as PyTorch's

const weight = randn([100]);
const inp = randn([100]).mul(100);
const bias = tensor([0.2]);

// By the definition: each input times its weight, added up one after the other.
let output = bias;
for (let i = 0; i < 100; i++) output = output.add(inp.at(i).mul(weight.at(i)));
console.log(`sum(x * w) + bias   ${output}`);

// The activation: what is positive passes, what is negative does not.
function relu(x: Tensor): Tensor {
  return x.item() >= 0 ? x : tensor([0]);
}
console.log(`relu(output)        ${relu(output)}`);
console.log(`relu(-343)          ${relu(tensor([-343]))}`);

// The same without a loop: a dot product. Many neurons side by side will make it a matrix product.
const y = inp.matmul(weight.t()).add(bias);
console.log(`inp @ weight + bias ${y}`);

// Floating-point sums depend on their order, so that "equal" means "near": |a − b| ≤ 1e-5 + 1e-3·|b|.
console.log(`near(output, y)     ${near(output, y)}`);

// A layer is several neurons that see the same inputs: one column of weights each.
const weights = randn([100, 3]); // [in, out]
console.log(`three neurons       ${inp.matmul(weights).add(bias).clampMin(0)}`);
