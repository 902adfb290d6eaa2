/** What each optimiser and schedule remembers goes through a checkpoint's files: a stopped run ends with the bits of a whole one. */
import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { manualSeed, type Tensor } from "@gradus/gradus";
import { type Callback, Checkpoints, Learner, type LearnerOptions } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";
import { inFolder } from "../../../core/io/in_folder.ts";
import { bitsOf, EPOCHS, inOrder, network, shuffled } from "../small_run.ts";

const OPTIMISERS: Record<string, (p: Tensor[]) => optim.Optimizer> = {
  ASGD: (p) => new optim.ASGD(p, { lr: 0.05, t0: 2 }),
  Adadelta: (p) => new optim.Adadelta(p),
  Adamax: (p) => new optim.Adamax(p, { lr: 0.01 }),
  "AdamW with amsgrad": (p) => new optim.AdamW(p, { lr: 0.01, amsgrad: true }),
  NAdam: (p) => new optim.NAdam(p, { lr: 0.01 }),
  RAdam: (p) => new optim.RAdam(p, { lr: 0.01, betas: [0.5, 0.9] }),
  Rprop: (p) => new optim.Rprop(p),
};

const SCHEDULES: Record<string, (o: optim.Optimizer) => NonNullable<LearnerOptions["scheduler"]>> = {
  MultiStepLR: (o) => ({ scheduler: new optim.MultiStepLR(o, { milestones: [2, 9], gamma: 0.5 }), per: "batch" }),
  LambdaLR: (o) => ({ scheduler: new optim.LambdaLR(o, { lrLambda: (t) => 0.9 ** t }), per: "batch" }),
  CyclicLR: (o) => ({
    scheduler: new optim.CyclicLR(o, { baseLr: 0.001, maxLr: 0.1, stepSizeUp: 3, cycleMomentum: false }),
    per: "batch",
  }),
  SequentialLR: (o) => {
    const schedulers = [
      new optim.LinearLR(o, { totalIters: 3 }),
      new optim.CosineAnnealingWarmRestarts(o, { t0: 2, tMult: 2 }),
    ];
    return { scheduler: new optim.SequentialLR(o, { schedulers, milestones: [3] }), per: "batch" };
  },
  ReduceLROnPlateau: (o) => new optim.ReduceLROnPlateau(o, { patience: 0, threshold: 1, cooldown: 1 }),
};

type Maker = (callbacks: Callback[]) => Learner;

function learner(
  optimiser: (p: Tensor[]) => optim.Optimizer,
  schedule: ((o: optim.Optimizer) => NonNullable<LearnerOptions["scheduler"]>) | null,
): Maker {
  return (callbacks) => {
    const model = network();
    const optimizer = optimiser(model.parameters());
    const scheduler = schedule === null ? {} : { scheduler: schedule(optimizer) };
    const data = { train: shuffled(), valid: inOrder() };
    manualSeed(3);
    return new Learner({ model, optimizer, loss: nn.functional.crossEntropy, data, callbacks, ...scheduler });
  };
}

/** Stops after the seventh step, and goes on from the folder. */
async function assertResumes(make: Maker): Promise<void> {
  await inFolder(async (folder) => {
    const whole = make([]);
    await whole.fit(EPOCHS);
    const stop: Callback = { afterBatch: (run) => run.training && run.step === 7 ? run.stop("enough") : undefined };
    await make([new Checkpoints(folder), stop]).fit(EPOCHS);
    const resumed = make([new Checkpoints(folder)]);
    await resumed.fit(EPOCHS, { resume: true });
    assertEquals(bitsOf(resumed), bitsOf(whole));
  });
}

describe("fit({ resume })", () => {
  for (const [name, make] of Object.entries(OPTIMISERS)) {
    it(`goes on with ${name} as if nothing had stopped it`, () => assertResumes(learner(make, null)));
  }
  for (const [name, make] of Object.entries(SCHEDULES)) {
    const sgd = (p: Tensor[]) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 });
    it(`goes on with ${name} as if nothing had stopped it`, () => assertResumes(learner(sgd, make)));
  }
  it("says that LBFGS, which takes a closure, is not for a learner", async () => {
    const run = learner((p) => new optim.LBFGS(p), null)([]);
    await assertRejects(() => run.fit(1), TypeError, "LBFGS measures the loss several times");
  });
});
