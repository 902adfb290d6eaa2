/** The operations on tensors that are timed without a network: each with the same name in `tensor_ops.py`. */
import {
  backendName,
  cdist,
  gather,
  nn,
  noGrad,
  rand,
  randint,
  randn,
  randperm,
  sort,
  type Tensor,
  topk,
  useBackend,
  where,
} from "@gradus/gradus";

/** An operation of the table below, by its name. */
export interface TensorWorkload {
  /** The name in the tables. */
  name: string;
  kind: "tensor";
  /** The name below, and in `tensor_ops.py`. */
  operation: string;
}

/** Makes operands, and returns what is timed: it answers with tensors to be verified by. */
type Prepare = () => () => readonly Tensor[];

/** `f` of x without a gradient, or with that of x by g. */
function ways(f: (x: Tensor) => Tensor, shape: readonly number[]): { forward: Prepare; both: Prepare } {
  return {
    forward: () => {
      const x = randn([...shape]);
      return () => noGrad(() => [f(x)]);
    },
    both: () => {
      const x = randn([...shape]).requiresGrad_();
      const g = noGrad(() => randn([...f(x).shape]));
      return () => {
        x.grad = null;
        f(x).backward({ gradient: g });
        return [x.grad!];
      };
    },
  };
}

const SQUARE = [1024, 1024] as const;
const MILLION = [1_000_000] as const;
const { functional: F } = nn;

function layerNorm(): (x: Tensor) => Tensor {
  const [weight, bias] = [rand([1024]).requiresGrad_(), rand([1024]).requiresGrad_()];
  return (x) => {
    weight.grad = bias.grad = null;
    return F.layerNorm(x, [1024], { weight, bias });
  };
}

function masked(): (x: Tensor) => Tensor {
  const mask = rand([...MILLION]).gt(0.5);
  return (x) => x.index(mask);
}

function rows(): (x: Tensor) => Tensor {
  const index = randint(0, 1000, [100_000]);
  return (x) => x.index(index);
}

function gathered(): (x: Tensor) => Tensor {
  const index = randint(0, 1024, [...SQUARE]);
  return (x) => gather(x, 1, index);
}

function chosen(): (x: Tensor) => Tensor {
  const [mask, other] = [rand([...SQUARE]).gt(0.5), randn([...SQUARE])];
  return (x) => where(mask, x, other);
}

/** Five steps of mean shift, as in `examples/mean_shift.ts`. */
function meanShift(): () => readonly Tensor[] {
  const points = randn([1500, 2]).mul(10);
  return () =>
    noGrad(() => {
      let x = points;
      for (let step = 0; step < 5; step++) {
        const weights = cdist(x, x).div(2.5).square().mul(-0.5).exp();
        x = weights.matmul(x).div(weights.sum(1, true));
      }
      return [x];
    });
}

const batched: Prepare = () => {
  const [a, b] = [randn([64, 32, 32]), randn([64, 32, 32])];
  return () => [a.matmul(b)];
};
const doubles: Prepare = () => {
  const [a, b] = [randn([512, 512], { dtype: "float64" }), randn([512, 512], { dtype: "float64" })];
  return () => [a.matmul(b)];
};
const shuffled: Prepare = () => {
  const x = randperm(MILLION[0]).float();
  return () => [sort(x).values];
};

const of = (make: () => (x: Tensor) => Tensor, shape: readonly number[], way: "forward" | "both"): Prepare => () =>
  ways(make(), shape)[way]();
const plain = (f: (x: Tensor) => Tensor, shape: readonly number[], way: "forward" | "both" = "forward"): Prepare =>
  ways(f, shape)[way];

const CUBE = [100, 100, 100] as const;

/** What is timed, by its name. */
const OPERATIONS: Readonly<Record<string, Prepare>> = {
  "mask of 1,000,000": of(masked, MILLION, "forward"),
  "mask of 1,000,000, both ways": of(masked, MILLION, "both"),
  "100,000 rows of [1000, 64]": of(rows, [1000, 64], "forward"),
  "100,000 rows of [1000, 64], both ways": of(rows, [1000, 64], "both"),
  "gather 1024x1024": of(gathered, SQUARE, "forward"),
  "gather 1024x1024, both ways": of(gathered, SQUARE, "both"),
  "where 1024x1024": of(chosen, SQUARE, "forward"),
  "where 1024x1024, both ways": of(chosen, SQUARE, "both"),
  "sort 1,000,000": shuffled,
  "sort rows of 1024x1024": plain((x) => sort(x).values, SQUARE),
  "topk 10 of 1024x1024": plain((x) => topk(x, 10).values, SQUARE),
  "cumsum rows of 1024x1024": plain((x) => x.cumsum(1), SQUARE),
  "cumsum columns of 1024x1024": plain((x) => x.cumsum(0), SQUARE),
  "sum first of 100x100x100": plain((x) => x.sum(0), CUBE),
  "sum middle of 100x100x100": plain((x) => x.sum(1), CUBE),
  "sum last of 100x100x100": plain((x) => x.sum(2), CUBE),
  "max last of 100x100x100": plain((x) => x.amax(2), CUBE),
  "64 products of 32x32": batched,
  "float64 product of 512x512": doubles,
  "softmax 1024x1024": plain((x) => F.softmax(x, 1), SQUARE),
  "softmax 1024x1024, both ways": plain((x) => F.softmax(x, 1), SQUARE, "both"),
  "layer norm 1024x1024": of(layerNorm, SQUARE, "forward"),
  "layer norm 1024x1024, both ways": of(layerNorm, SQUARE, "both"),
  "gelu 1024x1024": plain((x) => F.gelu(x), SQUARE),
  "gelu 1024x1024, both ways": plain((x) => F.gelu(x), SQUARE, "both"),
  "mean shift of 1500 points, 5 steps": meanShift,
};

/** The workloads of this file. */
export const TENSOR_WORKLOADS: readonly TensorWorkload[] = Object.keys(OPERATIONS).map((operation) => ({
  ...{ name: operation, kind: "tensor", operation },
}));

/** Far above the rounding of sums of a thousand numbers in another order, far below what a wrong element makes. */
const NEAR = 1e-3;

/**
 * What is timed, after plain loops gave the same.
 *
 * @throws {Error} If they did not, or there is no such operation.
 */
export function tensorOperation({ operation }: TensorWorkload): () => void {
  const run = OPERATIONS[operation]?.();
  if (run === undefined) throw new Error(`Cannot time ${operation}: there is no such operation`);
  const found = run().map((x) => x.clone());
  const name = backendName();
  useBackend("reference");
  const expected = run();
  useBackend(name);
  for (const [i, x] of found.entries()) {
    const wrong = x.sub(expected[i]).abs().max().item() / Math.max(1, expected[i].abs().max().item());
    if (!(wrong <= NEAR)) throw new Error(`Cannot time ${operation}: it is off by ${wrong} from plain loops`);
  }
  return run;
}
