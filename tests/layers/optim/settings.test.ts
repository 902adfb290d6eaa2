/** What an optimiser refuses, and what its state dict looks like. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import "../../../backward/tape.ts";
import { type Tensor, tensor, zeros } from "@gradus/gradus";
import * as optim from "@gradus/gradus/optim";
import { notATensor, unknownOption } from "../../wording.ts";

const p = () => zeros([2]).requiresGrad_();

const BAD: Record<string, [make: () => unknown, error: typeof RangeError | typeof TypeError, message: string]> = {
  "SGD() refuses a negative learning rate": [() => new optim.SGD([p()], { lr: -1 }), RangeError, "Cannot set lr to -1"],
  "SGD() refuses a learning rate that is NaN": [() => new optim.SGD([p()], { lr: NaN }), RangeError, "lr to NaN"],
  "SGD() refuses an infinite learning rate": [
    () => new optim.SGD([p()], { lr: Infinity }),
    RangeError,
    "lr to Infinity",
  ],
  "SGD() refuses a learning rate that is text": [
    () => new optim.SGD([p()], { lr: "0.1" as unknown as number }),
    TypeError,
    'Cannot make SGD with lr the text "0.1": expected such as 0.001',
  ],
  "SGD() refuses a negative weight decay": [
    () => new optim.SGD([p()], { weightDecay: -1 }),
    RangeError,
    "Cannot set weightDecay to -1",
  ],
  "SGD() refuses a negative momentum": [() => new optim.SGD([p()], { momentum: -1 }), RangeError, "set momentum to -1"],
  "SGD() refuses Nesterov's momentum without momentum": [
    () => new optim.SGD([p()], { nesterov: true }),
    RangeError,
    "needs a momentum above 0",
  ],
  "SGD() refuses Nesterov's momentum with dampening": [
    () => new optim.SGD([p()], { nesterov: true, momentum: 0.9, dampening: 0.5 }),
    RangeError,
    "no dampening",
  ],
  "Momentum() refuses a momentum of 1": [
    () => new optim.Momentum([p()], { momentum: 1 }),
    RangeError,
    "Cannot set momentum to 1: expected at least 0 and below 1",
  ],
  "Adam() refuses a beta of 1": [
    () => new optim.Adam([p()], { betas: [0.9, 1] }),
    RangeError,
    "Cannot set betas to 0.9, 1: expected at least 0 and below 1",
  ],
  "Adam() refuses one number for two betas": [
    () => new optim.Adam([p()], { betas: 0.9 as unknown as [number, number] }),
    TypeError,
    "Cannot make Adam with betas the number 0.9: expected such as [0.9,0.999]",
  ],
  "Adam() refuses a single beta": [
    () => new optim.Adam([p()], { betas: [0.9] as unknown as [number, number] }),
    TypeError,
    "Cannot make Adam with betas [0.9]: expected such as [0.9,0.999]",
  ],
  "SGD() refuses several learning rates for one group": [
    () => new optim.SGD([p()], { lr: [0.1, 0.2] as unknown as number }),
    TypeError,
    "Cannot make SGD with lr [0.1,0.2]: expected such as 0.001",
  ],
  "addParamGroup() refuses text for a switch": [
    () => new optim.SGD([p()], { lr: 1 }).addParamGroup({ params: [p()], nesterov: "no" as unknown as boolean }),
    TypeError,
    'Cannot add a parameter group with nesterov the text "no": expected such as false',
  ],
  "Adam() refuses a negative eps": [() => new optim.Adam([p()], { eps: -1 }), RangeError, "Cannot set eps to -1"],
  "RMSprop() refuses a negative alpha": [() => new optim.RMSprop([p()], { alpha: -1 }), RangeError, "set alpha to -1"],
  "Adagrad() refuses a negative lrDecay": [
    () => new optim.Adagrad([p()], { lrDecay: -1 }),
    RangeError,
    "Cannot set lrDecay to -1",
  ],
  "SGD() refuses an empty parameter list": [
    () => new optim.SGD([]),
    RangeError,
    "Cannot make SGD: the parameter list is empty",
  ],
  "SGD() refuses an empty group": [() => new optim.SGD([{ params: [] }]), RangeError, "parameter group: it is empty"],
  "SGD() refuses a parameter that is no leaf": [
    () => new optim.SGD([p().mul(2)]),
    TypeError,
    "shape [2] that is no leaf: it is the result of mul",
  ],
  "SGD() refuses a parameter of whole numbers": [
    () => new optim.SGD([zeros([2], { dtype: "int32" })]),
    TypeError,
    "Cannot optimise a int32 tensor",
  ],
  "SGD() refuses what is no tensor": [
    () => new optim.SGD([3 as unknown as Tensor]),
    TypeError,
    notATensor("Cannot optimise the number 3"),
  ],
  "SGD() refuses a parameter that stands in one group twice": [
    () => {
      const twice = p();
      return new optim.SGD([twice, twice]);
    },
    TypeError,
    "it stands in a group already",
  ],
  "SGD() refuses a parameter that stands in two groups": [
    () => {
      const twice = p();
      return new optim.SGD([{ params: [twice] }, { params: [twice] }]);
    },
    TypeError,
    "it stands in a group already",
  ],
  "SGD() refuses a setting it does not know": [
    () => new optim.SGD([p()], { weight_decay: 1 } as object),
    TypeError,
    unknownOption("weight_decay", "lr", "momentum", "dampening", "weightDecay", "nesterov", "maximize", "initialLr"),
  ],
  "addParamGroup() refuses a setting out of its range": [
    () => new optim.SGD([{ params: [p()], lr: -1 }]),
    RangeError,
    "Cannot set lr to -1",
  ],
};

describe("settings", () => {
  for (const [name, [make, error, message]] of Object.entries(BAD)) {
    it(name, () => void assertThrows(make, error, message));
  }
});

/** An optimiser that has moved twice. */
function moved(settings: Partial<optim.AdamSettings> = {}): optim.Adam {
  const params = [p(), zeros([3, 1]).requiresGrad_()];
  const optimizer = new optim.Adam([{ params: [params[0]], lr: 0.5 }, { params: [params[1]] }], settings);
  for (let i = 0; i < 2; i++) {
    params.forEach((x) => x.g = x.detach().add(1));
    optimizer.step();
  }
  return optimizer;
}

describe("stateDict()", () => {
  it("has PyTorch's structure and names", () => {
    const { state, param_groups } = moved({ weightDecay: 0.25 }).stateDict();
    assertEquals(Object.keys(state), ["0", "1"]);
    assertEquals(Object.keys(state[1]), ["step", "exp_avg", "exp_avg_sq"]);
    assertEquals(state[1].exp_avg.shape, [3, 1]);
    assertEquals(state[0].step.item(), 2);
    const common = { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.25, amsgrad: false, maximize: false };
    assertEquals(param_groups, [{ ...common, lr: 0.5, params: [0] }, { ...common, lr: 1e-3, params: [1] }]);
  });

  it("shares the tensors, as PyTorch does", () => {
    const optimizer = moved();
    const before = optimizer.stateDict().state[0].exp_avg;
    assertEquals(before.data === optimizer.stateDict().state[0].exp_avg.data, true);
  });
});

describe("loadStateDict()", () => {
  it("takes a state of Adam from before amsgrad as one without it", () => {
    const saved = moved().stateDict();
    for (const group of saved.param_groups) delete group.amsgrad;
    const optimizer = moved({ amsgrad: true });
    optimizer.loadStateDict(saved);
    assertEquals(optimizer.paramGroups.map(({ amsgrad }) => amsgrad), [false, false]);
  });

  it("copies the tensors, so that two optimisers do not write into one memory", () => {
    const [a, b] = [moved(), moved()];
    b.loadStateDict(a.stateDict());
    const [of, copy] = [a, b].map((optimizer) => optimizer.stateDict().state[0]);
    assertEquals(Object.keys(of).map((name) => of[name].data === copy[name].data), [false, false, false]);
  });

  it("takes over the settings, the learning rate a schedule began from as well", () => {
    const [a, b] = [moved({ eps: 0.5 }), moved()];
    new optim.ExponentialLR(a, { gamma: 0.5 }).step();
    b.loadStateDict(a.stateDict());
    assertEquals([b.paramGroups[0].eps, b.paramGroups[0].lr, b.paramGroups[0].initialLr], [0.5, 0.25, 0.5]);
  });

  it("forgets what was remembered before", () => {
    const [fresh, used] = [new optim.Adam([{ params: [p()] }, { params: [zeros([3, 1])] }]), moved()];
    used.loadStateDict(fresh.stateDict());
    assertEquals(used.stateDict().state, {});
  });

  const refused: Record<string, [change: (saved: optim.OptimizerStateDict) => void, message: string]> = {
    "another number of groups": [(saved) => saved.param_groups.pop(), "it has 1 parameter groups, the optimiser has 2"],
    "another number of parameters": [
      (saved) => saved.param_groups[1].params.push(2),
      "its group 1 has 2 parameters, the optimiser's has 1",
    ],
    "a state of another shape": [
      (saved) => saved.state[1].exp_avg = tensor([1, 2]),
      "parameter 1: its exp_avg has shape [2], the parameter has [3, 1]",
    ],
    "settings of another optimiser, all of them named": [
      (saved) => {
        delete saved.param_groups[0].eps;
        saved.param_groups[0].momentum = 0.9;
      },
      "group 0: missing settings [eps], unknown settings [momentum]",
    ],
    "settings with the names of what every object has": [
      (saved) => Object.assign(saved.param_groups[0], { constructor: 1, to_string: 2 }),
      "group 0: missing settings [], unknown settings [constructor, toString]",
    ],
    "a setting out of its range": [(saved) => saved.param_groups[1].lr = -1, "Cannot set lr to -1"],
  };
  type Loose = Record<string, unknown>;
  const loose = (saved: optim.OptimizerStateDict) => saved as unknown as { state: Loose[]; param_groups: Loose[] };
  const malformed: Record<string, [change: (saved: optim.OptimizerStateDict) => void, message: string]> = {
    "a memory that is no tensor": [
      (s) => loose(s).state[1].exp_avg = 3,
      "parameter 1: what is remembered of it must be",
    ],
    "a memory that is nothing": [(s) => loose(s).state[1] = null!, "parameter 1: what is remembered of it must be"],
    "a group without parameters": [(s) => delete loose(s).param_groups[1].params, "its group 1 has no params, a list"],
    "a group that is nothing": [(s) => loose(s).param_groups[1] = null!, "its group 1 has no params, a list"],
    "parameters by name": [
      (s) => loose(s).param_groups[1].params = ["constructor"],
      "its group 1 has no params, a list",
    ],
    "a number in place of a pair": [
      (s) => loose(s).param_groups[0].betas = 0.9,
      "group 0: betas is 0.9, expected such as [0.9,0.999]",
    ],
    "three numbers in place of a pair": [
      (s) => loose(s).param_groups[0].betas = [0.9, 0.9, 0.9],
      "group 0: betas is [0.9,0.9,0.9], expected such as",
    ],
    "text in place of a switch": [(s) => loose(s).param_groups[0].maximize = "yes", 'maximize is "yes", expected such'],
    "a step that is several": [(s) => loose(s).state[1].step = tensor([1, 2]), "step has shape [2], expected a single"],
  };
  for (const [name, [change, message]] of Object.entries({ ...refused, ...malformed })) {
    it(`refuses ${name}, and changes nothing`, () => {
      const [source, optimizer] = [moved({ eps: 0.5 }), moved()];
      const saved = source.stateDict();
      change(saved);
      assertThrows(() => optimizer.loadStateDict(saved), Object.hasOwn(refused, name) ? RangeError : Error, message);
      assertEquals(`${optimizer.stateDict().state[0].exp_avg}`, `${moved().stateDict().state[0].exp_avg}`);
      assertEquals(optimizer.stateDict().param_groups, moved().stateDict().param_groups);
    });
  }

  it("refuses what is no state of an optimiser, and says what it expected", () => {
    const load = (saved: unknown) => () => moved().loadStateDict(saved as optim.OptimizerStateDict);
    assertThrows(load({}), TypeError, "expected { state, param_groups }");
    assertThrows(load({ model: 1, param_groups: [] }), TypeError, "found an object with [model, param_groups]");
    assertThrows(load(undefined), TypeError, "found undefined");
  });
});

describe("settings", () => {
  it("settings given by position are refused, for they would be overlooked", () => {
    assertThrows(
      () => new optim.SGD([p()], 0.1 as unknown as { lr: number }),
      TypeError,
      "Cannot make SGD with the number 0.1",
    );
  });
});
