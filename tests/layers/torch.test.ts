/**
 * PyTorch itself, where it is installed, on random networks: the same layers, loss, optimiser and schedule for both, drawn from a table;
 * weights, batches and what dropout drops come from one seed's stream on both sides.
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { manualSeed, randint, randn, type Tensor, tensor, zeros } from "@gradus/gradus";
import { Mt19937 } from "../../core/random/engines.ts";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";
import * as activations from "../../layers/nn/activation.ts";
import { askTorch, isTorchThere } from "../core/installed_torch.ts";

const F64 = { dtype: "float64" } as const;
const [BATCH, WIDTH, STEPS, NETWORKS] = [7, 5, 6, 60];

/** PyTorch's text, and ours. */
type Entry<T> = [torch: string, ours: T];

// A large eps keeps the normalisations from spreading differences in the last digit.
const LAYERS: Entry<() => nn.Module>[] = [
  ["nn.Linear(5, 5)", () => new nn.Linear(WIDTH, WIDTH, F64)],
  ["nn.Linear(5, 5, bias=False)", () => new nn.Linear(WIDTH, WIDTH, { bias: false, ...F64 })],
  ["nn.BatchNorm1d(5, eps=0.1)", () => new nn.BatchNorm1d(WIDTH, { eps: 0.1, ...F64 })],
  [
    "nn.BatchNorm1d(5, eps=0.1, momentum=None, affine=False)",
    () => new nn.BatchNorm1d(WIDTH, { eps: 0.1, momentum: null, affine: false, ...F64 }),
  ],
  ["nn.LayerNorm(5, eps=0.1)", () => new nn.LayerNorm(WIDTH, { eps: 0.1, ...F64 })],
  ["nn.Dropout(0.3)", () => new nn.Dropout(0.3)],
  ["nn.ReLU()", () => new nn.ReLU()],
  ["nn.LeakyReLU(-0.5)", () => new nn.LeakyReLU(-0.5)],
  ["nn.Sigmoid()", () => new nn.Sigmoid()],
  ["nn.Tanh()", () => new nn.Tanh()],
  ["nn.ELU(-0.5)", () => new nn.ELU(-0.5)],
  ["nn.SELU()", () => new nn.SELU()],
  ["nn.GELU()", () => new nn.GELU()],
  ["nn.GELU(approximate='tanh')", () => new nn.GELU({ approximate: "tanh" })],
  ["nn.SiLU()", () => new nn.SiLU()],
  ["nn.Mish()", () => new nn.Mish()],
  ["nn.Softplus(2, 1)", () => new nn.Softplus({ beta: 2, threshold: 1 })],
  ["nn.Hardtanh(-0.5, 0.7)", () => new nn.Hardtanh(-0.5, 0.7)],
  ["nn.LogSigmoid()", () => new nn.LogSigmoid()],
  ["nn.Softmax(0)", () => new nn.Softmax(0)],
  ["nn.LogSoftmax(1)", () => new nn.LogSoftmax(1)],
];

/** Of a prediction [7, 5], normal targets of its shape, and classes [7]. */
const LOSSES: Entry<(p: Tensor, t: Tensor, classes: Tensor) => Tensor>[] = [
  ["F.mse_loss(p, t)", (p, t) => nn.functional.mse(p, t)],
  ["F.l1_loss(p, t, reduction='sum')", (p, t) => nn.functional.l1(p, t, { reduction: "sum" })],
  ["F.smooth_l1_loss(p, t, beta=0.3)", (p, t) => nn.functional.smoothL1(p, t, { beta: 0.3 })],
  ["F.huber_loss(p, t, delta=2)", (p, t) => nn.functional.huber(p, t, { delta: 2 })],
  ["F.binary_cross_entropy_with_logits(p, t.sigmoid())", (p, t) => nn.functional.bceWithLogits(p, t.sigmoid())],
  [
    "F.kl_div(p, t.sigmoid(), reduction='batchmean')",
    (p, t) => nn.functional.klDiv(p, t.sigmoid(), { reduction: "batchmean" }),
  ],
  ["F.cross_entropy(p, y, ignore_index=3)", (p, _, y) => nn.functional.crossEntropy(p, y, { ignoreIndex: 3 })],
  [
    "F.cross_entropy(p, y, label_smoothing=0.2)",
    (p, _, y) => nn.functional.crossEntropy(p, y, { labelSmoothing: 0.2 }),
  ],
  ["F.nll_loss(p, y, reduction='sum')", (p, _, y) => nn.functional.nll(p, y, { reduction: "sum" })],
];

// Betas and eps that do not divide noise by noise, where a gradient is 0 but for its last digits.
const OPTIMISERS: Entry<(p: Tensor[]) => optim.Optimizer>[] = [
  ["optim.SGD(p, lr=0.05)", (p) => new optim.SGD(p, { lr: 0.05 })],
  [
    "optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1)",
    (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
  ],
  [
    "optim.SGD(p, lr=0.05, momentum=0.5, dampening=0.3, maximize=True)",
    (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.5, dampening: 0.3, maximize: true }),
  ],
  [
    "optim.Adam(p, lr=0.05, eps=0.1, weight_decay=0.1)",
    (p) => new optim.Adam(p, { lr: 0.05, eps: 0.1, weightDecay: 0.1 }),
  ],
  [
    "optim.AdamW(p, lr=0.05, eps=0.1, betas=(0.5, 0.9))",
    (p) => new optim.AdamW(p, { lr: 0.05, eps: 0.1, betas: [0.5, 0.9] }),
  ],
  [
    "optim.RMSprop([{'params': p[:1], 'eps': 0.2}, {'params': p[1:]}], lr=0.02, eps=0.1, momentum=0.5, centered=True)",
    (p) =>
      new optim.RMSprop([{ params: p.slice(0, 1), eps: 0.2 }, { params: p.slice(1) }], {
        lr: 0.02,
        eps: 0.1,
        momentum: 0.5,
        centered: true,
      }),
  ],
  [
    "optim.Adagrad(p, lr=0.05, lr_decay=0.1, eps=0.1)",
    (p) => new optim.Adagrad(p, { lr: 0.05, lrDecay: 0.1, eps: 0.1 }),
  ],
  ["optim.ASGD(p, lr=0.05, lambd=0.01, t0=2)", (p) => new optim.ASGD(p, { lr: 0.05, lambd: 0.01, t0: 2 })],
  [
    "optim.AdamW(p, lr=0.05, eps=0.1, amsgrad=True)",
    (p) => new optim.AdamW(p, { lr: 0.05, eps: 0.1, amsgrad: true }),
  ],
  [
    "optim.Adamax(p, lr=0.05, eps=0.1, weight_decay=0.1)",
    (p) => new optim.Adamax(p, { lr: 0.05, eps: 0.1, weightDecay: 0.1 }),
  ],
  [
    "optim.NAdam(p, lr=0.05, eps=0.1, momentum_decay=0.01)",
    (p) => new optim.NAdam(p, { lr: 0.05, eps: 0.1, momentumDecay: 0.01 }),
  ],
  [
    "optim.RAdam(p, lr=0.05, eps=0.1, weight_decay=0.1)",
    (p) => new optim.RAdam(p, { lr: 0.05, eps: 0.1, weightDecay: 0.1 }),
  ],
  [
    "optim.Adadelta(p, lr=2, rho=0.8, eps=1e-4)",
    (p) => new optim.Adadelta(p, { lr: 2, rho: 0.8, eps: 1e-4 }),
  ],
];

const SCHEDULES: Entry<(o: optim.Optimizer) => optim.Scheduler>[] = [
  ["S.StepLR(o, 2, 0.5)", (o) => new optim.StepLR(o, { stepSize: 2, gamma: 0.5 })],
  ["S.ExponentialLR(o, 0.9)", (o) => new optim.ExponentialLR(o, { gamma: 0.9 })],
  ["S.CosineAnnealingLR(o, 4, 0.01)", (o) => new optim.CosineAnnealingLR(o, { tMax: 4, etaMin: 0.01 })],
  ["S.LinearLR(o, 0.5, 0, 4)", (o) => new optim.LinearLR(o, { startFactor: 0.5, endFactor: 0, totalIters: 4 })],
  [
    "S.OneCycleLR(o, 0.05, total_steps=7, cycle_momentum=False)",
    (o) => new optim.OneCycleLR(o, { maxLr: 0.05, totalSteps: 7, cycleMomentum: false }),
  ],
  ["S.MultiStepLR(o, [1, 3], 0.5)", (o) => new optim.MultiStepLR(o, { milestones: [1, 3], gamma: 0.5 })],
  ["S.ConstantLR(o, 0.5, 2)", (o) => new optim.ConstantLR(o, { factor: 0.5, totalIters: 2 })],
  ["S.PolynomialLR(o, 8, 2)", (o) => new optim.PolynomialLR(o, { totalIters: 8, power: 2 })],
  ["S.LambdaLR(o, lambda t: 0.8 ** t)", (o) => new optim.LambdaLR(o, { lrLambda: (t) => 0.8 ** t })],
  [
    "S.CosineAnnealingWarmRestarts(o, 2, 2, 0.001)",
    (o) => new optim.CosineAnnealingWarmRestarts(o, { t0: 2, tMult: 2, etaMin: 0.001 }),
  ],
  [
    "S.CyclicLR(o, 0.01, 0.05, 2, 1, mode='triangular2', cycle_momentum=False)",
    (o) =>
      new optim.CyclicLR(o, {
        ...{ baseLr: 0.01, maxLr: 0.05, stepSizeUp: 2, stepSizeDown: 1, mode: "triangular2", cycleMomentum: false },
      }),
  ],
  [
    "S.SequentialLR(o, [S.ConstantLR(o, 0.5, 2), S.ExponentialLR(o, 0.9)], [2])",
    (o) => {
      const schedulers = [
        new optim.ConstantLR(o, { factor: 0.5, totalIters: 2 }),
        new optim.ExponentialLR(o, { gamma: 0.9 }),
      ];
      return new optim.SequentialLR(o, { schedulers, milestones: [2] });
    },
  ],
];

const PROGRAM = `
import sys, json, torch
from torch import nn, optim
import torch.nn.functional as F, torch.optim.lr_scheduler as S
torch.set_default_dtype(torch.float64)
def train(c):
  torch.manual_seed(c["seed"])
  net = nn.Sequential(*[eval(layer) for layer in c["layers"]])
  p = list(net.parameters()); o = eval(c["optimiser"]); s = eval(c["schedule"]); losses = []
  for i in range(${STEPS}):
    x, t, y = torch.randn(7, 5), torch.randn(7, 5), torch.randint(0, 5, (7,))
    net.train(i != 3)
    o.zero_grad(set_to_none=True)
    p = net(x)
    loss = eval(c["loss"]); losses.append(loss.item())
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 2)
    o.step(); s.step()
  state = [[key, v.double().flatten().tolist()] for key, v in net.state_dict().items()]
  kept = [[f"{k}.{name}", torch.as_tensor(v).double().flatten().tolist()]
          for k, parts in o.state_dict()["state"].items() for name, v in sorted(parts.items()) if v is not None]
  return [["losses", losses], ["lr", [g["lr"] for g in o.param_groups]], *state, *kept, ["printed", str(net)]]
print(json.dumps([train(c) for c in json.load(sys.stdin)]).replace("NaN", "null"))
`;

type Answer = [name: string, values: number[] | string][];

interface Case {
  seed: number;
  layers: Entry<() => nn.Module>[];
  loss: (typeof LOSSES)[number];
  optimiser: (typeof OPTIMISERS)[number];
  schedule: (typeof SCHEDULES)[number];
}

function draw(words: Mt19937): Case {
  const pick = <T>(list: readonly T[]) => list[words.nextWord() % list.length];
  const some = Array.from({ length: 1 + words.nextWord() % 6 }, () => pick(LAYERS));
  return {
    seed: words.nextWord(),
    layers: [LAYERS[0], ...some, LAYERS[1]],
    loss: pick(LOSSES),
    optimiser: pick(OPTIMISERS),
    schedule: pick(SCHEDULES),
  };
}

const flat = (x: Tensor) => [x.detach().double().reshape(-1).toArray()].flat(1) as number[];

/** What PyTorch's program does. */
function train({ seed, layers, loss, optimiser, schedule }: Case): Answer {
  manualSeed(seed);
  const net = new nn.Sequential(...layers.map(([, make]) => make()));
  const optimizer = optimiser[1](net.parameters());
  const scheduler = schedule[1](optimizer);
  const losses = Array.from({ length: STEPS }, (_, i) => {
    const [x, t, y] = [randn([BATCH, WIDTH], F64), randn([BATCH, WIDTH], F64), randint(0, WIDTH, [BATCH])];
    net.train(i !== 3);
    optimizer.zeroGrad();
    const found = loss[1](net.call(x), t, y);
    found.backward();
    optim.clipGradNorm(net.parameters(), 2);
    optimizer.step();
    scheduler.step();
    return found.item();
  });
  const { state } = optimizer.stateDict();
  const kept = Object.entries(state).flatMap(([k, parts]) =>
    Object.keys(parts).sort().map((name): Answer[number] => [`${k}.${name}`, flat(parts[name])])
  );
  const model = Array.from(net.stateDict(), ([key, x]): Answer[number] => [key, flat(x)]);
  return [["losses", losses], ["lr", scheduler.getLastLr()], ...model, ...kept, ["printed", `${net}`]];
}

/** What is wrong with our answer, or `null`. */
function verdict(ours: Answer, torch: Answer): string | null {
  const names = (answer: Answer) => answer.map(([name]) => name).join(" ");
  if (names(ours) !== names(torch)) return `it keeps ${names(ours)}, PyTorch ${names(torch)}`;
  const wrong = ours.findIndex(([, values], i) => !agree(values, torch[i][1]));
  return wrong < 0 ? null : `${ours[wrong]}, PyTorch ${torch[wrong]}`;
}

/** Six steps take differences in the last digit of 10⁻¹⁶ some powers of ten up; a wrong formula shows in the first digits. */
function agree(a: number[] | string, b: number[] | string): boolean {
  if (typeof a === "string" || typeof b === "string") return unpointed(`${a}`) === unpointed(`${b}`);
  return a.length === b.length &&
    a.every((v, i) => (b[i] === null ? Number.isNaN(v) : Math.abs(v - b[i]) <= 1e-9 * Math.max(1, Math.abs(b[i]))));
}

/** PyTorch prints 2 or 2.0 as it was given. */
const unpointed = (text: string) => text.replace(/\.0\b/g, "");

/** The classes that a table makes. */
const made = <T extends object>(table: Entry<(argument: never) => T>[], ...args: never[]) =>
  new Set(table.map(([, make]) => (make as (...args: never[]) => T)(...args).constructor.name));

describe("the tables of networks", () => {
  const params = () => [zeros([1]).requiresGrad_(), zeros([1]).requiresGrad_()] as never;
  const derived = (exports: object, base: object) =>
    new Set(
      Object.entries(exports).flatMap(([name, value]) =>
        Object.prototype.isPrototypeOf.call(base, value) ? [name] : []
      ),
    );

  it("hold every activation", () => {
    assertEquals(new Set(Object.keys(activations)).difference(made(LAYERS)), new Set());
  });
  // PyTorch has no Momentum of fast.ai's; Rprop goes by signs, which noise turns; LBFGS takes a closure: both are compared below.
  it("hold every optimiser but Momentum, Rprop and LBFGS", () => {
    const others = derived(optim, optim.Optimizer).difference(made(OPTIMISERS, params()));
    assertEquals(others, new Set(["Momentum", "Rprop", "LBFGS"]));
  });
  it("hold every schedule", () => {
    const optimizer = new optim.SGD(params()) as never;
    assertEquals(derived(optim, optim.Scheduler).difference(made(SCHEDULES, optimizer)), new Set());
  });
});

describe("PyTorch", () => {
  const words = new Mt19937(21);
  const cases = Array.from({ length: NETWORKS }, () => draw(words));
  const compared = isTorchThere() ? it : it.skip;
  compared(`PyTorch trains ${NETWORKS} random networks to the same losses, weights and states`, async () => {
    const texts = cases.map(({ seed, layers, loss, optimiser, schedule }) => ({
      seed,
      layers: layers.map(([text]) => text),
      loss: loss[0],
      optimiser: optimiser[0],
      schedule: schedule[0],
    }));
    const answers: Answer[] = await askTorch(PROGRAM, JSON.stringify(texts));
    const wrong = cases.flatMap((c, i) => {
      const found = verdict(train(c), answers[i]);
      return found === null ? [] : [`${JSON.stringify(texts[i])}: ${found}`];
    });
    assertEquals(wrong, []);
  });
});

/** Rprop over 25 steps on a quartic, LBFGS over 6 steps in Rosenbrock's valley: loss and place after each. */
const CURVES = String.raw`
import json, sys, torch
from torch import optim
def walk(make, loss, steps):
  p = torch.tensor([-1.2, 1, 0.5], dtype=torch.float64, requires_grad=True)
  o = make([p])
  def closure():
    o.zero_grad(); l = loss(p); l.backward()
    return l
  return [[o.step(closure).item(), *p.tolist()] for _ in range(steps)]
bowl = lambda p: (p ** 4 + p ** 2 / 2).sum()
valley = lambda p: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2 + (p[2] - p[1]) ** 4
print(json.dumps([walk(lambda p: eval(text), bowl if "Rprop" in text else valley, 25 if "Rprop" in text else 6)
                  for text in json.load(sys.stdin)]))
`;

const CURVED: Entry<(p: Tensor[]) => optim.Rprop | optim.LBFGS>[] = [
  [
    "optim.Rprop(p, lr=0.3, etas=(0.4, 1.5), step_sizes=(1e-3, 1))",
    (p) => new optim.Rprop(p, { lr: 0.3, etas: [0.4, 1.5], stepSizes: [1e-3, 1] }),
  ],
  [
    "optim.LBFGS(p, lr=0.01, max_iter=4, history_size=3)",
    (p) => new optim.LBFGS(p, { lr: 0.01, maxIter: 4, historySize: 3 }),
  ],
  [
    "optim.LBFGS(p, max_iter=5, history_size=3, line_search_fn='strong_wolfe')",
    (p) => new optim.LBFGS(p, { maxIter: 5, historySize: 3, lineSearchFn: "strong_wolfe" }),
  ],
  ["optim.LBFGS(p, max_eval=7)", (p) => new optim.LBFGS(p, { maxEval: 7 })],
];

function walk(make: (p: Tensor[]) => optim.Rprop | optim.LBFGS): number[][] {
  const p = tensor([-1.2, 1, 0.5], F64).requiresGrad_();
  const optimizer = make([p]);
  const [a, b, c] = [0, 1, 2];
  const bowl = () => p.pow(4).add(p.square().div(2)).sum();
  const valley = () =>
    p.at(a).neg().add(1).square().add(p.at(b).sub(p.at(a).square()).square().mul(100)).add(p.at(c).sub(p.at(b)).pow(4));
  const closure = (loss: () => Tensor) => () => {
    optimizer.zeroGrad();
    const found = loss();
    found.backward();
    return found;
  };
  if (optimizer instanceof optim.LBFGS) {
    return Array.from({ length: 6 }, () => [optimizer.step(closure(valley)).item(), ...p.data as Float64Array]);
  }
  return Array.from({ length: 25 }, () => {
    const loss = closure(bowl)().item();
    optimizer.step();
    return [loss, ...p.data as Float64Array];
  });
}

describe("PyTorch's Rprop and LBFGS", () => {
  const compared = isTorchThere() ? it : it.skip;
  compared("go the same way", async () => {
    const answers: number[][][] = await askTorch(CURVES, JSON.stringify(CURVED.map(([text]) => text)));
    CURVED.forEach(([text, make], i) =>
      walk(make).forEach((row, step) => assert(agree(row, answers[i][step]), `${text}, step ${step}: ${row}`))
    );
  });
});
