/** The workloads on images: single convolutions, and steps and predictions of whole networks. */

/** `n` images of `channels` x `size` x `size`, by `out` kernels of `kernel` x `kernel`; with `backward` the gradients as well. */
export interface Convolution {
  name: string;
  kind: "convolution";
  n: number;
  channels: number;
  size: number;
  out: number;
  kernel: number;
  stride: number;
  padding: number;
  backward: boolean;
}

/** The networks: a perceptron of 784-128-64-10, LeNet, the course's convnet and residual net, and recurrent ones that read row by row. */
export type NetworkName = "mlp" | "lenet" | "convnet" | "resnet" | "lstm" | "gru";

/** A training step with cross-entropy, or a prediction, of one of the networks for digits of 28 x 28. */
export interface Network {
  name: string;
  kind: "network";
  network: NetworkName;
  batch: number;
  task: "step" | "predict";
  optimizer: "sgd" | "adam" | "adamw";
}

const SHAPES = [
  [64, 1, 28, 8, 5, 2, 2],
  [64, 8, 14, 16, 3, 2, 1],
  [64, 16, 28, 16, 3, 1, 1],
  [16, 64, 28, 64, 3, 1, 1],
  [16, 128, 14, 128, 3, 1, 1],
  [16, 64, 28, 128, 1, 1, 0],
  [1, 16, 28, 32, 3, 1, 1],
] as const;

/** The convolutions, forward, and forward and backward. */
export const CONVOLUTIONS: readonly Convolution[] = SHAPES.flatMap((
  [n, channels, size, out, kernel, stride, padding],
) =>
  [false, true].map((backward): Convolution => ({
    name: `conv ${n}x${channels}x${size}x${size}, ${out} of ${kernel}x${kernel}/${stride}${
      backward ? ", both ways" : ""
    }`,
    kind: "convolution",
    ...{ n, channels, size, out, kernel, stride, padding, backward },
  }))
);

/** A training step of LeNet, 64 digits at a time. */
export const LENET_STEP: Network = network("lenet", 64, "step");
/** A training step of the residual net, 64 digits at a time. */
export const RESNET_STEP: Network = network("resnet", 64, "step", "adamw");

/** Predictions of one picture. */
export const PREDICTIONS: readonly Network[] = (["mlp", "lenet", "resnet"] as const).map((name) =>
  network(name, 1, "predict")
);

/** The networks. */
export const NETWORKS: readonly Network[] = [
  LENET_STEP,
  network("lenet", 1, "step"),
  network("convnet", 256, "step", "adamw"),
  RESNET_STEP,
  network("lstm", 64, "step", "adam"),
  network("gru", 64, "step", "adam"),
  ...PREDICTIONS,
];

function network(
  network: NetworkName,
  batch: number,
  task: Network["task"],
  optimizer: Network["optimizer"] = "sgd",
): Network {
  const name = task === "step"
    ? `train step ${network}, batch ${batch}, ${optimizer}`
    : `predict ${network}, batch ${batch}`;
  return { name, kind: "network", network, batch, task, optimizer };
}

/** Output size of a window that moves along one dimension: `⌊(size + 2·padding − kernel) / stride⌋ + 1`. */
function outputSize({ size, padding, kernel, stride }: Convolution): number {
  return Math.floor((size + 2 * padding - kernel) / stride) + 1;
}

/** A convolution within a network, of images that are `size` x `size` after it; a linear layer is one of a single pixel. */
type Layer = readonly [channels: number, out: number, kernel: number, size: number];

/** Convolutions and linear layers of each network, in the order in which they are applied. */
const LAYERS: Readonly<Record<NetworkName, readonly Layer[]>> = {
  mlp: [[784, 128, 1, 1], [128, 64, 1, 1], [64, 10, 1, 1]],
  lenet: [[1, 6, 5, 28], [6, 16, 5, 10], [400, 120, 1, 1], [120, 84, 1, 1], [84, 10, 1, 1]],
  convnet: [[1, 8, 3, 14], [8, 16, 3, 7], [16, 32, 3, 4], [32, 64, 3, 2], [64, 10, 3, 1]],
  resnet: [
    ...residual(1, 8, 28, 28),
    ...residual(8, 16, 28, 14),
    ...residual(16, 32, 14, 7),
    ...residual(32, 64, 7, 4),
    ...residual(64, 128, 4, 2),
    [128, 10, 1, 1],
  ],
  lstm: [...recurrent(4), [64, 10, 1, 1]],
  gru: [...recurrent(3), [64, 10, 1, 1]],
};

/** The products of 28 rows, and of the states before them, with the weights of so many gates: as many as 28 pixels have. */
function recurrent(gates: number): Layer[] {
  const rows = Math.sqrt(28);
  return [[28, 64 * gates, 1, rows], [64, 64 * gates, 1, rows]];
}

/** The second convolution of a residual block has the stride; the shortcut is one of 1 x 1. */
function residual(channels: number, out: number, before: number, after: number): Layer[] {
  return [[channels, out, 3, before], [out, out, 3, after], [channels, out, 1, after]];
}

/** Floating-point operations of one run, of products only; the data themselves need no gradient. */
export function operationsOf(workload: Convolution | Network): number {
  if (workload.kind === "convolution") {
    const { n, channels, out, kernel, backward } = workload;
    return 2 * n * channels * out * kernel ** 2 * outputSize(workload) ** 2 * (backward ? 3 : 1);
  }
  const passes = (i: number) => workload.task === "predict" ? 1 : i === 0 ? 2 : 3;
  return LAYERS[workload.network].reduce(
    (sum, [channels, out, kernel, size], i) =>
      sum + 2 * workload.batch * channels * out * (kernel * size) ** 2 * passes(i),
    0,
  );
}
