/** The workloads that are timed in this library and in every peer. */
import { TENSOR_WORKLOADS, type TensorWorkload } from "./tensor_workloads.ts";
import { type Convolution, CONVOLUTIONS, type Network, NETWORKS, operationsOf } from "./image_workloads.ts";

/** A workload: a matrix product, a forward pass, a training step, one of those on images, or another operation. */
export type Workload =
  | { name: string; kind: "matmul"; m: number; k: number; n: number }
  | { name: string; kind: "forward"; sizes: number[]; batch: number }
  | Convolution
  | Network
  | TensorWorkload
  | {
    name: string;
    kind: "step";
    sizes: number[];
    batch: number;
    activation: "relu" | "sigmoid";
    optimizer: "sgd" | "adam";
  };

/** A training step: forward, cross-entropy, backward, optimizer. */
export type Step = Extract<Workload, { kind: "step" }>;

/** Products with a large result for little arithmetic, and larger ones to compare with. */
export const MEMORY_BOUND: readonly Workload[] = [[64, 64, 64], [784, 64, 50], [256, 256, 256], [512, 512, 512]]
  .map(([m, k, n]) => product(m, k, n));

/** The kinds of workload. */
export type Kind = Workload["kind"];

const SHAPES = [
  [5, 784, 10],
  [16, 16, 16],
  [64, 64, 64],
  [64, 784, 50],
  [64, 784, 128],
  [784, 64, 50],
  [1024, 784, 128],
  [10000, 784, 50],
  [50000, 784, 10],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
  [2048, 2048, 2048],
];

const STEPS = [
  [[784, 50, 10], 1, "relu", "sgd"],
  [[784, 50, 10], 64, "relu", "sgd"],
  [[784, 50, 10], 64, "relu", "adam"],
  [[784, 100, 100, 10], 32, "sigmoid", "sgd"],
  [[784, 128, 64, 10], 1024, "relu", "sgd"],
  [[784, 512, 512, 10], 128, "relu", "sgd"],
] as const;

/** All workloads, in the order of the table. */
export const WORKLOADS: readonly Workload[] = [
  ...SHAPES.map(([m, k, n]) => product(m, k, n)),
  { name: "forward 10000x784, 784-50-1", kind: "forward", sizes: [784, 50, 1], batch: 10_000 },
  ...STEPS.map(([sizes, batch, activation, optimizer]): Workload => ({
    name: `train step ${sizes.join("-")} ${activation}, batch ${batch}, ${optimizer}`,
    kind: "step",
    sizes: [...sizes],
    batch,
    activation,
    optimizer,
  })),
  ...CONVOLUTIONS,
  ...NETWORKS,
  ...TENSOR_WORKLOADS,
];

/** The product of [m, k] and [k, n]. */
export function product(m: number, k: number, n: number): Workload {
  return { name: `matmul ${m}x${k} @ ${k}x${n}`, kind: "matmul", m, k, n };
}

/** Floating-point operations of one run. Of a training step only products count, without the gradient of the input. */
export function operations(workload: Workload): number {
  if (workload.kind === "tensor") return 0; // they are bound by memory, or count comparisons
  if (workload.kind === "convolution" || workload.kind === "network") return operationsOf(workload);
  if (workload.kind === "matmul") return 2 * workload.m * workload.k * workload.n;
  const products = workload.sizes.slice(1).map((out, i) => 2 * workload.batch * workload.sizes[i] * out);
  if (workload.kind === "forward") return products.reduce((a, b) => a + b, 0);
  return products.reduce((sum, product, i) => sum + product * (i === 0 ? 2 : 3), 0);
}
