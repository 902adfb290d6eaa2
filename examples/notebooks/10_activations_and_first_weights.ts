// %% [markdown]
// # 10. What goes on inside
//
// Steps 15 and 16 of [the path](../../README.md#the-path). This follows notebook 10 of the course, "Activation stats", and notebook 11,
// "Initialization". It needs notebooks 2 and 7.
//
// A network that learns nothing looks like one that learns slowly, from outside. Histograms of each layer's outputs, step by step, show
// the difference at once.

// %%
import { manualSeed, nn, noGrad, optim } from "@gradus/gradus";
import type { Tensor } from "@gradus/gradus";
import { digits, imageLoaders } from "@gradus/gradus/data";
import { Learner, metrics } from "@gradus/gradus/train";
import { LayerHistograms, plotHistograms } from "@gradus/gradus/display";
import type { Plot } from "@gradus/gradus/display";

const dataset = digits({ train: 480, test: 200 });
dataset.train.images.at(":8");

// %%
function newModel(norm = false): nn.Sequential {
  manualSeed(1);
  const channels = [1, 4, 8, 16, 10]; // a convolution between each two, which halves the size
  const layers = channels.slice(1).flatMap((outputs, i) => [
    new nn.Conv2d(channels[i], outputs, 3, { stride: 2, padding: 1 }),
    ...(norm && outputs !== 10 ? [new nn.BatchNorm2d(outputs)] : []),
    ...(outputs === 10 ? [new nn.AdaptiveAvgPool2d(1), new nn.Flatten()] : [new nn.ReLU()]),
  ]);
  return new nn.Sequential(...layers);
}

/** Trains for two epochs, and draws what the first and the last ReLU gave at each step. */
async function watch(model: nn.Sequential, lr: number, normalized: boolean): Promise<Plot> {
  const normalize = normalized ? {} : { normalize: { mean: 0, std: 1 } };
  const { train, valid } = imageLoaders(dataset, { batchSize: 32, ...normalize });
  const spread = new LayerHistograms({ bins: 30, range: [0, 6] });
  const optimizer = new optim.SGD(model.parameters(), { lr });
  const learner = new Learner({
    ...{ model, optimizer, loss: nn.functional.crossEntropy, metrics: [metrics.accuracy()] },
    ...{ data: { train, valid }, callbacks: [spread] },
  });
  await learner.fit(2);
  console.log(`accuracy after two epochs ${(learner.history[1].metrics.accuracy as number).toFixed(3)}`);
  const relus = [...model].flatMap((layer, i) => layer instanceof nn.ReLU ? [`${i}`] : []);
  return plotHistograms(spread, { layers: [relus[0], relus.at(-1)!] });
}

// %% [markdown]
// ## A bad start
//
// Pixels from 0 to 1, PyTorch's first weights. Little comes out of the last ReLU: all of its column is dark at the bottom, where the zeros
// are.

// %%
await watch(newModel(), 0.2, false);

// %% [markdown]
// ## A better one
//
// Pixels of mean 0 and deviation 1, and weights by Kaiming's formula, which keep the deviation from layer to layer (notebook 2).

// %%
const better = newModel();
better.apply((layer) => void (layer instanceof nn.Conv2d && nn.init.kaimingNormal_(layer.weight)));
await watch(better, 0.2, true);

// %% [markdown]
// ## By measuring
//
// Layer-sequential unit variance needs no formula: look at each layer's outputs, and scale its weights until they are right.

// %%
function lsuv(model: nn.Sequential, x: Tensor): nn.Sequential {
  const layers = [...model];
  noGrad(() =>
    layers.forEach((layer, i) => {
      if (!(layer instanceof nn.Conv2d)) return;
      for (let trial = 0; trial < 3; trial++) {
        const outputs = layers.slice(0, i + 1).reduce((x, layer) => layer.call(x), x);
        layer.bias!.sub_(outputs.mean().item());
        layer.weight.div_(outputs.std().item());
      }
    })
  );
  return model;
}
const [[first]] = imageLoaders(dataset).valid;
await watch(lsuv(newModel(), first), 0.2, true);

// %% [markdown]
// ## By force
//
// Batch norm brings each channel to mean 0 and deviation 1 at every step, whatever the weights are, and learns what to make of it.

// %%
await watch(newModel(true), 0.2, true);

// %% [markdown]
// ## Exercises
//
// 1. Three times the rate kills units: a ReLU that is 0 for every picture has no gradient. Which of the four starts bears it?
// 2. Replace the ReLU by one that leaks a tenth below 0 and is moved down by 0.4. What becomes of the means?
// 3. `LayerHistograms({ of: "parameters" })` watches the weights instead. Which layers move at all in the bad start?
