/** Every rule against finite differences in float64, and a wrong twin of each that must be caught. */
import { assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { checkRule } from "../../backward/gradcheck.ts";
import { reluBackward, sigmoidBackward, tanhBackward } from "../../backward/rules/elementwise.ts";
import { linBackward, matmulBackward } from "../../backward/rules/linalg.ts";
import { crossEntropyBackward, mseBackward } from "../../backward/rules/loss.ts";
import { logSoftmaxBackward, softmaxBackward } from "../../backward/rules/reduce.ts";
import { tensor } from "../../core/create.ts";
import type { Tensor } from "../../core/tensor.ts";
import { crossEntropy, lin, logSoftmax, mse, relu, sigmoid, softmax, tanh } from "../../layers/01_functional.ts";

type Rule = (g: Tensor, ...inputs: Tensor[]) => readonly (Tensor | null)[];

interface Case {
  f: (...inputs: Tensor[]) => Tensor;
  rule: Rule;
  inputs: Tensor[];
}

const float64 = (values: number[] | number[][]) => tensor(values, { dtype: "float64" });
const x = float64([[0.5, -1.2, 2.1], [-0.3, 0.9, -2.4]]); // [2, 3], off the kink at 0
const w = float64([[0.2, -0.7], [1.1, 0.4], [-0.6, 0.8]]); // [3, 2]
const b = float64([0.1, -0.3]); // [2]
const targets = tensor([2, 0], { dtype: "int32" });

const cases: Record<string, Case> = {
  relu: { f: relu, rule: reluBackward, inputs: [x] },
  sigmoid: { f: sigmoid, rule: (g, x) => sigmoidBackward(g, sigmoid(x)), inputs: [x] },
  tanh: { f: tanh, rule: (g, x) => tanhBackward(g, tanh(x)), inputs: [x] },
  matmul: { f: (a, b) => a.matmul(b), rule: (g, a, b) => matmulBackward(g, a, b), inputs: [x, w] },
  "matmul of a transposed view": {
    f: (a, b) => a.matmul(b),
    rule: (g, a, b) => matmulBackward(g, a, b),
    inputs: [w.t(), x.t()],
  },
  lin: { f: lin, rule: (g, x, w) => linBackward(g, x, w), inputs: [x, w, b] },
  "softmax along rows": { f: (x) => softmax(x), rule: (g, x) => softmaxBackward(g, softmax(x)), inputs: [x] },
  "softmax along columns": {
    f: (x) => softmax(x, 0),
    rule: (g, x) => softmaxBackward(g, softmax(x, 0), 0),
    inputs: [x],
  },
  "logSoftmax along rows": {
    f: (x) => logSoftmax(x),
    rule: (g, x) => logSoftmaxBackward(g, logSoftmax(x)),
    inputs: [x],
  },
  "logSoftmax along columns": {
    f: (x) => logSoftmax(x, 0),
    rule: (g, x) => logSoftmaxBackward(g, logSoftmax(x, 0), 0),
    inputs: [x],
  },
  mse: { f: (p) => mse(p, b), rule: (g, p) => mseBackward(g, p, b), inputs: [float64([1.5, 0.25])] },
  crossEntropy: {
    f: (z) => crossEntropy(z, targets),
    rule: (g, z) => crossEntropyBackward(g, softmax(z), targets),
    inputs: [x],
  },
};

describe("rules", () => {
  for (const [name, { f, rule, inputs }] of Object.entries(cases)) {
    it(`${name} agrees with finite differences to 1e-7`, () => checkRule(f, rule, inputs));

    for (const [i] of inputs.entries()) {
      it(`${name} with a gradient of input ${i} that is 0.1 % too large is caught`, () => {
        const wrong: Rule = (g, ...inputs) => rule(g, ...inputs).map((dx, j) => (i === j && dx ? dx.mul(1.001) : dx));
        assertThrows(() => checkRule(f, wrong, inputs), Error, `gradient of input ${i} differs`);
      });
    }
  }
});

describe("checkRule()", () => {
  it("refuses float32, in which differences drown in rounding", () => {
    assertThrows(() => checkRule(relu, reluBackward, [x.float()]), TypeError, "float64");
  });

  it("catches a gradient of the wrong shape", () => {
    assertThrows(() => checkRule(relu, (g) => [g.sum(0)], [x]), Error, "differs in shape");
  });

  it("catches a leaking relu", () => {
    const leaky: Rule = (g, x) => [g.mul(x.gt(0).double().add(x.le(0).double().mul(0.001)))];
    assertThrows(() => checkRule(relu, leaky, [x]), Error, "differs at element 1");
  });

  it("catches a sigmoid rule that is applied to the input instead of the output", () => {
    assertThrows(() => checkRule(sigmoid, (g, x) => sigmoidBackward(g, x), [x]), Error, "differs");
  });

  it("leaves its inputs as they were", () => {
    const before = `${x}`;
    checkRule(sigmoid, (g, x) => sigmoidBackward(g, sigmoid(x)), [x]);
    if (`${x}` !== before) throw new Error("changed");
  });
});
