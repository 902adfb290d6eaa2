import { assert, assertAlmostEquals, assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { allclose, arange, fromData, full, noGrad, ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as optim from "@gradus/gradus/optim";

const MAKERS: Record<string, (params: Tensor[]) => optim.Optimizer> = {
  SGD: (p) => new optim.SGD(p, { lr: 0.1 }),
  "SGD with momentum": (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  Momentum: (p) => new optim.Momentum(p, { lr: 0.1, weightDecay: 0.01 }),
  Adam: (p) => new optim.Adam(p, { lr: 0.1 }),
  AdamW: (p) => new optim.AdamW(p, { lr: 0.1 }),
  RMSprop: (p) => new optim.RMSprop(p, { lr: 0.1, momentum: 0.9, centered: true }),
  "Adam with amsgrad": (p) => new optim.Adam(p, { lr: 0.1, amsgrad: true }),
  Adamax: (p) => new optim.Adamax(p, { lr: 0.1 }),
  NAdam: (p) => new optim.NAdam(p, { lr: 0.1 }),
  RAdam: (p) => new optim.RAdam(p, { lr: 0.1, betas: [0.5, 0.6] }),
  Adadelta: (p) => new optim.Adadelta(p),
  Rprop: (p) => new optim.Rprop(p),
  ASGD: (p) => new optim.ASGD(p, { t0: 1 }),
  Adagrad: (p) => new optim.Adagrad(p, { lr: 0.1, lrDecay: 0.1, initialAccumulatorValue: 0.1 }),
};

const parameter = (...values: number[]) => tensor(values).requiresGrad_();
const float64 = (...values: number[]) => tensor(values, { dtype: "float64" }).requiresGrad_();

/** Steps down a bowl whose slope differs at every call. */
function train(optimizer: optim.Optimizer, params: readonly Tensor[], steps: number, from = 0): void {
  for (let i = from; i < from + steps; i++) {
    optimizer.zeroGrad();
    for (const p of params) p.mul(p).mul(1 + 0.3 * i).sum().backward();
    optimizer.step();
  }
}

const saved = (params: readonly Tensor[]) => params.map((p) => [...p.data]);

describe("Optimizer", () => {
  for (const [name, make] of Object.entries(MAKERS)) {
    it(`${name} moves a parameter in its own memory`, () => {
      const p = parameter(1, -2);
      const { data } = p;
      const optimizer = make([p]);
      train(optimizer, [p], 1);
      assertEquals([p.data === data, p.data[0] < 1, p.data[1] > -2], [true, true, true]);
    });

    it(`${name} leaves the gradient as it is`, () => {
      const p = parameter(1, -2);
      train(make([p]), [p], 2);
      const [used, g] = [p.g!.toArray(), p.g];
      const wanted = parameter(1, -2);
      const optimizer = make([wanted]);
      train(optimizer, [wanted], 1);
      optimizer.zeroGrad();
      wanted.mul(wanted).mul(1.3).sum().backward();
      assertEquals([used, g === p.g], [wanted.g!.toArray(), true]);
    });

    it(`${name} goes up the gradient with maximize`, () => {
      const p = parameter(1, -2);
      const optimizer = make([p]);
      optimizer.paramGroups[0].maximize = true;
      train(optimizer, [p], 1);
      assert(p.data[0] > 1 && p.data[1] < -2);
    });

    it(`${name} goes on with the same bits after a round trip of its state`, () => {
      const [a, b] = [[parameter(1, -2, 3), parameter(0.5)], [parameter(1, -2, 3), parameter(0.5)]];
      const [whole, first] = [make(a), make(b)];
      train(whole, a, 7);
      train(first, b, 3);
      const state = JSON.parse(JSON.stringify(plain(first.stateDict())));
      const second = make(b);
      second.loadStateDict(revived(state));
      train(second, b, 4, 3);
      assertEquals(saved(b), saved(a));
    });

    it(`${name} moves a parameter that is a transposed view`, () => {
      const p = noGrad(() => arange(1, 7).view(2, 3).t()).requiresGrad_();
      const dense = p.detach().clone().requiresGrad_();
      train(make([p]), [p], 3);
      train(make([dense]), [dense], 3);
      // The view moves by tensor operations, the dense one by the back end's update, which rounds in other places: a few ulp.
      assertEquals(allclose(p, dense, { rtol: 1e-6, atol: 1e-7 }), true);
    });

    it(`${name} steps over a parameter without elements`, () => {
      const p = zeros([0, 3]).requiresGrad_();
      train(make([p]), [p], 2);
      assertEquals(p.toArray(), []);
    });
  }

  it("step() passes over a parameter without a gradient", () => {
    const [p, q] = [parameter(1), parameter(1)];
    q.g = tensor([1]);
    const optimizer = new optim.Adam([p, q], { lr: 0.5 });
    optimizer.step();
    assertEquals([p.item(), Object.keys(optimizer.stateDict().state)], [1, ["1"]]);
  });

  it("step() refuses a gradient of another shape than its parameter", () => {
    const p = parameter(1, 2);
    p.g = tensor([1]);
    assertThrows(() => new optim.SGD([p]).step(), RangeError, "shape [2]: its gradient has shape [1]");
  });

  it("step() under a loss that was not gone back from makes that way refuse", () => {
    const p = parameter(2);
    const optimizer = new optim.SGD([p], { lr: 0.5 });
    const loss = p.mul(p).sum();
    p.g = tensor([1]);
    optimizer.step();
    assertThrows(() => loss.backward(), Error, "modified in place");
  });

  it("zeroGrad() sets every gradient to null", () => {
    const [p, q] = [parameter(1), parameter(2)];
    p.g = q.g = tensor([1]);
    new optim.SGD([{ params: [p] }, { params: [q] }]).zeroGrad();
    assertEquals([p.g, q.g], [null, null]);
  });

  it("gives each group its own settings, and the standard ones where it sets none", () => {
    const [p, q] = [float64(1), float64(1)];
    p.g = q.g = tensor([1], { dtype: "float64" });
    const optimizer = new optim.SGD([{ params: [p], lr: 0.25 }, { params: [q] }], { lr: 0.5 });
    optimizer.step();
    assertEquals([p.item(), q.item()], [0.75, 0.5]);
  });

  it("addParamGroup() adds parameters that are moved from then on", () => {
    const [p, q] = [parameter(1), parameter(1)];
    p.g = q.g = tensor([1]);
    const optimizer = new optim.SGD([p], { lr: 0.5 });
    optimizer.addParamGroup({ params: [q], lr: 0.25 });
    optimizer.step();
    assertEquals([p.item(), q.item()], [0.5, 0.75]);
  });

  it("takes any iterable of parameters, a generator as well", () => {
    const p = parameter(1);
    assertEquals(new optim.SGD(new Set([p]).values()).paramGroups[0].params, [p]);
  });

  it("step() refuses a closure, which it would not call", () => {
    const step = new optim.SGD([parameter(1)], { lr: 0.1 }) as unknown as { step(closure: () => number): void };
    assertThrows(() => step.step(() => 1), TypeError, "Cannot step with a closure: call zeroGrad() and backward()");
  });

  it("leaves a gradient that an optimiser of one's own keeps as it was given", () => {
    class Keeping extends optim.Optimizer {
      protected override update(_p: Tensor, g: Tensor, state: optim.ParameterState): void {
        state.before ??= g;
      }
    }
    const w = zeros([5000]).requiresGrad_();
    const optimizer = new Keeping([w], { lr: 0.1, weightDecay: 0, maximize: false });
    for (let step = 1; step <= 4; step++) {
      optimizer.zeroGrad();
      w.mul(step).sum().backward();
      optimizer.step();
    }
    assertEquals(new Set(optimizer.stateDict().state[0].before.data), new Set([1]));
  });
});

describe("SGD", () => {
  it("keeps the first gradient apart from its momentum buffer", () => {
    const p = parameter(1);
    p.g = tensor([2]);
    const optimizer = new optim.SGD([p], { lr: 0.5, momentum: 0.5 });
    optimizer.step();
    assertNotStrictEquals(optimizer.stateDict().state[0].momentum_buffer.data, p.g.data);
  });

  it("without settings uses PyTorch's learning rate of 1e-3", () => {
    const p = float64(1);
    p.g = tensor([1], { dtype: "float64" });
    new optim.SGD([p]).step();
    assertEquals(p.item(), 0.999);
  });
});

describe("Momentum", () => {
  it("averages gradients where SGD sums them: two steps of gradient 1 with β = ½", () => {
    const [p, q] = [float64(0), float64(0)];
    const optimizers = [
      new optim.Momentum([p], { lr: 1, momentum: 0.5 }),
      new optim.SGD([q], { lr: 1, momentum: 0.5 }),
    ];
    for (let i = 0; i < 2; i++) {
      p.g = q.g = tensor([1], { dtype: "float64" });
      optimizers.forEach((o) => o.step());
    }
    assertEquals([p.item(), q.item()], [-(0.5 + 0.75), -(1 + 1.5)]);
  });

  it("decays weights apart from the gradient: θ(1 − γλ) before the step", () => {
    const p = float64(2);
    p.g = tensor([1], { dtype: "float64" });
    new optim.Momentum([p], { lr: 0.5, momentum: 0, weightDecay: 0.5 }).step();
    assertEquals(p.item(), 2 * 0.75 - 0.5);
  });
});

describe("Adam", () => {
  it("adds its L2 penalty to the gradient: at gradient 0 it moves by lr, which PyTorch's bowl cannot tell", () => {
    const p = float64(2);
    p.g = tensor([0], { dtype: "float64" });
    new optim.Adam([p], { lr: 0.5, weightDecay: 0.25 }).step();
    assertAlmostEquals(p.item(), 1.5, 1e-7); // eps / |g| = 2e-8
  });
  it("Adam() steps by what it keeps: a square past float32 is infinite at once, and nothing moves", () => {
    const p = zeros([20]).requiresGrad_();
    p.g = full([20], 1e30);
    new optim.Adam([p], { lr: 1 }).step();
    assertEquals(p.toArray(), Array(20).fill(0));
  });
  it("Adam() weighs a gradient before it squares it: 10²⁰ of float32 does not overflow", () => {
    for (const whole of [true, false]) {
      const table = zeros([2, 9]);
      const p = (whole ? table : table.t()).requiresGrad_(); // the back end's rule, and update()
      p.g = p.detach().add(1e20);
      const optimizer = new optim.Adam([p], { lr: 1 });
      optimizer.step();
      assert(allclose(optimizer.stateDict().state[0].exp_avg_sq.mul(1e-37), ones(p.shape)));
      assert(allclose(p.detach(), full(p.shape, -1)));
    }
  });
});

describe("AdamW", () => {
  it("decays by 0.01 by default", () => {
    const p = float64(2);
    p.g = tensor([0], { dtype: "float64" });
    new optim.AdamW([p], { lr: 0.5 }).step();
    assertAlmostEquals(p.item(), 2 * (1 - 0.5 * 0.01), 1e-15); // one rounding
  });
});

describe("RMSprop", () => {
  it("centered measures around the average gradient: v − ḡ² = ¼·4 − (¼·2)²", () => {
    const p = float64(0);
    p.g = tensor([2], { dtype: "float64" });
    new optim.RMSprop([p], { lr: 1, alpha: 0.75, eps: 0.5, centered: true }).step();
    assertAlmostEquals(p.item(), -2 / (Math.sqrt(0.75) + 0.5), 1e-15); // a few roundings
  });

  it("adds its L2 penalty to the gradient: at gradient 0 the first step is that of λθ", () => {
    const p = float64(2);
    p.g = tensor([0], { dtype: "float64" });
    new optim.RMSprop([p], { lr: 1, alpha: 0, eps: 1, weightDecay: 0.5 }).step();
    assertEquals(p.item(), 2 - 1 / (1 + 1));
  });
  it("RMSprop() counts its steps, without which PyTorch cannot go on from its state", () => {
    const p = parameter(1, 2);
    const optimizer = new optim.RMSprop([p], { momentum: 0.9, centered: true });
    train(optimizer, [p], 3);
    const [state] = Object.values(optimizer.stateDict().state);
    assertEquals(Object.keys(state).sort(), ["grad_avg", "momentum_buffer", "square_avg", "step"]);
    assertEquals(state.step.item(), 3);
  });
  it("RMSprop() weighs a gradient before it squares it: 10²⁰ of float32 does not overflow", () => {
    const p = parameter(0);
    p.g = tensor([1e20]);
    new optim.RMSprop([p], { lr: 1, alpha: 0.99 }).step();
    assertAlmostEquals(p.item(), -10, 1e-4);
  });
});

describe("Adagrad", () => {
  it("begins its sum at initialAccumulatorValue, and its learning rate falls by 1 / (1 + (t − 1)·lrDecay)", () => {
    const p = float64(0);
    const optimizer = new optim.Adagrad([p], { lr: 1, lrDecay: 0.5, initialAccumulatorValue: 3, eps: 0 });
    const steps = [1, 2].map(() => {
      p.g = tensor([1], { dtype: "float64" });
      optimizer.step();
      return p.item();
    });
    assertEquals(steps[0], -1 / Math.sqrt(4));
    assertAlmostEquals(steps[1] - steps[0], -1 / 1.5 / Math.sqrt(5), 1e-15); // a few roundings
  });

  it("adds its L2 penalty to the gradient", () => {
    const p = float64(2);
    p.g = tensor([0], { dtype: "float64" });
    new optim.Adagrad([p], { lr: 1, eps: 1, weightDecay: 0.5 }).step();
    assertEquals(p.item(), 2 - 1 / (1 + 1));
  });
  it("Adagrad() saves the sums that it begins with, also of a parameter that never moved, as PyTorch does", () => {
    const [p, still] = [parameter(1), parameter(2)];
    const optimizer = new optim.Adagrad([p, still], { initialAccumulatorValue: 0.5 });
    const saved = () => {
      const { state } = optimizer.stateDict();
      return [0, 1].map((i) => [state[i].step.item(), state[i].sum.toArray()]);
    };
    assertEquals(saved(), [[0, [0.5]], [0, [0.5]]]);
    p.g = tensor([2]);
    optimizer.step();
    assertEquals(saved(), [[1, [4.5]], [0, [0.5]]]);
  });
});

/** A state as text can hold it. */
function plain({ state, param_groups }: optim.OptimizerStateDict) {
  const parts = Object.entries(state).map(([i, part]) => [
    i,
    Object.fromEntries(
      Object.entries(part).map(([k, x]) => [k, { dtype: x.dtype, shape: x.shape, data: [...x.contiguous().data] }]),
    ),
  ]);
  return { state: Object.fromEntries(parts), param_groups };
}

function revived(text: ReturnType<typeof plain>): optim.OptimizerStateDict {
  const state: Record<number, optim.ParameterState> = {};
  for (const [i, parts] of Object.entries(text.state as Record<string, Record<string, PlainTensor>>)) {
    state[Number(i)] = Object.fromEntries(Object.entries(parts).map(([k, x]) => [k, revivedTensor(x)]));
  }
  return { state, param_groups: text.param_groups };
}

interface PlainTensor {
  dtype: Tensor["dtype"];
  shape: number[];
  data: number[];
}

function revivedTensor({ dtype, shape, data }: PlainTensor): Tensor {
  return fromData(tensor(data, { dtype }).data, shape);
}
