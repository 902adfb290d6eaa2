/** All stages leave the same gradients: same weights, same batch, one comparison of every `.g`. */
import { assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { allclose, manualSeed, type Nested, randint, randn, type Tensor, tensor, zeros } from "@gradus/gradus";
import { peekGradient } from "../../core/gradient_slot.ts";
import * as fn from "@gradus/gradus/functional";
import * as classes from "@gradus/gradus/classes";
import * as layerFunctions from "@gradus/gradus/layer_function";
import * as functions from "@gradus/gradus/function";
import * as nn from "@gradus/gradus/nn";

interface Weights {
  w1: Tensor;
  b1: Tensor;
  w2: Tensor;
  b2: Tensor;
}

/** Runs one stage on the weights and batch it is given; the loss is its answer, the gradients are left in `.g`. */
type Stage = (weights: Weights, x: Tensor, y: Tensor) => Tensor;

const regression: Record<string, Stage> = {
  "stage 1": (weights, x, y) => fn.forwardAndBackward(x, y, weights),
  "stage 2": ({ w1, b1, w2, b2 }, x, y) => {
    const { Lin, Model, Mse, Relu } = classes;
    return backwardByModel(new Model([new Lin(w1, b1), new Relu(), new Lin(w2, b2)], new Mse()), x, y);
  },
  "stage 3": ({ w1, b1, w2, b2 }, x, y) => {
    const { Lin, Model, Mse, Relu } = layerFunctions;
    return backwardByModel(new Model([new Lin(w1, b1), new Relu(), new Lin(w2, b2)], new Mse()), x, y);
  },
  "stage 4": ({ w1, b1, w2, b2 }, x, y) => {
    const { activation, linear, Model, Mse, Relu } = functions;
    return backwardByTape(new Model([linear(w1, b1), activation(Relu), linear(w2, b2)], Mse), x, y);
  },
  nn: (weights, x, y) => {
    const model = new nn.Sequential(new nn.Linear(7, 5), new nn.ReLU(), new nn.Linear(5, 1));
    return withNn(model, weights, x, (out) => nn.functional.mse(out.squeeze(-1), y));
  },
};

const classification: Record<string, Stage> = {
  "stage 1": ({ w1, b1, w2, b2 }, x, y) => {
    const l1 = fn.lin(x, w1, b1);
    const l2 = fn.sigmoid(l1);
    const out = fn.lin(l2, w2, b2);
    fn.crossEntropyGrad(out, y);
    fn.linGrad(l2, out, w2, b2);
    fn.sigmoidGrad(l1, l2);
    fn.linGrad(x, l1, w1, b1);
    return fn.crossEntropy(out, y);
  },
  "stage 2": ({ w1, b1, w2, b2 }, x, y) => {
    const { CrossEntropy, Lin, Model, Sigmoid } = classes;
    return backwardByModel(new Model([new Lin(w1, b1), new Sigmoid(), new Lin(w2, b2)], new CrossEntropy()), x, y);
  },
  "stage 3": ({ w1, b1, w2, b2 }, x, y) => {
    const { CrossEntropy, Lin, Model, Sigmoid } = layerFunctions;
    return backwardByModel(new Model([new Lin(w1, b1), new Sigmoid(), new Lin(w2, b2)], new CrossEntropy()), x, y);
  },
  "stage 4": ({ w1, b1, w2, b2 }, x, y) => {
    const { activation, CrossEntropy, linear, Model, Sigmoid } = functions;
    return backwardByTape(new Model([linear(w1, b1), activation(Sigmoid), linear(w2, b2)], CrossEntropy), x, y);
  },
  nn: (weights, x, y) => {
    const model = new nn.Sequential(new nn.Linear(7, 5), new nn.Sigmoid(), new nn.Linear(5, 4));
    return withNn(model, weights, x, (out) => nn.functional.crossEntropy(out, y));
  },
};

/** Runs `nn`, whose weights are [out, in], and hands its gradients to the stages' weights, which are [in, out]. */
function withNn(model: nn.Sequential, { w1, b1, w2, b2 }: Weights, x: Tensor, lossOf: (out: Tensor) => Tensor): Tensor {
  model.loadStateDict(new Map([["0.weight", w1.t()], ["0.bias", b1], ["2.weight", w2.t()], ["2.bias", b2]]));
  const loss = lossOf(model.call(x.requiresGrad_()));
  loss.backward();
  [w1.g, b1.g, w2.g, b2.g] = model.parameters().map((p) => p.g!.t());
  return loss;
}

function backwardByModel(
  model: { call(x: Tensor, y: Tensor): Tensor; backward(): void },
  x: Tensor,
  y: Tensor,
): Tensor {
  const loss = model.call(x, y);
  model.backward();
  return loss;
}

function backwardByTape(model: { call(x: Tensor, y: Tensor): Tensor }, x: Tensor, y: Tensor): Tensor {
  const loss = model.call(x.requiresGrad_(), y);
  loss.backward();
  return loss;
}

/** The documents' network on a batch of 12: the loss, and the gradient of everything that went in. */
function run(stage: Stage, outputs: number): Record<string, unknown> {
  manualSeed(42);
  const [w1, b1, w2, b2] = [randn([7, 5]), zeros([5]), randn([5, outputs]), zeros([outputs])];
  const x = randn([12, 7]);
  const y = outputs === 1 ? randn([12]) : randint(0, outputs, [12]);
  const loss = stage({ w1, b1, w2, b2 }, x, y).item();
  return Object.fromEntries([
    ["loss", loss],
    ...Object.entries({ w1, b1, w2, b2, x }).map(([name, v]) => [name, v.g?.toArray()]),
  ]);
}

describe("stages", () => {
  for (
    const [task, stages, outputs] of [["regression", regression, 1], ["classification", classification, 4]] as const
  ) {
    const first = run(stages["stage 1"], outputs);
    for (const [name, stage] of Object.entries(stages).filter(([name]) => name !== "nn")) {
      it(`${name} leaves the loss and every gradient of stage 1, bit for bit, in ${task}`, () => {
        assertEquals(run(stage, outputs), first);
      });
    }

    it(`nn leaves the loss and every gradient of stage 1 to a few units in the last place in ${task}`, () => {
      // Its weights are [out, in] and its activation's slope is taken within the product: the same sums, rounded in another order.
      const found = run(stages.nn, outputs);
      for (const [name, expected] of Object.entries(first)) {
        const [a, b] = [tensor(found[name] as Nested), tensor(expected as Nested)];
        assertEquals(allclose(a, b, { rtol: 1e-5, atol: 1e-7 }), true, `${name}: ${a} and ${b}`);
      }
    });

    it(`stage 1 leaves a gradient other than 0 on every parameter in ${task}`, () => {
      for (const [name, g] of Object.entries(first)) {
        assertEquals((Array.isArray(g) ? g.flat() : [g]).some((v) => v !== 0 && Number.isFinite(v)), true, name);
      }
    });
  }

  const twoLayers = () => {
    manualSeed(42);
    const { CrossEntropy, Lin, Model, Relu } = classes;
    const model = new Model(
      [new Lin(randn([7, 5]), zeros([5])), new Relu(), new Lin(randn([5, 4]), zeros([4]))],
      new CrossEntropy(),
    );
    return { model, x: randn([12, 7]), y: randint(0, 4, [12]) };
  };

  it("Model.backward({ inputGrad: false }) leaves the input without a gradient and the parameters with the same", () => {
    const [whole, part] = [twoLayers(), twoLayers()];
    for (const { model, x, y } of [whole, part]) model.call(x, y);
    whole.model.backward();
    part.model.backward({ inputGrad: false });
    assertEquals(part.x.g, null);
    assertEquals(part.model.parameters.map((p) => p.g!.toArray()), whole.model.parameters.map((p) => p.g!.toArray()));
    assertEquals(whole.x.g!.shape, [12, 7]);
  });

  it("reluGrad() sends back what arrives where the input was above 0, and 0 elsewhere", () => {
    const inp = tensor([-1, 0, 2]);
    const out = fn.relu(inp);
    out.g = tensor([5, 6, 7]);
    fn.reluGrad(inp, out);
    assertEquals(inp.g?.toArray(), [0, 0, 7]);
  });

  it("Model.backward() changes no gradient that was read before", () => {
    const { model, x, y } = twoLayers();
    model.call(x, y);
    model.backward();
    const [w] = model.parameters;
    const read = w.g!;
    const values = read.toArray();
    model.call(x.mul(2), y);
    model.backward();
    model.backward();
    assertEquals(read.toArray(), values);
  });

  it("Model.backward() uses the memory of a gradient that nobody read again", () => {
    const { model, x, y } = twoLayers();
    const [w] = model.parameters;
    const seen = new Set<unknown>();
    for (let step = 0; step < 5; step++) {
      model.call(x, y);
      model.backward();
      seen.add(peekGradient(w)!.data);
    }
    assertEquals(seen.size, 2); // the new one is computed before the old one goes
  });
});
