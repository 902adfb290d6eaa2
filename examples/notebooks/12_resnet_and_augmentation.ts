// %% [markdown]
// # 12. Ways past, and pictures moved
//
// Steps 18 and 19 of [the path](../../README.md#the-path). This follows notebook 13 of the course, "ResNets", and notebook 14, "Data
// augmentation". It needs notebooks 7 and 10.
//
// A deep network learns when each block adds to what it was given: the way past the block is open from the start. And a picture that
// is moved or partly covered shows the same thing.

// %%
import { manualSeed, nn, noGrad, optim } from "@gradus/gradus";
import type { Tensor } from "@gradus/gradus";
import { digits, imageLoaders, normalizationOf, normalizer, randomErase, randomShift } from "@gradus/gradus/data";
import type { Transform } from "@gradus/gradus/data";
import { Learner, metrics, ShowProgress } from "@gradus/gradus/train";
import { plot } from "@gradus/gradus/display";

const dataset = digits({ train: 320, test: 200 });
dataset.train.images.at(":8");

// %% [markdown]
// ## A block
//
// `relu(convolutions(x) + x)`; where the sizes differ, x goes through a mean of 2×2 and a 1×1 convolution.

// %%
function conv(inputs: number, outputs: number, size = 3, stride = 1, activation = true): nn.Sequential {
  const layer = new nn.Conv2d(inputs, outputs, size, { stride, padding: (size - 1) / 2, bias: false });
  return new nn.Sequential(layer, new nn.BatchNorm2d(outputs), ...(activation ? [new nn.ReLU()] : []));
}

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

function newModel(): nn.Sequential {
  manualSeed(42);
  return new nn.Sequential(
    ...[conv(1, 4, 3, 2), new ResBlock(4, 8, 2), new ResBlock(8, 16, 2)], // 14×14, 7×7, 4×4
    ...[new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(16, 10)],
  );
}
newModel();

// %% [markdown]
// ## Pictures moved and covered
//
// The same pictures four times, each time moved by a pixel or two, and some covered by a patch of noise. A network that sees them so cannot learn them
// by heart.

// %%
const normalize = normalizationOf(dataset.train.images);
const fill = -normalize.mean / normalize.std; // what a black pixel is, once it is normalized
const transform: Transform[] = [
  randomShift({ most: 2, fill }),
  randomErase({ p: 0.3, scale: [0.02, 0.1], value: "noise" }),
];
manualSeed(42);
const four = normalizer(normalize)(dataset.train.images.at(":4").repeat(4, 1, 1));
plot(transform.reduce((x, change) => change(x), four), { columns: 4, title: "Four pictures, four times each" });

// %% [markdown]
// ## With and without
//
// Forty steps are few, and both would go on learning for long: the running means of the batch norms are still young, which is why the
// validation loss jumps. To be seen is that the training loss falls more slowly where the pictures are another each time.

// %%
async function train(transform: Transform[]): Promise<Learner> {
  const model = newModel(), epochs = 4;
  const { train, valid } = imageLoaders(dataset, { batchSize: 32, normalize, transform });
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.02 });
  const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 0.02, totalSteps: epochs * train.length });
  const learner = new Learner({
    ...{ model, optimizer, loss: nn.functional.crossEntropy, data: { train, valid } },
    ...{ metrics: [metrics.accuracy()], scheduler: { scheduler, per: "batch" }, callbacks: [new ShowProgress()] },
  });
  await learner.fit(epochs);
  return learner;
}
const plain = await train([]);
plain.history;

// %%
const moved = await train(transform);
moved.history;

// %% [markdown]
// What the second one takes for something else:

// %%
const [[x, y]] = imageLoaders(dataset, { normalize }).valid;
const guesses = noGrad(() => moved.model.eval().call(x)).argmax(1);
const wrong = guesses.ne(y).nonzero().squeeze(1).at(":8");
plot(x.index(wrong), { labels: y.index(wrong), predictions: guesses.index(wrong), title: "Some that it got wrong" });

// %% [markdown]
// ## Exercises
//
// 1. Leave out `.add(this.shortcut…)`. Does the network still learn? And with four more blocks, with and without?
// 2. Compare the training losses of the two runs, and the validation losses. What does augmentation trade?
// 3. Ask the network about three moved views of each picture, and take the mean of its scores: is it right more often?
