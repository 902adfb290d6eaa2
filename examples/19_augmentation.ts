/**
 * Step 19, augmentation: a picture that is moved, mirrored or partly covered shows the same thing. Shown another way each time, a
 * network cannot learn the pictures by heart; and asked about two views of one, it is right more often.
 *
 * Follows notebook 14 of the course, "Data augmentation". The transforms are `datasets/transforms/`.
 *
 *     deno run examples/19_augmentation.ts
 *
 * On MNIST or Fashion-MNIST: `deno run -A examples/19_augmentation.ts --data DIR [--epochs N]`.
 */
import { manualSeed, nn, noGrad, optim } from "@gradus/gradus";
import * as images from "@gradus/gradus/data";
import { Learner, metrics, ShowProgress } from "@gradus/gradus/train";
import { parseArgs } from "node:util";
import { ResBlock } from "../cli/networks.ts"; // the block of step 18

const options = { data: { type: "string" }, epochs: { type: "string" } } as const;
const { data, epochs: given = data ? "8" : "3" } = parseArgs({ options }).values;
const dataset = data ? await images.loadMnist({ dir: data }) : images.digits({ train: 600, test: 300 });
const epochs = Number(given);

// Clothes may be mirrored, digits may not.
const mayFlip = dataset.name === "fashion-mnist";
const normalize = images.normalizationOf(dataset.train.images.at(":10000"));
const fill = -normalize.mean / normalize.std; // what a black pixel is, once it is normalized
manualSeed(42);
const transform = [
  images.randomShift({ most: 1, fill }),
  ...(mayFlip ? [images.randomFlip()] : []),
  images.randomErase({ p: 0.5, scale: [0.02, 0.1], value: "noise" }),
];

// The same picture, changed eight times; four of them.
const one = images.normalizer(normalize)(dataset.train.images.at(":1")).expand(8, 28, 28);
const views = transform.reduce((x, change) => change(x), one).sub(fill);
console.log(images.drawDigits(views.at(":4"), ["", "", "", ""], { columns: 28, max: 1 / normalize.std }));

const channels = data ? [8, 16, 32, 64, 128] : [8, 16, 32];
const model = new nn.Sequential(
  ...channels.map((outputs, i) => new ResBlock(channels[i - 1] ?? 1, outputs, i === 0 ? 1 : 2)),
  ...[new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(channels.at(-1)!, 10)],
);
const { train, valid } = images.imageLoaders(dataset, { batchSize: data ? 256 : 32, normalize, transform });
const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 });
const schedule = new optim.OneCycleLR(optimizer, { maxLr: 0.01, totalSteps: epochs * train.length });
const learner = new Learner({
  ...{ model, optimizer, loss: nn.functional.crossEntropy, metrics: [metrics.accuracy()], data: { train, valid } },
  scheduler: { scheduler: schedule, per: "batch" },
  callbacks: [new ShowProgress()],
});
await learner.fit(epochs);

// Test-time augmentation: the mean of what the network says of two views, here the picture and its mirror image.
let right = 0;
model.eval();
for (const [x, y] of mayFlip ? valid : []) {
  const scores = noGrad(() => images.testTimeAugmentation((view) => model.call(view), x));
  right += scores.argmax(1).eq(y).sum().item();
}
if (mayFlip) console.log(`asked about two views: accuracy ${(right / dataset.test.labels.numel()).toFixed(4)}`);
console.log(`${(performance.now() / 1000).toFixed(1)} s`);
