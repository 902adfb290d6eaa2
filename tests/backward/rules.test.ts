/** Every rule against finite differences in float64, and a wrong twin of each that must be caught. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { ones, type Tensor, tensor } from "@gradus/gradus";
import { checkRule } from "@gradus/gradus/autograd";
import { crossEntropy, lin, mse, relu, sigmoid } from "@gradus/gradus/functional";
import { reluBackward, sigmoidBackward, tanhBackward } from "../../backward/rules/elementwise.ts";
import { linBackward, matmulBackward } from "../../backward/rules/linalg.ts";
import { embeddingBackward } from "../../backward/rules/movement.ts";
import {
  bceBackward,
  crossEntropyBackward,
  mseBackward,
  nllBackward,
  weightedCrossEntropyBackward,
} from "../../backward/rules/loss.ts";
import { logSoftmaxBackward, softmaxBackward } from "../../backward/rules/reduce.ts";
import { functional as F } from "@gradus/gradus/nn";

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
const t = float64([0.5, 0.75, 1]); // [3]
const q = float64([[0.1, 0, 0.7], [0, 2, 0.5]]); // weights of the classes [2, 3], one row a target
const targets = tensor([2, 0], { dtype: "int32" });

const cases: Record<string, Case> = {
  relu: { f: relu, rule: reluBackward, inputs: [x] },
  sigmoid: { f: sigmoid, rule: (g, x) => sigmoidBackward(g, sigmoid(x)), inputs: [x] },
  tanh: { f: (x) => x.tanh(), rule: (g, x) => tanhBackward(g, x.tanh()), inputs: [x] },
  matmul: { f: (a, b) => a.matmul(b), rule: (g, a, b) => matmulBackward(g, a, b), inputs: [x, w] },
  "matmul of a transposed view": {
    f: (a, b) => a.matmul(b),
    rule: (g, a, b) => matmulBackward(g, a, b),
    inputs: [w.t(), x.t()],
  },
  lin: { f: lin, rule: (g, x, w) => linBackward(g, x, w), inputs: [x, w, b] },
  "softmax along rows": { f: (x) => F.softmax(x), rule: (g, x) => softmaxBackward(g, F.softmax(x)), inputs: [x] },
  "softmax along columns": {
    f: (x) => F.softmax(x, 0),
    rule: (g, x) => softmaxBackward(g, F.softmax(x, 0), 0),
    inputs: [x],
  },
  "logSoftmax along rows": {
    f: (x) => F.logSoftmax(x),
    rule: (g, x) => logSoftmaxBackward(g, F.logSoftmax(x)),
    inputs: [x],
  },
  "logSoftmax along columns": {
    f: (x) => F.logSoftmax(x, 0),
    rule: (g, x) => logSoftmaxBackward(g, F.logSoftmax(x, 0), 0),
    inputs: [x],
  },
  mse: { f: (p) => mse(p, t), rule: (g, p) => mseBackward(g, p, t), inputs: [float64([1.5, 0.25, -2])] },
  crossEntropy: {
    f: (z) => crossEntropy(z, targets),
    rule: (g, z) => crossEntropyBackward(g, z, targets),
    inputs: [x],
  },
  "weighted cross-entropy, a loss for each row": {
    f: (z) => F.logSoftmax(z).mul(q).sum(1).neg(),
    rule: (g, z) => weightedCrossEntropyBackward(g, F.softmax(z), q),
    inputs: [x],
  },
  "nll, a loss for each row": { f: (l) => l.mul(q).sum(1).neg(), rule: (g) => nllBackward(g, q), inputs: [x] },
  "bce by prediction and target": {
    f: (p, t) => t.mul(p.log()).add(t.neg().add(1).mul(p.neg().add(1).log())).neg(),
    rule: (g, p, t) => bceBackward(g, p, t),
    inputs: [float64([0.2, 0.7, 0.9]), float64([0.3, 1, 0])],
  },
  "embedding, a row taken twice": {
    f: (w) => w.index(tensor([2, 0, 2], { dtype: "int32" })),
    rule: (g, w) => embeddingBackward(g, w.shape, Int32Array.of(2, 0, 2), null),
    inputs: [w],
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

describe("rules on their kinks", () => {
  const at = (...numbers: number[]) => tensor(numbers, { dtype: "float64" });
  const one = (n: number) => at(...Array(n).fill(1));

  it("relu has slope 0 at 0", () => {
    assertEquals(reluBackward(one(3), at(-1, 0, 1))[0].toArray(), [0, 0, 1]);
  });

  for (
    const [op, a, expected] of [["remainder", 2, -19], ["fmod", 2, -19], ["remainder", -2, 20], [
      "fmod",
      -2,
      19,
    ]] as const
  ) {
    it(`${op} of ${a} by 0.1f counts how often the divisor went in, not a rounded quotient: ${expected}`, () => {
      const [x, y] = [tensor([a]), tensor([0.1]).requiresGrad_()]; // 0.1f is above 0.1, and 2 / 0.1f rounds to 20
      x[op](y).sum().backward();
      assertEquals(y.g?.toArray(), [expected]);
    });
  }

  const quotients = {
    remainder: [-Infinity, Infinity, 1],
    fmod: [-Infinity, Infinity, 0],
  } as const;
  for (const [name, expected] of Object.entries(quotients)) {
    it(`${name}() by 0 has PyTorch's infinite slopes, and a finite one by ∞`, () => {
      const y = at(0, 0, Infinity).requiresGrad_();
      at(1, -1, -1)[name as keyof typeof quotients](y).sum().backward();
      assertEquals(y.g?.toArray(), expected.map((n) => n + 0));
    });
  }

  const PRODUCTS: [factors: number[], others: number[]][] = [
    [[Infinity, 2, 3], [6, Infinity, Infinity]],
    [[0, Infinity, 2], [Infinity, 0, NaN]],
    [[NaN, 2, 3], [6, NaN, NaN]],
    [[0, 0, NaN], [NaN, NaN, 0]],
    [[1e200, 1e200, 1e-200], [1, 1, Infinity]],
  ];
  for (const [factors, others] of PRODUCTS) {
    it(`prod() of [${factors}] sends each factor the product of the others, ${others}`, () => {
      assertEquals(slopes((x) => x.prod(), ...factors), others);
    });
  }

  it("prod() over dimensions that do not stand together goes back to each factor's place", () => {
    const x = at(...Array.from({ length: 12 }, (_, i) => i + 1)).view(2, 3, 2).requiresGrad_();
    x.prod([2, 0]).sum().backward();
    const rows = [[1, 2, 7, 8], [3, 4, 9, 10], [5, 6, 11, 12]].map((row) =>
      row.map((n) => row.reduce((a, b) => a * b) / n)
    );
    assertEquals(x.g?.toArray(), [0, 2].map((i) => rows.map((row) => row.slice(i, i + 2))));
  });

  const slopes = (f: (x: Tensor) => Tensor, ...numbers: number[]) => {
    const x = at(...numbers).requiresGrad_();
    f(x).sum().backward();
    return x.g!.toArray();
  };

  it("clamp has slope 1 on its bounds", () => {
    assertEquals(slopes((x) => x.clamp(-1, 1), -2, -1, 1, 2), [0, 1, 1, 0]);
  });

  it("hardtanh has slope 0 on its bounds", () => {
    assertEquals(slopes((x) => F.hardtanh(x), -1, -0.5, 0.5, 1), [0, 1, 1, 0]);
  });

  it("leakyRelu and elu have their left slope at 0", () => {
    assertEquals(slopes((x) => F.leakyRelu(x, 0.25), 0), [0.25]);
    assertEquals(slopes((x) => F.elu(x, 2), 0), [2]);
  });

  it("softplus at its threshold has still the slope σ(βx)", () => {
    assertEquals(slopes((x) => F.softplus(x, { threshold: 0 }), 0), [0.5]);
  });

  it("bce at 0 and 1 has PyTorch's finite slopes: (p − t) / 1e-12, and 100 for the target", () => {
    const [dp, dt] = bceBackward(one(2), at(0, 1), at(1, 0));
    assertEquals(dp.mul(1e-12).toArray(), [-1, 1]);
    assertEquals(dt.toArray(), [100, -100]);
  });

  it("embedding gives its padding row nothing, counted from 0", () => {
    const [dw] = embeddingBackward(ones([3, 2]), [3, 2], Int32Array.of(0, 2, 0), 0);
    assertEquals(dw.toArray(), [[0, 0], [0, 0], [1, 1]]);
  });
});
