/** Element-wise functions and activations: value and gradient of every entry of the reference. */
import { assertEquals, assertInstanceOf, assertThrows, fail } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { ones, type Tensor, zeros } from "@gradus/gradus";
import { gradcheck } from "@gradus/gradus/autograd";
import { RuleNode } from "../../../backward/nodes.ts";
import * as nn from "@gradus/gradus/nn";
import * as activations from "../../../layers/nn/activation.ts";
import { assertNear, entries, float64 } from "./reference.ts";

const F = nn.functional;

/** PyTorch's name, and ours. */
const functions: Record<string, (x: Tensor) => Tensor> = {
  relu: F.relu,
  "leaky_relu(0.01)": (x) => F.leakyRelu(x),
  sigmoid: F.sigmoid,
  tanh: F.tanh,
  elu: (x) => F.elu(x),
  selu: F.selu,
  gelu: (x) => F.gelu(x),
  "gelu(tanh)": (x) => F.gelu(x, { approximate: "tanh" }),
  silu: F.silu,
  mish: F.mish,
  softplus: (x) => F.softplus(x),
  hardtanh: (x) => F.hardtanh(x),
  logsigmoid: F.logSigmoid,
  exp: (x) => x.exp(),
  abs: (x) => x.abs(),
  square: (x) => x.square(),
  neg: (x) => x.neg(),
  "clamp(-1, 1)": (x) => x.clamp(-1, 1),
  "clamp_min(0)": (x) => x.clampMin(0),
  sin: (x) => x.sin(),
  cos: (x) => x.cos(),
  sign: (x) => x.sign(),
  "x**3": (x) => x.pow(3),
  expm1: (x) => x.expm1(),
  round: (x) => x.round(),
  floor: (x) => x.floor(),
  "log on x>0": (x) => x.log(),
  "sqrt on x>0": (x) => x.sqrt(),
  "rsqrt on x>0": (x) => x.rsqrt(),
  "log1p on x>0": (x) => x.log1p(),
  "reciprocal on x>0": (x) => x.reciprocal(),
  "x**-0.5 on x>0": (x) => x.pow(-0.5),
};

/** The element-wise activations as modules, by class and PyTorch's name: a class that is missing here does not compile. */
const byClass: {
  readonly [K in Exclude<keyof typeof activations, "Softmax" | "LogSoftmax">]: Record<string, nn.Module>;
} = {
  ReLU: { relu: new nn.ReLU() },
  LeakyReLU: { "leaky_relu(0.01)": new nn.LeakyReLU() },
  Sigmoid: { sigmoid: new nn.Sigmoid() },
  Tanh: { tanh: new nn.Tanh() },
  ELU: { elu: new nn.ELU() },
  SELU: { selu: new nn.SELU() },
  GELU: { gelu: new nn.GELU(), "gelu(tanh)": new nn.GELU({ approximate: "tanh" }) },
  SiLU: { silu: new nn.SiLU() },
  Mish: { mish: new nn.Mish() },
  Softplus: { softplus: new nn.Softplus() },
  Hardtanh: { hardtanh: new nn.Hardtanh() },
  LogSigmoid: { logsigmoid: new nn.LogSigmoid() },
};
const modules: Record<string, nn.Module> = Object.assign({}, ...Object.values(byClass));

const reference = new Map(entries<number[] | [number[], number[]]>("elementwise"));
const calls = Array.from(reference.keys()).filter((call) => call !== "x" && call !== "x>0");
const gridOf = (call: string) => reference.get(call.endsWith("x>0") ? "x>0" : "x") as number[];

function check(call: string, f: (x: Tensor) => Tensor): void {
  const [value, slope] = reference.get(call) as [number[], number[]] ?? fail(`PyTorch's numbers have no ${call}`);
  const x = float64(gridOf(call)).requiresGrad_();
  const y = f(x);
  y.sum().backward();
  assertNear(y, value);
  assertNear(x.g ?? fail("no gradient"), slope, 1e-6, call === "tanh" || call === "mish" ? 1e-15 : 1e-12);
}

describe("elementwise: PyTorch's value and gradient", () => {
  for (const call of calls) {
    it(call, () => check(call, functions[call] ?? fail(`no translation of ${call}`)));
  }
});

describe("activation modules: PyTorch's value and gradient", () => {
  for (const [call, module] of Object.entries(modules)) {
    it(`${module.constructor.name} is ${call}`, () => check(call, (x) => module.call(x)));
  }
});

/** Where formulas break, and what PyTorch 1.13 gives there in float64: values, then slopes. */
const EXTREMES = [Infinity, -Infinity, NaN, 1e38, -1e38, 1e-40, -1e-40, 0, 89, -89];
const atExtremes: Record<string, [number[], number[]]> = {
  "leaky_relu(0.01)": [[Infinity, -Infinity, NaN, 1e+38, -1e+36, 1e-40, -1e-42, 0, 89, -0.89], [
    1,
    0.01,
    0.01,
    1,
    0.01,
    1,
    0.01,
    0.01,
    1,
    0.01,
  ]],
  elu: [[Infinity, -1, NaN, 1e+38, -1, 1e-40, 0, 0, 89, -1], [1, 0, NaN, 1, 0, 1, 1, 1, 1, 2.227364e-39]],
  selu: [[Infinity, -1.758099, NaN, 1.050701e+38, -1.758099, 1.050701e-40, 0, 0, 93.51239, -1.758099], [
    1.050701,
    0,
    NaN,
    1.050701,
    0,
    1.050701,
    1.758099,
    1.758099,
    1.050701,
    3.915926e-39,
  ]],
  gelu: [[Infinity, NaN, NaN, 1e+38, -0, 5e-41, -5e-41, 0, 89, -0], [NaN, NaN, NaN, 1, 0, 0.5, 0.5, 0.5, 1, 0]],
  "gelu(tanh)": [[Infinity, NaN, NaN, 1e+38, -0, 5e-41, -5e-41, 0, 89, -0], [NaN, NaN, NaN, 1, 0, 0.5, 0.5, 0.5, 1, 0]],
  silu: [[Infinity, NaN, NaN, 1e+38, -0, 5e-41, -5e-41, 0, 89, -1.982354e-37], [
    NaN,
    NaN,
    NaN,
    1,
    -0,
    0.5,
    0.5,
    0.5,
    1,
    -1.96008e-37,
  ]],
  mish: [[Infinity, NaN, NaN, 1e+38, -0, 6e-41, -6e-41, 0, 89, -1.982354e-37], [
    NaN,
    NaN,
    NaN,
    1,
    0,
    0.6,
    0.6,
    0.6,
    1,
    -1.96008e-37,
  ]],
  softplus: [[Infinity, 0, NaN, 1e+38, 0, 0.6931472, 0.6931472, 0.6931472, 89, 2.227364e-39], [
    1,
    0,
    NaN,
    1,
    0,
    0.5,
    0.5,
    0.5,
    1,
    2.227364e-39,
  ]],
  hardtanh: [[1, -1, NaN, 1, -1, 1e-40, -1e-40, 0, 1, -1], [0, 0, 0, 0, 0, 1, 1, 1, 0, 0]],
  logsigmoid: [[0, -Infinity, NaN, 0, -1e+38, -0.6931472, -0.6931472, -0.6931472, -2.227364e-39, -89], [
    0,
    1,
    NaN,
    0,
    1,
    0.5,
    0.5,
    0.5,
    2.227364e-39,
    1,
  ]],
};

describe("activations at the ends of the range: PyTorch's value and gradient", () => {
  for (const [call, [value, slope]] of Object.entries(atExtremes)) {
    for (const dtype of ["float32", "float64"] as const) {
      it(`${call} of ${dtype}`, () => {
        const x = float64(EXTREMES).to(dtype).requiresGrad_();
        const y = functions[call](x);
        y.backward({ gradient: ones(y.shape, { dtype }) });
        assertNear(y, value, 1e-6, 1e-36); // what float32 can tell from 0, and a little more
        assertNear(x.g!, slope, 1e-6, 1e-36);
      });
    }
  }
});

/** Activations that are several operations, as long as no back end knows them as one; none now. */
const COMPOSED: string[] = [];

describe("activations record one step", () => {
  for (const [call, module] of Object.entries(modules)) {
    if (COMPOSED.includes(call)) continue;
    it(`${call} is one operation, so that it takes one pass forward and one back`, () => {
      const x = float64([0.5, 1.5]).requiresGrad_();
      const { node } = module.call(x);
      assertEquals(node?.inputs, [x]);
      assertInstanceOf(node, RuleNode);
    });
  }
});

describe("activations pass gradcheck at 1e-7", () => {
  const x = float64([[0.5, -1.2, 2.1], [-0.3, 0.9, -2.4]]); // off the kinks at 0 and ±1
  const settings: Record<string, (x: Tensor) => Tensor> = {
    ...Object.fromEntries(Object.entries(modules).map(([call, module]) => [call, (x: Tensor) => module.call(x)])),
    "leaky_relu(0.3)": (x) => F.leakyRelu(x, 0.3),
    "elu(alpha 2)": (x) => F.elu(x, 2),
    "softplus(beta 3)": (x) => F.softplus(x, { beta: 3 }),
    "softplus(beta 2, threshold 1), straight above ½": (x) => F.softplus(x.add(0.2), { beta: 2, threshold: 1 }),
    "hardtanh(-1, 0.7)": (x) => F.hardtanh(x, -1, 0.7),
    "softmax along rows": (x) => F.softmax(x),
    "Softmax(0)": (x) => new nn.Softmax(0).call(x),
    "log_softmax along rows": (x) => F.logSoftmax(x),
    "LogSoftmax(0)": (x) => new nn.LogSoftmax(0).call(x),
    "relu of a transposed view": (x) => F.elu(x.t()),
  };
  for (const [name, f] of Object.entries(settings)) it(name, () => gradcheck(f, [x]));
});

describe("activations", () => {
  it("softplus() is x itself past the threshold, and exact before it", () => {
    assertEquals(F.softplus(float64([21, 800, -800])).toArray(), [21, 800, 0]);
    assertNear(F.softplus(float64([19, -30])), [19 + Math.log1p(Math.exp(-19)), Math.exp(-30)], 1e-15);
  });
  it("softplus() with β = 2 is ln(1 + e^2x) / 2", () => {
    assertNear(F.softplus(float64([0.5]), { beta: 2 }), [Math.log1p(Math.E) / 2], 1e-15);
  });
  it("logSigmoid() neither overflows nor loses small numbers", () => {
    assertNear(F.logSigmoid(float64([-800, 40])), [-800, -Math.exp(-40)], 1e-15, 0);
    assertNear(F.logSigmoid(float64(-21)), -21 - Math.log1p(Math.exp(-21)), 1e-15, 0); // softplus would say −21
  });
  it("activations refuse settings that are no numbers", () => {
    const x = float64([1, -1]);
    const wrong: Record<string, () => Tensor> = {
      'leakyRelu() with the text "0.1"': () => F.leakyRelu(x, "0.1" as never),
      "elu() with null": () => F.elu(x, null as never),
      "softplus() with an array": () => F.softplus(x, { threshold: [2] as never }),
      "hardtanh() with a Tensor": () => F.hardtanh(x, x as never),
    };
    for (const [what, call] of Object.entries(wrong)) {
      assertThrows(call, TypeError, `Cannot take ${what}: give a number`);
    }
    assertThrows(() => x.clamp(0, "1" as never), TypeError, "Cannot clamp by");
  });
  it("activations let NaN through", () => {
    const nan = float64([NaN]);
    const lost = Object.entries(modules).filter(([, module]) => !Number.isNaN(module.call(nan).item()));
    assertEquals(lost.map(([name]) => name), []);
  });
  it("activations do not make NaN of infinity", () => {
    assertEquals([F.leakyRelu(float64(Infinity)).item(), F.elu(float64(-Infinity)).item()], [Infinity, -1]);
  });
  it("softmax() and logSoftmax() reduce the dimension that they are given", () => {
    const x = float64([[0, 0], [Math.log(3), 0]]);
    assertNear(F.softmax(x, 0), [[0.25, 0.5], [0.75, 0.5]]);
    assertNear(F.logSoftmax(x, 0).exp(), [[0.25, 0.5], [0.75, 0.5]]);
    assertNear(F.softmax(x), [[0.5, 0.5], [0.75, 0.25]]);
    assertNear(F.logSoftmax(x).exp(), [[0.5, 0.5], [0.75, 0.25]]);
  });
  for (const [shape, dim] of [[[2, 0], 1], [[0, 3], 0], [[0, 3], 1], [[0], 0], [[2, 0, 3], 1]] as const) {
    it(`softmax() and logSoftmax() of [${shape}] along ${dim} are empty, and so is their gradient`, () => {
      for (const f of [F.softmax, F.logSoftmax]) {
        const x = zeros(shape).requiresGrad_();
        const y = f(x, dim);
        y.sum().backward();
        assertEquals([y.shape, x.g?.shape], [[...shape], [...shape]]);
      }
    });
  }
  it("softmax() and logSoftmax() name themselves where they refuse a dimension", () => {
    const x = float64([[1, 2]]), named = { dim: 0 } as unknown as number;
    assertThrows(() => F.softmax(x, 2), RangeError, "Cannot take softmax() over dimension 2");
    assertThrows(() => F.logSoftmax(x, 2), RangeError, "Cannot take logSoftmax() over dimension 2");
    assertThrows(() => F.softmax(x, named), TypeError, "Cannot take softmax() over dimension an object");
  });
  it("softmax() of huge logits does not overflow", () => {
    assertNear(F.softmax(float64([1000, 1000])), [0.5, 0.5]);
  });
  it("activations work within a Sequential", () => {
    const model = new nn.Sequential(new nn.Tanh(), new nn.Softmax(1));
    assertInstanceOf(model[1], nn.Softmax);
    assertNear(model.call(float64([[0, 0]])), [[0.5, 0.5]]);
  });
});
