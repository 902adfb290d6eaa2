// %% [markdown]
// # 7. Convolution
//
// Step 12 of [the path](../../README.md#the-path). This follows notebook 07 of the course, "Convolutions". It needs notebook 6.
//
// The same few weights look at every place of a picture. First they are written by hand, to find edges; then they are learned.

// %%
import { manualSeed, near, nn, noGrad, optim, stack, tensor } from "@gradus/gradus";
import { digits, imageLoaders } from "@gradus/gradus/data";
import { convolutionLadder } from "@gradus/gradus/ladder";
import { Learner, metrics, ShowProgress } from "@gradus/gradus/train";
import { display, LayerHistograms, plot, plotHistograms } from "@gradus/gradus/display";

const dataset = digits({ train: 600, test: 200, seed: 1 });
const picture = dataset.train.images.at(7).float().div(255);
picture;

// %% [markdown]
// ## A kernel
//
// A kernel is a small picture of what it looks for. Laid over a place, it answers with the sum of the products: this one is positive
// where it is dark above and light below.

// %%
const topEdge = tensor([[-1, -1, -1], [0, 0, 0], [1, 1, 1]]);
const leftEdge = tensor([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]);
topEdge;

// %%
picture.at("1:4", "15:18").mul(topEdge).sum(); // the upper end of the 5

// %% [markdown]
// ## Everywhere
//
// Five ways to lay it over all places, from seven loops to the library's own kernel, are files of `core/convolution/`. They agree:

// %%
const image = picture.at(null, null), weight = leftEdge.at(null, null); // [1, 1, 28, 28], [1, 1, 3, 3]
const edges = convolutionLadder[0].convolve(image, weight); // [1, 1, 26, 26]
for (const { name, convolve } of convolutionLadder) console.log(`${name}: ${near(edges, convolve(image, weight))}`);

// %% [markdown]
// Several kernels are one weight [out, in, 3, 3], and each makes a picture of its own: left edges, top edges, and two diagonals.

// %%
const diagonals = [tensor([[0, -1, 1], [-1, 1, 0], [1, 0, 0]]), tensor([[1, -1, 0], [0, 1, -1], [0, 0, 1]])];
const kernels = stack([leftEdge, topEdge, ...diagonals]).unsqueeze(1); // [4, 1, 3, 3]
const features = nn.functional.conv2d(image, kernels); // [1, 4, 26, 26]
plot(features.at(0).clampMin(0), { labels: ["left", "top", "diagonal", "other"], title: "What four kernels see" });

// %% [markdown]
// ## Learned
//
// With padding 1 a 3×3 kernel keeps the size of the picture, with stride 2 it halves it: 28, 14, 7, 4, 2, 1.

// %%
manualSeed(42);
const channels = [1, 4, 8, 16, 16, 10];
const layers = channels.slice(1).flatMap((outputs, i) => [
  new nn.Conv2d(channels[i], outputs, 3, { stride: 2, padding: 1 }),
  ...(outputs === 10 ? [new nn.Flatten()] : [new nn.ReLU()]),
]);
const model = new nn.Sequential(...layers);
model;

// %%
const { train, valid } = imageLoaders(dataset, { batchSize: 32 });
const spread = new LayerHistograms({ bins: 24 });
const learner = new Learner({
  ...{ model, loss: nn.functional.crossEntropy, optimizer: new optim.Adam(model.parameters(), { lr: 0.01 }) },
  ...{ data: { train, valid }, metrics: [metrics.accuracy()], callbacks: [new ShowProgress(), spread] },
});
await learner.fit(4);

// %%
learner.history;

// %% [markdown]
// What went on inside: how the outputs of the first and the third ReLU were spread, step by step. A pale column is the last, small
// batch of an epoch.

// %%
await display(plotHistograms(spread, { layers: ["1", "5"] }));

// %% [markdown]
// The four kernels that it found for itself:

// %%
const weights = (layers[0] as nn.Conv2d).weight.detach();
plot(noGrad(() => nn.functional.conv2d(image, weights, null, { padding: 1 })).at(0), {
  title: "What its first layer sees",
});

// %% [markdown]
// ## Exercises
//
// 1. Write a kernel that answers to the ends of strokes, and one that blurs. What must the sum of a kernel's numbers be, so that an even
//    surface gives 0?
// 2. Count the weights of this network and those of 784-50-10. Which learns more from 600 pictures?
// 3. Take the padding away, and work out in your head how large the picture is after each layer, before you run it.
