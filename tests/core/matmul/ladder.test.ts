import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, ones, type Tensor, tensor, useBackend, zeros } from "@gradus/gradus";
import { ladder, type Rung } from "@gradus/gradus/ladder";
import { backend, backendNamed } from "../../../core/backend/choose.ts";
import { read } from "../oracle.ts";

/** Why a rung cannot be climbed here, or `null`. */
function missing({ backend }: Rung): string | null {
  try {
    backendNamed(backend);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The product on the back end the rung is judged on; the one in use is put back. */
function climb(rung: Rung, a: Tensor, b: Tensor): Tensor {
  const before = backend().name;
  useBackend(rung.backend);
  try {
    return rung.multiply(a, b);
  } finally {
    useBackend(before);
  }
}

/** Numbers between −1 and 1 that look random and are the same everywhere. */
function noise(rows: number, columns: number, seed: number): Tensor {
  const x = zeros([rows, columns]);
  let state = seed * 2654435761 >>> 0;
  for (let i = 0; i < x.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    x.data[i] = state / 2 ** 31 - 1;
  }
  return x;
}

/** Powers of two with signs: every product and partial sum of up to 2**9 of them fits in 24 bits. */
function powersOfTwo(rows: number, columns: number, seed: number): Tensor {
  const x = noise(rows, columns, seed);
  x.data.forEach((value, i) => (x.data[i] = Math.sign(value) * 2 ** (Math.floor(Math.abs(value) * 8) - 4)));
  return x;
}

/**
 * Both rungs round k products and k sums at most, each by half of ε = 2⁻²³: `|fl(A·B) − A·B| ≤ γ |A||B|` with γ about
 * k·ε/2 (Higham, Accuracy and Stability of Numerical Algorithms, 3.5); two of them are k·ε apart, and 2·ε for the last rounding.
 */
function assertNear(actual: Tensor, expected: Tensor, a: Tensor, b: Tensor): void {
  assertEquals(actual.shape, expected.shape);
  const [k, n] = [a.shape[1], b.shape[1]];
  const weights = read(a.double().abs().matmul(b.double().abs()));
  const [p, q] = [read(actual), read(expected)];
  p.forEach((value, i) => {
    const bound = (k + 2) * 2 ** -23 * weights[i];
    const near = Object.is(value, q[i]) || Math.abs(value - q[i]) <= bound;
    assert(near, `element [${Math.floor(i / n)}, ${i % n}]: ${value} is not ${q[i]} within ${bound}`);
  });
}

const EDGES = [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33];
const TALL = [63, 64, 65];

/** Sizes [m, k, n]; the rungs of single elements skip the ones of more than 50,000 multiplications. */
const SIZES: readonly (readonly [number, number, number])[] = [
  ...EDGES.map((s) => [s, s, s] as const),
  ...TALL.flatMap((s) => [[s, s, s], [s, 3, 5], [5, s, 3], [3, 5, s]] as const),
  ...EDGES.slice(1).map((s) => [1, s, 1] as const),
  ...[[0, 3, 4], [3, 0, 4], [3, 4, 0], [1, 1, 17], [17, 1, 1], [33, 65, 17], [5, 784, 10], [7, 300, 9]] as const,
];

const LAYOUTS: Record<string, () => [Tensor, Tensor]> = {
  "a transposed left operand": () => [noise(9, 7, 1).t(), noise(9, 5, 2)],
  "a transposed right operand": () => [noise(7, 9, 1), noise(5, 9, 2).t()],
  "both transposed": () => [noise(9, 7, 1).t(), noise(5, 9, 2).t()],
  "rows and columns left out": () => [noise(14, 27, 1).at("::2", "::3"), noise(18, 10, 2).at("1::2", "::2")],
  "rows and columns backwards": () => [noise(7, 9, 1).at("::-1", "::-1"), noise(9, 5, 2).at(":", "::-1")],
  "an expanded row": () => [noise(1, 9, 1).expand(7, 9), noise(9, 5, 2)],
  "an expanded column": () => [noise(7, 9, 1), noise(9, 1, 2).expand(9, 5)],
  "an expanded number": () => [noise(1, 1, 1).expand(7, 9), noise(1, 1, 2).expand(9, 5)],
  "a window with an offset": () => [noise(20, 20, 1).at("3:10", "5:14"), noise(20, 20, 2).at("2:11", "7:12")],
};

// Where a NaN or an infinity stands, it must stand in the product, and nowhere else.
const ODD: Record<string, () => [Tensor, Tensor]> = {
  "NaN in one row": () => {
    const a = ones([5, 6]);
    a.at(2, 3).fill_(NaN);
    return [a, ones([6, 9])];
  },
  "NaN in one column": () => {
    const b = ones([6, 9]);
    b.at(5, 8).fill_(NaN);
    return [ones([5, 6]), b];
  },
  "infinities that meet and cancel": () => {
    const a = ones([5, 6]);
    a.at(0, 0).fill_(Infinity), a.at(0, 1).fill_(-Infinity), a.at(4, 5).fill_(-Infinity);
    return [a, ones([6, 9])];
  },
  "0 times infinity": () => {
    const b = ones([6, 9]);
    b.at(0, 0).fill_(Infinity);
    return [zeros([5, 6]), b];
  },
};

const SLOW = new Set(["01_loops", "02_row_dot"]);

describe("ladder", () => {
  it("the rungs are the files, in order", () => {
    const names = [...Deno.readDirSync(new URL("../../../core/matmul/", import.meta.url))].map((entry) => entry.name);
    const files = names.filter((name) => /^\d/.test(name)).map((name) => name.replace(".ts", "")).sort();
    assertEquals(ladder.map((rung) => rung.name), files);
  });

  it("01_loops is the definition", () => {
    const [a, b] = [tensor([[1, 2, 3], [4, 5, 6]]), tensor([[1, 0], [0, 1], [10, 100]])];
    assertEquals(climb(ladder[0], a, b).toArray(), [[31, 302], [64, 605]]);
  });

  ladder.slice(1).forEach((rung, i) => {
    const below = ladder[i];
    const reason = missing(rung) ?? missing(below);
    const check = reason === null ? it : it.skip;
    const why = reason === null ? "" : `: ${reason}`; // said once
    const sizes = SIZES.filter(([m, k, n]) => m * k * n <= (SLOW.has(below.name) ? 50_000 : Infinity));

    check(`${rung.name} agrees with ${below.name} on ${sizes.length} sizes around every tile edge${why}`, () => {
      for (const [m, k, n] of sizes) {
        const [a, b] = [noise(m, k, 1), noise(k, n, 2)];
        assertNear(climb(rung, a, b), climb(below, a, b), a, b);
      }
    });

    check(`${rung.name} has the bits of ${below.name} for powers of two`, () => {
      for (const [m, k, n] of sizes.filter(([, k]) => k <= 512)) {
        const [a, b] = [powersOfTwo(m, k, 1), powersOfTwo(k, n, 2)];
        assertEquals(read(climb(rung, a, b)), read(climb(below, a, b)));
      }
    });

    for (const [layout, make] of Object.entries(LAYOUTS)) {
      check(`${rung.name} reads ${layout} as ${below.name} does`, () => {
        const [a, b] = make();
        assertNear(climb(rung, a, b), climb(below, a, b), a, b);
      });
    }

    for (const [oddity, make] of Object.entries(ODD)) {
      check(`${rung.name} keeps ${oddity} as ${below.name} does`, () => {
        const [a, b] = make();
        const product = read(climb(rung, a, b));
        assert(product.some((value) => !Number.isFinite(value)));
        assertEquals(product, read(climb(below, a, b)));
      });
    }
  });

  for (const rung of ladder) {
    it(`${rung.name} refuses operands that do not fit`, () => {
      assertThrows(() => rung.multiply(ones([2, 3]), ones([2, 3])), RangeError, "Cannot multiply [2, 3] by [2, 3]");
      assertThrows(() => rung.multiply(ones([3]), ones([3, 1])), RangeError, "expected matrices");
      assertThrows(() => rung.multiply(ones([1, 1]).double(), ones([1, 1])), TypeError, "use float()");
    });
    (missing(rung) === null ? it : it.skip)(`${rung.name} leaves its operands as they were`, () => {
      const [a, b] = [arange(6).view(2, 3), arange(6).view(3, 2)];
      climb(rung, a, b);
      assertEquals([read(a), read(b)], [[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]]);
    });
  }
});
