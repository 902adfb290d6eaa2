import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import fc from "fast-check";
import { arange, einsum, ones, tensor, zeros } from "@gradus/gradus";
import { assertModel, filled, indices, type Model, SEEDED } from "../oracle.ts";

/** The definition: for every value of the output's letters, the products summed over all values of the others. */
function brute(inputs: readonly string[], output: string, sizes: Readonly<Record<string, number>>, ms: Model[]): Model {
  const others = [...new Set(inputs.join(""))].filter((c) => !output.includes(c));
  const at = (index: readonly number[]) => {
    let sum = 0;
    for (const rest of indices(others.map((c) => sizes[c]))) {
      const value = (c: string) => (output.includes(c) ? index[output.indexOf(c)] : rest[others.indexOf(c)]);
      sum += ms.reduce((product, m, i) => {
        const place = [...inputs[i]].map((c, d) => (m.shape[d] === 1 ? 0 : value(c)));
        return product * m.at(place);
      }, 1);
    }
    return sum;
  };
  return { shape: [...output].map((c) => sizes[c]), at };
}

const letter = fc.constantFrom("i", "j", "k", "l");
const term = fc.array(letter, { maxLength: 3 }).map((letters) => letters.join(""));

describe("einsum()", () => {
  it("einsum() is the definition for one to three operands, repeated letters and any output", () => {
    fc.assert(
      fc.property(fc.array(term, { minLength: 1, maxLength: 3 }), fc.gen(), (inputs, g) => {
        const sizes = Object.fromEntries([..."ijkl"].map((c) => [c, g(fc.integer, { min: 0, max: 3 })]));
        const output = g(() => fc.shuffledSubarray([...new Set(inputs.join(""))])).join("");
        const pairs = inputs.map((t, n) => filled([...t].map((c) => sizes[c]), n + 1));
        const out = einsum(`${inputs.join(",")}->${output}`, ...pairs.map((p) => p.x));
        assertModel(out, brute(inputs, output, sizes, pairs.map((p) => p.m)));
      }),
      { ...SEEDED, numRuns: 1000 },
    );
  });

  it("einsum() without an output names the letters that occur once, in alphabetical order", () => {
    fc.assert(
      fc.property(fc.array(term, { minLength: 1, maxLength: 2 }), (inputs) => {
        const all = inputs.join("");
        const output = [...all].filter((c) => all.split(c).length === 2).sort().join("");
        const sizes = { i: 2, j: 3, k: 1, l: 2 };
        const pairs = inputs.map((t, n) => filled([...t].map((c) => sizes[c as "i"]), n + 1));
        const xs = pairs.map((p) => p.x);
        assertModel(einsum(inputs.join(","), ...xs), brute(inputs, output, sizes, pairs.map((p) => p.m)));
      }),
      SEEDED,
    );
  });

  it("einsum() stretches a letter of size 1 beside a larger one, as PyTorch does", () => {
    fc.assert(
      fc.property(fc.array(term, { minLength: 2, maxLength: 3 }), fc.gen(), (inputs, g) => {
        const sizes = Object.fromEntries([..."ijkl"].map((c) => [c, g(fc.integer, { min: 0, max: 3 })]));
        const small = inputs.map((t) => {
          const ones = new Map([...new Set(t)].map((c) => [c, g(fc.boolean)]));
          return [...t].map((c) => (ones.get(c) ? 1 : sizes[c]));
        });
        for (const c of "ijkl") { // a letter that is 1 everywhere is 1
          const seen = inputs.flatMap((t, n) => [...t].flatMap((e, d) => (e === c ? [small[n][d]] : [])));
          if (seen.every((n) => n === 1)) sizes[c] = 1;
        }
        const output = g(() => fc.shuffledSubarray([...new Set(inputs.join(""))])).join("");
        const pairs = small.map((shape, n) => filled(shape, n + 1));
        const out = einsum(`${inputs.join(",")}->${output}`, ...pairs.map((p) => p.x));
        assertModel(out, brute(inputs, output, sizes, pairs.map((p) => p.m)));
      }),
      { ...SEEDED, numRuns: 600 },
    );
  });

  it("einsum() reads operands through their strides", () => {
    const [a, b] = [arange(6).view(2, 3), arange(6).view(2, 3)];
    assertEquals(einsum("ki,kj->ij", a, b).toArray(), a.t().matmul(b).toArray());
    assertEquals(einsum("ij,kj->ik", a, b.at("::-1")).toArray(), a.matmul(b.at("::-1").t()).toArray());
  });

  it("einsum() takes the diagonal for a repeated letter, and the trace where it is summed", () => {
    const m = arange(9).view(3, 3);
    assertEquals([
      einsum("ii->i", m).toArray(),
      einsum("ii", m).item(),
      einsum("iii->i", arange(8).view(2, 2, 2)).toArray(),
    ], [
      [0, 4, 8],
      12,
      [0, 7],
    ]);
  });
  it("einsum() of a diagonal is a view", () => {
    const m = zeros([2, 2]);
    assertStrictEquals(einsum("ii->i", m).data, m.data);
  });

  it("einsum() lets an ellipsis stand for leading dimensions that broadcast", () => {
    const a = filled([2, 1, 3, 4], 1), b = filled([5, 4, 2], 2);
    const out = einsum("...ij,...jk->...ik", a.x, b.x);
    assertEquals(out.toArray(), a.x.matmul(b.x).toArray());
    assertEquals(out.shape, [2, 5, 3, 2]);
  });
  it("einsum() broadcasts an ellipsis of size 0 with one of 1", () => {
    assertEquals(einsum("...i,...i->...", zeros([0, 3]), ones([1, 3])).shape, [0]);
    assertEquals(einsum("...i,...i->...i", ones([1, 3]), zeros([0, 3])).shape, [0, 3]);
  });
  it("einsum() puts the ellipsis first in an implicit output, and sums it where an explicit one lacks it", () => {
    const x = arange(6).view(2, 3);
    assertEquals(einsum("i...", x).toArray(), [[0, 3], [1, 4], [2, 5]]);
    assertEquals(einsum("i...->i", x).toArray(), [3, 12]);
    assertEquals(einsum("...->", x).item(), 15);
  });
  it("einsum() lets an ellipsis stand for nothing", () => {
    assertEquals(einsum("...ij->...ji", arange(4).view(2, 2)).toArray(), [[0, 2], [1, 3]]);
    assertEquals(einsum("i...,...i->", tensor([1, 2]), tensor([3, 4])).item(), 11);
  });
  it("einsum() sorts capitals before small letters, as PyTorch does", () => {
    assertEquals(einsum("bA", zeros([2, 3])).shape, [3, 2]);
  });
  it("einsum() multiplies numbers", () => assertEquals(einsum(",->", tensor(3), tensor(4)).item(), 12));
  it("einsum() ignores spaces", () => {
    assertEquals(einsum(" i j , j -> i ", ones([2, 3]), ones([3])).toArray(), [3, 3]);
  });
  it("einsum() of integers stays whole", () => {
    const x = tensor([1, 2], { dtype: "int32" });
    assertEquals(einsum("i,i->", x, x).dtype, "int32");
  });

  const unreadable: [string, number, string][] = [
    ["ij->ij->i", 1, '"->" may stand once'],
    ["ij,jk", 1, "it names 2 operands, 1 were given"],
    ["ij", 2, "it names 1 operands, 2 were given"],
    ["i1", 1, '"i1" is not letters'],
    ["..i", 1, '"..i" is not letters'],
    ["...i...", 1, "at most one ellipsis"],
    ["ij->i?", 1, '"i?" is not letters'],
    ["ij->ii", 1, "a letter stands twice in the output"],
    ["ij->k", 1, `the output's "k" is in no operand`],
  ];
  for (const [equation, count, why] of unreadable) {
    it(`einsum() refuses "${equation}" of ${count}`, () => {
      const operands = Array.from({ length: count }, () => ones([2, 2]));
      assertThrows(() => einsum(equation, ...operands), SyntaxError, `Cannot read the equation "${equation}": `);
      assertThrows(() => einsum(equation, ...operands), SyntaxError, why);
    });
  }
  it("einsum() refuses an operand of another rank", () => {
    const message = 'Cannot apply "ijk": "ijk" names 3 dimensions, its operand [2, 2] has 2';
    assertThrows(() => einsum("ijk", ones([2, 2])), RangeError, message);
    assertThrows(() => einsum("i", ones([2, 2])), RangeError, '"i" names 1 dimensions');
    assertThrows(() => einsum("ijk...", ones([2, 2])), RangeError, "its operand [2, 2] has 2");
  });
  it("einsum() refuses a letter with two sizes", () => {
    assertThrows(
      () => einsum("ij,jk->ik", ones([2, 3]), ones([4, 5])),
      RangeError,
      '"j" names sizes 3 and 4, which differ',
    );
    assertThrows(() => einsum("ii", ones([2, 3])), RangeError, '"i" names sizes 2 and 3');
    assertThrows(
      () => einsum("...,...", ones([2]), ones([3])),
      RangeError,
      "an ellipsis dimension names sizes 2 and 3",
    );
  });
});
