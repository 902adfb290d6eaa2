/** Values and gradients in PyTorch's sections `elementwise` and `reduce`, and its messages about `backward`. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { ones, type Tensor, tensor } from "@gradus/gradus";
import { gradcheck } from "@gradus/gradus/autograd";
import { functional } from "@gradus/gradus/nn";
import reference from "../reference/torch_reference.json" with { type: "json" };

const { logSoftmax, softmax } = functional;

const PRIMITIVES: Record<string, (x: Tensor) => Tensor> = {
  relu: (x) => x.relu(),
  sigmoid: (x) => x.sigmoid(),
  tanh: (x) => x.tanh(),
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

/** Made of primitives: they are judged where they live, in the tests of `nn`. */
const COMPOSITE = new Set([
  "leaky_relu(0.01)",
  "elu",
  "selu",
  "gelu",
  "gelu(tanh)",
  "silu",
  "mish",
  "softplus",
  "hardtanh",
  "logsigmoid",
]);

const INPUTS = new Set(["x", "x>0"]);

/** Equal to 1e-6 of their size: the reference is printed with seven digits. */
function assertNear(found: Tensor, expected: readonly number[]): void {
  expected.forEach((y, i) => {
    const x = found.data[i];
    assert(Math.abs(x - y) <= 1e-6 * Math.abs(y), `element ${i}: found ${x}, expected ${y}`);
  });
}

describe("elementwise", () => {
  for (const [name, entry] of Object.entries(reference.elementwise)) {
    if (INPUTS.has(name) || COMPOSITE.has(name)) continue;
    const at = name.endsWith("x>0") ? reference.elementwise["x>0"] : reference.elementwise.x;
    const [values, slopes] = entry as number[][];

    it(`${name} has PyTorch's values`, () => {
      assertNear(PRIMITIVES[name](tensor(at, { dtype: "float64" })), values);
    });

    it(`${name} has PyTorch's gradient, on kinks and bounds as well`, () => {
      const x = tensor(at, { dtype: "float64" }).requiresGrad_();
      PRIMITIVES[name](x).sum().backward();
      assertNear(x.g!, slopes);
    });
  }

  it("entries are all either primitive, composite or inputs", () => {
    const known = [...INPUTS, ...COMPOSITE, ...Object.keys(PRIMITIVES)];
    assertEquals(Object.keys(reference.elementwise).sort(), known.sort());
  });
});

const REDUCTIONS: Record<string, (x: Tensor) => Tensor> = {
  "sum()": (x) => x.sum(),
  "sum(0)": (x) => x.sum(0),
  "mean(1, keepdim)": (x) => x.mean(1, true),
  "std()": (x) => x.std(),
  "std(unbiased=False)": (x) => x.std(undefined, false, 0),
  "var(1)": (x) => x.var(1),
  "norm()": (x) => x.norm(),
  "prod(0)": (x) => x.prod(0),
  "cumsum(1)": (x) => x.cumsum(1),
  "logsumexp(1)": (x) => x.logsumexp(1),
  "softmax(1)": (x) => softmax(x, 1),
  "log_softmax(-1)": (x) => logSoftmax(x, -1),
};

describe("reduce", () => {
  const x = tensor(reference.reduce.x, { dtype: "float64" });
  const numbers = reference.reduce as unknown as Record<string, number | number[] | number[][]>;
  for (const [name, f] of Object.entries(REDUCTIONS)) {
    it(`${name} has PyTorch's values`, () => assertNear(f(x), [numbers[name]].flat(2)));

    it(`${name} has a gradient that agrees with finite differences to 1e-7`, () => {
      gradcheck(f, [x]);
    });
  }
});

describe("errors", () => {
  it("ones(2, requires_grad=True).backward() says what PyTorch says", () => {
    const [said] = reference.errors["ones(2, requires_grad=True).backward()"].match(
      /only for scalar outputs/,
    )!;
    assertThrows(() => ones([2]).requiresGrad_().backward(), RangeError, said);
  });

  it("ones(()).backward() says what PyTorch says", () => {
    const [said] = reference.errors["ones(()).backward()"].match(/not require/)!;
    assertThrows(() => ones([]).backward(), Error, said);
  });
});
