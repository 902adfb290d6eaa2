import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { zeros } from "@gradus/gradus";
import * as optim from "@gradus/gradus/optim";

const p = () => zeros([1]).requiresGrad_();
const sgd = (lr = 1) => new optim.SGD([p()], { lr, momentum: 0.9 });

const MAKERS: Record<string, (optimizer: optim.Optimizer) => optim.Scheduler> = {
  StepLR: (o) => new optim.StepLR(o, { stepSize: 2 }),
  ExponentialLR: (o) => new optim.ExponentialLR(o, { gamma: 0.9 }),
  CosineAnnealingLR: (o) => new optim.CosineAnnealingLR(o, { tMax: 5 }),
  LinearLR: (o) => new optim.LinearLR(o),
  OneCycleLR: (o) => new optim.OneCycleLR(o, { maxLr: 2, totalSteps: 9 }),
};

function rates(optimizer: optim.Optimizer, scheduler: optim.Scheduler, steps: number): number[] {
  return Array.from({ length: steps }, () => {
    scheduler.step();
    return optimizer.paramGroups[0].lr;
  });
}

describe("Scheduler", () => {
  for (const [name, make] of Object.entries(MAKERS)) {
    it(`${name} goes on with the same bits after a round trip of its state`, () => {
      const [whole, first, second] = [sgd(), sgd(), sgd()];
      const expected = rates(whole, make(whole), 7).slice(3);
      const scheduler = make(first);
      rates(first, scheduler, 3);
      const [saved, optimizerState] = [JSON.parse(JSON.stringify(scheduler.stateDict())), first.stateDict()];
      second.loadStateDict(optimizerState);
      const resumed = make(second);
      resumed.loadStateDict(saved);
      assertEquals(second.paramGroups[0].lr, first.paramGroups[0].lr);
      assertEquals(rates(second, resumed, 4), expected);
    });

    it(`${name} sets what the first step uses when it is made`, () => {
      const optimizer = sgd();
      assertEquals(make(optimizer).getLastLr(), [optimizer.paramGroups[0].lr]);
    });
  }

  it("follows each group from its own learning rate", () => {
    const optimizer = new optim.SGD([{ params: [p()], lr: 1 }, { params: [p()], lr: 10 }]);
    const scheduler = new optim.ExponentialLR(optimizer, { gamma: 0.5 });
    scheduler.step();
    assertEquals(scheduler.getLastLr(), [0.5, 5]);
  });

  it("begins from the rate the optimiser began from, not from where another schedule left it", () => {
    const optimizer = sgd();
    new optim.ExponentialLR(optimizer, { gamma: 0.5 }).step();
    assertEquals(new optim.StepLR(optimizer, { stepSize: 2 }).baseLrs, [1]);
  });

  for (const [name, make] of Object.entries(MAKERS)) {
    it(`${name} moves a group that was added later as one that was there when it was made`, () => {
      const groups = () => [{ params: [p()], lr: 1 }, { params: [p()], lr: 3 }];
      const [first, second] = groups();
      const whole = new optim.SGD(groups(), { momentum: 0.9 });
      const grown = new optim.SGD([first], { momentum: 0.9 });
      const [expected, scheduler] = [make(whole), make(grown)];
      const rest = (optimizer: optim.Optimizer) => optimizer.paramGroups.map(({ params: _, ...settings }) => settings);
      for (let step = 0; step < 6; step++) {
        if (step === 3) grown.addParamGroup(second);
        assertEquals(rest(grown), step < 3 ? rest(whole).slice(0, 1) : rest(whole));
        expected.step();
        scheduler.step();
      }
      assertEquals(scheduler.stateDict(), expected.stateDict());
    });
  }

  it("sets the rate of a group that is added by the optimiser's own lr", () => {
    const optimizer = sgd(2);
    new optim.ExponentialLR(optimizer, { gamma: 0.5 }).step();
    optimizer.addParamGroup({ params: [p()] });
    assertEquals(optimizer.paramGroups.map(({ lr }) => lr), [1, 1]);
  });

  it("stateDict() has PyTorch's names", () => {
    const scheduler = new optim.StepLR(sgd(), { stepSize: 2 });
    scheduler.step();
    assertEquals(scheduler.stateDict(), { step_size: 2, gamma: 0.1, last_epoch: 1, base_lrs: [1] });
  });

  it("loadStateDict() takes over the settings", () => {
    const [a, b] = [sgd(), sgd()];
    const [from, to] = [new optim.ExponentialLR(a, { gamma: 0.5 }), new optim.ExponentialLR(b, { gamma: 0.9 })];
    from.step();
    to.loadStateDict(from.stateDict());
    to.step();
    assertEquals(to.getLastLr(), [0.25]);
  });

  it("loadStateDict() refuses what is no state of a schedule, and what is past its end, and changes nothing", () => {
    const optimizer = sgd();
    const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 2, totalSteps: 9 });
    const [state, rates] = [scheduler.stateDict(), scheduler.getLastLr()];
    const wrong = [undefined, {}, { ...state, last_epoch: "3" }, { ...state, last_epoch: -1 }, {
      ...state,
      base_lrs: 1,
    }];
    for (const saved of wrong) {
      const load = () => scheduler.loadStateDict(saved as optim.SchedulerStateDict);
      assertThrows(load, TypeError, "expected { last_epoch, base_lrs, … }");
    }
    const late = { ...state, max_lr: 3, last_epoch: 10 };
    assertThrows(() => scheduler.loadStateDict(late), RangeError, "Cannot step 10 times");
    assertEquals([scheduler.stateDict(), scheduler.getLastLr()], [state, rates]);
  });

  it("loadStateDict() refuses the state of another schedule", () => {
    const saved = new optim.ExponentialLR(sgd(), { gamma: 0.5 }).stateDict();
    const scheduler = new optim.StepLR(sgd(), { stepSize: 2 });
    assertThrows(() => scheduler.loadStateDict(saved), RangeError, "Cannot load the schedule");
  });
});

describe("OneCycleLR", () => {
  it("cycles β₁ of an optimiser that has betas, and leaves β₂", () => {
    const optimizer = new optim.Adam([p()], { betas: [0.5, 0.99] });
    new optim.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10 });
    assertEquals(optimizer.paramGroups[0].betas, [0.95, 0.99]);
  });

  it("leaves momentum alone with cycleMomentum: false", () => {
    const optimizer = sgd();
    new optim.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10, cycleMomentum: false });
    assertEquals(optimizer.paramGroups[0].momentum, 0.9);
  });

  it("refuses to cycle the momentum of an optimiser without", () => {
    const optimizer = new optim.Adagrad([p()]);
    assertThrows(() => new optim.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10 }), TypeError, "momentum of Adagrad");
  });

  it('goes in straight lines with "linear": half way up at half of the rise', () => {
    const optimizer = sgd();
    const settings = { maxLr: 1, totalSteps: 10, pctStart: 0.5, divFactor: 2, annealStrategy: "linear" } as const;
    const scheduler = new optim.OneCycleLR(optimizer, settings);
    assertAlmostEquals(rates(optimizer, scheduler, 2)[1], 0.75, 1e-15); // step 2 of 4, from ½ to 1
  });

  it("falls back as fast as it rose in three phases", () => {
    const optimizer = sgd();
    const settings = { maxLr: 1, totalSteps: 11, pctStart: 3 / 11, divFactor: 4, threePhase: true };
    const scheduler = new optim.OneCycleLR(optimizer, settings);
    const [, top, , back] = rates(optimizer, scheduler, 4); // the rise ends at step 2, the fall at step 4
    assertAlmostEquals(top, 1, 1e-12);
    assertAlmostEquals(back, 0.25, 1e-12);
  });

  it("of a single step begins at the last rate", () => {
    const optimizer = sgd();
    new optim.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 1, divFactor: 4, finalDivFactor: 2 });
    assertEquals(optimizer.paramGroups[0].lr, 0.125);
  });

  it("gives each group its own highest rate", () => {
    const optimizer = new optim.SGD([{ params: [p()] }, { params: [p()] }], { momentum: 0.9 });
    const scheduler = new optim.OneCycleLR(optimizer, { maxLr: [1, 2], totalSteps: 10, divFactor: 4 });
    assertEquals(scheduler.getLastLr(), [0.25, 0.5]);
  });

  it("refuses a group for which it has no rate, and the optimiser stays as it was", () => {
    const optimizer = sgd();
    new optim.OneCycleLR(optimizer, { maxLr: [1], totalSteps: 5 });
    const message = "Cannot schedule group 1: maxLr has no rate for it";
    assertThrows(() => optimizer.addParamGroup({ params: [p()] }), RangeError, message);
    assertEquals(optimizer.paramGroups.length, 1);
  });

  it("holds the last rate after the last step, and refuses one step more", () => {
    const optimizer = sgd();
    const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 5 });
    const seen = rates(optimizer, scheduler, 5);
    assertEquals(seen[4], seen[3]);
    assertThrows(() => scheduler.step(), RangeError, "Cannot step 6 times: the cycle is 5 steps long");
  });

  it("refuses another number of rates than groups", () => {
    const make = () => new optim.OneCycleLR(sgd(), { maxLr: [1, 2], totalSteps: 5 });
    assertThrows(make, RangeError, "Cannot set maxLr to 2 rates: the optimiser has 1 parameter groups");
  });
});

describe("schedules", () => {
  const refused: Record<string, [make: () => unknown, message: string]> = {
    "StepLR() refuses a stepSize of 0": [() => new optim.StepLR(sgd(), { stepSize: 0 }), "Cannot set stepSize to 0"],
    "StepLR() refuses a negative gamma": [() => new optim.StepLR(sgd(), { stepSize: 1, gamma: -1 }), "gamma to -1"],
    "ExponentialLR() refuses a NaN gamma": [() => new optim.ExponentialLR(sgd(), { gamma: NaN }), "gamma to NaN"],
    "CosineAnnealingLR() refuses half a step": [() => new optim.CosineAnnealingLR(sgd(), { tMax: 0.5 }), "tMax to 0.5"],
    "LinearLR() refuses a negative factor": [() => new optim.LinearLR(sgd(), { startFactor: -1 }), "startFactor to -1"],
    "OneCycleLR() refuses no steps": [
      () => new optim.OneCycleLR(sgd(), { maxLr: 1, totalSteps: 0 }),
      "totalSteps to 0",
    ],
    "OneCycleLR() refuses a rate of 0 among several": [
      () =>
        new optim.OneCycleLR(new optim.SGD([{ params: [p()] }, { params: [p()] }]), { maxLr: [1, 0], totalSteps: 9 }),
      "Cannot set maxLr to 1, 0: expected a finite number above 0",
    ],
    "OneCycleLR() refuses a pctStart of 1": [
      () => new optim.OneCycleLR(sgd(), { maxLr: 1, totalSteps: 9, pctStart: 1 }),
      "Cannot set pctStart to 1",
    ],
  };
  for (const [name, [make, message]] of Object.entries(refused)) {
    it(name, () => void assertThrows(make, RangeError, message));
  }

  it("LinearLR and CosineAnnealingLR have PyTorch's standard settings", () => {
    const linear = new optim.LinearLR(sgd()).stateDict();
    assertEquals([linear.start_factor, linear.end_factor, linear.total_iters], [1 / 3, 1, 5]);
    assertEquals(new optim.CosineAnnealingLR(sgd(), { tMax: 3 }).stateDict().eta_min, 0);
  });
  it("LinearLR ends at its end, not a rounding below 0 that no state could be loaded with", () => {
    for (const totalIters of [3, 4, 5, 6, 7]) {
      const optimizer = sgd(1e-3);
      const all = rates(optimizer, new optim.LinearLR(optimizer, { startFactor: 0.1, endFactor: 0, totalIters }), 9);
      assertEquals(all.at(-1), 0);
      optimizer.loadStateDict(optimizer.stateDict());
    }
  });
});

describe("SequentialLR", () => {
  const made = () => {
    const optimizer = new optim.SGD([p()], { lr: 1 });
    const schedulers = [
      new optim.LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 }),
      new optim.ExponentialLR(optimizer, { gamma: 0.5 }),
    ];
    return { optimizer, scheduler: new optim.SequentialLR(optimizer, { schedulers, milestones: [2] }) };
  };
  const next = ({ optimizer, scheduler }: ReturnType<typeof made>, steps: number) =>
    Array.from({ length: steps }, () => {
      scheduler.step();
      return optimizer.paramGroups[0].lr;
    });

  it("goes on from a state that went through JSON", () => {
    const [a, b] = [made(), made()];
    next(a, 3);
    b.scheduler.loadStateDict(JSON.parse(JSON.stringify(a.scheduler.stateDict())));
    assertEquals(b.optimizer.paramGroups[0].lr, 0.5);
    assertEquals(next(b, 3), next(a, 3));
  });

  it("changes nothing where a state does not fit", () => {
    const [a, b] = [made(), made()];
    next(a, 3);
    const state = a.scheduler.stateDict() as { schedulers: Record<string, unknown>[] } & optim.SchedulerStateDict;
    state.schedulers[1] = { ...state.schedulers[1], gamma: -1 };
    assertThrows(() => b.scheduler.loadStateDict(state), RangeError, "Cannot set gamma to -1");
    assertEquals([b.scheduler.lastEpoch, b.optimizer.paramGroups[0].lr], [0, 0.5]);
    assertEquals(next(b, 3), [0.75, 1, 0.5]);
  });

  it("sets the rate of a group that is added later", () => {
    const { optimizer, scheduler } = made();
    scheduler.step();
    optimizer.addParamGroup({ params: [p()], lr: 4 });
    assertEquals(scheduler.getLastLr(), [0.75, 3]);
  });

  it("refuses a schedule of another optimiser, and milestones that do not fit", () => {
    const { optimizer, scheduler } = made();
    assertThrows(
      () => new optim.SequentialLR(new optim.SGD([p()]), { schedulers: [scheduler], milestones: [] }),
      TypeError,
      "give schedules of the same optimiser",
    );
    assertThrows(
      () => new optim.SequentialLR(optimizer, { schedulers: [scheduler], milestones: [2] }),
      RangeError,
      "Cannot make SequentialLR of 1 schedules with 1 milestones",
    );
  });
});

describe("LambdaLR", () => {
  it("has a function for each group, and none in its state", () => {
    const optimizer = new optim.SGD([{ params: [p()] }, { params: [p()] }], { lr: 1 });
    const make = () => new optim.LambdaLR(optimizer, { lrLambda: [(t) => 1 / (1 + t), (t) => 2 ** t] });
    const scheduler = make();
    scheduler.step();
    assertEquals(scheduler.getLastLr(), [0.5, 2]);
    const state = JSON.parse(JSON.stringify(scheduler.stateDict()));
    assertEquals(state, { last_epoch: 1, base_lrs: [1, 1] });
    const again = make();
    again.loadStateDict(state);
    assertEquals(again.getLastLr(), [0.5, 2]);
  });

  it("refuses what is no function, and another number of them", () => {
    const make = (lrLambda: unknown) => new optim.LambdaLR(new optim.SGD([p()]), { lrLambda } as never);
    assertThrows(() => make(0.5), TypeError, "Cannot set lrLambda to the number 0.5: give a function");
    assertThrows(() => make([]), RangeError, "Cannot set lrLambda to 0 functions");
  });
});

describe("CyclicLR", () => {
  it("halves its height with each cycle, and cycles momentum the other way", () => {
    const optimizer = new optim.SGD([p()], { momentum: 0.9 });
    const options = { baseLr: 0, maxLr: 8, stepSizeUp: 1, mode: "triangular2", baseMomentum: 0.5 } as const;
    const scheduler = new optim.CyclicLR(optimizer, options);
    const found = Array.from({ length: 4 }, () => {
      const [{ lr, momentum }] = optimizer.paramGroups;
      scheduler.step();
      return [lr, momentum];
    });
    assertEquals(found, [[0, 0.9], [8, 0.5], [0, 0.9], [4, 0.7]]);
  });
});

describe("ReduceLROnPlateau", () => {
  const made = (options: Partial<optim.ReduceLROnPlateauSettings> = {}) =>
    new optim.ReduceLROnPlateau(new optim.SGD([p()], { lr: 1 }), { factor: 0.5, patience: 0, ...options });
  const rates = (scheduler: optim.ReduceLROnPlateau, numbers: readonly number[]) =>
    numbers.map((number) => {
      scheduler.step(number);
      return scheduler.getLastLr()[0];
    });

  it("counts nothing while it cools down", () => {
    assertEquals(rates(made({ cooldown: 2 }), [1, 1, 1, 1, 1]), [1, 0.5, 0.5, 0.5, 0.25]);
  });
  it("wants large numbers with mode max, and stops at minLr", () => {
    assertEquals(rates(made({ mode: "max", minLr: 0.4 }), [1, 2, 1, 1]), [1, 1, 0.5, 0.4]);
  });
  it("takes NaN for a number that is not better", () => {
    assertEquals(rates(made(), [1, NaN, 0.5]), [1, 0.5, 0.5]);
  });
  it("goes on from its state", () => {
    const [a, b] = [made({ patience: 2 }), made()];
    rates(a, [1, 1, 1]);
    b.loadStateDict(a.stateDict());
    assertEquals([b.settings, b.best, b.numBadEpochs, b.lastEpoch], [a.settings, 1, 2, 3]);
    assertEquals(rates(b, [1]), [0.5]);
  });
  it("refuses a state of another schedule, and changes nothing", () => {
    const scheduler = made();
    const other = new optim.StepLR(new optim.SGD([p()]), { stepSize: 1 }).stateDict();
    assertThrows(() => scheduler.loadStateDict(other as never), TypeError, "Cannot load the schedule: expected { best");
    const wrong = { ...scheduler.stateDict(), factor: 2 };
    assertThrows(() => scheduler.loadStateDict(wrong), RangeError, "Cannot set factor to 2");
    assertEquals([scheduler.settings.factor, scheduler.best], [0.5, Infinity]);
  });
  it("refuses what is no number", () => {
    assertThrows(() => made().step(undefined as never), TypeError, "Cannot step by undefined: give the number");
  });
});
