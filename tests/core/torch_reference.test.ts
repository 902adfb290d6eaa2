import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import type { UnaryOp } from "../../core/backend/backend.ts";
import { arange, einsum, ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import { unary } from "../../core/ops/elementwise.ts";
import reference from "../reference/torch_reference.json" with { type: "json" };

type Numbers = number | "nan" | Numbers[];

/** Our call for PyTorch's, by its text in the reference. */
type Translations = Record<string, (x: Tensor) => Tensor | readonly number[]>;

// PyTorch's numbers are rounded to 7 digits (5e-7 relative) and float32 (6e-8 relative).
const TOLERANCE = 1e-6;

// A sum of exponentials near 1 is rounded by half of ε = 1.2e-7, and the slope of its logarithm there is 1.
const ABSOLUTE: Record<string, number> = { "log_softmax(-1)": 1.2e-7 };

function flat(value: unknown): number[] {
  return [value].flat(Infinity as 1).map(Number);
}

function shapeOf(value: unknown): number[] {
  return Array.isArray(value) ? [value.length, ...(value.length > 0 ? shapeOf(value[0]) : [])] : [];
}

function assertTorch(actual: Tensor | readonly number[], expected: unknown, absolute = 0): void {
  const [ours, shape] = "toArray" in actual ? [actual.toArray(), actual.shape] : [actual, [actual.length]];
  assertEquals(shape, shapeOf(expected));
  const [p, q] = [flat(ours), flat(expected)];
  assertEquals(p.length, q.length);
  p.forEach((value, i) => {
    const near = Object.is(value, q[i]) || Math.abs(value - q[i]) <= absolute + TOLERANCE * Math.abs(q[i]);
    assert(near, `element ${i}: ${value} is not ${q[i]}`);
  });
}

/** A test for every entry; one without a translation fails unless it is named with the place where it is judged instead. */
function compare(
  entries: Record<string, unknown>,
  { translations, elsewhere, input, pick = (value) => value }: {
    translations: Translations;
    elsewhere: Record<string, string>;
    input: (key: string) => Tensor;
    pick?: (value: unknown) => unknown;
  },
): void {
  for (const [key, expected] of Object.entries(entries)) {
    const call = translations[key];
    if (key in elsewhere) continue;
    it(`${key} is PyTorch's`, () => {
      assert(call, `no translation for ${key}`);
      assertTorch(call(input(key)), pick(expected), ABSOLUTE[key]);
    });
  }
  it("every translation and every reason stands for an entry that is there", () => {
    const stale = [...Object.keys(translations), ...Object.keys(elsewhere)].filter((key) => !(key in entries));
    assertEquals(stale, []);
    assertEquals(Object.keys(elsewhere).filter((key) => key in translations), []);
  });
}

const a = arange(24).view(2, 3, 4);
const m = tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);

describe("PyTorch's tensors", () => {
  const columns = tensor([[10], [20], [30]]).expand(3, 3);
  compare(reference.tensor, {
    translations: {
      "arange(24.).reshape(2,3,4).transpose(0,2).stride()": () => a.transpose(0, 2).stride(),
      "…permute(2,0,1).shape": () => a.permute(2, 0, 1).shape,
      "…[:, 1, ::2]": () => a.at(":", 1, "::2"),
      "…[..., -1]": () => a.at("...", -1),
      "…[0, None, 1:, 1:3]": () => a.at(0, null, "1:", "1:3"),
      "tensor([10.,20,30]).expand(3,3).stride()": () => tensor([10, 20, 30]).expand(3, 3).stride(),
      "tensor([10.,20,30])[:,None] + tensor([[1.,2,3],[4,5,6],[7,8,9]])": () =>
        tensor([10, 20, 30]).at(":", null).add(m),
      "einsum('ik,kj->ij', c, m), c = [[10,10,10],[20,20,20],[30,30,30]], m = [[1,2,3],[4,5,6],[7,8,9]]": () =>
        einsum("ik,kj->ij", columns, m),
      "einsum('bij,bjk->bik', a, a.transpose(1,2))[1]": () => einsum("bij,bjk->bik", a, a.transpose(1, 2)).at(1),
      "einsum('ii->i', arange(9.).reshape(3,3))": () => einsum("ii->i", arange(9).view(3, 3)),
      "einsum('ij,ik->jk', …)": () => einsum("ij,ik->jk", arange(6).view(3, 2), arange(9).view(3, 3)),
      "einsum('...j,j', a, arange(4.))": () => einsum("...j,j", a, arange(4)),
      "einsum('ba', arange(6.).reshape(2,3))": () => einsum("ba", arange(6).view(2, 3)),
    },
    elsewhere: {},
    input: () => a,
  });
});

describe("PyTorch's reductions", () => {
  const x = tensor(reference.reduce.x);
  // Shifted before the sum, as PyTorch does it: beside a maximum of 1001 a float32 sum has no digits left for the rest.
  const logSoftmax = (y: Tensor, dim: number) => {
    const shifted = y.sub(y.max(dim, true).values);
    return shifted.sub(shifted.logsumexp(dim, true));
  };
  compare(reference.reduce, {
    translations: {
      "x": (x) => x,
      "sum()": (x) => x.sum(),
      "sum(0)": (x) => x.sum(0),
      "mean(1, keepdim)": (x) => x.mean(1, true),
      "std()": (x) => x.std(),
      "std(unbiased=False)": (x) => x.std(undefined, false, 0),
      "var(1)": (x) => x.var(1),
      "norm()": (x) => x.norm(),
      "max(1).indices": (x) => x.max(1).indices,
      "argmax(-1)": (x) => x.argmax(-1),
      "argmin(0)": (x) => x.argmin(0),
      "prod(0)": (x) => x.prod(0),
      "cumsum(1)": (x) => x.cumsum(1),
      "logsumexp(1)": (x) => x.logsumexp(1),
      "softmax(1)": (x) => logSoftmax(x, 1).exp(),
      "log_softmax(-1)": (x) => logSoftmax(x, -1),
      "tensor([[1.,2,3],[4,5,6],[7,8,9]]).norm()": () => m.norm(),
      "tensor([5.]).std()": () => tensor([5]).std(),
      "empty(0).sum()": () => zeros([0]).sum(),
      "empty(0).mean()": () => zeros([0]).mean(),
      "log_softmax of [1000., 1001., 999.]": () => logSoftmax(tensor([1000, 1001, 999]), 0),
    },
    elsewhere: {},
    input: () => x,
  });
});

describe("PyTorch's element-wise functions", () => {
  const op = (name: UnaryOp) => (x: Tensor) => unary(name, x);
  compare(reference.elementwise, {
    translations: {
      "x": (x) => x,
      "x>0": (x) => x,
      "relu": (x) => x.relu(),
      "sigmoid": (x) => x.sigmoid(),
      "tanh": (x) => x.tanh(),
      "hardtanh": (x) => x.clamp(-1, 1),
      "exp": (x) => x.exp(),
      "abs": (x) => x.abs(),
      "square": op("square"),
      "neg": (x) => x.neg(),
      "clamp(-1, 1)": (x) => x.clamp(-1, 1),
      "clamp_min(0)": (x) => x.clampMin(0),
      "sin": op("sin"),
      "cos": op("cos"),
      "sign": op("sign"),
      "x**3": (x) => x.pow(3),
      "expm1": op("expm1"),
      "round": op("round"),
      "floor": op("floor"),
      "silu": (x) => x.mul(x.sigmoid()),
      "log on x>0": (x) => x.log(),
      "sqrt on x>0": (x) => x.sqrt(),
      "rsqrt on x>0": op("rsqrt"),
      "log1p on x>0": op("log1p"),
      "reciprocal on x>0": op("reciprocal"),
      "x**-0.5 on x>0": (x) => x.pow(-0.5),
    },
    elsewhere: Object.fromEntries(
      ["leaky_relu(0.01)", "elu", "selu", "gelu", "gelu(tanh)", "mish", "softplus", "logsigmoid"].map((key) => [
        key,
        "tests/layers/nn/activation.test.ts: no primitives",
      ]),
    ),
    input: (key) => tensor(key.endsWith("x>0") ? reference.elementwise["x>0"] : reference.elementwise.x),
    pick: (value) => (Array.isArray((value as Numbers[])[0]) ? (value as Numbers[])[0] : value), // [values, gradients]
  });
});

describe("PyTorch's errors", () => {
  // The facts of PyTorch's message that ours must hold as well: sizes, shapes, dimension, index.
  const calls: Record<string, [() => unknown, RegExp[]]> = {
    "tensor([10.,20]) + tensor([[1.,2,3],[4,5,6]])": [
      () => tensor([10, 20]).add(m.at(":2")),
      [/\[2\] and \[2, 3\]/, /sizes 2 and 3 differ/, /dimension -1\b/], // the last of 2, PyTorch's dimension 1
    ],
    "ones(3,2) @ ones(3,2)": [() => ones([3, 2]).matmul(ones([3, 2])), [
      /multiply \[3, 2\] by \[3, 2\]/,
      /2 and 3 differ/,
    ]],
    "ones(2,3).view(4,5)": [() => ones([2, 3]).view(4, 5), [/\[4, 5\]: the shape is invalid for 6 elements/]],
    "ones(2,3).t().view(6)": [() => ones([2, 3]).t().view(6), [/\[3, 2\]/, /strides \[1, 3\]/, /use reshape\(\)/]],
    "ones(2,3).sum(2)": [() => ones([2, 3]).sum(2), [/dimension 2/, /out of range/, /-2 to 1/]],
    "ones(3)[5]": [() => ones([3]).at(5), [/index 5 of dimension 0 with size 3/, /out of range/]],
    "ones(2).item()": [() => ones([2]).item(), [/2 elements/, /single number/]],
    "ones(3).expand(2,4)": [() => ones([3]).expand(2, 4), [/\[3\] to \[2, 4\]/, /size 3 at dimension 1/, /\b4$/]],
    "einsum('ij,jk->ik', ones(2,3), ones(4,5))": [
      () => einsum("ij,jk->ik", ones([2, 3]), ones([4, 5])),
      [/"j" names sizes 3 and 4/],
    ],
  };
  const elsewhere: Record<string, string> = {
    "ones(2, requires_grad=True).backward()": "tests/backward/torch_reference.test.ts",
    "ones(()).backward()": "tests/backward/torch_reference.test.ts",
    "cross_entropy(ones(2,3), tensor([0, 7]))": "tests/layers/nn/loss.test.ts",
    "Linear(3,4)(ones(2,5))": "tests/layers/nn/layers.test.ts",
  };
  for (const [key, torch] of Object.entries(reference.errors)) {
    if (key in elsewhere) continue;
    it(`${key} fails with the facts of "${torch}"`, () => {
      assert(key in calls, `no translation for ${key}`);
      const [call, facts] = calls[key];
      const [first] = assertThrows(call, RangeError).message.split("\n");
      for (const fact of facts) assertMatch(first, fact);
    });
  }
});
