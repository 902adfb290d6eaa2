import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { arange, ones, type Tensor, zeros } from "@gradus/gradus";
import { functional as F } from "@gradus/gradus/nn";
import { BACKENDS, checkCase, courseCases, onBackend, type Translations } from "../../../course_reference.ts";

/** Those of the cases of `resize` that are judged here. */
const TRANSLATIONS: Translations = {
  "unfold(x, (2, 3), padding=1, stride=2)  # im2col": { call: (x) => F.unfold(x, [2, 3], { padding: 1, stride: 2 }) },
  "fold(x, (4, 5), (2, 3), padding=1, stride=2)": { call: (x) => F.fold(x, [4, 5], [2, 3], { padding: 1, stride: 2 }) },
  "x.unfold(1, 3, 2)": { call: (x) => x.unfold(1, 3, 2) },
};
const STRIDED: Translations = {
  "x.as_strided((2, 3), (1, 4), 2)": { call: (x) => x.asStrided([2, 3], [1, 4], 2) },
};

describe("windows of PyTorch", () => {
  for (const [section, translations] of [["resize", TRANSLATIONS], ["tensor_api", STRIDED]] as const) {
    for (const [call, translation] of Object.entries(translations)) {
      const entry = courseCases(section).find((entry) => entry.call === call)!;
      for (const name of BACKENDS) {
        it(`${call} is PyTorch's (${name})`, () => onBackend(name, () => checkCase(entry, translation)));
      }
    }
  }
});

describe("unfold() and fold()", () => {
  const x = arange(24).view(1, 2, 3, 4).double();

  it("make a convolution a product", () => {
    const w = arange(24).view(3, 2, 2, 2).double().sub(10);
    const product = w.flatten(1).matmul(F.unfold(x, 2)).view(1, 3, 2, 3);
    assertEquals(product.toArray(), F.conv2d(x, w).toArray());
  });

  it("take images and columns that are transposed or expanded", () => {
    const turned = x.transpose(2, 3);
    assertEquals(F.unfold(turned, 2).toArray(), F.unfold(turned.clone(), 2).toArray());
    const wide = x.narrow(3, 0, 1).expand(1, 2, 3, 4);
    assertEquals(F.unfold(wide, [1, 2]).toArray(), F.unfold(wide.clone(), [1, 2]).toArray());
    const columns = arange(16).view(4, 4).double();
    assertEquals(F.fold(columns.t(), 3, 2).toArray(), F.fold(columns.t().clone(), 3, 2).toArray());
  });

  it("of one image, of none and of padding alone", () => {
    assertEquals(F.unfold(x.select(0, 0), 2).toArray(), F.unfold(x, 2).select(0, 0).toArray());
    assertEquals(F.unfold(zeros([0, 2, 3, 3]), 2).shape, [0, 8, 4]);
    assertEquals(F.fold(zeros([0, 8, 4]), 3, 2).shape, [0, 2, 3, 3]);
    assertEquals(F.unfold(ones([1, 1, 1]), 1, { padding: 1, stride: 2 }).toArray(), [[0, 0, 0, 0]]);
  });

  it("refuse a kernel larger than the image, and columns that are none of such an image", () => {
    assertThrows(() => F.unfold(x, 5), RangeError, "[1, 2, 3, 4] with a kernel of 5 x 5: the result has ⌊(2·0 + 3");
    assertThrows(
      () => F.unfold(ones([3, 3]), 2),
      RangeError,
      "Cannot unfold [3, 3]: expected [n, channels, height, width]",
    );
    assertThrows(
      () => F.fold(ones([4, 5]), 3, 2),
      RangeError,
      "it has 5 windows, and there are 2 · 2 = 4 in such an image",
    );
    assertThrows(() => F.fold(ones([5, 4]), 3, 2), RangeError, "its 5 rows do not divide into channels of 4");
    assertThrows(() => F.unfold(x.int(), 2), TypeError, "Cannot unfold a tensor of int32: cast it with float()");
  });
});

describe("Tensor.unfold()", () => {
  it("is a view, windows in a new last dimension", () => {
    const x = arange(7).view(1, 7);
    const windows = x.unfold(1, 3, 2);
    assertEquals(windows.toArray(), [[[0, 1, 2], [2, 3, 4], [4, 5, 6]]]);
    assertEquals([windows.data === x.data, windows.strides], [true, [7, 2, 1]]);
    assertEquals(x.unfold(-1, 7, 1).shape, [1, 1, 7]);
    assertEquals(x.t().unfold(0, 2, 5).toArray(), [[[0, 1]], [[5, 6]]]);
    assertEquals(arange(3).unfold(0, 0, 1).shape, [4, 0]);
    assertEquals(ones([]).unfold(0, 1, 1).toArray(), [1]);
  });

  it("refuses windows larger than the dimension, and steps that are none", () => {
    const x: Tensor = ones([2, 7]);
    assertThrows(
      () => x.unfold(1, 9, 1),
      RangeError,
      "[2, 7] at dimension 1: windows of 9 are 2 more than its 7 elements",
    );
    assertThrows(() => x.unfold(1, 2, 0), RangeError, "the step is 0, give a whole number from 1");
    assertThrows(() => x.unfold(1, -1, 1), RangeError, "the windows are of -1");
    assertThrows(() => x.unfold(2, 1, 1), RangeError, "dimension 2");
  });
});

describe("Tensor.asStrided()", () => {
  it("is any view of the same memory, from where the tensor begins", () => {
    const x = arange(12).view(3, 4);
    assertEquals(x.asStrided([2, 2, 2], [4, 1, 1]).toArray(), [[[0, 1], [1, 2]], [[4, 5], [5, 6]]]);
    assertEquals(x.select(0, 1).asStrided([2], [2]).toArray(), [4, 6]);
    assertEquals(x.select(0, 1).asStrided([2], [-4]).toArray(), [4, 0]);
    assertEquals(x.asStrided([], [], 5).item(), 5);
    assertEquals(x.asStrided([0, 3], [100, 100]).shape, [0, 3]);
  });

  it("refuses what lies outside of the memory, with how far it reaches", () => {
    const x = arange(12).view(3, 4);
    const call = (size: number[], strides: number[], offset?: number) => () => x.asStrided(size, strides, offset);
    assertThrows(
      call([2, 9], [1, 4], 2),
      RangeError,
      "Cannot view [3, 4] as [2, 9] with strides [1, 4] from 2: it reaches from 2 to 35",
    );
    assertThrows(call([2], [-1]), RangeError, "it reaches from -1 to 0 in a memory of 12 elements");
    assertThrows(call([2, 2], [1]), RangeError, "there are 1 strides for 2 sizes");
    assertThrows(call([2], [0.5]), RangeError, "strides and offset must be whole numbers");
    assertThrows(() => x.asStrided([2], 3 as never), TypeError, "as in [4, 1]");
  });
});
