import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import fc from "fast-check";
import { arange, ones, type Tensor, tensor } from "@gradus/gradus";
import { assertModel, filled, fullShape, type Model, modelOf, SEEDED, values } from "../oracle.ts";

interface Pair {
  x: Tensor;
  m: Model;
}
type Draw = fc.GeneratorValue;
type Step = (pair: Pair, g: Draw) => Pair;

const integer = (g: Draw, min: number, max: number) => g(fc.integer, { min, max });
const anyDim = (g: Draw, rank: number) => {
  const d = integer(g, 0, rank - 1);
  return { d, dim: g(fc.boolean) ? d : d - rank };
};

/** What Python's `range(size)[start:end:step]` lists. */
function pythonSlice(size: number, start: number | undefined, end: number | undefined, step: number): number[] {
  const clip = (i: number, low: number, high: number) => Math.min(Math.max(i < 0 ? i + size : i, low), high);
  const out = [];
  if (step > 0) {
    const stop = end === undefined ? size : clip(end, 0, size);
    for (let i = start === undefined ? 0 : clip(start, 0, size); i < stop; i += step) out.push(i);
  } else {
    const stop = end === undefined ? -1 : clip(end, -1, size - 1);
    for (let i = start === undefined ? size - 1 : clip(start, -1, size - 1); i > stop; i += step) out.push(i);
  }
  return out;
}

const permuted: Step = ({ x, m }, g) => {
  const order = g(() => fc.shuffledSubarray([...m.shape.keys()], { minLength: m.shape.length }));
  const at = (index: readonly number[]) => m.at(m.shape.map((_, d) => index[order.indexOf(d)]));
  return { x: x.permute(...order), m: { shape: order.map((d) => m.shape[d]), at } };
};

const transposed: Step = ({ x, m }, g) => {
  const [p, q] = [anyDim(g, m.shape.length), anyDim(g, m.shape.length)];
  const swap = <T>(list: readonly T[]) => list.with(p.d, list[q.d]).with(q.d, list[p.d]);
  return { x: x.transpose(p.dim, q.dim), m: { shape: swap(m.shape), at: (index) => m.at(swap(index)) } };
};

const sliced: Step = ({ x, m }, g) => {
  const { d, dim } = anyDim(g, m.shape.length);
  const bound = () => (g(fc.boolean) ? undefined : integer(g, -5, 5));
  const [start, end, step] = [bound(), bound(), g(() => fc.constantFrom(-3, -2, -1, 1, 2, 3))];
  const kept = pythonSlice(m.shape[d], start, end, step);
  const at = (index: readonly number[]) => m.at(index.with(d, kept[index[d]]));
  return { x: x.slice(dim, start, end, step), m: { shape: m.shape.with(d, kept.length), at } };
};

const narrowed: Step = ({ x, m }, g) => {
  const { d, dim } = anyDim(g, m.shape.length);
  const start = integer(g, 0, m.shape[d]);
  const length = integer(g, 0, m.shape[d] - start);
  const at = (index: readonly number[]) => m.at(index.with(d, index[d] + start));
  return { x: x.narrow(dim, start, length), m: { shape: m.shape.with(d, length), at } };
};

const selected: Step = ({ x, m }, g) => {
  const { d, dim } = anyDim(g, m.shape.length);
  if (m.shape[d] === 0) return { x, m };
  const place = integer(g, 0, m.shape[d] - 1);
  const written = g(fc.boolean) ? place : place - m.shape[d];
  return {
    x: x.select(dim, written),
    m: { shape: m.shape.toSpliced(d, 1), at: (index) => m.at(index.toSpliced(d, 0, place)) },
  };
};

const unsqueezed: Step = ({ x, m }, g) => {
  const { d, dim } = anyDim(g, m.shape.length + 1);
  return { x: x.unsqueeze(dim), m: { shape: m.shape.toSpliced(d, 0, 1), at: (index) => m.at(index.toSpliced(d, 1)) } };
};

const squeezed: Step = ({ x, m }, g) => {
  const { d, dim } = anyDim(g, m.shape.length);
  const all = g(fc.boolean);
  const keep = m.shape.map((n, i) => n !== 1 || !(all || i === d));
  const at = (index: readonly number[]) => {
    const left = [...index];
    return m.at(m.shape.map((_, i) => (keep[i] ? left.shift()! : 0)));
  };
  return { x: all ? x.squeeze() : x.squeeze(dim), m: { shape: m.shape.filter((_, i) => keep[i]), at } };
};

const expanded: Step = ({ x, m }, g) => {
  const lead = m.shape.length < 4 && g(fc.boolean) ? [integer(g, 0, 2)] : [];
  const sizes = m.shape.map((n) => (n === 1 ? integer(g, 0, 3) : n));
  const at = (index: readonly number[]) => m.at(index.slice(lead.length).map((i, d) => (m.shape[d] === 1 ? 0 : i)));
  const written = sizes.map((n, d) => (n === m.shape[d] && g(fc.boolean) ? -1 : n));
  return { x: x.expand(...lead, ...written), m: { shape: [...lead, ...sizes], at } };
};

const reshaped: Step = ({ x, m }, g) => {
  const flat = values(m);
  const divisors = Array.from({ length: flat.length }, (_, i) => i + 1).filter((n) => flat.length % n === 0);
  const first = flat.length === 0 ? 0 : g(() => fc.constantFrom(...divisors));
  const rest = flat.length === 0 ? 3 : flat.length / first;
  const written = flat.length > 0 && g(fc.boolean) ? [first, -1] : [first, rest];
  return { x: x.reshape(...written), m: modelOf(flat, [first, rest]) };
};

const STEPS: Record<string, Step> = {
  permuted,
  transposed,
  sliced,
  narrowed,
  selected,
  unsqueezed,
  squeezed,
  expanded,
  reshaped,
};

/** Steps that take a dimension that is there. */
const NEED_RANK = new Set<Step>([transposed, sliced, narrowed, selected, squeezed]);

describe("views", () => {
  for (const [name, step] of Object.entries(STEPS)) {
    it(`${name} tensors hold what nested arrays would`, () => {
      fc.assert(
        fc.property(fullShape, fc.gen(), (shape, g) => {
          const { x, m } = step(filled(shape, 1), g);
          assertModel(x, m);
        }),
        SEEDED,
      );
    });
  }

  it("chains of views hold what nested arrays would", () => {
    fc.assert(
      fc.property(fullShape, fc.gen(), (shape, g) => {
        let pair: Pair = filled(shape, 1);
        for (let i = 0; i < 5; i++) {
          const possible = Object.values(STEPS).filter((s) => pair.m.shape.length > 0 || !NEED_RANK.has(s));
          pair = g(() => fc.constantFrom(...possible))(pair, g);
          assertModel(pair.x, pair.m);
          assertEquals(pair.x.contiguous().clone().reshape(-1).toArray(), values(pair.m));
        }
      }),
      { ...SEEDED, numRuns: 1000 },
    );
  });

  it("views share the memory of the tensor they look at", () => {
    const x = arange(6).view(2, 3);
    for (const y of [x.t(), x.at(1), x.unsqueeze(0), x.expand(2, 2, 3), x.at("::-1"), x.view(3, 2), x.flatten()]) {
      assertStrictEquals(y.data, x.data);
    }
  });

  it("reshape() copies where strides cannot show the shape, and only there", () => {
    const x = arange(6).view(2, 3);
    assertStrictEquals(x.reshape(3, 2).data, x.data);
    const y = x.t().reshape(6);
    assertEquals(y.toArray(), [0, 3, 1, 4, 2, 5]);
    assertEquals(y.data === x.data, false);
  });
});

describe("single views", () => {
  const x = arange(6).view(2, 3);
  it("expand() repeats a row with stride 0 and copies nothing", () => {
    const row = tensor([1, 2, 3]);
    const grid = row.expand(2, 3);
    assertEquals([grid.strides, grid.toArray()], [[0, 1], [[1, 2, 3], [1, 2, 3]]]);
    assertStrictEquals(grid.data, row.data);
  });
  it("unsqueeze() at the end has stride 1 and elsewhere the stride of what follows", () => {
    assertEquals([x.unsqueeze(0).strides, x.unsqueeze(1).strides, x.unsqueeze(-1).strides], [[6, 3, 1], [3, 3, 1], [
      3,
      1,
      1,
    ]]);
  });
  it("t() of a vector is the vector", () => assertEquals(tensor([1, 2]).t().shape, [2]));
  it("T is t()", () => assertEquals(x.T.strides, [1, 3]));
  it("flatten() joins the dimensions that are named", () => {
    const y = arange(24).view(2, 3, 4);
    assertEquals([y.flatten().shape, y.flatten(1).shape, y.flatten(0, 1).shape], [[24], [2, 12], [6, 4]]);
    assertEquals(tensor(3).flatten().shape, [1]);
  });
  it("squeeze() leaves a dimension that is not 1", () => assertEquals(x.squeeze(0).shape, [2, 3]));
  it("narrow() counts a negative start from the end", () => {
    assertEquals(x.narrow(1, -2, 2).toArray(), [[1, 2], [4, 5]]);
  });
  it("isContiguous() holds for rows, not for columns", () => {
    assertEquals([x.isContiguous(), x.t().isContiguous(), x.at("1:").isContiguous(), x.at(":", "1:").isContiguous()], [
      true,
      false,
      true,
      false,
    ]);
  });
  it("isContiguous() holds for a tensor without elements", () => {
    assertEquals(ones([3, 2]).t().narrow(0, 0, 0).isContiguous(), true);
  });
});

describe("sizes in an array", () => {
  const m = arange(6).view([2, 3]);
  it("view(), reshape(), permute() and expand() take them as PyTorch does", () => {
    const shapes = [m.view([6]), m.t().reshape([-1]), m.permute([1, 0]), m.expand([4, 2, 3]), m.view([3, -1])];
    assertEquals(shapes.map((x) => x.shape), [[6], [6], [3, 2], [4, 2, 3], [3, 2]]);
  });
  it("view() and expand() take none for a single number", () => {
    assertEquals([tensor([5]).view([]).shape, tensor([5]).view().shape, tensor(5).expand([]).shape], [[], [], []]);
  });
});

describe("views that cannot be", () => {
  const x = ones([2, 3]);
  const cases: [string, () => unknown, string][] = [
    ["view() of a transposed tensor", () => x.t().view(6), "with strides [1, 3] as [6]"],
    ["view() of another size", () => x.view(4, 5), "Cannot view [2, 3] as [4, 5]"],
    ["permute() with a dimension twice", () => x.permute(0, 0), "Cannot permute [2, 3] by [0, 0]"],
    ["permute() with a dimension left out", () => x.permute(0), "Cannot permute [2, 3] by [0]"],
    ["transpose() of a dimension that is not there", () => x.transpose(0, 2), "Cannot transpose dimension 2"],
    ["transpose() of dimension 1 of a number", () => tensor(1).transpose(1, 0), "Cannot transpose dimension 1"],
    ["t() of rank 3", () => ones([1, 2, 3]).t(), "Cannot take t() of [1, 2, 3]"],
    ["expand() of a size of 3", () => ones([3]).expand(2, 4), "its size 3 at dimension 1 is neither 1 nor 4"],
    ["expand() to a lower rank", () => x.expand(3), "it has 2 dimensions, more than 1"],
    ["expand() to -1 in front", () => x.expand(-1, 2, 3), "-1 is not a size"],
    ["narrow() past the end", () => x.narrow(1, 2, 2), "2 elements from 2 do not lie in its size 3"],
    ["narrow() to a negative length", () => x.narrow(1, 2, -1), "Cannot narrow [2, 3]"],
    ["narrow() from a fraction", () => x.narrow(1, 0.5, 1), "Cannot narrow [2, 3]"],
    ["narrow() from before the start", () => x.narrow(1, -4, 1), "Cannot narrow [2, 3]"],
    ["select() past the end", () => x.select(1, 3), "Cannot select index 3 of dimension 1 with size 3"],
    ["select() before the start", () => x.select(0, -3), "Cannot select index -3 of dimension 0 with size 2"],
    ["select() of a fraction", () => x.select(0, 0.5), "Cannot select index 0.5"],
    ["select() of a number", () => tensor(1).select(0, 0), "use item()"],
    ["slice() by 0", () => x.slice(0, 0, 2, 0), "Cannot slice with a step of 0"],
    ["slice() from a fraction", () => x.slice(1, 0.5), "Cannot slice [2, 3] from 0.5"],
    ["slice() of a number", () => tensor(1).slice(0), "Cannot slice a tensor of rank 0"],
    ["flatten() backwards", () => x.flatten(1, 0), "from dimension 1 to 0"],
    ["squeeze() of a dimension that is not there", () => x.squeeze(2), "Cannot squeeze dimension 2"],
    ["unsqueeze() past the end", () => x.unsqueeze(3), "Cannot unsqueeze at dimension 3"],
  ];
  for (const [name, call, message] of cases) {
    it(`${name} is refused`, () => void assertThrows(call, RangeError, message));
  }
});
