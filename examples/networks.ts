/** The networks that `deno task train --model` trains, and how `deno task predict` knows one by its weights. */
import { nn, type Tensor } from "@gradus/gradus";

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
} satisfies Record<string, Network>;

/** The names that `--model` takes. */
export type NetworkName = keyof typeof NETWORKS;

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
  const expected = "the weights of linear layers from 784 values on, made by deno task train";
  throw new RangeError(`Cannot use ${path}: expected ${expected}, found ${found}`);
}
