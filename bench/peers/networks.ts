/** The workloads on images in this library. */
import { manualSeed, nn, noGrad, optim, randint, randn, type Tensor } from "@gradus/gradus";
import { exportOnnx } from "@gradus/gradus/onnx";
import type { Convolution, Network, NetworkName } from "./image_workloads.ts";
import { checkConvolution, checkedStep } from "./verify.ts";

/** A convolution, after its results have been verified. */
export function convolution(workload: Convolution): () => void {
  const { n, channels, size, out, kernel, stride, padding, backward } = workload;
  const conv = new nn.Conv2d(channels, out, kernel, { stride, padding });
  const x = randn([n, channels, size, size]);
  checkConvolution(workload, conv, x);
  if (!backward) return () => noGrad(() => conv.call(x));
  x.requiresGrad_();
  const g = randn(conv.call(x).shape);
  return () => {
    x.g = null;
    conv.zeroGrad();
    conv.call(x).backward({ gradient: g });
  };
}

/** A training step or a prediction. */
export function network(workload: Network): () => void {
  if (workload.task === "step") return checkedStep(workload, networkStep);
  const model = MODELS[workload.network]().eval();
  const [x] = images(workload);
  return () => noGrad(() => model.call(x));
}

/** Writes networks as files of ONNX into a folder, and beside each an input and what it gives for that: NAME.onnx and NAME.json. */
export async function writeNetworks(folder: string, names: readonly NetworkName[]): Promise<void> {
  manualSeed(42);
  for (const name of names) {
    const model = MODELS[name]().eval();
    const [x] = images({ network: name, batch: 1 });
    await exportOnnx(model, x, `${folder}/${name}.onnx`);
    const y = noGrad(() => model.call(x));
    await Deno.writeTextFile(
      `${folder}/${name}.json`,
      JSON.stringify({ x: [...x.data], shape: x.shape, y: [...y.data] }),
    );
  }
}

function networkStep(workload: Network): () => number {
  const model = MODELS[workload.network]();
  const optimizer = OPTIMIZERS[workload.optimizer](model.parameters());
  const [x, y] = images(workload);
  return () => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.call(x), y);
    loss.backward();
    optimizer.step();
    return loss.item();
  };
}

const OPTIMIZERS: Readonly<Record<Network["optimizer"], (parameters: nn.Parameter[]) => optim.Optimizer>> = {
  adam: (parameters) => new optim.Adam(parameters, { lr: 2e-3 }),
  adamw: (parameters) => new optim.AdamW(parameters, { lr: 0.01 }),
  sgd: (parameters) => new optim.SGD(parameters, { lr: 0.05, momentum: 0.9 }),
};

function images({ network, batch }: Pick<Network, "network" | "batch">): [x: Tensor, y: Tensor] {
  return [randn(network === "mlp" ? [batch, 784] : [batch, 1, 28, 28]), randint(0, 10, [batch])];
}

/** A convolution that keeps the size, or halves it, and batch norm. */
function normed(channels: number, out: number, kernel: number, stride: number): nn.Module[] {
  const padding = Math.floor(kernel / 2);
  return [new nn.Conv2d(channels, out, kernel, { stride, padding, bias: false }), new nn.BatchNorm2d(out)];
}

/** `relu(body(x) + shortcut(pool(x)))` */
class Residual extends nn.Module {
  readonly body: nn.Sequential;
  readonly shortcut: nn.Module;
  readonly pool: nn.Module;

  constructor(channels: number, out: number, stride: number) {
    super();
    this.body = new nn.Sequential(
      new nn.Sequential(...normed(channels, out, 3, 1), new nn.ReLU()),
      new nn.Sequential(...normed(out, out, 3, stride)),
    );
    this.shortcut = channels === out ? new nn.Identity() : new nn.Sequential(...normed(channels, out, 1, 1));
    this.pool = stride === 1 ? new nn.Identity() : new nn.AvgPool2d(2, { ceilMode: true });
  }

  forward(x: Tensor): Tensor {
    return this.body.call(x).add(this.shortcut.call(this.pool.call(x))).relu();
  }
}

/** A recurrent network over the rows of images, and a linear layer over its last state. */
class Rows extends nn.Module {
  readonly head = new nn.Linear(64, 10);

  constructor(readonly rnn: nn.LSTM | nn.GRU) {
    super();
  }

  forward(x: Tensor): Tensor {
    const rows = x.squeeze(1);
    const [y] = this.rnn instanceof nn.LSTM ? this.rnn.call(rows) : this.rnn.call(rows);
    return this.head.call(y.select(1, -1));
  }
}

const MODELS: Readonly<Record<NetworkName, () => nn.Module>> = {
  mlp: () =>
    new nn.Sequential(
      ...[new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 64), new nn.ReLU(), new nn.Linear(64, 10)],
    ),
  lenet: () =>
    new nn.Sequential(
      ...[new nn.Conv2d(1, 6, 5, { padding: 2 }), new nn.ReLU(), new nn.MaxPool2d(2)],
      ...[new nn.Conv2d(6, 16, 5), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Flatten()],
      ...[new nn.Linear(400, 120), new nn.ReLU(), new nn.Linear(120, 84), new nn.ReLU(), new nn.Linear(84, 10)],
    ),
  convnet: () =>
    new nn.Sequential(
      ...[[1, 8], [8, 16], [16, 32], [32, 64]].map(([channels, out]) =>
        new nn.Sequential(...normed(channels, out, 3, 2), new nn.ReLU())
      ),
      ...[new nn.Sequential(...normed(64, 10, 3, 2)), new nn.Flatten()],
    ),
  resnet: () =>
    new nn.Sequential(
      ...[[1, 8, 1], [8, 16, 2], [16, 32, 2], [32, 64, 2], [64, 128, 2]].map(([c, o, s]) => new Residual(c, o, s)),
      ...[new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(128, 10)],
    ),
  lstm: () => new Rows(new nn.LSTM(28, 64, { batchFirst: true })),
  gru: () => new Rows(new nn.GRU(28, 64, { batchFirst: true })),
};
