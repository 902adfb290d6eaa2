import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { Generator } from "@gradus/gradus";
import {
  fillBernoulli,
  fillDropout,
  fillNormal,
  fillRandint,
  fillUniform,
} from "../../../core/random/torch_streams.ts";

/** How many words `draw` took from a generator, counted from the words that follow. */
function wordsTaken(draw: (g: Generator) => void, most = 100): number {
  const g = new Generator(42);
  draw(g);
  const next = g.nextWord();
  const counter = new Generator(42);
  return Array.from({ length: most }, () => counter.nextWord()).indexOf(next);
}

describe("fillUniform()", () => {
  it("fillUniform() of float64 multiplies and adds in one rounding, as the processor does", () => {
    const out = new Float64Array(33);
    fillUniform(new Generator(42), out, -0.0123, 1.7);
    // manual_seed(42); empty(33, dtype=float64).uniform_(-.0123, 1.7)[[1, 12, 23, 25, 30, 32]]; rounded twice, each is another number
    const expected = [
      ...[0.09542107968110415, 1.4303465351027547, 0.5169013442394094],
      ...[0.05681950257414474, 0.4189516948178284, 0.3741063486640871],
    ];
    assertEquals([1, 12, 23, 25, 30, 32].map((i) => out[i]), expected);
  });

  it("fillUniform() of float64 is PyTorch's to the bit", () => {
    const out = new Float64Array(3);
    fillUniform(new Generator(42), out, -1, 2);
    // manual_seed(42); empty(3, dtype=float64).uniform_(-1, 2)
    assertEquals([...out], [-0.8255365421157109, -0.8112694977262673, -0.6292417816767729]);
  });

  it("fillUniform() of float32 rounds its bounds first, as PyTorch does", () => {
    const out = new Float32Array(18);
    fillUniform(new Generator(7), out, -0.1, 0.1);
    // manual_seed(7); empty(18).uniform_(-0.1, 0.1)[[0, 17]]
    assertEquals([out[0], out[17]], [0.006984508130699396, -0.08538961410522461]);
  });

  it("fillUniform() takes one word for a float32 and two for a float64", () => {
    assertEquals(wordsTaken((g) => fillUniform(g, new Float32Array(5))), 5);
    assertEquals(wordsTaken((g) => fillUniform(g, new Float64Array(5))), 10);
  });

  it("fillUniform() of one value gives that value", () => {
    const out = new Float32Array(2);
    fillUniform(new Generator(42), out, 3, 3);
    assertEquals([...out], [3, 3]);
  });

  for (const [low, high] of [[3, 1], [0, NaN], [-Infinity, 0], [-3e38, 3e38]]) {
    it(`fillUniform() refuses the bounds ${low} and ${high}`, () => {
      assertThrows(() => fillUniform(new Generator(42), new Float32Array(2), low, high), RangeError, "finite bounds");
    });
  }
});

const NORMALS = [
  0.87237360245256,
  0.5189759887322025,
  0.6985860177146039,
  0.6915661474548402,
  -1.6088558404548894,
  -0.0167581087960166,
  4.053942270501965,
];
const LONG_NORMALS = [
  0.8092456891754483,
  0.7120422443751998,
  0.7814525705105204,
  -0.09600175527250478,
  1.4409604760269104,
  1.6290045362329857,
  -2.743523608537505,
];

describe("fillNormal()", () => {
  it("fillNormal() of float64 multiplies and adds in one rounding, as fillUniform() does", () => {
    const normal = (length: number) => {
      const out = new Float64Array(length);
      fillNormal(new Generator(42), out, 0.3, 1.7);
      return [...out.subarray(0, 7)];
    };
    // manual_seed(42); empty(7, dtype=float64).normal_(.3, 1.7), and the same of 40
    assertEquals(normal(7), NORMALS);
    assertEquals(normal(40), LONG_NORMALS);
  });

  it("fillNormal() of float64 redraws the last block of 16 as PyTorch does", () => {
    const g = new Generator(7);
    const out = new Float64Array(18);
    fillNormal(g, out, -1, 3);
    // manual_seed(7); empty(18, dtype=float64).normal_(-1, 3)[[0, 1, 2, 3, 16, 17]], rand(1); a double's 15 digits, libm's last bits aside
    const expected = [-0.8011973810065017, -0.8590253342682277, 0.3740508607610898, 4.07982492922207];
    [...expected, -6.00318740269863, -5.761096890792507].forEach((value, i) => {
      assertAlmostEquals(out[i < 4 ? i : i + 12], value, 1e-13);
    });
    assertEquals(g.nextFloat(), 0.6679388284683228);
  });

  it("fillNormal() leaves a kept normal for the next short draw when it draws a long one", () => {
    const g = new Generator(42);
    const [one, long, two] = [new Float64Array(1), new Float64Array(16), new Float64Array(2)];
    fillNormal(g, one);
    fillNormal(g, long);
    fillNormal(g, two);
    // manual_seed(42); randn(2) is 0.3366904, 0.1288094
    assertAlmostEquals(one[0], 0.3366904, 5e-8);
    assertAlmostEquals(two[0], 0.1288094, 5e-8);
  });

  it("fillNormal() with a standard deviation of 0 gives the mean, and draws all the same", () => {
    const out = new Float32Array(20);
    assertEquals(wordsTaken((g) => fillNormal(g, out, 1.5, 0)), 36);
    assertEquals([...out], Array(20).fill(1.5));
  });

  it("fillNormal() has mean 0 and variance 1", () => {
    const n = 100_000;
    const out = new Float32Array(n);
    fillNormal(new Generator(42), out);
    const mean = out.reduce((sum, x) => sum + x, 0) / n;
    const variance = out.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
    // Four standard errors: 4 / √n and 4 · √(2 / n).
    assertAlmostEquals(mean, 0, 4 / Math.sqrt(n));
    assertAlmostEquals(variance, 1, 4 * Math.sqrt(2 / n));
  });

  it("fillNormal() refuses a negative standard deviation, and NaN", () => {
    for (const std of [-1, NaN]) {
      assertThrows(() => fillNormal(new Generator(42), new Float32Array(2), 0, std), RangeError, `deviation ${std}`);
    }
  });
});

describe("fillBernoulli()", () => {
  it("fillBernoulli() fills arrays of any dtype with the same flips", () => {
    const arrays = [new Float32Array(6), new Float64Array(6), new Int32Array(6), new Uint8Array(6)];
    for (const out of arrays) {
      fillBernoulli(new Generator(42), out, 0.5);
      // manual_seed(42); empty(6, dtype=bool).bernoulli_(.5)
      assertEquals([...out], [1, 1, 1, 1, 0, 1]);
    }
  });

  it("fillBernoulli() draws where the outcome is certain", () => {
    const out = new Float32Array(3);
    assertEquals(wordsTaken((g) => fillBernoulli(g, out, 0)), 6);
    assertEquals([...out], [0, 0, 0]);
    fillBernoulli(new Generator(42), out, 1);
    assertEquals([...out], [1, 1, 1]);
  });

  it("fillBernoulli() refuses what is no probability", () => {
    for (const p of [-0.1, 1.5, NaN]) {
      assertThrows(() => fillBernoulli(new Generator(42), new Uint8Array(1), p), RangeError, `probability ${p}`);
    }
  });
});

describe("fillDropout()", () => {
  it("fillDropout() scales by PyTorch's 1 / (1 − p) in each precision", () => {
    const [single, double] = [new Float32Array(4), new Float64Array(4)];
    const g = new Generator(3);
    fillDropout(g, single, 0.45);
    fillDropout(g, double, 0.45);
    // manual_seed(3); dropout(ones(4), 0.45), dropout(ones(4, dtype=float64), 0.45)
    assertEquals([...single], [1.8181817531585693, 1.8181817531585693, 0, 1.8181817531585693]);
    assertEquals([...double], [0, 0, 1.8181818181818181, 1.8181818181818181]);
  });

  it("fillDropout() draws nothing for p = 0 and p = 1", () => {
    const out = new Float32Array(3);
    assertEquals(wordsTaken((g) => fillDropout(g, out, 0)), 0);
    assertEquals([...out], [1, 1, 1]);
    assertEquals(wordsTaken((g) => fillDropout(g, out, 1)), 0);
    assertEquals([...out], [0, 0, 0]);
  });

  it("fillDropout() refuses what is no probability", () => {
    assertThrows(() => fillDropout(new Generator(42), new Float32Array(1), 1.2), RangeError, "probability 1.2");
  });
});

describe("fillRandint()", () => {
  it("fillRandint() fills every int32 from one word, as PyTorch's dtype=int32", () => {
    const out = new Int32Array(4);
    fillRandint(new Generator(42), out, -(2 ** 31), 2 ** 31);
    // manual_seed(42); randint(-2**31, 2**31, (4,), dtype=int32)
    assertEquals([...out], [-538846106, 1273642419, 1935803228, -1359637234]);
  });

  it("fillRandint() takes two words a number for a range of 2**32 or more", () => {
    const g = new Generator(42);
    const [wide, narrow] = [new Float64Array(2), new Float32Array(4)];
    fillRandint(g, wide, 0, 2 ** 40);
    // manual_seed(42); randint(0, 2**40, (2,)), randint(-7, 8, (4,), dtype=float32)
    assertEquals([...wide], [441507790259, 395924837646]);
    fillRandint(g, narrow, -7, 8);
    assertEquals([...narrow], [-1, -2, 3, 7]);
    assertEquals(wordsTaken((g) => fillRandint(g, wide, 0, 2 ** 40)), 4);
    assertEquals(wordsTaken((g) => fillRandint(g, narrow, -7, 8)), 4);
  });

  it("fillRandint() fills bytes as PyTorch's dtype=uint8", () => {
    const out = new Uint8Array(4);
    fillRandint(new Generator(42), out, 0, 10);
    assertEquals([...out], [2, 7, 6, 4]);
  });

  it("fillRandint() refuses an empty range and bounds that are not integers", () => {
    for (const [low, high] of [[5, 5], [6, 5], [0, 1.5], [0, NaN]]) {
      assertThrows(() => fillRandint(new Generator(42), new Int32Array(1), low, high), RangeError, "the lower first");
    }
  });

  it("fillRandint() refuses a range that its array cannot hold", () => {
    const refuse = (out: Parameters<typeof fillRandint>[1], low: number, high: number) =>
      assertThrows(() => fillRandint(new Generator(42), out, low, high), RangeError, "it holds those of");
    refuse(new Uint8Array(1), 0, 257);
    refuse(new Uint8Array(1), -1, 5);
    refuse(new Int32Array(1), 0, 2 ** 31 + 1);
    refuse(new Float32Array(1), 0, 2 ** 25);
  });
});
