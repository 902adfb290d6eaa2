/**
 * Step 17, accelerated SGD: momentum, RMSProp and Adam in a line or two each, and schedules of the learning rate. What they have in
 * common is a mean that forgets: `mean ← β·mean + (1 − β)·new`, over about 1 / (1 − β) steps.
 *
 * Follows notebook 12 of the course, "Accelerated SGD". The library's are `layers/optim/`.
 *
 *     deno run examples/17_accelerated_sgd.ts
 *
 * On MNIST or Fashion-MNIST: `deno run -A examples/17_accelerated_sgd.ts --data DIR`.
 */
import { manualSeed, nn, noGrad, optim, type Tensor, zeros } from "@gradus/gradus";
import { digits, imageLoaders, loadMnist } from "@gradus/gradus/data";
import { parseArgs } from "node:util";

const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
const dataset = data ? await loadMnist({ dir: data }) : digits({ train: 3000, test: 1000 });

/** Takes a parameter a step, by its gradient g and what it keeps for it; `t` counts the steps from 1. */
type Update = (p: Tensor, g: Tensor, kept: Record<string, Tensor>, t: number) => void;

/** An optimizer of one update: the walk over the parameters is the same for all. */
class Optimizer {
  readonly #kept = new Map<Tensor, Record<string, Tensor>>();
  #t = 0;

  constructor(readonly params: nn.Parameter[], readonly update: Update) {}

  step(): void {
    this.#t++;
    noGrad(() => this.params.forEach((p) => this.update(p, p.g!, this.#of(p), this.#t)));
  }
  zeroGrad(): void {
    this.params.forEach((p) => p.g = null);
  }
  #of(p: Tensor): Record<string, Tensor> {
    const kept = this.#kept.get(p) ?? { mean: zeros(p.shape), square: zeros(p.shape) };
    this.#kept.set(p, kept);
    return kept;
  }
}

// Downhill.
const sgd = (lr: number): Update => (p, g) => p.sub_(g.mul(lr));

// Momentum: what all gradients agree on adds up, what they quarrel about cancels. PyTorch adds the gradient whole, not by 1 − β.
const momentum = (lr: number, beta = 0.9): Update => (p, g, kept) => {
  kept.mean.mul_(beta).add_(g);
  p.sub_(kept.mean.mul(lr));
};

// RMSProp: each number in its own units, the root of the mean of its squared gradients.
const rmsprop = (lr: number, beta = 0.99): Update => (p, g, kept) => {
  kept.square.mul_(beta).add_(g.square().mul(1 - beta));
  p.sub_(g.mul(lr).div(kept.square.sqrt().add(1e-8)));
};

// Adam: both. The means begin at 0, and are divided by how much they have seen of the whole.
const adam = (lr: number, beta1 = 0.9, beta2 = 0.999): Update => (p, g, kept, t) => {
  kept.mean.mul_(beta1).add_(g.mul(1 - beta1));
  kept.square.mul_(beta2).add_(g.square().mul(1 - beta2));
  const [mean, square] = [kept.mean.div(1 - beta1 ** t), kept.square.div(1 - beta2 ** t)];
  p.sub_(mean.mul(lr).div(square.sqrt().add(1e-8)));
};

/** An epoch with this optimizer, begun the same each time: the parameters after 40 steps, and the accuracy on the test set in the end. */
function train(
  make: (params: nn.Parameter[]) => { step(): void; zeroGrad(): void },
  afterStep: () => void = () => {},
): [early: Tensor[], accuracy: number] {
  manualSeed(42);
  const model = new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
  const { train, valid } = imageLoaders(dataset, { shape: [784], batchSize: 64 });
  const optimizer = make(model.parameters());
  let early: Tensor[] = [], steps = 0;
  for (const [x, y] of train) {
    optimizer.zeroGrad();
    nn.functional.crossEntropy(model.call(x), y).backward();
    optimizer.step();
    afterStep();
    if (++steps === 40) early = model.parameters().map((p) => p.detach().clone());
  }
  const right = [...valid].map(([x, y]) => noGrad(() => model.call(x).argmax(1)).eq(y).sum().item());
  return [early, right.reduce((a, b) => a + b) / dataset.test.labels.numel()];
}

console.log("            accuracy   largest difference from optim's after 40 steps");
const trials: [name: string, byHand: Update, library: (params: nn.Parameter[]) => optim.Optimizer][] = [
  ["SGD", sgd(0.02), (params) => new optim.SGD(params, { lr: 0.02 })],
  ["momentum", momentum(0.02), (params) => new optim.SGD(params, { lr: 0.02, momentum: 0.9 })],
  ["RMSProp", rmsprop(0.001), (params) => new optim.RMSprop(params, { lr: 0.001 })],
  ["Adam", adam(0.003), (params) => new optim.Adam(params, { lr: 0.003 })],
];
for (const [name, byHand, library] of trials) {
  const [ours, accuracy] = train((params) => new Optimizer(params, byHand));
  const [theirs] = train(library);
  const difference = Math.max(...ours.map((p, i) => p.sub(theirs[i]).abs().max().item()));
  console.log(`${name.padEnd(11)} ${accuracy.toFixed(3).padEnd(10)} ${difference.toExponential(0)}`);
}

// Schedules. Cosine annealing is half a cosine from the first rate to 0; one cycle warms up before, and lets momentum do the reverse.
const steps = Math.ceil(dataset.train.labels.numel() / 64);
const tops = { cosine: 0.003, "one cycle": 0.01 };
for (const [name, maxLr] of Object.entries(tops)) {
  let optimizer!: optim.Adam, schedule!: optim.Scheduler;
  const rates: [lr: number, beta1: number][] = [];
  const [, accuracy] = train((params) => {
    optimizer = new optim.Adam(params, { lr: maxLr });
    schedule = name === "cosine"
      ? new optim.CosineAnnealingLR(optimizer, { tMax: steps })
      : new optim.OneCycleLR(optimizer, { maxLr, totalSteps: steps });
    return optimizer;
  }, () => {
    const [{ lr, betas }] = optimizer.paramGroups as { lr: number; betas?: readonly number[] }[];
    rates.push([lr, betas?.[0] ?? NaN]);
    schedule.step();
  });
  console.log(`\n${name}: accuracy ${accuracy.toFixed(3)}`);
  for (let i = 0; i < steps; i += Math.ceil(steps / 10)) {
    const [lr, beta1] = rates[i];
    console.log(
      `step ${`${i}`.padStart(4)}  lr ${lr.toFixed(5)}  β₁ ${beta1.toFixed(3)}  ${"#".repeat((40 * lr) / maxLr)}`,
    );
  }
}
