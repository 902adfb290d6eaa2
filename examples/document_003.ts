/**
 * The program of document 003, with its seed 42: a two-layer network on MNIST, its loss before any training, and its gradients
 * without autograd, first by functions and then by classes.
 *
 *     deno task replay 003 [--data DIR]
 */
import { manualSeed, randn, setPrintOptions, type Tensor, zeros } from "@gradus/gradus";
import { type ImageDataset } from "@gradus/gradus/data";
import { Lin, Model, Mse, Relu } from "@gradus/gradus/classes";
import { forwardAndBackward, lin, mse, relu, type TwoLayers } from "@gradus/gradus/functional";

const HIDDEN = 50;

/** What document 003 computes. */
export interface Replay003 {
  /** Training images [50000, 784] in 0 … 255/256. */
  xTrain: Tensor;
  /** Their labels [50000]. */
  yTrain: Tensor;
  /** The output of the first layer for the next 10,000 images, [10000, 50]. */
  activations: Tensor;
  /** The weights, with the gradients that `forwardAndBackward` leaves in their `.g`. */
  weights: TwoLayers;
  /** The loss by functions. */
  loss: number;
  /** The loss by classes, on the same weights. */
  classLoss: number;
  /** The first weights' gradient by classes. */
  classGradient: Tensor;
}

/** The document's cells, in order. */
export function replay003({ train }: ImageDataset): Replay003 {
  // The file of the documents, mnist.pkl.gz, holds the same pictures divided by 256, the last 10,000 set apart.
  const x = train.images.view(-1, 784).float().div_(256);
  const [xTrain, xValid] = [x.at(":50000"), x.at("50000:")];
  const yTrain = train.labels.at(":50000").float();

  manualSeed(42);
  const weights = {
    w1: randn([784, HIDDEN]),
    b1: zeros([HIDDEN]),
    w2: randn([HIDDEN, 1]),
    b2: zeros([1]),
  };
  const { w1, b1, w2, b2 } = weights;
  const activations = relu(lin(xValid, w1, b1)); // [10000, 50]
  const preds = lin(relu(lin(xTrain, w1, b1)), w2, b2); // [50000, 1]
  const loss = mse(preds, yTrain).item();
  forwardAndBackward(xTrain, yTrain, weights);

  const [v1, v2] = [w1.clone(), w2.clone()];
  const model = new Model([new Lin(v1, b1.clone()), new Relu(), new Lin(v2, b2.clone())], new Mse());
  const classLoss = model.call(xTrain, yTrain).item();
  model.backward();
  return { xTrain, yTrain, activations, weights, loss, classLoss, classGradient: v1.g! };
}

/** Prints the numbers here beside those there: n, m, c, mean and std of x_train, and the loss before training. */
export function show003(dataset: ImageDataset, [n, m, c, mean, std]: readonly number[], lossThere: number): void {
  const { xTrain, yTrain, activations, weights, ...found } = replay003(dataset);
  setPrintOptions({ precision: 2, lineWidth: 125, sciMode: false });
  const moments = [xTrain.mean(), xTrain.std()].map((x) => x.item().toFixed(4));
  console.log(`n, m, c: ${xTrain.shape.join(", ")}, ${yTrain.max().item() + 1}    there: ${n}, ${m}, ${c}`);
  console.log(`mean, std of x_train: ${moments.join(", ")}    there, and in 001: ${mean}, ${std}`);
  console.log(`${activations}`);
  console.log(`mse(preds, y_train): ${found.loss.toFixed(2)}    there: ${lossThere}`);
  console.log(`Model(w1, b1, w2, b2): ${found.classLoss.toFixed(2)}`);
  for (const [name, p] of Object.entries(weights) as [string, Tensor][]) {
    console.log(`${name}.g: ${p.g!.shape} ‖${p.g!.norm().item().toFixed(2)}‖`);
  }
  const same = weights.w1.g!.eq(found.classGradient).all().item() ? "equal" : "different";
  console.log(`w1.g by functions and by classes: ${same}`);
  console.log(`${weights.w1.g!.at(400, ":5")}`);
}
