// %% [markdown]
// # 5. A network from memory
//
// Steps 6 to 10 of [the path](../../README.md#the-path) at once, on pictures. This follows document 000, a classifier of digits
// written from memory, and document 002, the same idea in bare arrays. It needs notebooks 1 to 4.
//
// The documents download MNIST. Here digits are drawn by a program, small enough to learn in seconds; with
// `loadMnist()` in place of `digits()` everything below is the same.

// %%
import { manualSeed, nn, noGrad, optim } from "@gradus/gradus";
import { digits } from "@gradus/gradus/data";
import { findLr, Learner, metrics, ShowProgress } from "@gradus/gradus/train";
import { plot, plotScatter } from "@gradus/gradus/display";
manualSeed(42);

// %%
const { train, test } = digits({ train: 1200, test: 300 });
train.images.at(":16");

// %% [markdown]
// Look at the data before anything else: how many of each class, and how light the pixels are.

// %%
const [x, y] = [train.images.view(-1, 784).float().div(255), train.labels.int()];
const [xTest, yTest] = [test.images.view(-1, 784).float().div(255), test.labels.int()];
console.log(`of each digit: ${y.bincount()}`);
console.log(`pixels: mean ${x.mean().item().toFixed(4)}, deviation ${x.std().item().toFixed(4)}`);

// %% [markdown]
// ## The network
//
// 784 pixels, 50 neurons, 10 scores. The largest score is the answer; the loss is the cross-entropy, `−ln` of the probability that
// softmax gives the right class. Before training all classes are about as likely: the loss is near `ln 10`, 2.3026.

// %%
const model = new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
const before = nn.functional.crossEntropy(model.call(x), y).item();
console.log(`loss before training ${before.toFixed(4)}`);

// %%
const batches = Array.from(
  { length: 24 },
  (_, i) => [x.slice(0, 50 * i, 50 * i + 50), y.slice(0, 50 * i, 50 * i + 50)] as const,
);
const learner = new Learner({
  model,
  loss: nn.functional.crossEntropy,
  optimizer: new optim.SGD(model.parameters(), { lr: 0.5 }),
  data: { train: batches, valid: [[xTest, yTest]] },
  metrics: [metrics.accuracy(), metrics.confusionMatrix(10)],
  callbacks: [new ShowProgress()],
});
await findLr(learner, { start: 1e-2, factor: 1.4 });

// %% [markdown]
// `findLr()` tries rates from small to large and puts everything back. It suggests a tenth of the rate with the least loss, which is
// careful: a third of that least one works here too.

// %%
await learner.fit(6);

// %%
learner.history;

// %% [markdown]
// ## What it takes for what
//
// Rows are what a digit is, columns what it was taken for.

// %%
learner.history.at(-1)!.metrics.confusion;

// %%
const guesses = noGrad(() => model.call(xTest)).argmax(1);
const wrong = guesses.ne(yTest).nonzero().squeeze(1).at(":8");
plot(test.images.index(wrong), {
  labels: yTest.index(wrong),
  predictions: guesses.index(wrong),
  title: "Eight that it got wrong",
});

// %% [markdown]
// Its scores are ten numbers a picture. In the two directions in which they vary most, pictures of one digit already lie together.

// %%
plotScatter(noGrad(() => model.call(xTest)), { labels: yTest, title: "Scores in two principal components" });

// %% [markdown]
// ## Exercises
//
// 1. Document 000 trains 20 epochs with a small rate. Do so here with `lr: 0.05`, and find in the curves the epoch from which the
//    validation loss no longer falls.
// 2. Document 002 tries deeper networks. Add a second hidden layer of 50, and compare the confusions.
// 3. Write the training loop by hand, with `crossEntropy`, `backward()` and a subtraction, and reach the same losses as
//    the `Learner` with the same seed.
