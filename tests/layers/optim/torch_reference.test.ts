/** Sections `optim` and `schedule` of PyTorch's numbers, entry by entry. */
import { describe, it } from "../../bdd.ts";
import "../../../backward/tape.ts";
import { assertEquals } from "@std/assert";
import { type Tensor, tensor, zeros } from "@gradus/gradus";
import * as optim from "@gradus/gradus/optim";
import reference from "../../reference/torch_reference.json" with { type: "json" };
import { BACKENDS, courseOptim, courseSchedule, onBackend } from "../../course_reference.ts";
import { assertNear } from "./near.ts";

const OPTIMIZERS: Record<string, (params: Tensor[]) => optim.Optimizer> = {
  "SGD(lr=0.1)": (p) => new optim.SGD(p, { lr: 0.1 }),
  "SGD(lr=0.1, momentum=0.9)": (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 }),
  "SGD(lr=0.1, momentum=0.9, nesterov=True)": (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true }),
  "SGD(lr=0.1, momentum=0.9, dampening=0.5, weight_decay=0.01)": (p) =>
    new optim.SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.5, weightDecay: 0.01 }),
  "Adam(lr=0.1)": (p) => new optim.Adam(p, { lr: 0.1 }),
  "Adam(lr=0.1, weight_decay=0.1, betas=(0.8, 0.99))": (p) =>
    new optim.Adam(p, { lr: 0.1, weightDecay: 0.1, betas: [0.8, 0.99] }),
  "AdamW(lr=0.1, weight_decay=0.1)": (p) => new optim.AdamW(p, { lr: 0.1, weightDecay: 0.1 }),
  "RMSprop(lr=0.05)": (p) => new optim.RMSprop(p, { lr: 0.05 }),
  "RMSprop(lr=0.05, momentum=0.9)": (p) => new optim.RMSprop(p, { lr: 0.05, momentum: 0.9 }),
  "Adagrad(lr=0.5)": (p) => new optim.Adagrad(p, { lr: 0.5 }),
};

const SCHEDULES: Record<string, (optimizer: optim.Optimizer) => optim.Scheduler> = {
  "StepLR(3, 0.5)": (o) => new optim.StepLR(o, { stepSize: 3, gamma: 0.5 }),
  "ExponentialLR(0.9)": (o) => new optim.ExponentialLR(o, { gamma: 0.9 }),
  "CosineAnnealingLR(8, 0.1)": (o) => new optim.CosineAnnealingLR(o, { tMax: 8, etaMin: 0.1 }),
  "OneCycleLR(max_lr=1, total_steps=10)": (o) => new optim.OneCycleLR(o, { maxLr: 1, totalSteps: 10 }),
  "LinearLR(0.25, 1, 4)": (o) => new optim.LinearLR(o, { startFactor: 0.25, endFactor: 1, totalIters: 4 }),
};

/** Those of the course, by PyTorch's calls. */
const COURSE_OPTIMIZERS: Record<string, (params: Tensor[]) => optim.Optimizer> = {
  "Adadelta()": (p) => new optim.Adadelta(p),
  "Adamax()": (p) => new optim.Adamax(p),
  "NAdam()": (p) => new optim.NAdam(p),
  "RAdam()": (p) => new optim.RAdam(p),
  "Adam(amsgrad=True, lr=0.1)": (p) => new optim.Adam(p, { amsgrad: true, lr: 0.1 }),
  "RMSprop(momentum=0.9, centered=True)": (p) => new optim.RMSprop(p, { momentum: 0.9, centered: true }),
  "Rprop()": (p) => new optim.Rprop(p),
  "ASGD()": (p) => new optim.ASGD(p),
};

const sequential = (o: optim.Optimizer) => {
  const warmUp = new optim.LinearLR(o, { startFactor: 0.1, endFactor: 1, totalIters: 3 });
  const schedulers = [warmUp, new optim.ExponentialLR(o, { gamma: 0.5 })];
  return new optim.SequentialLR(o, { schedulers, milestones: [3] });
};

const COURSE_SCHEDULES: Record<string, (optimizer: optim.Optimizer) => optim.Scheduler> = {
  "MultiStepLR([2, 5], 0.1)": (o) => new optim.MultiStepLR(o, { milestones: [2, 5], gamma: 0.1 }),
  "CosineAnnealingWarmRestarts(3, 2)": (o) => new optim.CosineAnnealingWarmRestarts(o, { t0: 3, tMult: 2 }),
  "PolynomialLR(5, 2.0)": (o) => new optim.PolynomialLR(o, { totalIters: 5, power: 2 }),
  "LambdaLR(1 / (1 + t))": (o) => new optim.LambdaLR(o, { lrLambda: (t) => 1 / (1 + t) }),
  "CyclicLR(0.1, 1, step_size_up=3, cycle_momentum=False)": (o) =>
    new optim.CyclicLR(o, { baseLr: 0.1, maxLr: 1, stepSizeUp: 3, cycleMomentum: false }),
  "SequentialLR([LinearLR(0.1, 1, 3), ExponentialLR(0.5)], [3])": sequential,
  "ConstantLR(0.5, 3)": (o) => new optim.ConstantLR(o, { factor: 0.5, totalIters: 3 }),
};

const PLATEAU = "ReduceLROnPlateau(factor=0.1, patience=1, threshold=0.01) over losses ";

const CLIP = "clip_grad_norm_(max_norm=1) of grad [3, 4]: [returned norm, grad]";
const slopes = tensor([1, 3, 0.2], { dtype: "float64" });

/** Five steps down `½ Σ a·p²`, from [1, −2, 3]. */
function descend(make: (params: Tensor[]) => optim.Optimizer): number[][] {
  const p = tensor([1, -2, 3], { dtype: "float64" }).requiresGrad_();
  const optimizer = make([p]);
  return Array.from({ length: 5 }, () => {
    optimizer.zeroGrad();
    slopes.mul(p).mul(p).sum().mul(0.5).backward();
    optimizer.step();
    return [...p.data];
  });
}

describe("optim", () => {
  for (const [name, expected] of Object.entries(reference.optim)) {
    if (name === "problem") continue; // says what is solved
    if (name === CLIP) {
      it(`${name} as PyTorch`, () => {
        const p = tensor([3, 4]).requiresGrad_();
        p.g = tensor([3, 4]);
        const norm = optim.clipGradNorm([p], 1);
        assertNear([norm, ...p.g.data], (expected as [number, number[]]).flat(), name);
      });
      continue;
    }
    it(`${name} takes PyTorch's five steps`, () => {
      descend(OPTIMIZERS[name]).forEach((row, i) => assertNear(row, (expected as number[][])[i], `step ${i}`));
    });
  }
});

describe("schedule", () => {
  for (const [entry, expected] of Object.entries(reference.schedule)) {
    const name = entry.split(": ")[0];
    it(`${name} gives PyTorch's learning rates and momenta`, () => {
      const optimizer = new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1, momentum: 0.9 });
      const scheduler = SCHEDULES[name](optimizer);
      for (const [i, row] of expected.entries()) {
        const [{ lr, momentum }] = optimizer.paramGroups;
        assertNear([lr, momentum], row, `step ${i}`);
        optimizer.step();
        scheduler.step();
      }
    });
  }
});

describe("optim of the course", () => {
  for (const [name, expected] of Object.entries(courseOptim)) {
    if (name === "problem") continue; // says what is solved
    for (const backend of BACKENDS) {
      it(`${name} takes PyTorch's five steps (${backend})`, () => {
        const rows = onBackend(backend, () => descend(COURSE_OPTIMIZERS[name]));
        rows.forEach((row, i) => assertNear(row, (expected as number[][])[i], `step ${i}`));
      });
    }
  }
});

describe("schedule of the course", () => {
  const made = () => new optim.SGD([zeros([1]).requiresGrad_()], { lr: 1 });
  for (const [name, expected] of Object.entries(courseSchedule)) {
    if (name === "meaning" || name.startsWith(PLATEAU)) continue;
    for (const backend of BACKENDS) {
      it(`${name} gives PyTorch's learning rates (${backend})`, () => {
        const rates = onBackend(backend, () => {
          const optimizer = made(), scheduler = COURSE_SCHEDULES[name](optimizer);
          return (expected as number[]).map(() => {
            const [{ lr }] = optimizer.paramGroups;
            optimizer.step();
            scheduler.step();
            return lr;
          });
        });
        assertNear(rates, expected as number[], name);
      });
    }
  }

  it("ReduceLROnPlateau gives PyTorch's learning rates", () => {
    const [name, expected] = Object.entries(courseSchedule).find(([name]) => name.startsWith(PLATEAU))!;
    const losses = name.slice(PLATEAU.length).split(":")[0].split(", ").map(Number);
    const scheduler = new optim.ReduceLROnPlateau(made(), { factor: 0.1, patience: 1, threshold: 0.01 });
    const rates = losses.map((loss) => {
      scheduler.step(loss);
      return scheduler.getLastLr()[0];
    });
    assertEquals(losses.length, 9);
    assertNear(rates, expected as number[], name);
  });
});
