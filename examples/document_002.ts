/**
 * The program of document 002: sigmoid networks in float64 with the quadratic cost and NumPy's random numbers. As written there, only
 * the weights learn: the optimizer leaves the biases as they were drawn. Here a whole batch is computed at once, one column for each
 * image, where the document goes image by image; the sums are the same.
 *
 *     deno task replay 002 [--data DIR] [--epochs N]
 */
import { fromData, RandomState, type Tensor, zeros } from "@gradus/gradus";
import { type ImageDataset } from "@gradus/gradus/data";

const BATCH = 32;

/** `z = w @ a + b` for a column of activations a for each image: w [out, in], b [out, 1], a [in, batch]. */
class Linear {
  w: Tensor;
  readonly b: Tensor;
  /** The latest input and output, and the sum of the weights' gradients since `zeroGrad`. */
  a!: Tensor;
  z!: Tensor;
  derW: Tensor;

  constructor(random: RandomState, inputs: number, outputs: number) {
    this.w = fromData(random.randn(outputs * inputs), [outputs, inputs]);
    this.b = fromData(random.randn(outputs), [outputs, 1]);
    this.derW = zeros([outputs, inputs], { dtype: "float64" });
  }

  forward(a: Tensor): Tensor {
    this.a = a;
    this.z = this.w.matmul(a).add(this.b);
    return this.z;
  }

  /** Adds up the gradient of the weights for `delta = dC/dz`, [out, batch]. */
  backward(delta: Tensor): void {
    this.derW = this.derW.add(delta.matmul(this.a.t()));
  }

  /** `delta` one layer down: `wᵀ @ delta · σ′(z)`. */
  deltaBelow(delta: Tensor, zBelow: Tensor): Tensor {
    return this.w.t().matmul(delta).mul(sigmoidDer(zBelow));
  }

  zeroGrad(): void {
    this.derW = zeros(this.w.shape, { dtype: "float64" });
  }
}

function sigmoidDer(z: Tensor): Tensor {
  const s = z.sigmoid();
  return s.mul(s.neg().add(1));
}

class NNetwork {
  constructor(readonly layers: readonly Linear[]) {}

  forward(x: Tensor): Tensor {
    return this.layers.reduce((a, layer) => layer.forward(a).sigmoid(), x);
  }

  /** `C = Σ(out − y)² / 2`, so `delta = (out − y) · σ′(z)` at the top; from there down, layer by layer. */
  backward(y: Tensor, out: Tensor): void {
    let delta = out.sub(y).mul(sigmoidDer(this.layers.at(-1)!.z));
    for (let i = this.layers.length - 1; i >= 0; i--) {
      this.layers[i].backward(delta);
      if (i > 0) delta = this.layers[i].deltaBelow(delta, this.layers[i - 1].z);
    }
  }
}

class SGD {
  constructor(readonly lr: number) {}

  optimize(model: NNetwork, x: Tensor, y: Tensor): void {
    model.backward(y, model.forward(x));
    for (const layer of model.layers) {
      layer.w = layer.w.sub(layer.derW.mul(this.lr / x.shape[1]));
      layer.zeroGrad();
    }
  }
}

/** Grey levels [n, 28, 28] to a column an image, [784, n], in 0 … 1. */
function columns(images: Tensor): Tensor {
  return images.view(-1, 784).double().div(255).t();
}

/** A column an image with 1 where its label is, [10, n]. */
function encode(labels: Tensor): Tensor {
  const classes = fromData(Float64Array.from({ length: 10 }, (_, i) => i), [10, 1]);
  return classes.eq(labels.double()).double();
}

/** How many test images the network gets right, after each epoch in file order; the weights are drawn from NumPy's seed 42. */
export function* replay002({ train, test }: ImageDataset, sizes: number[], epochs: number): Generator<number> {
  const random = new RandomState(42);
  const model = new NNetwork(sizes.slice(1).map((outputs, i) => new Linear(random, sizes[i], outputs)));
  const optimizer = new SGD(0.5);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let from = 0; from < train.labels.shape[0]; from += BATCH) {
      const [images, labels] = [train.images, train.labels].map((x) => x.slice(0, from, from + BATCH));
      optimizer.optimize(model, columns(images), encode(labels));
    }
    yield validate(model, test.images, test.labels);
  }
}

function validate(model: NNetwork, images: Tensor, labels: Tensor): number {
  return model.forward(columns(images)).argmax(0).eq(labels.int()).sum().item();
}

/** Prints the numbers of each epoch here beside those there, which the document's program gives in NumPy with seed 42. */
export function show002(dataset: ImageDataset, sizes: number[], there: readonly number[]): void {
  console.log(`\n${sizes.join("-")}: of 10,000 test images right`);
  console.log("epoch   there   here");
  let epoch = 0;
  for (const right of replay002(dataset, sizes, there.length)) {
    console.log(`${String(epoch + 1).padStart(5)}   ${there[epoch++]}    ${right}`);
  }
}
