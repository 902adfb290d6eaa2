/**
 * Step 13, an autoencoder: a network that is asked for its own input, and must send it through few numbers. The half that takes them
 * apart again is a convolution as well, after the picture was made larger.
 *
 * Follows notebook 08 of the course, "Autoencoders". The layers are in `layers/nn/`.
 *
 *     deno run examples/13_autoencoder.ts
 *
 * On MNIST or Fashion-MNIST: `deno run -A examples/13_autoencoder.ts --data DIR`.
 */
import { manualSeed, nn, noGrad, optim, type Tensor } from "@gradus/gradus";
import { DataLoader, digits, drawDigits, loadMnist, TensorDataset } from "@gradus/gradus/data";
import { Learner, ShowProgress } from "@gradus/gradus/train";
import { parseArgs } from "node:util";

const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
const { name, train, test } = data ? await loadMnist({ dir: data }) : digits({ train: 1500, test: 500 });
const [xTrain, xValid] = [train, test].map(({ images }) => images.view(-1, 1, 28, 28).float().div(255));

/** A convolution that halves the size: n × n to n/2 × n/2. */
function conv(inputs: number, outputs: number): nn.Module[] {
  return [new nn.Conv2d(inputs, outputs, 3, { stride: 2, padding: 1 }), new nn.ReLU()];
}

/** Its counterpart: each pixel becomes four, and a convolution smooths them. */
function deconv(inputs: number, outputs: number): nn.Module[] {
  return [new nn.Upsample({ scaleFactor: 2 }), new nn.Conv2d(inputs, outputs, 3, { padding: 1 })];
}

manualSeed(42);
const encoder = new nn.Sequential(new nn.ZeroPad2d(2), ...conv(1, 2), ...conv(2, 4)); // 28, 32, 16, 8
const decoder = new nn.Sequential(
  ...[...deconv(4, 2), new nn.ReLU(), ...deconv(2, 1)], // 8, 16, 32
  ...[new nn.ZeroPad2d(-2), new nn.Sigmoid()], // negative padding cuts off
);
const model = new nn.Sequential(encoder, decoder);
const code = noGrad(() => encoder.call(xValid.at(":1")));
console.log(`${name}: a picture [${xValid.shape.slice(1)}] goes through [${code.shape.slice(1)}]`);

/** The mean squared error of the test pictures. */
function error(guess: Tensor): string {
  return nn.functional.mse(guess, xValid).item().toFixed(4);
}
const mean = noGrad(() => xTrain.mean(0, true).expandAs(xValid));
console.log(`error of the mean picture ${error(mean)}, before training ${error(noGrad(() => model.call(xValid)))}`);

const batches = new DataLoader(new TensorDataset(xTrain, xTrain), { batchSize: data ? 256 : 32, shuffle: true });
const learner = new Learner({
  model,
  loss: nn.functional.mse,
  optimizer: new optim.AdamW(model.parameters(), { lr: 0.01 }),
  data: { train: batches, valid: [[xValid, xValid]] },
  callbacks: [new ShowProgress()],
});
await learner.fit(5);

const pictures = xValid.at(":4"), guesses = noGrad(() => model.call(pictures));
const captions = Array.from(test.labels.at(":4").toArray() as number[], (label) => `class ${label}`);
console.log(`\n${drawDigits(pictures.view(4, 28, 28), captions, { columns: 28, max: 1 })}`);
console.log(`\n${drawDigits(guesses.view(4, 28, 28), captions, { columns: 28, max: 1 })}`);
console.log(`error ${error(noGrad(() => model.call(xValid)))}`);
