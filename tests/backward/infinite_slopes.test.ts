/**
 * Where a rule chooses, what it does not choose gets 0, also of a gradient that is infinite or NaN. The values are PyTorch's, which
 * chooses everywhere but in products beside a 0 and in powers of 0: there ∞ · 0 is NaN in PyTorch.
 */
import { assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { full, type Nested, type Tensor, tensor, where } from "@gradus/gradus";
import { functional as F } from "@gradus/gradus/nn";

const [inf, nan] = [Infinity, NaN];
const DTYPES = ["float32", "float64"] as const;

/** The gradients of the inputs for an output gradient of `outputGrad` everywhere. */
function gradients(f: (...x: Tensor[]) => Tensor, inputs: Nested[], outputGrad: number, dtype: typeof DTYPES[number]) {
  const leaves = inputs.map((x) => tensor(x, { dtype }).requiresGrad_());
  const y = f(...leaves);
  y.backward({ gradient: full(y.shape, outputGrad, { dtype }) });
  return leaves.map((x) => x.g!.toArray());
}

interface Case {
  f: (...x: Tensor[]) => Tensor;
  inputs: Nested[];
  /** What arrives where it is chosen: PyTorch's gradients for an output gradient of ∞. */
  expected: Nested[];
  /** What PyTorch gives for 1, where it is not 1 for each ∞. */
  ofOne?: Nested[];
}

const left = [1, 2, 3, 1, nan, nan, inf];
const right = [2, 2, 2, nan, nan, 2, inf];

const cases: Record<string, Case> = {
  "clamp()": { f: (x) => x.clamp(0, 1), inputs: [[-1, nan, 0.5, 2, 0, 1]], expected: [[0, 0, inf, 0, inf, inf]] },
  "clampMin()": { f: (x) => x.clampMin(0), inputs: [[-1, nan, 0.5, 0]], expected: [[0, 0, inf, inf]] },
  "relu()": { f: F.relu, inputs: [[-1, nan, 0.5, 0, -0]], expected: [[0, inf, inf, 0, 0]] },
  "hardtanh()": {
    f: (x) => F.hardtanh(x),
    inputs: [[-1, -2, nan, 0.5, 2, 0, 1]],
    expected: [[0, 0, 0, inf, 0, inf, 0]],
  },
  "maximum()": {
    f: (a, b) => a.maximum(b),
    inputs: [left, right],
    expected: [[0, inf, inf, inf, inf, inf, inf], [inf, inf, 0, inf, inf, inf, inf]],
    ofOne: [[0, 0.5, 1, 1, 1, 1, 0.5], [1, 0.5, 0, 1, 1, 1, 0.5]],
  },
  "minimum()": {
    f: (a, b) => a.minimum(b),
    inputs: [left, right],
    expected: [[inf, inf, 0, inf, inf, inf, inf], [0, inf, inf, inf, inf, inf, inf]],
    ofOne: [[1, 0.5, 0, 1, 1, 1, 0.5], [0, 0.5, 1, 1, 1, 1, 0.5]],
  },
  "max() with two that reach it": {
    f: (x) => x.max(),
    inputs: [[1, 3, 3]],
    expected: [[0, inf, inf]],
    ofOne: [[0, 0.5, 0.5]],
  },
  "max() of NaN": { f: (x) => x.max(), inputs: [[1, nan, nan]], expected: [[0, inf, inf]], ofOne: [[0, 0.5, 0.5]] },
  "min()": { f: (x) => x.min(), inputs: [[1, 3, 3]], expected: [[inf, 0, 0]] },
  "max(dim)": { f: (x) => x.max(1).values, inputs: [[[1, 3, 3], [1, nan, 3]]], expected: [[[0, inf, 0], [0, inf, 0]]] },
  "min(dim)": { f: (x) => x.min(1).values, inputs: [[[1, 3, 3], [1, nan, 3]]], expected: [[[inf, 0, 0], [0, inf, 0]]] },
  "prod() with two factors 0": { f: (x) => x.prod(), inputs: [[0, 0, 3]], expected: [[0, 0, 0]] },
  "prod() that overflows beside a 0": {
    f: (x) => x.prod(),
    inputs: [[0, ...Array(9).fill(1e38)]],
    expected: [[inf, ...Array(9).fill(0)]],
    ofOne: [[inf, ...Array(9).fill(0)]],
  },
  "prod() of ∞ beside a 0": { f: (x) => x.prod(0), inputs: [[inf, 0]], expected: [[0, inf]], ofOne: [[0, inf]] },
  "pow() with a power of 0": { f: (x) => x.pow(0), inputs: [[0, 2, inf, nan]], expected: [[0, 0, 0, 0]] },
  "pow() of 0, for its power": {
    f: (b) => tensor([0, 0], { dtype: b.dtype }).pow(b),
    inputs: [[2, 0]],
    expected: [[0, 0]],
  },
  "pow() of 0 to a negative power, for its power": {
    f: (b) => tensor([0], { dtype: b.dtype }).pow(b),
    inputs: [[-1]],
    expected: [[-inf]],
    ofOne: [[-inf]],
  },
  "where()": { f: (a, b) => where(a.gt(0), a, b), inputs: [[-1, 1], [5, 5]], expected: [[0, inf], [inf, 0]] },
  "softplus() past its threshold": {
    f: (x) => F.softplus(x),
    inputs: [[0, 21]],
    expected: [[inf, inf]],
    ofOne: [[0.5, 1]],
  },
};

const replaced = (x: Nested, by: number): Nested =>
  Array.isArray(x) ? x.map((part) => replaced(part, by)) as Nested : x === inf ? by : x;

describe("rules that choose", () => {
  for (const dtype of DTYPES) {
    for (const [name, { f, inputs, expected, ofOne }] of Object.entries(cases)) {
      it(`${name} of ${dtype} sends an infinite gradient where it is chosen, and 0 elsewhere`, () => {
        assertEquals(gradients(f, inputs, inf, dtype), expected);
      });

      it(`${name} of ${dtype} sends a gradient of 1 as PyTorch does`, () => {
        assertEquals(gradients(f, inputs, 1, dtype), ofOne ?? expected.map((x) => replaced(x, 1)));
      });
    }
  }

  it("clampMin() before sqrt() has a gradient of 0 where it holds, though the root's slope is infinite", () => {
    const x = tensor([-1, 0.25]).requiresGrad_();
    x.clampMin(0).sqrt().sum().backward();
    assertEquals(x.g!.toArray(), [0, 1]);
  });

  it("div() divides before it multiplies, so that its gradient overflows only where it is too large", () => {
    const b = tensor([2 ** 100]).requiresGrad_();
    tensor([2 ** 126]).div(b).backward({ gradient: tensor([2 ** 103]) }); // −g · (a / b) / b, and g · (a / b) is past 2¹²⁸
    assertEquals(b.g!.toArray(), [-(2 ** 29)]);
  });
});
