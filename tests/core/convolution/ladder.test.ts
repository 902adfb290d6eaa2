import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, fromData, ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import { convolutionLadder } from "@gradus/gradus/ladder";
import { BACKENDS, onBackend } from "../../course_reference.ts";
import { floats } from "../backend/verb_cases.ts";
import { read } from "../oracle.ts";

/** Numbers between −1 and 1, the same everywhere. */
function noise(shape: readonly number[], seed = 1): Tensor {
  return fromData(floats(shape.reduce((product, n) => product * n, 1), 1, seed), shape);
}

/** Both round k products and k sums at most; see the ladder of products. */
function assertNear(actual: Tensor, expected: Tensor, x: Tensor, w: Tensor): void {
  assertEquals(actual.shape, expected.shape);
  const sizes = read(convolutionLadder[3].convolve(x.abs(), w.abs()));
  const k = w.numel() / Math.max(1, w.shape[0]);
  const [p, q] = [read(actual), read(expected)];
  p.forEach((value, i) => {
    const near = Object.is(value, q[i]) || Math.abs(value - q[i]) <= (k + 2) * 2 ** -23 * sizes[i];
    assert(near, `element ${i}: ${value} is not ${q[i]}`);
  });
}

/** Shapes of x and w; the rung of single elements skips those of more than 50,000 multiplications. */
const SIZES: [x: number[], w: number[]][] = [
  [[1, 1, 1, 1], [1, 1, 1, 1]],
  [[2, 3, 5, 6], [4, 3, 3, 3]],
  [[3, 1, 28, 28], [1, 1, 3, 3]],
  [[1, 5, 3, 4], [7, 5, 1, 1]],
  [[2, 2, 4, 4], [3, 2, 4, 4]],
  [[1, 2, 9, 1], [2, 2, 5, 1]],
  [[1, 2, 1, 9], [2, 2, 1, 5]],
  [[0, 2, 4, 4], [3, 2, 3, 3]],
  [[2, 2, 4, 4], [0, 2, 3, 3]],
  [[1, 0, 4, 4], [2, 0, 3, 3]],
  [[1, 1000, 2, 2], [2, 1000, 2, 2]],
  [[2, 17, 15, 33], [16, 17, 3, 3]],
  [[4, 1, 28, 28], [8, 1, 5, 5]],
];

const LAYOUTS: Record<string, () => [Tensor, Tensor]> = {
  "transposed images": () => [noise([6, 5, 3, 2]).permute(3, 2, 1, 0), noise([4, 3, 2, 3], 2)],
  "transposed kernels": () => [noise([2, 3, 5, 6]), noise([3, 2, 3, 4], 2).permute(3, 2, 1, 0)],
  "expanded images": () => [noise([1, 3, 1, 6]).expand(2, 3, 5, 6), noise([4, 3, 2, 2], 2)],
  "images backwards and with gaps": () => [noise([2, 3, 10, 6]).at(":", ":", "::2", "::-1"), noise([4, 3, 2, 2], 2)],
};

const work = ([x, w]: [number[], number[]]) => x.reduce((p, n) => p * n, 1) * w.reduce((p, n) => p * n, 1) / w[1];

describe("the ladder of convolutions", () => {
  it("the rungs are the files, in order", () => {
    const folder = new URL("../../../core/convolution/", import.meta.url);
    const files = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => /^\d/.test(name)).sort();
    assertEquals(convolutionLadder.map(({ name }) => `${name}.ts`), files);
  });

  it("01_loops is the definition", () => {
    const [x, w] = [arange(9).view(1, 1, 3, 3), tensor([[[[1, 10], [100, 1000]]]])];
    assertEquals(convolutionLadder[0].convolve(x, w).toArray(), [[[[4310, 5421], [7643, 8754]]]]);
  });

  convolutionLadder.slice(1).forEach((rung, i) => {
    const below = convolutionLadder[i];
    const sizes = SIZES.filter((size) => i > 0 || work(size) <= 50_000);
    for (const name of BACKENDS) {
      it(`${rung.name} agrees with ${below.name} on ${sizes.length} sizes and in every layout (${name})`, () => {
        onBackend(name, () => {
          const made = sizes.map(([x, w]): [Tensor, Tensor] => [noise(x), noise(w, 2)]);
          for (const [x, w] of [...made, ...Object.values(LAYOUTS).map((make) => make())]) {
            assertNear(rung.convolve(x, w), below.convolve(x, w), x, w);
          }
        });
      });

      it(`${rung.name} keeps NaN and infinities as ${below.name} does (${name})`, () => {
        onBackend(name, () => {
          const [x, w] = [ones([1, 2, 6, 7]), ones([3, 2, 2, 3])];
          x.at(0, 1, 4, 2).fill_(NaN), x.at(0, 0, 0, 6).fill_(Infinity), w.at(2, 0, 0, 0).fill_(0);
          const found = read(rung.convolve(x, w));
          assert(found.some((value) => Number.isNaN(value)) && found.some((value) => value === Infinity));
          assertEquals(found, read(below.convolve(x, w)));
        });
      });
    }
  });

  for (const { name, convolve } of convolutionLadder) {
    it(`${name} refuses operands that do not fit`, () => {
      assertThrows(
        () => convolve(ones([1, 1, 3, 3]), ones([1, 2, 2, 2])),
        RangeError,
        "Cannot convolve [1, 1, 3, 3] by [1, 2,",
      );
      assertThrows(
        () => convolve(ones([1, 3, 3]), ones([1, 1, 2, 2])),
        RangeError,
        "expected images [n, c, height, width]",
      );
      assertThrows(
        () => convolve(zeros([1, 1, 3, 3]), ones([1, 1, 4, 2])),
        RangeError,
        "kernel of 4 x 2: the result has ⌊(2·0 + 3",
      );
      assertThrows(() => convolve(ones([1, 1, 1, 1]).double(), ones([1, 1, 1, 1])), TypeError, "use float()");
    });
  }
});
