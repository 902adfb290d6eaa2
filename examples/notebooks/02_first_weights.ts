// %% [markdown]
// # 2. How large the first weights must be
//
// Step 5 of [the path](../../README.md#the-path). This follows document 001, "Now we need ReLU and random initialization", and
// document 004, "Defining and Initializing a Layer". It needs the matrix product of notebook 1.
//
// Before a network has learned anything its weights are random numbers. Their size alone decides whether a deep network can
// learn at all: each layer multiplies, and fifty layers multiply fifty times.

// %%
import { manualSeed, nn, randn, zeros } from "@gradus/gradus";
import type { Tensor } from "@gradus/gradus";
import { plotHistogram } from "@gradus/gradus/display";
manualSeed(42);

// %%
const identity = (x: Tensor): Tensor => x;
const relu = (x: Tensor): Tensor => x.clampMin(0);

/** The deviation after each of 50 layers of 50 neurons, whose weights are normal random numbers times `scale`. */
function deviations(scale: number, activation = identity): number[] {
  let x = randn([100, 50]);
  return Array.from({ length: 50 }, () => {
    x = activation(x.matmul(randn([50, 50]).mul(scale)));
    return x.std().item();
  });
}

const tell = (name: string, all: number[]) =>
  console.log(`${name.padEnd(24)} after 1, 10, 50 layers: ${[0, 9, 49].map((i) => all[i].toPrecision(2)).join(", ")}`);

// %% [markdown]
// Each output adds up 50 products. With weights of size 1 the numbers grow about sevenfold a layer, until they are infinite,
// and infinity less infinity is no number. With weights of size 0.01 nothing is left.

// %%
tell("weights of size 1", deviations(1));
tell("weights of size 0.01", deviations(0.01));

// %% [markdown]
// The variance of a sum of n independent products is n times that of one. Weights of size 1/√n keep it as it is (Glorot,
// 2010).

// %%
const glorot = deviations(1 / Math.sqrt(50));
tell("1/√50", glorot);

// %% [markdown]
// A ReLU takes the negative half away, and half of the variance with it, at each layer. A 2 under the root gives it back (He,
// 2015).

// %%
tell("1/√50 with ReLU", deviations(1 / Math.sqrt(50), relu));
tell("√(2/50) with ReLU", deviations(Math.sqrt(2 / 50), relu));

// %% [markdown]
// The same by its name in PyTorch. There weights are [out, in], so that for ours, which are [in, out], the other fan must be
// taken. Document 001 does this for a layer of 784 inputs, and finds √(2/784).

// %%
const w1 = nn.init.kaimingNormal_(zeros([784, 50]), { mode: "fanOut" });
console.log(`deviation ${w1.std().item().toFixed(4)}, √(2/784) is ${Math.sqrt(2 / 784).toFixed(4)}`);
plotHistogram(w1, { title: "Weights by kaimingNormal_", bins: 32 });

// %% [markdown]
// What a layer of such weights does to numbers of mean 0 and deviation 1, before and after the ReLU. The mean is no longer 0:
// a ReLU has no negative outputs to hold the balance.

// %%
const before = randn([200, 784]).matmul(w1), after = relu(before);
console.log(`before: mean ${before.mean().item().toFixed(3)}, deviation ${before.std().item().toFixed(3)}`);
console.log(`after:  mean ${after.mean().item().toFixed(3)}, deviation ${after.std().item().toFixed(3)}`);
plotHistogram(after, { title: "After the ReLU: half of them are 0", bins: 24 });

// %% [markdown]
// ## Exercises
//
// 1. Take 0.5 off after each ReLU, as document 001 tries. What becomes of the mean, and of the deviation after 50 layers?
// 2. Which `scale` keeps the deviation with `x.tanh()` as activation? Begin at 1/√50 and search.
// 3. Draw the weights uniformly from [-a, a] instead. Which a has the deviation √(2/784)? `nn.init.kaimingUniform_` knows.
