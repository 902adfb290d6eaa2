/** The networks that `train --model` trains, and how `predict` knows one by its weights. */
import { nn, type Tensor } from "../mod.ts";

/** A network of pictures of 28×28, and the shape in which it takes one. */
export interface Network {
  readonly shape: readonly number[];
  /** The top of its one-cycle schedule. */
  readonly maxLr: number;
  readonly make: () => nn.Sequential;
}

/** The networks by their names. */
export const NETWORKS = {
  /** 784-128-64-10 with ReLU, begun as He et al. (2015) say. */
  mlp: {
    shape: [784],
    maxLr: 3e-3,
    make() {
      const model = dense([784, 128, 64, 10]);
      model.apply((layer) => void (layer instanceof nn.Linear && nn.init.kaimingNormal_(layer.weight)));
      return model;
    },
  },
  /** LeCun et al., "Gradient-Based Learning Applied to Document Recognition" (1998), with ReLU and the largest of 2×2. */
  lenet: {
    shape: [1, 28, 28],
    maxLr: 3e-3,
    make: () =>
      new nn.Sequential(
        ...[new nn.Conv2d(1, 6, 5, { padding: 2 }), new nn.ReLU(), new nn.MaxPool2d(2)],
        ...[
          new nn.Conv2d(6, 16, 5),
          new nn.ReLU(),
          new nn.MaxPool2d(2),
          new nn.Flatten(),
          ...dense([400, 120, 84, 10]),
        ],
      ),
  },
  /** The network of step 18. */
  resnet: {
    shape: [1, 28, 28],
    maxLr: 1e-2,
    make: () =>
      new nn.Sequential(
        ...[new ResBlock(1, 8), new ResBlock(8, 16, 2), new ResBlock(16, 32, 2), new ResBlock(32, 64, 2)],
        ...[new ResBlock(64, 128, 2), new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(128, 10)],
      ),
  },
} satisfies Record<string, Network>;

/** The names that `--model` takes. */
export type NetworkName = keyof typeof NETWORKS;

function conv(inputs: number, outputs: number, size = 3, stride = 1, activation = true): nn.Sequential {
  const layer = new nn.Conv2d(inputs, outputs, size, { stride, padding: (size - 1) / 2, bias: false });
  return new nn.Sequential(layer, new nn.BatchNorm2d(outputs), ...(activation ? [new nn.ReLU()] : []));
}

/** `relu(convolutions(x) + x)`; x goes through a mean of 2×2 and a 1×1 convolution. */
export class ResBlock extends nn.Module {
  convolutions: nn.Sequential;
  shortcut: nn.Sequential;
  pool: nn.Module;

  constructor(inputs: number, outputs: number, stride = 1) {
    super();
    this.convolutions = new nn.Sequential(conv(inputs, outputs), conv(outputs, outputs, 3, stride, false));
    this.shortcut = conv(inputs, outputs, 1, 1, false);
    this.pool = stride === 1 ? new nn.Identity() : new nn.AvgPool2d(2, { ceilMode: true });
  }

  forward(x: Tensor): Tensor {
    return this.convolutions.call(x).add(this.shortcut.call(this.pool.call(x))).relu();
  }
}

/** Linear layers of these sizes with ReLU between them. */
function dense(sizes: readonly number[]): nn.Sequential {
  const layers = sizes.slice(1).flatMap((outputs, i) => [new nn.Linear(sizes[i], outputs), new nn.ReLU()]);
  return new nn.Sequential(...layers.slice(0, -1));
}

/**
 * The network that has these weights, with them: one of the above, or linear layers of other sizes.
 *
 * @throws {RangeError} With the weights that are there, if they are those of no such network.
 */
export function networkOf(
  weights: Map<string, Tensor>,
  path: string,
): { model: nn.Sequential; shape: readonly number[] } {
  const known = Object.values<Network>(NETWORKS).find(({ make }) => hasWeights(make(), weights));
  const { shape, make } = known ?? { shape: [784], make: () => dense(sizesOf(weights, path)) };
  const model = make();
  model.loadStateDict(weights);
  return { model: model.eval(), shape };
}

function hasWeights(model: nn.Sequential, weights: Map<string, Tensor>): boolean {
  const own = model.stateDict();
  return own.size === weights.size &&
    [...own].every(([name, { shape }]) => `${weights.get(name)?.shape}` === `${shape}`);
}

/** The sizes of linear layers that have these weights, from the input's on. */
function sizesOf(weights: Map<string, Tensor>, path: string): number[] {
  const places = [...weights.keys()].flatMap((name) => /^(\d+)\.weight$/.exec(name)?.[1] ?? []).map(Number);
  const shapes = places.sort((a, b) => a - b).map((place) => weights.get(`${place}.weight`)!.shape);
  const fits = shapes.every((shape, i) => shape.length === 2 && shape[1] === (i === 0 ? 784 : shapes[i - 1][0]));
  if (shapes.length > 0 && fits) return [784, ...shapes.map(([outputs]) => outputs)];
  const found = Array.from(weights, ([name, { shape }]) => `${name} [${shape}]`).slice(0, 8).join(", ");
  const expected = "the weights of a LeNet, a ResNet or linear layers from 784 values on, made by train";
  throw new RangeError(`Cannot use ${path}: expected ${expected}, found ${found}`);
}
