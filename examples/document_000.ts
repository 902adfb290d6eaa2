/**
 * The program of document 000: a whole network from memory, 784-128-64-10. Two things are unusual, and kept as written there: each
 * row of the batch has a bias of its own, and log-softmax divides by the sum over the whole batch. It learns all the same.
 *
 *     deno task replay 000 [--data DIR] [--epochs N]
 *
 * Without `--allow-ffi` the products run in WebAssembly, and it takes longer.
 */
import { manualSeed, nn, noGrad, type Tensor, zeros } from "@gradus/gradus";
import { DataLoader, type ImageDataset, type LabelledImages, TensorDataset } from "@gradus/gradus/data";

const BATCH = 1024;

interface Layer {
  readonly parameters: readonly Tensor[];
  call(x: Tensor): Tensor;
}

class Linear implements Layer {
  readonly parameters: readonly [w: Tensor, b: Tensor];

  constructor(rows: number, columns: number) {
    this.parameters = [uniform(rows, columns), uniform(BATCH, columns)];
  }

  call(x: Tensor): Tensor {
    const [w, b] = this.parameters;
    return x.matmul(w).add(b); // [1024, columns]
  }
}

/** Uniform random numbers in ±1/√rows, with `requiresGrad`. */
function uniform(rows: number, columns: number): Tensor {
  const bound = 1 / Math.sqrt(rows);
  return nn.init.uniform_(zeros([rows, columns]), -bound, bound).requiresGrad_();
}

class ReLu implements Layer {
  readonly parameters = [];
  call(x: Tensor): Tensor {
    return x.relu();
  }
}

class LogSoftmax implements Layer {
  readonly parameters = [];
  call(x: Tensor): Tensor {
    return x.exp().div(x.exp().sum()).log();
  }
}

class Model {
  constructor(readonly layers: readonly Layer[]) {}

  parameters(): Tensor[] {
    return this.layers.flatMap((layer) => layer.parameters);
  }

  infer(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.call(value), x);
  }
}

class Optimizer {
  constructor(readonly parameters: readonly Tensor[], readonly lr: number) {}

  step(): void {
    noGrad(() => this.parameters.forEach((p) => p.sub_(p.g!.mul(this.lr))));
  }

  zeroGrad(): void {
    this.parameters.forEach((p) => (p.g = null));
  }
}

const nllLoss = new nn.NLLLoss();

function accuracy(predictions: Tensor, targets: Tensor): number {
  return predictions.argmax(-1).eq(targets).float().mean().item();
}

/** Batches of pixels in 0 … 1, [1024, 784], and labels [1024], in a new order each epoch; the short one at the end is left out. */
function loaderOf({ images, labels }: LabelledImages): DataLoader<readonly [Tensor, Tensor]> {
  const samples = new TensorDataset(images.view(-1, 784).float().div_(255), labels.int());
  return new DataLoader(samples, { batchSize: BATCH, shuffle: true, dropLast: true });
}

class Learner {
  readonly #train: Iterable<readonly [Tensor, Tensor]>;
  readonly #test: Iterable<readonly [Tensor, Tensor]>;

  constructor(readonly model: Model, { train, test }: ImageDataset) {
    this.#train = loaderOf(train);
    this.#test = loaderOf(test);
  }

  *fit(epochs: number, lr: number): Generator<[loss: number, accuracy: number]> {
    const optimizer = new Optimizer(this.model.parameters(), lr);
    for (let epoch = 0; epoch < epochs; epoch++) {
      const losses = Array.from(this.#train, ([x, y]) => this.#learn(optimizer, x, y));
      yield [average(losses), this.#validate()];
    }
  }

  #learn(optimizer: Optimizer, x: Tensor, y: Tensor): number {
    optimizer.zeroGrad();
    const loss = nllLoss.call(this.model.infer(x), y);
    loss.backward();
    optimizer.step();
    return loss.item();
  }

  #validate(): number {
    return noGrad(() => average(Array.from(this.#test, ([x, y]) => accuracy(this.model.infer(x), y))));
  }
}

function average(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Mean loss and accuracy after each epoch, from seed 42. */
export function replay000(dataset: ImageDataset, epochs: number): Generator<[loss: number, accuracy: number]> {
  manualSeed(42);
  const model = new Model([
    new Linear(784, 128),
    new ReLu(),
    new Linear(128, 64),
    new ReLu(),
    new Linear(64, 10),
    new LogSoftmax(),
  ]);
  return new Learner(model, dataset).fit(epochs, 0.01);
}

/** Prints loss and accuracy of each epoch beside those of the document's program in PyTorch. */
export function show000(dataset: ImageDataset, there: readonly [loss: number, accuracy: number][]): void {
  console.log("there: the document's program in PyTorch, with seed 42\n");
  console.log("epoch   loss there   loss here   accuracy there   accuracy here");
  let epoch = 0;
  for (const [loss, score] of replay000(dataset, there.length)) {
    const [lossThere, scoreThere] = there[epoch++];
    const figures = [lossThere.toFixed(4), loss.toFixed(4), scoreThere.toFixed(4), score.toFixed(4)];
    console.log(String(epoch).padStart(5) + figures.map((text, i) => text.padStart([13, 12, 17, 16][i])).join(""));
  }
}
