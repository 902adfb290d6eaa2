import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { RandomState } from "@gradus/gradus";

// Printed by NumPy 1.24: r = RandomState(seed), then the calls in this order from one stream.
const STREAMS = [
  {
    seed: 0,
    "random_sample(3)": [0.5488135039273248, 0.7151893663724195, 0.6027633760716439],
    "randn(3)": [-2.268328201180374, 1.3335453816218967, -0.8427240538292873],
    "random_sample(1)": [0.8917730007820798],
    "randn(2)": [1.9699244478698945, -0.10321885179355784],
    "permutation(10)": [5, 2, 3, 4, 1, 0, 9, 8, 7, 6],
    "permutation(100000)[:5]": [31045, 91046, 99301, 52620, 46784],
    "then random_sample(1)": [0.1850583969989139],
  },
  {
    seed: 42,
    "random_sample(3)": [0.3745401188473625, 0.9507143064099162, 0.7319939418114051],
    "randn(3)": [-1.1118801180469204, 0.31890218468938336, 0.2790412922001377],
    "random_sample(1)": [0.7080725777960455],
    "randn(2)": [1.0105152848065264, -0.4694743859349521],
    "permutation(10)": [6, 2, 8, 7, 9, 5, 1, 3, 0, 4],
    "permutation(100000)[:5]": [39389, 32431, 69018, 49834, 76027],
    "then random_sample(1)": [0.512042643020653],
  },
  {
    seed: 2 ** 32 - 1,
    "random_sample(3)": [0.0976320289940138, 0.9123828453026218, 0.78903530185164],
    "randn(3)": [0.0813036681172692, 0.4096851233481656, 0.31595808265170017],
    "random_sample(1)": [0.4142464457254096],
    "randn(2)": [0.03503916479349264, -0.9882301508639844],
    "permutation(10)": [3, 5, 2, 6, 9, 1, 8, 7, 0, 4],
    "permutation(100000)[:5]": [51782, 60169, 57391, 15600, 36954],
    "then random_sample(1)": [0.19381678123850776],
  },
];

function assertNormals(actual: Float64Array, expected: number[]): void {
  assertEquals(actual.length, expected.length);
  // The logarithm's last bit differs between libraries: a few units of 2⁻⁵² at a size of about 2.
  expected.forEach((value, i) => assertAlmostEquals(actual[i], value, 4e-15));
}

describe("RandomState", () => {
  for (const stream of STREAMS) {
    it(`RandomState(${stream.seed}) draws uniforms, normals and permutations as NumPy does, in one stream`, () => {
      const r = new RandomState(stream.seed);
      assertEquals([...r.randomSample(3)], stream["random_sample(3)"]);
      assertNormals(r.randn(3), stream["randn(3)"]);
      assertEquals([...r.randomSample(1)], stream["random_sample(1)"]);
      assertNormals(r.randn(2), stream["randn(2)"]);
      assertEquals([...r.permutation(10)], stream["permutation(10)"]);
      assertEquals([...r.permutation(100_000).slice(0, 5)], stream["permutation(100000)[:5]"]);
      assertEquals([...r.randomSample(1)], stream["then random_sample(1)"]);
    });
  }

  it("seed() starts over and forgets a kept normal", () => {
    const r = new RandomState(42);
    const [first] = r.randn(1);
    r.seed(42);
    assertEquals(r.randn(1)[0], first);
  });

  it("seed() refuses what NumPy refuses", () => {
    for (const seed of [-1, 2 ** 32, 1.5, NaN]) {
      assertThrows(() => new RandomState(seed), RangeError, `Cannot seed with ${seed}`);
    }
  });

  it("permutation() of none or one draws nothing", () => {
    const r = new RandomState(42);
    assertEquals([[...r.permutation(0)], [...r.permutation(1)]], [[], [0]]);
    assertEquals(r.randomSample(1), new RandomState(42).randomSample(1));
  });

  it("permutation() refuses a length that is not a whole number below 2**31", () => {
    for (const n of [-1, 0.5, 2 ** 31]) {
      assertThrows(() => new RandomState(42).permutation(n), RangeError, `Cannot permute ${n} elements`);
    }
  });
});
