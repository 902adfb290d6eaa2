// %% [markdown]
// # 8. An autoencoder
//
// Step 13 of [the path](../../README.md#the-path). This follows notebook 08 of the course, "Autoencoders". It needs notebook 7.
//
// A network is asked for its own input, and must send it through few numbers. What comes out shows what these numbers can hold.

// %%
import { cat, manualSeed, nn, noGrad, optim } from "@gradus/gradus";
import type { Tensor } from "@gradus/gradus";
import { DataLoader, digits, TensorDataset } from "@gradus/gradus/data";
import { Learner, ShowProgress } from "@gradus/gradus/train";
import { plot, plotScatter } from "@gradus/gradus/display";
manualSeed(42);

const { train, test } = digits({ train: 600, test: 200 });
const [xTrain, xValid] = [train, test].map(({ images }) => images.view(-1, 784).float().div(255));

// %% [markdown]
// ## 784 numbers through 16
//
// The first half makes 16 numbers of a picture, the second a picture of 16 numbers. Before training all pictures come out alike; the
// best picture that does not depend on the input is the mean of all, and a network must beat it.

// %%
const encoder = new nn.Sequential(new nn.Linear(784, 64), new nn.ReLU(), new nn.Linear(64, 16));
const decoder = new nn.Sequential(
  new nn.ReLU(),
  new nn.Linear(16, 64),
  new nn.ReLU(),
  new nn.Linear(64, 784),
  new nn.Sigmoid(),
);
const model = new nn.Sequential(encoder, decoder);
model;

// %%
const error = (guess: Tensor) => nn.functional.mse(guess, xValid).item().toFixed(4);
const mean = xTrain.mean(0, true);
console.log(
  `error of the mean picture ${error(mean.expandAs(xValid))}, before training ${
    error(noGrad(() => model.call(xValid)))
  }`,
);
mean.view(28, 28);

// %%
const batches = new DataLoader(new TensorDataset(xTrain, xTrain), { batchSize: 32, shuffle: true });
const learner = new Learner({
  ...{ model, loss: nn.functional.mse, optimizer: new optim.AdamW(model.parameters(), { lr: 0.005 }) },
  ...{ data: { train: batches, valid: [[xValid, xValid]] }, callbacks: [new ShowProgress()] },
});
await learner.fit(8);

// %%
learner.history;

// %% [markdown]
// ## What went in, and what came out
//
// Eight pictures that it did not learn from, and below each what is left of it after 16 numbers.

// %%
const some = xValid.at(":8"), back = noGrad(() => model.call(some));
plot(cat([some, back]).view(16, 28, 28), { title: "Above what went in, below what came out" });

// %% [markdown]
// The 16 numbers of each picture, in the two directions in which they vary most. Nobody has told the network what a digit is.

// %%
plotScatter(noGrad(() => encoder.call(xValid)), { labels: test.labels, title: "The code, by the digit it stands for" });

// %% [markdown]
// ## Exercises
//
// 1. Halve the code, again and again, and plot the error: where does it meet that of the mean picture?
// 2. Take the code halfway between those of a 3 and an 8, and look at its picture.
// 3. The course makes both halves of convolutions, with `nn.Upsample` in the second. `examples/13_autoencoder.ts` does too: compare
//    the errors for about as many weights.
