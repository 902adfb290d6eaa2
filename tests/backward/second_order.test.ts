/** Gradients of gradients, Jacobians and Hessians as PyTorch answers them, on every back end in float64. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { autograd, einsum, manualSeed, nn, rand, type Tensor, tensor, zeros } from "@gradus/gradus";
import { assertNumbers, BACKENDS, courseFunctional, courseSecondOrder, onBackend } from "../course_reference.ts";

const { functional: F } = nn;
const { grad } = autograd;
const { hessian, hvp, jacobian, jvp, vjp } = autograd.functional;
const classes = tensor([1, 3], { dtype: "int32" });

const CALLS: Readonly<Record<string, (x: Tensor, w: Tensor, b: Tensor) => Tensor>> = {
  "(x ** 3).sum()": (x) => x.pow(3).sum(),
  "(x.exp() * x.sin()).sum()": (x) => x.exp().mul(x.sin()).sum(),
  "(x @ w).tanh().sum()": (x, w) => x.matmul(w).tanh().sum(),
  "(x @ w + b).sigmoid().pow(2).mean()": (x, w, b) => x.matmul(w).add(b).sigmoid().pow(2).mean(),
  "relu(x @ w).pow(2).sum()": (x, w) => F.relu(x.matmul(w)).pow(2).sum(),
  "cross_entropy(x, [1, 3])": (x) => F.crossEntropy(x, classes),
  "cross_entropy(x @ w, [1, 3])": (x, w) => F.crossEntropy(x.matmul(w), classes),
  "softmax(x, 1).pow(2).sum()": (x) => F.softmax(x, 1).pow(2).sum(),
  "log_softmax(x, 1)[:, 0].sum()": (x) => F.logSoftmax(x, 1).at(":", 0).sum(),
  "mse(linear(x, w, b), 0)": (x, w, b) => {
    const y = F.linear(x, w, b);
    return F.mse(y, zeros(y.shape, { dtype: "float64" }));
  },
  "layer_norm(x, (4,)).pow(3).sum()": (x) => F.layerNorm(x, [4]).pow(3).sum(),
  "conv2d(x, w).tanh().sum()": (x, w) => F.conv2d(x, w).tanh().sum(),
  "(x / (1 + x.abs())).sum()": (x) => x.div(x.abs().add(1)).sum(),
  "x.prod()": (x) => x.prod(),
  "x.norm()": (x) => x.norm(),
  "x.var()": (x) => x.var().pow(2), // its key names the variance, its program squares it
  "gelu(x).pow(2).sum()": (x) => F.gelu(x).pow(2).sum(),
  "softplus(x).pow(2).sum()": (x) => F.softplus(x).pow(2).sum(),
  "einsum('ij,ij->i', x, x).pow(2).sum()": (x) => einsum("ij,ij->i", x, x).pow(2).sum(),
  "x[[0, 0, 1]].pow(3).sum()": (x) => x.index(tensor([0, 0, 1], { dtype: "int32" })).pow(3).sum(),
  "x.max(1).values.pow(3).sum()": (x) => x.max(1).values.pow(3).sum(),
  "x.cumsum(0).pow(3).sum()": (x) => x.cumsum(0).pow(3).sum(),
};

const drawn = (shape: readonly number[]) => rand([...shape], { dtype: "float64" }).sub(0.5);

describe("gradients of gradients", () => {
  for (const { call, seed, draw, y, dx, d2 } of courseSecondOrder) {
    for (const name of BACKENDS) {
      it(`of ${call} are PyTorch's (${name})`, () =>
        onBackend(name, () => {
          assert(call in CALLS, `no translation for ${call}`);
          manualSeed(seed);
          const inputs = draw.map((shape) => drawn(shape).requiresGrad_());
          const [x, w, b] = inputs;
          const out = CALLS[call](x, w, b);
          const [slope] = grad(out, x, { createGraph: true });
          assertNumbers(out.toArray(), y, "y");
          assertNumbers(slope.toArray(), dx, "dx");
          const found = grad(slope.square().sum(), inputs, { allowUnused: true });
          assertNumbers(found.map((g) => g && g.toArray()), d2, "d2");
        }));
    }
  }

  it("are asked for in every case of the reference and in no other", () => {
    assertEquals(Object.keys(CALLS).sort(), courseSecondOrder.map(({ call }) => call).sort());
  });
});

describe("autograd.functional", () => {
  const calls: Readonly<Record<string, () => Tensor>> = (() => {
    manualSeed(7);
    const [w, x, v, u] = [[3, 2], [3], [2], [3]].map(drawn);
    const f = (x: Tensor) => x.matmul(w).tanh();
    const s = (x: Tensor) => f(x).pow(2).sum();
    return {
      "jacobian(f, x)": () => jacobian(f, x),
      "hessian(s, x)": () => hessian(s, x),
      "vjp(f, x, v)": () => vjp(f, x, v)[1],
      "jvp(f, x, u)": () => jvp(f, x, u)[1],
      "hvp(s, x, u)": () => hvp(s, x, u)[1],
    };
  })();

  for (const [call, expected] of Object.entries(courseFunctional)) {
    if (call === "draw") continue; // what the others are drawn from
    for (const name of BACKENDS) {
      it(`${call} is PyTorch's (${name})`, () =>
        onBackend(name, () => assertNumbers(calls[call]().toArray(), expected, call)));
    }
  }
});
