// %% [markdown]
// # 3. Forward and backward, by hand
//
// Steps 6 and 7 of [the path](../../README.md#the-path). This follows document 003, "Gradient and backward pass" and "Refactor
// Model", document 001, "Now for the backward pass", and document 004, "Gradients and the Backward Pass". It needs notebooks 1
// and 2, and the chain rule of school.
//
// Each function of a network has a partner, which takes the gradient of the function's output back to its input. Called in
// reverse order, the partners are the chain rule.

// %%
import { manualSeed, randn, zeros } from "@gradus/gradus";
import { lin, linGrad, mse, mseGrad, relu, reluGrad } from "@gradus/gradus/functional";
import { Lin, Model, Mse, Relu } from "@gradus/gradus/classes";
import { plotCurves } from "@gradus/gradus/display";
manualSeed(42);

// %% [markdown]
// ## Forward
//
// Two hundred rows of a hundred numbers, a hidden layer of fifty neurons, one output. The target is random: there is nothing
// to learn but by heart, and gradients do not care.

// %%
const x = randn([200, 100]); // [batch, in]
const y = randn([200]);
const w1 = randn([100, 50]).mul(Math.sqrt(2 / 100)); // [in, hidden]
const b1 = zeros([50]);
const w2 = randn([50, 1]).mul(Math.sqrt(2 / 50)); // [hidden, out]
const b2 = zeros([1]);

const l1 = lin(x, w1, b1); // [batch, hidden]
const l2 = relu(l1);
const out = lin(l2, w2, b2); // [batch, 1]
const loss = mse(out, y);
loss;

// %% [markdown]
// ## Backward
//
// Every call finds the gradient of its output in `.g`, and leaves the gradients of its inputs in theirs.
//
// - `out.g = 2·(out − y) / n`, the derivative of the mean of squares;
// - `l2.g = out.g @ w2.T`, `w2.g = l2.T @ out.g`, `b2.g` the sum of `out.g` over the rows;
// - `l1.g` is `l2.g` where `l1` was positive, and 0 elsewhere;
// - and once more for the first layer.

// %%
mseGrad(out, y);
linGrad(l2, out, w2, b2);
reluGrad(l1, l2);
linGrad(x, l1, w1, b1);
for (const [name, p] of Object.entries({ w1, b1, w2, b2 })) console.log(`${name}.g has the norm ${p.g!.norm()}`);

// %% [markdown]
// The first rows of `w1.g`, as shades. Where a column is pale, its neuron was silent for most rows.

// %%
w1.g!.at(":6", ":10");

// %% [markdown]
// ## What a gradient promises
//
// Move one weight a little, and the loss moves `.g` times as much. Measured in float64, to see it clearly.

// %%
const [x64, y64, b1_64, w2_64, b2_64] = [x, y, b1, w2, b2].map((t) => t.double());

function lossAt(step: number): number {
  const moved = w1.double();
  moved.at(3, 7).add_(step);
  return mse(lin(relu(lin(x64, moved, b1_64)), w2_64, b2_64), y64).item();
}
const eps = 1e-6, measured = (lossAt(eps) - lossAt(-eps)) / (2 * eps);
console.log(`w1.g[3, 7] is ${w1.g!.at(3, 7).item().toFixed(6)}, measured ${measured.toFixed(6)}`);

// %% [markdown]
// ## Layers as classes
//
// So far every value needed a name, and the partners had to be called in the right order. A layer that remembers its input and
// its output needs neither; the model calls its layers in reverse.

// %%
const model = new Model([new Lin(w1, b1), new Relu(), new Lin(w2, b2)], new Mse());
const again = model.call(x, y);
model.backward();
console.log(`loss ${again}, w1.g has the norm ${w1.g!.norm()}`);

// %% [markdown]
// Training is that, over and over: each parameter moves against its gradient.

// %%
const losses: number[] = [];
for (let step = 0; step < 40; step++) {
  losses.push(model.call(x, y).item());
  model.backward();
  for (const p of model.parameters) p.sub_(p.g!.mul(0.05));
}
plotCurves({ loss: losses }, { title: "Forty steps downhill", yTitle: "Loss" });

// %% [markdown]
// ## Exercises
//
// 1. Write `tanhGrad(inp, out)`: the derivative of tanh is `1 − tanh²`. Put it in place of the ReLU and compare a number of
//    `w1.g` with what you measure.
// 2. Leave out the division by n in the derivative of the mean of squares. Which check notices? By what factor must the rate
//    change for the same steps?
// 3. A layer class `Dropout` multiplies by zeros and twos at random. What must it remember, and what is its `backward()`?
