/**
 * Step 5, initialisation: why the size of the first random weights decides whether a deep network can learn at all. Fifty layers,
 * five ways to begin.
 *
 * Follows document 001, "Now we need ReLU and random initialization", and document 004, "Defining and Initializing a Layer". What it comes
 * to is `layers/nn/init.ts`.
 *
 *     deno run examples/05_initialisation.ts
 */
import { manualSeed, nn, randn, type Tensor, zeros } from "@gradus/gradus";

manualSeed(42);

const identity = (x: Tensor): Tensor => x;
const relu = (x: Tensor): Tensor => x.clampMin(0);

/** 200 random rows after 50 layers of 100 neurons, whose weights are normal random numbers times `scale`. */
function throughLayers(scale: number, activation = identity): Tensor {
  let x = randn([200, 100]);
  for (let i = 0; i < 50; i++) x = activation(x.matmul(randn([100, 100]).mul(scale)));
  return x;
}

function show(title: string, x: Tensor): void {
  console.log(`${title}: mean ${x.mean().item().toPrecision(3)}, std ${x.std().item().toPrecision(3)}`);
  console.log(`${x.at("0:5", "0:5")}\n`);
}

// Each layer adds up 100 products, so that numbers grow about tenfold a layer: they overflow to infinity, and ∞ − ∞ is NaN.
show("weights of size 1", throughLayers(1));

// Too small, and each layer divides by ten: after fifty there is nothing left.
show("weights of size 0.01", throughLayers(0.01));

// The variance of a sum of n products is n times that of one: weights of 1/√n keep the size. Here n is 100. (Glorot, 2010.)
show("weights of size 1/√100", throughLayers(1 / Math.sqrt(100)));

// ReLU takes the negative half away, and half the variance with it, at each layer.
show("with ReLU, weights of size 1/√100", throughLayers(1 / Math.sqrt(100), relu));

// A 2 under the root gives it back. (He, 2015.)
show("with ReLU, weights of size √(2/100)", throughLayers(Math.sqrt(2 / 100), relu));

// The same by its name in PyTorch. There, weights are [out, in]: for ours, which are [in, out], it must take the other fan. Document
// 001 does this for a layer of 784 inputs, and finds √(2/784).
const w1 = nn.init.kaimingNormal_(zeros([784, 50]), { mode: "fanOut" });
console.log(`kaimingNormal_: std ${w1.std().item().toFixed(4)}, √(2/784) is ${Math.sqrt(2 / 784).toFixed(4)}`);
