/**
 * Step 12, convolution: the same few weights look at every place of a picture. Edges by a kernel that is written by hand, five ways
 * to move it over the picture, and a first network whose kernels are learned.
 *
 * Follows notebook 07 of the course, "Convolutions". The ladder is `core/convolution/`, the layer `layers/nn/convolution.ts`.
 *
 *     deno run examples/12_convolution.ts
 *
 * On MNIST or Fashion-MNIST: `deno run -A examples/12_convolution.ts --data DIR`.
 */
import { manualSeed, near, nn, noGrad, optim, stack, tensor } from "@gradus/gradus";
import { digits, drawDigits, imageLoaders, loadMnist } from "@gradus/gradus/data";
import { convolutionLadder } from "@gradus/gradus/ladder";
import { Learner, metrics, ShowProgress } from "@gradus/gradus/train";
import { parseArgs } from "node:util";

const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
const dataset = data ? await loadMnist({ dir: data }) : digits({ train: 3000, test: 1000, seed: 1 });
const { conv2d, crossEntropy } = nn.functional;

// A kernel is a small picture of what it looks for. Laid over a place, it answers with the sum of the products.
const topEdge = tensor([[-1, -1, -1], [0, 0, 0], [1, 1, 1]]);
const leftEdge = tensor([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]);
const picture = dataset.train.images.at(7).float().div(256); // of MNIST, a 3; its pixels as in the course's file
console.log(`rows 3 to 5, columns 14 to 16: ${picture.at("3:6", "14:17").mul(topEdge).sum()}`);
console.log(`rows 7 to 9, columns 14 to 16: ${picture.at("7:10", "14:17").mul(topEdge).sum()}`);

// Everywhere, in five ways, each a file of `core/convolution/`: by loops, by sums over windows, by einsum, by one product after
// `unfold` has made a column of each window, and by the library's own kernel. The course timed three of them on its machine.
const image = picture.at(null, null), weight = leftEdge.at(null, null); // [1, 1, 28, 28]: a batch of one, with one channel
const there: Record<string, string> = { "01_loops": "7,140", "04_unfold": "27.2", "05_kernel": "15.7" };
const edges = convolutionLadder[0].convolve(image, weight); // [1, 1, 26, 26]
console.log("\nrung         near   microseconds      there");
for (const { name, convolve } of convolutionLadder) {
  const figures = [microseconds(() => convolve(image, weight)).toFixed(1), there[name] ?? ""];
  const right = near(edges, convolve(image, weight));
  console.log(`${name.padEnd(12)} ${right}   ${figures[0].padStart(12)} ${figures[1].padStart(10)}`);
}

/** The time of a call, the mean over 50 ms. */
function microseconds(call: () => unknown): number {
  const start = performance.now();
  let calls = 0;
  for (; performance.now() - start < 50; calls++) call();
  return (1000 * (performance.now() - start)) / calls;
}

// Several kernels are one weight [out, in, 3, 3]: each makes a picture of its own, a channel.
const diagonals = [tensor([[0, -1, 1], [-1, 1, 0], [1, 0, 0]]), tensor([[1, -1, 0], [0, 1, -1], [0, 0, 1]])];
const kernels = stack([leftEdge, topEdge, ...diagonals]).unsqueeze(1); // [4, 1, 3, 3]
const features = conv2d(image, kernels); // [1, 4, 26, 26]
console.log(`\nkernels [${kernels.shape}], features [${features.shape}]`);
const names = ["left edges", "top edges", "one diagonal", "the other"];
console.log(drawDigits(features.at(0).clampMin(0), names, { columns: 26, max: 2 }));

// A network of them. With padding 1 a 3×3 kernel keeps the size, with stride 2 it halves it: 28, 14, 7, 4, 2, 1.
/** A convolution that halves the size, and unless it is the last a ReLU. */
function conv(inputs: number, outputs: number, isLast = false): nn.Sequential {
  const layer = new nn.Conv2d(inputs, outputs, 3, { stride: 2, padding: 1 });
  return isLast ? new nn.Sequential(layer) : new nn.Sequential(layer, new nn.ReLU());
}
manualSeed(42);
const blocks = [conv(1, 4), conv(4, 8), conv(8, 16), conv(16, 16), conv(16, 10, true)];
let x = image;
for (const block of blocks) {
  x = noGrad(() => block.call(x));
  console.log(`${`${[...block][0]}`.padEnd(75)} [${x.shape}]`);
}

const model = new nn.Sequential(...blocks, new nn.Flatten()); // [batch, 10, 1, 1] to [batch, 10]
const { train, valid } = imageLoaders(dataset, { batchSize: data ? 256 : 64, normalize: { mean: 0, std: 1 } });
const learner = new Learner({
  model,
  loss: crossEntropy,
  optimizer: new optim.SGD(model.parameters(), { lr: 0.4 }),
  data: { train, valid },
  metrics: [metrics.accuracy()],
  callbacks: [new ShowProgress()],
});
const weights = model.parameters().reduce((sum, p) => sum + p.numel(), 0);
console.log(`\n${weights} weights; 784-50-10 has 39760`);
await learner.fit(5);
