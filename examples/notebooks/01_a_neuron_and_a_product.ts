// %% [markdown]
// # 1. A neuron, and many of them
//
// Steps 1 to 4 of [the path](../../README.md#the-path). This follows document 004, "Modeling a Neuron" and "Matrix
// Multiplication from Scratch", and document 001, from "Matrix multiplication" to "Now using Einstein summation". You need
// to know what a function is, and what a list of numbers is.
//
// A neuron weighs its inputs, adds a bias, and stays silent below zero. That is all. Everything after this is many of them.

// %%
import { einsum, manualSeed, near, randn, tensor, zeros } from "@gradus/gradus";
import type { Tensor } from "@gradus/gradus";
import { ladder } from "@gradus/gradus/ladder";
import { display, plotHistogram } from "@gradus/gradus/display";
manualSeed(42); // the same numbers at every run, and the same as PyTorch's

// %% [markdown]
// ## One neuron
//
// A hundred inputs, a weight for each, and a bias. By the definition: each input times its weight, added up one after the
// other.

// %%
const weight = randn([100]);
const inp = randn([100]).mul(100);
const bias = tensor([0.2]);

let output = bias;
for (let i = 0; i < 100; i++) output = output.add(inp.at(i).mul(weight.at(i)));
output;

// %% [markdown]
// The same without a loop is a dot product. Its sum is taken in another order, and floating-point sums depend on their
// order: "equal" means "near".

// %%
const dot = inp.matmul(weight).add(bias);
console.log(`${dot}, near the sum in the loop: ${near(output, dot)}`);

// %% [markdown]
// The activation lets through what is positive. A picture says more than the formula:

// %%
const ramp = tensor([[-4, -3, -2, -1, 0, 1, 2, 3, 4]]);
await display(ramp);
ramp.clampMin(0);

// %% [markdown]
// ## Many neurons
//
// Neurons that see the same inputs stand side by side, a column of weights each. Several inputs at once are rows. What comes
// out is a matrix product: `c[i, j]` is row `i` of the inputs by column `j` of the weights.

// %%
function matmul(a: Tensor, b: Tensor): Tensor {
  const [rows, inner] = a.shape, columns = b.shape[1];
  const c = zeros([rows, columns]);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      for (let k = 0; k < inner; k++) c.at(i, j).add_(a.at(i, k).mul(b.at(k, j)));
    }
  }
  return c;
}
matmul(tensor([[1, 2], [3, 4]]), tensor([[5, 6], [7, 8]]));

// %% [markdown]
// Check one of them in your head: `1·5 + 2·7` is 19. A matrix of numbers is shown in shades here: blue above zero, orange
// below, deeper where the number is larger.
//
// ## Fewer loops
//
// A row times a matrix needs no loop over `k` once the row is a column that is repeated, and the sum is one call. That is
// broadcasting: a dimension of size 1 is stretched, and nothing is copied. The stride of the stretched dimension is 0.

// %%
const column = tensor([10, 20, 30]).unsqueeze(1); // [3, 1]
const stretched = column.expand(3, 3);
console.log(`strides ${stretched.stride()}, and the memory holds ${stretched.storage().length} numbers`);
stretched;

// %%
const m = tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
m.sub(5).div(2.73); // a number is stretched over everything

// %% [markdown]
// Einstein summation names the dimensions. Equal letters meet; a letter that is missing on the right is summed.

// %%
einsum("ik,kj->ij", stretched, m);

// %% [markdown]
// ## The ladder
//
// The library keeps every way to multiply, from the three loops to the compiled kernel, as files to read one after the
// other in `core/matmul/`. Each must agree with the first, and none is timed before it does.

// %%
const [m1, m2] = [randn([5, 784]), randn([784, 10])]; // five pictures of 784 pixels, by the weights of ten neurons
const first = ladder[0].multiply(m1, m2);
for (const { name, multiply } of ladder.filter(({ backend }) => backend === "reference")) {
  console.log(`${name.padEnd(14)} near the three loops: ${near(first, multiply(m1, m2))}`);
}
plotHistogram(m2, { title: "The weights of ten neurons, spread as randn spreads them", bins: 24 });

// %% [markdown]
// ## Exercises
//
// 1. Write `matmul` with one loop less: row `i` of `a` and column `j` of `b`, multiplied and summed without `k`. Then with
//    one loop: `a.at(i).unsqueeze(1)` against the whole of `b`.
// 2. `einsum("ij->", m)` is the sum of all elements. Find the letters for the trace, for the sums of the columns, and for the
//    product of every element with every other.
// 3. A neuron with two inputs can say whether a point lies above a line. Choose two weights and a bias so that it is silent
//    below `y = 2x + 1`, and try it on four points.
