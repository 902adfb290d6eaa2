import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import fc from "fast-check";
import {
  broadcastShapes,
  broadcastStrides,
  checkShape,
  inferShape,
  isRowMajor,
  resolveDim,
  rowMajor,
  sameShape,
  show,
  sizeOf,
  viewStrides,
} from "../../core/shape.ts";
import { anyShape, broadcastShape, fullShape, indices, SEEDED } from "./oracle.ts";

/** Where the elements stand, in row-major order of their indices. */
function places(shape: readonly number[], strides: readonly number[]): number[] {
  return indices(shape).map((index) => index.reduce((at, i, d) => at + i * strides[d], 0));
}

/** The only steps that could show `at` as `to`: read off at the neighbours of element 0, then checked everywhere. */
function bruteStrides(at: readonly number[], to: readonly number[]): number[] | null {
  const steps = to.map((n, d) => (n > 1 ? at[to.slice(d + 1).reduce((p, m) => p * m, 1)] - at[0] : 0));
  return places(to, steps).every((place, i) => place + at[0] === at[i]) ? steps : null;
}

/** Shapes of the same number of elements, among them sizes of 1. */
function regrouped(shape: readonly number[]): fc.Arbitrary<number[]> {
  const primes = shape.flatMap((n) => (n === 4 ? [2, 2] : n === 6 ? [2, 3] : [n]));
  return fc.tuple(fc.shuffledSubarray(primes, { minLength: primes.length }), fc.infiniteStream(fc.nat(2))).map(
    ([order, cuts]) => {
      const to: number[] = [];
      for (const n of order) {
        const cut = cuts.next().value;
        if (cut === 0 && to.length > 0) to[to.length - 1] *= n;
        else to.push(n);
        if (cut === 2) to.push(1);
      }
      return to;
    },
  );
}

const stepped = fc.array(fc.tuple(fc.constantFrom(1, 2, 3, 4, 6), fc.constantFrom(-2, -1, 0, 1, 2, 3, 4, 6, 12)), {
  maxLength: 3,
});

describe("shape", () => {
  it("show() writes sizes as people do", () => assertEquals([show([2, 3]), show([])], ["[2, 3]", "[]"]));

  it("sizeOf() is 1 for a single number and 0 where a size is 0", () => {
    assertEquals([sizeOf([]), sizeOf([2, 3]), sizeOf([2, 0, 3])], [1, 6, 0]);
  });

  it("rowMajor() steps over all that follows, and over a size of 0 as over 1", () => {
    assertEquals(rowMajor([2, 3, 4]), [12, 4, 1]);
    assertEquals(rowMajor([2, 0, 4]), [4, 4, 1]);
    assertEquals(rowMajor([]), []);
  });

  it("isRowMajor() says whether elements stand one after the other", () => {
    fc.assert(
      fc.property(stepped, (dims) => {
        const [shape, strides] = [dims.map(([n]) => n), dims.map(([, step]) => step)];
        assertEquals(isRowMajor(shape, strides), places(shape, strides).every((at, i) => at === i));
      }),
      SEEDED,
    );
  });

  it("isRowMajor() holds for a tensor without elements, whatever its strides", () => {
    assertEquals([isRowMajor([0, 3], [1, 2]), isRowMajor([3, 0], [7, 7])], [true, true]);
  });

  it("sameShape() compares ranks as well", () => {
    assertEquals([sameShape([2, 3], [2, 3]), sameShape([2, 3], [2]), sameShape([2], [3])], [true, false, false]);
  });

  it("checkShape() refuses negative, fractional and too many", () => {
    assertThrows(() => checkShape([2, -1]), RangeError, "shape [2, -1]: -1 is not a whole size");
    assertThrows(() => checkShape([1.5]), RangeError, "1.5 is not a whole size");
    assertThrows(() => checkShape([65536, 32768]), RangeError, "2147483648 elements pass the limit of 2147483647");
  });

  it("resolveDim() counts negative dimensions from the end", () => {
    assertEquals([resolveDim(-1, 3, "x"), resolveDim(-3, 3, "x"), resolveDim(2, 3, "x")], [2, 0, 2]);
  });

  it("resolveDim() accepts 0 and -1 for a single number", () => {
    assertEquals([resolveDim(0, 0, "x"), resolveDim(-1, 0, "x")], [0, 0]);
  });

  for (const [dim, rank] of [[3, 3], [-4, 3], [1, 0], [0.5, 2], [NaN, 2]]) {
    it(`resolveDim() refuses ${dim} of rank ${rank}`, () => {
      assertThrows(() => resolveDim(dim, rank, "fold"), RangeError, `Cannot fold dimension ${dim}`);
    });
  }
});

describe("broadcastShapes()", () => {
  it("broadcastShapes() is PyTorch's rule for every pair of shapes up to rank 4", () => {
    const seen = { fits: 0, clashes: 0 };
    fc.assert(
      fc.property(anyShape, anyShape, (a, b) => {
        const expected = broadcastShape(a, b);
        if (expected === null) {
          assertThrows(() => broadcastShapes(a, b, "add"), RangeError, `${show(a)} and ${show(b)}`);
        } else assertEquals(broadcastShapes(a, b, "add"), expected);
        seen[expected === null ? "clashes" : "fits"]++;
      }),
      { ...SEEDED, numRuns: 2000 },
    );
    assertEquals([seen.fits > 300, seen.clashes > 300], [true, true]);
  });

  it("broadcastShapes() lets a size of 0 meet 1, not 2", () => {
    assertEquals(broadcastShapes([0], [1], "add"), [0]);
    assertEquals(broadcastShapes([3, 1], [0], "add"), [3, 0]);
    assertThrows(() => broadcastShapes([0], [2], "add"), RangeError, "sizes 0 and 2 differ");
  });

  it("broadcastShapes() marks the clashing column in its message", () => {
    const error = assertThrows(() => broadcastShapes([10, 2], [3, 10, 5], "add"), RangeError);
    assertEquals(error.message.split("\n").slice(1), ["      10   2", "   3  10   5", "          ^^"]);
  });

  it("broadcastStrides() repeats with a step of 0 and keeps the others", () => {
    assertEquals(broadcastStrides([3, 1], [1, 3], [2, 3, 4]), [0, 1, 0]);
    assertEquals(broadcastStrides([1], [5], [1]), [5]);
  });
});

describe("inferShape()", () => {
  it("inferShape() completes one size", () => {
    assertEquals(inferShape([-1, 3], [2, 6]), [4, 3]);
    assertEquals(inferShape([3, -1], [0, 3]), [3, 0]);
    assertEquals(inferShape([-1], []), [1]);
  });

  for (const [to, why] of [[[-1, -1], "only one size"], [[4, -1], "do not divide"], [[5], "invalid for 6"]] as const) {
    it(`inferShape() refuses [${to}] for 6 elements`, () => {
      assertThrows(() => inferShape(to, [2, 3]), RangeError, why);
    });
  }

  it("inferShape() refuses an open size beside 0, which could be anything", () => {
    assertThrows(() => inferShape([-1, 0], [0, 3]), RangeError, "Cannot view [0, 3] as [-1, 0]");
  });

  it("inferShape() refuses two negative sizes whose product fits", () => {
    assertThrows(() => inferShape([-2, -3], [6]), RangeError);
  });
});

describe("viewStrides()", () => {
  it("viewStrides() finds the steps exactly where there are any", () => {
    const seen = { views: 0, copies: 0 };
    const cases = stepped.chain((dims) => fc.tuple(fc.constant(dims), regrouped(dims.map(([n]) => n))));
    fc.assert(
      fc.property(cases, ([dims, to]) => {
        const [shape, strides] = [dims.map(([n]) => n), dims.map(([, step]) => step)];
        const at = places(shape, strides);
        const found = viewStrides(shape, strides, to);
        assertEquals(found === null, bruteStrides(at, to) === null);
        if (found !== null) assertEquals(places(to, found), at);
        seen[found === null ? "copies" : "views"]++;
      }),
      { ...SEEDED, numRuns: 3000 },
    );
    assertEquals([seen.views > 500, seen.copies > 500], [true, true]);
  });

  it("viewStrides() always shows a row-major tensor", () => {
    const cases = fullShape.chain((shape) => fc.tuple(fc.constant(shape), regrouped(shape)));
    fc.assert(
      fc.property(cases, ([shape, to]) => assertEquals(isRowMajor(to, viewStrides(shape, rowMajor(shape), to)!), true)),
      SEEDED,
    );
  });

  it("viewStrides() shows nothing as anything without elements", () => {
    assertEquals(viewStrides([0, 3], [1, 2], [5, 0]), [1, 1]);
  });
});
