// %% [markdown]
// # 11. Accelerated descent
//
// Step 17 of [the path](../../README.md#the-path). This follows notebook 12 of the course, "Accelerated SGD". It needs notebook 6.
//
// Momentum, RMSProp and Adam, a line or two each. What they have in common is a mean that forgets:
// `mean ← β·mean + (1 − β)·new`, over about 1 / (1 − β) steps.

// %%
import { manualSeed, nn, noGrad, optim, randn, tensor, zeros } from "@gradus/gradus";
import type { Tensor } from "@gradus/gradus";
import { Learner } from "@gradus/gradus/train";
import { plotBoundary, plotCurves } from "@gradus/gradus/display";

// %% [markdown]
// ## A mean that forgets
//
// A noisy line, and its mean over about ten steps.

// %%
manualSeed(1);
const noisy = Array.from({ length: 60 }, (_, i) => Math.sin(i / 10) + 0.3 * randn([1]).item());
let mean = 0;
const smooth = noisy.map((value, i) => (mean = 0.9 * mean + 0.1 * value) / (1 - 0.9 ** (i + 1)));
plotCurves({ noise: noisy, "mean that forgets": smooth }, { title: "Noise, and its mean over about ten steps" });

// %% [markdown]
// ## Four ways down
//
// Each takes a parameter a step, by its gradient g and what it keeps for it; t counts the steps from 1.

// %%
type Kept = { mean: Tensor; square: Tensor };
type Update = (p: Tensor, g: Tensor, kept: Kept, t: number) => void;

const sgd = (lr: number): Update => (p, g) => p.sub_(g.mul(lr));

const momentum = (lr: number, beta = 0.9): Update => (p, g, kept) => {
  kept.mean.mul_(beta).add_(g);
  p.sub_(kept.mean.mul(lr));
};
const rmsprop = (lr: number, beta = 0.99): Update => (p, g, kept) => {
  kept.square.mul_(beta).add_(g.square().mul(1 - beta));
  p.sub_(g.mul(lr).div(kept.square.sqrt().add(1e-8)));
};
const adam = (lr: number, beta1 = 0.9, beta2 = 0.999): Update => (p, g, kept, t) => {
  kept.mean.mul_(beta1).add_(g.mul(1 - beta1));
  kept.square.mul_(beta2).add_(g.square().mul(1 - beta2));
  p.sub_(kept.mean.div(1 - beta1 ** t).mul(lr).div(kept.square.div(1 - beta2 ** t).sqrt().add(1e-8)));
};

// %% [markdown]
// A narrow valley: x²/2 + 50·y²/2, from the same place. The steep side bounds the rate of SGD, which then creeps along the flat one;
// the others gather speed there, or measure each direction in its own units.

// %%
function descend(update: Update): number[] {
  const p = tensor([-9, 1.5]), kept = { mean: zeros([2]), square: zeros([2]) }, bend = tensor([1, 50]);
  return Array.from({ length: 60 }, (_, i) => {
    update(p, p.mul(bend), kept, i + 1);
    return Math.log10(p.square().mul(bend).sum().item() / 2);
  });
}
const ways = { SGD: sgd(0.03), momentum: momentum(0.02), RMSProp: rmsprop(0.4), Adam: adam(0.8) };
plotCurves(
  Object.fromEntries(Object.entries(ways).map(([name, update]) => [name, descend(update)])),
  { title: "Four ways down a narrow valley", yTitle: "log₁₀ of the loss" },
);

// %% [markdown]
// ## The library's
//
// They agree with the lines above. One parameter, twenty steps, random gradients:

// %%
const pairs: [string, Update, (p: nn.Parameter[]) => optim.Optimizer][] = [
  ["SGD", sgd(0.1), (p) => new optim.SGD(p, { lr: 0.1 })],
  ["momentum", momentum(0.1), (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 })],
  ["RMSProp", rmsprop(0.1), (p) => new optim.RMSprop(p, { lr: 0.1 })],
  ["Adam", adam(0.1), (p) => new optim.Adam(p, { lr: 0.1 })],
];
for (const [name, update, make] of pairs) {
  const ours = zeros([3]), theirs = new nn.Parameter(zeros([3])), optimizer = make([theirs]);
  const kept = { mean: zeros([3]), square: zeros([3]) };
  for (let t = 1; t <= 20; t++) {
    theirs.g = randn([3]);
    update(ours, theirs.g, kept, t);
    optimizer.step();
  }
  console.log(`${name.padEnd(9)} agrees: ${noGrad(() => ours.sub(theirs).abs().max()).item() < 1e-5}`);
}

// %% [markdown]
// ## On a problem that bends
//
// Two classes, one around the other. Adam finds a way around; the picture shows what the network decides at each place.

// %%
manualSeed(3);
const points = randn([150, 2]), labels = points.square().sum(1).gt(1.2).int();
const model = new nn.Sequential(new nn.Linear(2, 16), new nn.ReLU(), new nn.Linear(16, 2));
const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 0.05, totalSteps: 60 });
const learner = new Learner({
  ...{ model, optimizer, loss: nn.functional.crossEntropy, data: { train: [[points, labels]] } },
  scheduler: { scheduler, per: "batch" },
});
await learner.fit(60);
plotBoundary(model, points, labels, { classes: ["inside", "outside"] });

// %% [markdown]
// ## Exercises
//
// 1. Give `descend` a valley a hundred times as narrow. Which rate must change, and for which of the four does it hardly matter?
// 2. Draw the rate of `OneCycleLR` over its steps, from the records of the history: `learner.history.map(({ lr }) => lr)`.
// 3. Train the last model with plain SGD, as long as it takes, and look at its boundary.
