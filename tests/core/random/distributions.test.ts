/** Draws by probabilities and fills: PyTorch's streams, on every back end, and what is refused. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as g from "@gradus/gradus";
import { type DType, Generator, manualSeed, noGrad, ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import { BACKENDS, courseRandom, onBackend } from "../../course_reference.ts";

/** Ours for the calls of section `random`; the others are tested with their layers. */
const CALLS: Record<string, () => Tensor> = {
  "multinomial([0.1, 0.2, 0.7], 12, replacement=True)": () => tensor([0.1, 0.2, 0.7]).multinomial(12, true),
  "multinomial([[1., 2, 3, 4], [4, 3, 2, 1]], 3)": () => g.multinomial(tensor([[1, 2, 3, 4], [4, 3, 2, 1]]), 3),
  "bernoulli([0.1, 0.5, 0.9, 0.5, 0.5, 0.1])": () => g.bernoulli(tensor([0.1, 0.5, 0.9, 0.5, 0.5, 0.1])),
  "normal([1., 2, 3], [0.1, 0.2, 0.3])": () => g.normal(tensor([1, 2, 3]), tensor([0.1, 0.2, 0.3])),
  "empty(6).exponential_(2)": () => g.empty([6]).exponential_(2),
  "empty(6).log_normal_()": () => g.empty([6]).logNormal_(),
};

/** Streams that pass through no logarithm or cosine are equal; the others once rounded to seven digits. */
const sevenDigits = (x: number) => Number(x.toPrecision(7));

describe("draws are PyTorch's", () => {
  for (const [call, draw] of Object.entries(CALLS)) {
    for (const seed of [0, 42]) {
      for (const name of BACKENDS) {
        it(`manual_seed(${seed}); ${call} (${name})`, () => {
          manualSeed(seed);
          const found = onBackend(name, () => draw().toArray()) as number[];
          const expected = courseRandom[`manual_seed(${seed}); ${call}`] as number[];
          if (!call.startsWith("empty") && !call.startsWith("normal")) assertEquals(found, expected);
          else found.forEach((x, i) => assertAlmostEquals(sevenDigits(x), expected[i], 1e-6 * Math.abs(expected[i])));
        });
      }
    }
  }
});

describe("multinomial()", () => {
  it("multinomial() draws one index with or without replacement by the same stream", () => {
    const weights = tensor([1, 2, 3]);
    const [a, b] = [true, false].map((again) =>
      weights.multinomial(1, { replacement: again, generator: new Generator(3) })
    );
    assertEquals(a.toArray(), b.toArray());
  });
  it("multinomial() never draws what has no weight, nor an index twice without replacement", () => {
    const weights = tensor([0, 1, 0, 2, 3]);
    for (let seed = 0; seed < 50; seed++) {
      const generator = new Generator(seed);
      const found = weights.multinomial(3, { generator }).toArray() as number[];
      assertEquals([...found].sort(), [1, 3, 4]);
      const again = weights.multinomial(20, { replacement: true, generator }).toArray() as number[];
      assertEquals(again.some((i) => i === 0 || i === 2), false);
    }
  });
  it("multinomial() takes rows of a view, and float64", () => {
    const rows = tensor([[1, 0], [0, 1]], { dtype: "float64" }).t().flip(0);
    assertEquals(rows.multinomial(4, true).toArray(), [[1, 1, 1, 1], [0, 0, 0, 0]]);
    assertEquals(rows.t().multinomial(1).toArray(), [[1], [0]]);
  });
  it("multinomial() refuses what are no weights", () => {
    const cases: [() => unknown, string][] = [
      [() => tensor([1, 2]).multinomial(3), "there are fewer, use { replacement: true }"],
      [() => tensor([1, -1]).multinomial(1), "one is negative, infinite or NaN"],
      [() => tensor([NaN, 1]).multinomial(1), "one is negative, infinite or NaN"],
      [() => tensor([[1, 0], [0, 0]]).multinomial(1), "all of a row are 0"],
      [() => tensor([1]).multinomial(0), "give a whole number from 1"],
      [() => tensor(1).multinomial(1), "give a vector or a matrix of weights"],
    ];
    for (const [call, message] of cases) assertThrows(call, RangeError, message);
    assertThrows(() => tensor([1], { dtype: "int32" }).multinomial(1), TypeError, "use float() first");
  });
});

describe("filling", () => {
  it("uniform_() and normal_() draw what rand() and randn() draw", () => {
    manualSeed(1);
    const [u, n] = [g.rand([20]).toArray(), g.randn([20]).toArray()];
    manualSeed(1);
    assertEquals([zeros([20]).uniform_().toArray(), zeros([20]).normal_().toArray()], [u, n]);
  });
  it("each fills a view in row-major order, and nothing else", () => {
    const x = zeros([2, 3]);
    x.at(":", "1:").uniform_(5, 6, { generator: new Generator(1) });
    assertEquals(x.at(":", 0).toArray(), [0, 0]);
    assertEquals(x.ge(5).sum().item(), 4);
  });
  it("bernoulli_() fills every dtype, bernoulli() draws in that of x", () => {
    for (const dtype of ["bool", "uint8", "int32", "float64"] as DType[]) {
      assertEquals(ones([8], { dtype }).bernoulli_(0).toArray(), zeros([8], { dtype }).toArray());
    }
    assertEquals(tensor([0, 1], { dtype: "float64" }).bernoulli().dtype, "float64");
    assertThrows(() => tensor([2]).bernoulli(), RangeError, "Cannot draw with probability 2");
  });
  it("each is noticed by the tape, and done within noGrad", () => {
    const w = ones([2]).requiresGrad_();
    assertThrows(() => w.exponential_(), Error, "the tensor is a leaf that requires a gradient");
    noGrad(() => w.exponential_());
    assertEquals(w.version.count, 1);
  });
  it("each refuses integers, and what is no distribution", () => {
    assertThrows(() => ones([1], { dtype: "int32" }).normal_(), TypeError, "use float() first");
    assertThrows(() => ones([1]).exponential_(0), RangeError, "give one above 0");
    assertThrows(() => ones([1]).logNormal_(0, 0), RangeError, "give one above 0");
    assertThrows(() => ones([1]).uniform_(0, 1, { generator: 1 as never }), TypeError, "give a generator");
  });
  it("normal() takes numbers beside tensors, and two numbers with a shape", () => {
    assertEquals(g.normal(5, tensor([0, 0])).toArray(), [5, 5]);
    assertEquals(g.normal(tensor([[1], [2]]), 0).toArray(), [[1], [2]]);
    assertEquals(g.normal(3, 0, [2]).toArray(), [3, 3]);
    assertThrows(() => g.normal(0, 1), TypeError, "without a shape");
    assertThrows(() => g.normal(0, tensor([-1])), RangeError, "give none below 0");
  });
});

describe("tensors like others", () => {
  const like = tensor([[1, 2]], { dtype: "float64" });
  it("have the shape and dtype of the other, or the dtype that is asked for", () => {
    const made = [
      g.zerosLike(like),
      g.onesLike(like),
      g.fullLike(like, 7),
      g.emptyLike(like),
      g.randLike(like),
      g.randnLike(like),
    ];
    assertEquals(made.map(({ shape, dtype }) => [...shape, dtype]), made.map(() => [1, 2, "float64"]));
    assertEquals(g.fullLike(like.t(), 7, { dtype: "int32" }).toArray(), [[7], [7]]);
    assertEquals(g.randintLike(ones([9], { dtype: "uint8" }), 3, 4).toArray(), Array(9).fill(3));
    assertEquals(g.onesLike(like, { requiresGrad: true }).requiresGrad, true);
  });
  it("randLike() draws what rand() draws", () => {
    manualSeed(5);
    const expected = g.rand([1, 2], { dtype: "float64" }).toArray();
    manualSeed(5);
    assertEquals(g.randLike(like).toArray(), expected);
  });
});
