/** Pooling: PyTorch's numbers, shapes that are awkward, layouts, and what is refused. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, full, randn, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import { testCourse, type Translations } from "../../course_reference.ts";
import { assertNear } from "./reference.ts";

const F = nn.functional;

/** Our calls for PyTorch's. */
const TRANSLATIONS: Translations = {
  "max_pool2d(x, 2)": { call: (x) => F.maxPool2d(x, 2) },
  "max_pool2d(x, 3, stride=2, padding=1)": { call: (x) => F.maxPool2d(x, 3, { stride: 2, padding: 1 }) },
  "max_pool2d(x, 2, stride=2, ceil_mode=True)": { call: (x) => F.maxPool2d(x, 2, { stride: 2, ceilMode: true }) },
  "max_pool2d(x, (2, 3), dilation=(2, 1))": { call: (x) => F.maxPool2d(x, [2, 3], { dilation: [2, 1] }) },
  "max_pool2d(round(x * 3), 2)  # ties": { call: (x) => F.maxPool2d(x.mul(3).round().add(x.mul(0)), 2) },
  "max_pool2d(x, 2, return_indices=True)": { call: (x) => Object.values(F.maxPool2d(x, 2, { returnIndices: true })) },
  "max_pool1d(x, 3, stride=2, padding=1)": { call: (x) => F.maxPool1d(x, 3, { stride: 2, padding: 1 }) },
  "avg_pool2d(x, 2)": { call: (x) => F.avgPool2d(x, 2) },
  "avg_pool2d(x, 3, stride=2, padding=1)": { call: (x) => F.avgPool2d(x, 3, { stride: 2, padding: 1 }) },
  "avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)": {
    call: (x) => F.avgPool2d(x, 3, { stride: 2, padding: 1, countIncludePad: false }),
  },
  "avg_pool2d(x, 3, stride=2, ceil_mode=True)": { call: (x) => F.avgPool2d(x, 3, { stride: 2, ceilMode: true }) },
  "avg_pool2d(x, 2, divisor_override=3)": { call: (x) => F.avgPool2d(x, 2, { divisorOverride: 3 }) },
  "avg_pool1d(x, 3, stride=2, padding=1)": { call: (x) => F.avgPool1d(x, 3, { stride: 2, padding: 1 }) },
  "adaptive_avg_pool2d(x, 1)": { call: (x) => F.adaptiveAvgPool2d(x, 1) },
  "adaptive_avg_pool2d(x, (3, 2))": { call: (x) => F.adaptiveAvgPool2d(x, [3, 2]) },
  "adaptive_max_pool2d(x, (3, 2))": { call: (x) => F.adaptiveMaxPool2d(x, [3, 2]) },
  "adaptive_avg_pool1d(x, 3)": { call: (x) => F.adaptiveAvgPool1d(x, 3) },
};

describe("pooling: PyTorch's numbers", () => testCourse("pool", TRANSLATIONS));

/** The same windows, written as loops over the elements of one plane. */
function slowly(plane: number[][], kernel: number, stride: number, padding: number, of: (window: number[]) => number) {
  const count = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
  const [rows, columns] = [count(plane.length), count(plane[0].length)];
  const from = (i: number) => i * stride - padding;
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) =>
      of(
        plane.slice(Math.max(from(i), 0), from(i) + kernel).flatMap((row) =>
          row.slice(Math.max(from(j), 0), from(j) + kernel)
        ),
      )));
}

describe("pooling of float32", () => {
  const GEOMETRIES = [[2, 2, 0], [3, 2, 1], [2, 5, 1], [3, 1, 1], [1, 1, 0], [5, 3, 2], [2, 1, 0]];
  const SIZES = [[2, 2], [5, 7], [8, 8], [17, 3], [28, 28], [33, 70]].filter(([h, w]) => h > 1 && w > 1);
  for (const [kernel, stride, padding] of GEOMETRIES) {
    it(`by windows of ${kernel}, stride ${stride} and padding ${padding} is what loops give, as are its gradients`, () => {
      for (const [h, w] of SIZES.filter(([h, w]) => Math.min(h, w) + 2 * padding >= kernel)) {
        const x = randn([3, h, w]).requiresGrad_();
        const settings = { stride, padding };
        const [largest, mean] = [F.maxPool2d(x, kernel, settings), F.avgPool2d(x, kernel, settings)];
        const planes = x.toArray() as number[][][];
        const max = (window: number[]) => Math.max(...window);
        assertEquals(largest.toArray(), planes.map((p) => slowly(p, kernel, stride, padding, max)));
        const sum = (window: number[]) => window.reduce((a, b) => a + b, 0) / kernel ** 2;
        assertNear(mean, planes.map((p) => slowly(p, kernel, stride, padding, sum)), 1e-6, 1e-6);
        const g = randn([...mean.shape]);
        const wide = x.detach().double().requiresGrad_();
        const gradients = [F.maxPool2d, F.avgPool2d].map((pool) => {
          x.g = wide.g = null;
          pool(x, kernel, settings).mul(g).sum().backward();
          pool(wide, kernel, settings).mul(g.double()).sum().backward();
          return [x.g!, wide.g!];
        });
        for (const [found, wanted] of gradients) assertNear(found, wanted.toArray() as number[], 1e-6, 2e-6);
      }
    });
  }
  it("keeps NaN and −∞", () => {
    const x = tensor([[[NaN, 1, -Infinity, -Infinity], [2, 3, -Infinity, -Infinity]]]).requiresGrad_();
    const { values, indices } = F.maxPool2d(x, 2, { returnIndices: true });
    assertEquals([values.toArray(), indices.toArray()], [[[[NaN, -Infinity]]], [[[0, 2]]]]);
    values.sum().backward();
    assertEquals(x.g!.toArray(), [[[1, 0, 1, 0], [0, 0, 0, 0]]]);
  });
});

describe("pooling of awkward shapes", () => {
  const x = randn([2, 3, 8, 6]);
  it("reads transposed, sliced and expanded images as their copies", () => {
    const views = [
      x.transpose(2, 3),
      x.transpose(0, 1),
      x.slice(3, 0, undefined, 2),
      x.slice(2, undefined, undefined, -1),
      x.at(":", ":", "0:1").expand(2, 3, 4, 6),
    ];
    for (const view of views) {
      assertEquals(F.maxPool2d(view, 2).toArray(), F.maxPool2d(view.clone(), 2).toArray());
      assertEquals(F.avgPool2d(view, 2).toArray(), F.avgPool2d(view.clone(), 2).toArray());
    }
  });
  it("takes no samples, a thousand channels, and images without a batch", () => {
    assertEquals(F.maxPool2d(zeros([0, 3, 4, 4]), 2).shape, [0, 3, 2, 2]);
    assertEquals(F.avgPool2d(zeros([2, 0, 4, 4]), 2).shape, [2, 0, 2, 2]);
    assertEquals(F.maxPool2d(full([1, 1000, 2, 2], 3), 2).sum().item(), 3000);
    assertEquals(F.adaptiveAvgPool2d(full([1, 1000, 3, 3], 3), 1).sum().item(), 3000);
    assertEquals(F.maxPool2d(x.at(0), 2).toArray(), F.maxPool2d(x, 2).at(0).toArray());
    assertEquals(F.maxPool1d(x.at(0, 0), 2).toArray(), F.maxPool1d(x.at(0), 2).at(0).toArray());
    assertEquals(F.adaptiveAvgPool1d(x.at(0), 2).shape, [3, 8, 2]);
  });
  it("sends no gradient back to what a stride past the window steps over", () => {
    const ones = full([1, 1, 5, 5], 1).requiresGrad_();
    F.avgPool2d(ones, 1, { stride: 4 }).sum().backward();
    assertEquals(ones.g!.sum().item(), 4);
    assertEquals(ones.g!.at(0, 0, 4).toArray(), [1, 0, 0, 0, 1]);
  });
  it("finds nothing in a window that dilation puts outside of the image", () => {
    const one = tensor([[7]]).requiresGrad_();
    const { values, indices } = F.maxPool1d(one, 2, { padding: 1, dilation: 2, returnIndices: true });
    assertEquals([values.toArray(), indices.toArray()], [[[-Infinity]], [[-1]]]);
    values.sum().backward();
    assertEquals(one.g!.toArray(), [[0]]);
  });
  it("adaptive pooling keeps a size that is null, and gives none or more than there were", () => {
    assertEquals(F.adaptiveAvgPool2d(x, [null, 2]).shape, [2, 3, 8, 2]);
    assertEquals(F.adaptiveAvgPool2d(x, 0).shape, [2, 3, 0, 0]);
    assertEquals(F.adaptiveMaxPool2d(arange(2).float().view(1, 1, 2), [1, 4]).toArray(), [[[0, 0, 1, 1]]]);
    assertEquals(F.adaptiveAvgPool1d(x.at(0), null).toArray(), x.at(0).toArray());
  });
  it("gives the index of a maximum within its plane on request, also adaptively", () => {
    const { values, indices } = F.adaptiveMaxPool2d(x, 1, { returnIndices: true });
    assertEquals(values.flatten().toArray(), x.flatten(2).max(2).values.flatten().toArray());
    assertEquals(indices.flatten().toArray(), x.flatten(2).argmax(2).flatten().toArray());
  });
});

describe("pooling refuses", () => {
  const x = zeros([1, 2, 4, 3]);
  const refused: [what: string, call: () => unknown, kind: typeof RangeError | typeof TypeError, message: string][] = [
    [
      "a window larger than the image, with both sizes and the formula",
      () => F.maxPool2d(x, 5),
      RangeError,
      "of [1, 2, 4, 3] by windows of 5: dimension 2 would have ⌊(4 + 2·0 − 1·(5 − 1) − 1) / 5⌋ + 1 = 0 of them, " +
      "give a smaller window or a larger image",
    ],
    ["one wider than it", () => F.avgPool2d(x, [4, 4]), RangeError, "windows of 4: dimension 3 would have"],
    ["dilation past the image", () => F.maxPool2d(x, 2, { dilation: 4 }), RangeError, "(4 + 2·0 − 4·(2 − 1) − 1)"],
    ["an image without rows", () => F.maxPool2d(zeros([1, 1, 0, 3]), 1, { padding: 0 }), RangeError, "dimension 2"],
    ["padding past half of the window", () => F.maxPool2d(x, 2, { padding: 2 }), RangeError, "give 1 or less"],
    ["a stride of 0", () => F.maxPool2d(x, 2, { stride: 0 }), RangeError, "stride 0: give whole numbers from 1"],
    ["half a window", () => new nn.MaxPool2d(1.5), RangeError, "kernelSize 1.5: give whole numbers from 1"],
    [
      "three sizes",
      () => F.avgPool2d(x, [1, 2, 3] as never),
      TypeError,
      "kernelSize [1, 2, 3]: give a whole number, or two as",
    ],
    ["a divisor of 0", () => new nn.AvgPool2d(2, { divisorOverride: 0 }), RangeError, "but 0"],
    ["two dimensions", () => F.maxPool2d(zeros([4, 4]), 2), RangeError, "expected [batch, channels, rows, columns]"],
    ["images as sequences", () => F.maxPool1d(x, 2), RangeError, "expected [batch, channels, length]"],
    ["integers", () => F.avgPool2d(x.int(), 2), TypeError, "of a int32 tensor: cast it with float()"],
    ["no elements, adaptively", () => F.adaptiveAvgPool2d(zeros([1, 1, 0, 2]), 1), RangeError, "an element at least"],
    [
      "sizes that are no numbers",
      () => new nn.AdaptiveAvgPool2d("1" as never),
      TypeError,
      "give a whole number, or two as",
    ],
  ];
  for (const [what, call, kind, message] of refused) it(what, () => void assertThrows(call, kind, message));

  it("a backward pass after the indices were written in place", () => {
    const leaf = randn([1, 1, 4, 4]).requiresGrad_();
    const { values, indices } = F.maxPool2d(leaf, 2, { returnIndices: true });
    indices.zero_();
    assertThrows(() => values.sum().backward(), Error, "modified in place");
  });
});

describe("pooling as modules", () => {
  const printed: [nn.Module, string][] = [
    [new nn.MaxPool1d(3), "MaxPool1d(kernel_size=3, stride=3, padding=0, dilation=1, ceil_mode=False)"],
    [
      new nn.MaxPool2d([2, 3], { stride: [1, 2], padding: 1, dilation: 2, ceilMode: true }),
      "MaxPool2d(kernel_size=(2, 3), stride=(1, 2), padding=1, dilation=2, ceil_mode=True)",
    ],
    [new nn.AvgPool1d(3, { padding: 1 }), "AvgPool1d(kernel_size=(3,), stride=(3,), padding=(1,))"],
    [new nn.AvgPool2d(2), "AvgPool2d(kernel_size=2, stride=2, padding=0)"],
    [new nn.AdaptiveAvgPool1d(3), "AdaptiveAvgPool1d(output_size=3)"],
    [new nn.AdaptiveAvgPool2d(1), "AdaptiveAvgPool2d(output_size=1)"],
    [new nn.AdaptiveAvgPool2d([3, null]), "AdaptiveAvgPool2d(output_size=(3, None))"],
    [new nn.AdaptiveMaxPool2d([3, 2]), "AdaptiveMaxPool2d(output_size=(3, 2))"],
  ];
  for (const [module, text] of printed) it(`${text} prints as in PyTorch`, () => assertEquals(`${module}`, text));

  it("compute what their functions do", () => {
    const [image, sequence] = [randn([2, 3, 7, 6]), randn([2, 3, 7])];
    const pairs: [nn.Module, Tensor, Tensor][] = [
      [new nn.MaxPool1d(2, { padding: 1 }), sequence, F.maxPool1d(sequence, 2, { padding: 1 })],
      [new nn.MaxPool2d(2, { ceilMode: true }), image, F.maxPool2d(image, 2, { ceilMode: true })],
      [new nn.AvgPool1d(2, { padding: 1 }), sequence, F.avgPool1d(sequence, 2, { padding: 1 })],
      [new nn.AvgPool2d(2, { divisorOverride: 3 }), image, F.avgPool2d(image, 2, { divisorOverride: 3 })],
      [new nn.AdaptiveAvgPool1d(2), sequence, F.adaptiveAvgPool1d(sequence, 2)],
      [new nn.AdaptiveAvgPool2d(2), image, F.adaptiveAvgPool2d(image, 2)],
      [new nn.AdaptiveMaxPool2d(2), image, F.adaptiveMaxPool2d(image, 2)],
    ];
    for (const [module, x, y] of pairs) assertEquals(module.call(x).toArray(), y.toArray());
  });
});
