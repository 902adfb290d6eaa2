import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { Generator, manualSeed, multinomial, nn, type Tensor, tensor, zeros } from "@gradus/gradus";
import { sampleToken, type SampleTokenOptions } from "@gradus/gradus/data";

const { softmax } = nn.functional;
const logits = tensor([[0.5, 2, -1, 1.5, 0], [3, -Infinity, 1, 1, 2.5]]);

/** What n draws found, and how often, of the vector `x`. */
function drawn(x: Tensor, n: number, options: SampleTokenOptions): Map<number, number> {
  const counts = new Map<number, number>(), generator = new Generator(11);
  for (let i = 0; i < n; i++) {
    const token = sampleToken(x, { generator, ...options }).item();
    counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  return counts;
}
const tokensOf = (counts: Map<number, number>) => [...counts.keys()].sort();

describe("sampleToken()", () => {
  it("sampleToken() draws as multinomial() does by the softmax, from the library's stream", () => {
    for (const temperature of [1, 0.7, 3]) {
      manualSeed(5);
      const found = Array.from({ length: 30 }, () => sampleToken(logits, { temperature }).toArray());
      manualSeed(5);
      const weights = softmax(logits.div(temperature), 1);
      assertEquals(found, Array.from({ length: 30 }, () => multinomial(weights, 1).squeeze(1).toArray()));
    }
  });
  it("sampleToken() draws from a generator, and gives the shape of the batch", () => {
    const draw = () => sampleToken(logits, { generator: new Generator(3) });
    assertEquals(draw().toArray(), draw().toArray());
    assertEquals([draw().shape, draw().dtype, sampleToken(logits.select(0, 0)).shape], [[2], "int32", []]);
    assertEquals(sampleToken(zeros([0, 3])).shape, [0]);
    assertEquals(sampleToken(zeros([3, 1])).toArray(), [0, 0, 0]);
  });
  it("sampleToken() draws each token as often as its probability says", () => {
    const n = 4000, row = logits.select(0, 0), p = softmax(row, 0).toArray() as number[];
    const counts = drawn(row, n, {});
    // five standard deviations of a binomial distribution
    p.forEach((p, i) => assert(Math.abs((counts.get(i) ?? 0) - n * p) < 5 * Math.sqrt(n * p * (1 - p))));
  });
  it("sampleToken() takes the likeliest at temperature 0, the first of equal ones, and draws nothing", () => {
    const generator = new Generator(1), before = generator.getState();
    assertEquals(sampleToken(logits, { temperature: 0, generator }).toArray(), [1, 0]);
    assertEquals(sampleToken(tensor([1, 2, 2]), { temperature: 0, topK: 2, topP: 0.1, generator }).item(), 1);
    assertEquals(generator.getState(), before);
  });
  it("sampleToken() comes to the likeliest as the temperature falls, without overflow", () => {
    assertEquals(tokensOf(drawn(tensor([1e4, 1e4 - 1, -3e38]), 50, { temperature: 1e-300 })), [0]);
    assertEquals(tokensOf(drawn(tensor([1, 2, 3]), 300, { temperature: 1e30 })), [0, 1, 2]);
  });
  it("sampleToken() draws from the topK likeliest, the first of equal ones", () => {
    const row = logits.select(0, 0);
    assertEquals(tokensOf(drawn(row, 200, { topK: 2 })), [1, 3]);
    assertEquals(tokensOf(drawn(row, 20, { topK: 1 })), [1]);
    assertEquals(tokensOf(drawn(zeros([4]), 100, { topK: 2 })), [0, 1]);
    assertEquals(tokensOf(drawn(row, 500, { topK: 99 })), [0, 1, 2, 3, 4]);
  });
  it("sampleToken() draws from the fewest tokens that reach topP", () => {
    const x = tensor([0.5, 0.3, 0.15, 0.05]).log(); // probabilities
    const cases: [p: number, tokens: number[]][] = [[0.01, [0]], [0.49, [0]], [0.6, [0, 1]], [0.9, [0, 1, 2]], [1, [
      ...[0, 1, 2, 3],
    ]]];
    for (const [topP, tokens] of cases) assertEquals(tokensOf(drawn(x, 400, { topP })), tokens);
    // of the two likeliest the first has 0.5 / 0.8
    assertEquals(tokensOf(drawn(x, 100, { topK: 2, topP: 0.62 })), [0]);
    // equal ones, of which one is half of all
    assertEquals(tokensOf(drawn(zeros([2]), 20, { topP: 0.5 })), [0]);
  });
  it("sampleToken() never draws what has no chance, and takes float64", () => {
    const x = tensor([-Infinity, 0, -Infinity, 0], { dtype: "float64" });
    assertEquals(tokensOf(drawn(x, 100, {})), [1, 3]);
    assertEquals(tokensOf(drawn(x, 100, { topK: 3, topP: 0.999 })), [1, 3]);
  });
  it("sampleToken() leaves the logits as they are, and needs no gradients", () => {
    const x = tensor([1, 2, 3]).requiresGrad_();
    assertEquals([sampleToken(x, { topK: 1 }).requiresGrad, x.toArray()], [false, [1, 2, 3]]);
    assertEquals(sampleToken(logits.t(), { temperature: 0 }).toArray(), [1, 0, 1, 0, 1]);
  });
  it("sampleToken() says what is wrong with settings", () => {
    const wrong: [SampleTokenOptions, string][] = [
      [{ temperature: -1 }, "temperature -1: give a number from 0"],
      [{ temperature: NaN }, "temperature NaN"],
      [{ temperature: Infinity }, "temperature Infinity"],
      [{ topK: 0 }, "topK 0: give a whole number from 1"],
      [{ topK: 2.5 }, "topK 2.5"],
      [{ topP: 0 }, "topP 0: give a number above 0, up to 1"],
      [{ topP: 1.1 }, "topP 1.1"],
      [{ topP: NaN }, "topP NaN"],
    ];
    for (const [options, message] of wrong) assertThrows(() => sampleToken(logits, options), RangeError, message);
  });
  it("sampleToken() says what is wrong with logits", () => {
    const wrong: [Tensor, string][] = [
      [tensor([[0, 1], [NaN, 1]]), "Cannot draw a token: logit 0 of 2 in row 1 is NaN"],
      [tensor([0, Infinity]), "logit 1 of 2 in row 0 is Infinity"],
      [tensor([[0, 1], [-Infinity, -Infinity]]), "all 2 logits in row 1 are -Infinity"],
      [
        zeros([2, 3, 4]),
        "by logits of shape [2, 3, 4]: give [vocab] or [batch, vocab]; of a sequence take the last place",
      ],
      [zeros([2, 0]), "by logits of shape [2, 0]"],
      [tensor(1), "by logits of shape []"],
    ];
    for (const [x, message] of wrong) {
      assertThrows(() => sampleToken(x), RangeError, message);
      assertThrows(() => sampleToken(x, { temperature: 0 }), RangeError, message);
    }
    assertThrows(() => sampleToken(tensor([1], { dtype: "int32" })), TypeError, "use float() first");
  });
});
