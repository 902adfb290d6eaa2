/**
 * Step 16, initialisation: the same small convnet begun in several ways, and held in shape by layers that normalize. What counts is that
 * each layer passes on numbers of about the same size, so that all of them learn at one rate.
 *
 * Follows notebook 11 of the course, "Initialization". The initialisers are `layers/nn/init.ts`.
 *
 *     deno run examples/16_initialising.ts
 *
 * On MNIST or Fashion-MNIST: `deno run -A examples/16_initialising.ts --data DIR`.
 */
import { manualSeed, nn, noGrad, optim, type Tensor } from "@gradus/gradus";
import { digits, imageLoaders, loadMnist } from "@gradus/gradus/data";
import { Learner, metrics } from "@gradus/gradus/train";
import { parseArgs } from "node:util";

const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
const dataset = data ? await loadMnist({ dir: data }) : digits({ train: 800, test: 300 });
const [batchSize, rate] = data ? [1024, 0.2] : [32, 0.05];

/** ReLU lets half of everything through, and moves the mean up. With a leak below 0, and moved down by 0.4, the mean stays near 0. */
class GeneralRelu extends nn.Module {
  forward(x: Tensor): Tensor {
    return nn.functional.leakyRelu(x, 0.1).sub(0.4);
  }
}

/** Five convolutions that halve the size; an activation, and a norm if there is one, after each but the last. */
function newModel(activation: () => nn.Module, norm?: (channels: number) => nn.Module): nn.Sequential {
  manualSeed(42);
  const channels = [1, 8, 16, 32, 64, 10];
  const layers = channels.slice(1).flatMap((outputs, i) => [
    new nn.Conv2d(channels[i], outputs, 3, { stride: 2, padding: 1 }),
    ...(norm && outputs !== 10 ? [norm(outputs)] : []),
    ...(outputs !== 10 ? [activation()] : []),
  ]);
  return new nn.Sequential(...layers, new nn.Flatten());
}

/** Weights of variance 2 / ((1 + a²) · fan in), which keep the size behind a ReLU of slope a below 0. */
function kaiming(model: nn.Sequential, a = 0): nn.Sequential {
  return model.apply((layer) => void (layer instanceof nn.Conv2d && nn.init.kaimingNormal_(layer.weight, { a })));
}

/** Layer-sequential unit variance: instead of a formula, look at each layer's outputs, and scale its weights until they are right. */
function lsuv(model: nn.Sequential, x: Tensor): nn.Sequential {
  const layers = [...model];
  noGrad(() =>
    layers.forEach((layer, i) => {
      if (!(layer instanceof nn.Conv2d)) return;
      const after = layers[i + 1] instanceof GeneralRelu ? i + 2 : i + 1;
      for (let trial = 0; trial < 10; trial++) {
        const outputs = layers.slice(0, after).reduce((x, layer) => layer.call(x), x);
        const [mean, std] = [outputs.mean().item(), outputs.std().item()];
        if (Math.abs(mean) < 1e-3 && Math.abs(std - 1) < 1e-3) return;
        layer.bias!.sub_(mean);
        layer.weight.div_(std);
      }
    })
  );
  return model;
}

/** Trains, and tells the deviation of the last activation's outputs before, and the accuracy after each epoch. */
async function trial(name: string, model: nn.Sequential, normalized = true, lr = rate): Promise<void> {
  const { train, valid } = imageLoaders(dataset, {
    batchSize,
    ...(normalized ? {} : { normalize: { mean: 0, std: 1 } }),
  });
  const std = noGrad(() => [...model].slice(0, -2).reduce((x, layer) => layer.call(x), batchOf(normalized))).std();
  const learner = new Learner({
    model,
    loss: nn.functional.crossEntropy,
    optimizer: new optim.SGD(model.parameters(), { lr, momentum: 0.85 }),
    data: { train, valid },
    metrics: [metrics.accuracy()],
  });
  manualSeed(42); // the same order of the pictures for all
  const { history } = await learner.fit(3);
  const accuracies = history.map(({ metrics }) => (metrics.accuracy as number).toFixed(3));
  console.log(`${name.padEnd(48)} ${std.item().toFixed(2).padStart(5)}      ${accuracies.join("  ")}`);
}

/** The first test pictures. */
function batchOf(normalized: boolean): Tensor {
  const [[x]] = imageLoaders(dataset, normalized ? {} : { normalize: { mean: 0, std: 1 } }).valid;
  return x;
}

const relu = () => new nn.ReLU(), general = () => new GeneralRelu();
console.log(`${"".padEnd(45)} deviation   accuracy after 1, 2, 3 epochs`);
await trial("PyTorch's weights, pixels from 0 to 1", newModel(relu), false);
await trial("Kaiming's, pixels from 0 to 1", kaiming(newModel(relu)), false);
await trial("Kaiming's, pixels of mean 0 and deviation 1", kaiming(newModel(relu)));
await trial("the same with a leaky ReLU, less 0.4", kaiming(newModel(general), 0.1));
await trial("the same with LSUV", lsuv(newModel(general), batchOf(true)));
await trial("layer norm", kaiming(newModel(general, (channels) => new nn.GroupNorm(1, channels)), 0.1));
await trial("batch norm", kaiming(newModel(general, (channels) => new nn.BatchNorm2d(channels)), 0.1));
await trial(
  "batch norm, twice the rate",
  kaiming(newModel(general, (channels) => new nn.BatchNorm2d(channels)), 0.1),
  true,
  2 * rate,
);
