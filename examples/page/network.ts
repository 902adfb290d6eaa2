/** The network: two convolutions, and a linear layer that names the digit. */
import { fromData, nn, noGrad, type Tensor } from "@gradus/gradus";
import { SIDE } from "./centre.ts";

/** The side of a kernel, in pixels. */
export const KERNEL = 5;

/**
 * The largest weight that the first convolution begins with. The norm after it makes up for any size, and what is learned is soon larger
 * than what was there at random, so that the filters show it.
 */
const SMALL = 0.03;

/** A network of pictures [n, 1, 28, 28] from 0 to 1, whose first convolution has `width` channels. */
export function newNetwork(width: number): nn.Sequential {
  const first = new nn.Conv2d(1, width, KERNEL, { padding: 2 });
  nn.init.uniform_(first.weight, -SMALL, SMALL);
  return new nn.Sequential(
    ...[first, new nn.BatchNorm2d(width), new nn.ReLU(), new nn.MaxPool2d(2)],
    ...[new nn.Conv2d(width, 2 * width, KERNEL), new nn.BatchNorm2d(2 * width), new nn.ReLU(), new nn.MaxPool2d(2)],
    ...[new nn.Flatten(), new nn.Linear(2 * width * 5 * 5, 10)],
  );
}

/**
 * The network that has these weights, with them.
 *
 * @throws {RangeError} If they are those of another one.
 */
export function networkWith(weights: Map<string, Tensor>): { network: nn.Sequential; width: number } {
  const [width, ...kernel] = weights.get("0.weight")?.shape ?? [];
  if (!(width <= 64) || kernel.join() !== `1,${KERNEL},${KERNEL}`) {
    throw new RangeError("Cannot use these weights: they are not of this page's network; load a file that it saved");
  }
  const network = newNetwork(width);
  network.loadStateDict(weights);
  return { network, width };
}

/** The kernels of the first convolution [width, 5, 5]. */
export function firstKernels(network: nn.Sequential): Float32Array<ArrayBuffer> {
  return Float32Array.from(network.stateDict().get("0.weight")!.data);
}

/** How probable each digit is for a picture [28, 28] from 0 to 1. */
export function probabilitiesOf(network: nn.Sequential, picture: Float32Array<ArrayBuffer>): number[] {
  const x = fromData(picture, [1, 1, SIDE, SIDE]);
  return withoutLearning(network, () => Array.from(nn.functional.softmax(network.call(x)).data));
}

/** What a function gives with the network in `eval()` mode, and nothing recorded; afterwards it learns as before. */
export function withoutLearning<T>(network: nn.Sequential, compute: () => T): T {
  network.eval();
  try {
    return noGrad(compute);
  } finally {
    network.train();
  }
}
