/**
 * Step 18, ResNet: a deep network learns when each block adds to what it was given. The way past the block is open from the start, so
 * that gradients reach every layer.
 *
 * Follows notebook 13 of the course, "ResNets". The layers are in `layers/nn/`.
 *
 *     deno run examples/18_resnet.ts
 *
 * On MNIST or Fashion-MNIST: `deno run -A examples/18_resnet.ts --data DIR [--epochs N]`; with
 * `--plain` the same convolutions without the ways past them.
 */
import { manualSeed, nn, noGrad, optim, type Tensor } from "@gradus/gradus";
import { digits, imageLoaders, loadMnist } from "@gradus/gradus/data";
import { Learner, metrics, ShowProgress } from "@gradus/gradus/train";
import { parseArgs } from "node:util";

const options = { data: { type: "string" }, epochs: { type: "string" }, plain: { type: "boolean" } } as const;
const { data, epochs: given = data ? "5" : "4", plain = false } = parseArgs({ options }).values;
const dataset = data ? await loadMnist({ dir: data }) : digits({ train: 600, test: 300 });
const epochs = Number(given);

/** A convolution without a bias, which the norm behind it has, the norm, and unless it is the last of a block a ReLU. */
function conv(inputs: number, outputs: number, size = 3, stride = 1, activation = true): nn.Sequential {
  const layer = new nn.Conv2d(inputs, outputs, size, { stride, padding: (size - 1) / 2, bias: false });
  return new nn.Sequential(layer, new nn.BatchNorm2d(outputs), ...(activation ? [new nn.ReLU()] : []));
}

/** `relu(convolutions(x) + x)`; where the sizes differ, x goes through a mean of 2×2 and a 1×1 convolution. */
class ResBlock extends nn.Module {
  convolutions: nn.Sequential;
  shortcut: nn.Module;
  pool: nn.Module;

  constructor(inputs: number, outputs: number, stride = 1) {
    super();
    this.convolutions = new nn.Sequential(conv(inputs, outputs), conv(outputs, outputs, 3, stride, false));
    this.shortcut = inputs === outputs ? new nn.Identity() : conv(inputs, outputs, 1, 1, false);
    this.pool = stride === 1 ? new nn.Identity() : new nn.AvgPool2d(2, { ceilMode: true });
  }

  forward(x: Tensor): Tensor {
    return this.convolutions.call(x).add(this.shortcut.call(this.pool.call(x))).relu();
  }
}

const channels = data ? [8, 16, 32, 64, 128] : [8, 16, 32]; // of 28×28, 14×14, 7×7, 4×4 and 2×2

/** The network with the way past each block, or the same convolutions without it. */
function newModel(): nn.Sequential {
  const block = (i: number, o: number, stride: number) =>
    plain ? new nn.Sequential(conv(i, o), conv(o, o, 3, stride)) : new ResBlock(i, o, stride);
  const blocks = channels.map((outputs, i) => block(channels[i - 1] ?? 1, outputs, i === 0 ? 1 : 2));
  return new nn.Sequential(
    ...blocks,
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(channels.at(-1)!, 10),
  );
}

manualSeed(42);
const model = newModel();
let x = dataset.test.images.at(":1", null).float();
for (const layer of model) {
  const name = layer instanceof nn.Sequential ? "two convolutions" : layer.constructor.name;
  const weights = layer.parameters().reduce((sum, p) => sum + p.numel(), 0);
  const before = x.shape;
  x = noGrad(() => layer.eval().call(x));
  console.log(
    `${name.padEnd(18)} ${`[${before}]`.padEnd(13)} to ${`[${x.shape}]`.padEnd(13)} ${
      `${weights}`.padStart(7)
    } weights`,
  );
}

const { train, valid } = imageLoaders(dataset, { batchSize: data ? 256 : 32 });
const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 });
const schedule = new optim.OneCycleLR(optimizer, { maxLr: 0.01, totalSteps: epochs * train.length });
const learner = new Learner({
  ...{ model, optimizer, loss: nn.functional.crossEntropy, metrics: [metrics.accuracy()], data: { train, valid } },
  scheduler: { scheduler: schedule, per: "batch" },
  callbacks: [new ShowProgress()],
});
await learner.fit(epochs);
console.log(`${(performance.now() / 1000).toFixed(1)} s`);
