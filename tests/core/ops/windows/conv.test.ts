import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { arange, fromData, ones, type Tensor, zeros } from "@gradus/gradus";
import { functional as F } from "@gradus/gradus/nn";
import { convolution } from "../../../../core/ops/windows/conv.ts";
import { numbers } from "../../backend/gemm_cases.ts";

/** Float64 numbers in [−1, 1). */
function values(shape: readonly number[], seed = 1): Tensor {
  const next = numbers(seed);
  return fromData(Float64Array.from({ length: shape.reduce((p, n) => p * n, 1) }, next), shape);
}

function assertNear(actual: Tensor, expected: Tensor): void {
  assertEquals(actual.shape, expected.shape);
  const most = actual.numel() === 0 ? 0 : actual.sub(expected).abs().max().item();
  if (!(most < 1e-12)) throw new Error(`off by ${most}`);
}

const refused = (call: () => unknown, ...parts: string[]) => {
  const error = assertThrows(call, RangeError);
  for (const part of parts) if (!error.message.includes(part)) throw new Error(`${part} is not in: ${error.message}`);
};

describe("convolutions", () => {
  const [x, w, b] = [values([2, 3, 5, 6]), values([4, 3, 2, 3], 2), values([4], 3)];

  it("have the values of the formula by hand", () => {
    const y = F.conv2d(arange(9).view(1, 3, 3), ones([1, 1, 2, 2]));
    assertEquals(y.toArray(), [[[8, 12], [20, 24]]]);
    assertEquals(F.conv1d(arange(4).view(1, 4), ones([1, 1, 2])).toArray(), [[1, 3, 5]]);
    const z = F.convTranspose2d(arange(4).view(1, 2, 2), ones([1, 1, 2, 2]));
    assertEquals(z.toArray(), [[[0, 1, 1], [2, 6, 4], [2, 5, 3]]]);
  });

  it("of transposed, expanded and sliced inputs are those of their copies", () => {
    const layouts: Record<string, Tensor> = {
      transposed: values([6, 5, 3, 2]).permute(3, 2, 1, 0),
      expanded: values([1, 3, 1, 6]).expand(2, 3, 5, 6),
      "sliced with a step": values([2, 3, 10, 12]).slice(2, 1, undefined, 2).slice(3, 0, undefined, 2),
      backwards: x.slice(2, undefined, undefined, -1).slice(3, undefined, undefined, -1),
    };
    for (const view of Object.values(layouts)) {
      assertNear(F.conv2d(view, w, b, { padding: 1 }), F.conv2d(view.clone(), w, b, { padding: 1 }));
      const kernel = values([3, 4, 3, 2], 2);
      assertNear(F.convTranspose2d(view, kernel), F.convTranspose2d(view.clone(), kernel));
    }
    const turned = values([3, 2, 3, 4], 2).permute(3, 2, 1, 0);
    assertNear(F.conv2d(x, turned), F.conv2d(x, turned.clone()));
    assertNear(
      F.conv2d(x, w, values([8], 3).slice(0, 0, undefined, 2)),
      F.conv2d(x, w, values([8], 3).slice(0, 0, undefined, 2).clone()),
    );
  });

  it("of one image are those of a batch of it", () => {
    assertNear(F.conv2d(x.select(0, 1), w, b, { stride: 2 }), F.conv2d(x, w, b, { stride: 2 }).select(0, 1));
    const kernel = values([3, 2, 2, 2]);
    assertNear(F.convTranspose2d(x.select(0, 1), kernel), F.convTranspose2d(x, kernel).select(0, 1));
    const [sequence, short] = [x.select(2, 0), w.select(2, 0)];
    assertNear(F.conv1d(sequence.select(0, 0), short), F.conv1d(sequence, short).select(0, 0));
  });

  it("of many channels, one channel and no channels are sums over them", () => {
    const [wide, kernel] = [values([1, 1000, 2, 2]), values([2, 1000, 2, 2], 2)];
    const sums = kernel.mul(wide).sum([1, 2, 3]).view(1, 2, 1, 1);
    assertNear(F.conv2d(wide, kernel), sums);
    assertEquals(F.conv2d(zeros([2, 0, 3, 3]), zeros([2, 0, 2, 2]), ones([2])).shape, [2, 2, 2, 2]);
    assertEquals(F.conv2d(zeros([1, 0, 2, 2]), zeros([2, 0, 2, 2]), ones([2])).toArray(), [[[[1]], [[1]]]]);
    assertEquals(F.conv2d(zeros([0, 3, 4, 4]), w.narrow(3, 0, 2).float()).shape, [0, 4, 3, 3]);
  });

  it("with the padding same are as large as x, with one more zero at the end where it is odd", () => {
    const y = F.conv1d(arange(4).view(1, 4), ones([1, 1, 2]), null, { padding: "same" });
    assertEquals(y.toArray(), [[1, 3, 5, 3]]);
    assertEquals(F.conv2d(x, w, b, { padding: "same", dilation: [3, 2] }).shape, [2, 4, 5, 6]);
    assertNear(F.conv2d(x, w, b, { padding: "valid" }), F.conv2d(x, w, b));
  });

  it("cast to the widest dtype", () => {
    assertEquals(F.conv2d(x.float(), w.float(), b).dtype, "float64");
    assertEquals(F.conv2d(x.float(), w).dtype, "float64");
    assertEquals(F.conv2d(x.float(), w.float()).dtype, "float32");
  });

  it("with an activation are the same and then the activation", () => {
    for (const name of ["relu", "sigmoid", "tanh"] as const) {
      assertNear(convolution(2, x, w, b, { padding: 1 }, name), F.conv2d(x, w, b, { padding: 1 })[name]());
    }
  });
});

describe("what cannot be convolved", () => {
  const image = ones([2, 3, 4, 4]);

  it("a kernel larger than the image, by how much", () => {
    refused(
      () => F.conv2d(image, ones([8, 3, 5, 5])),
      "Cannot convolve [2, 3, 4, 4] with a kernel of 5 x 5: the result has ⌊(2·0 + 4 − 1·(5 − 1) − 1) / 1⌋ + 1 rows, and ",
      "2·0 + 4 is 1 less than the 1·(5 − 1) + 1 that the kernel covers",
    );
    refused(
      () => F.conv2d(image, ones([8, 3, 1, 3]), null, { dilation: [1, 4], padding: 1, stride: 2 }),
      "⌊(2·1 + 4 − 4·(3 − 1) − 1) / 2⌋ + 1 columns, and 2·1 + 4 is 3 less",
    );
    refused(() => F.conv1d(ones([1, 4]), ones([1, 1, 9])), "with a kernel of 9: ", "is 5 less");
    refused(() => F.conv2d(ones([1, 1, 0, 4]), ones([1, 1, 1, 1])), "2·0 + 0 is 1 less");
    refused(() => F.conv2d(image, ones([8, 3, 0, 5])), "a kernel has at least 1 of its rows");
  });

  it("channels, groups and a bias that do not fit", () => {
    refused(() => F.conv2d(image, ones([8, 4, 3, 3])), "[2, 3, 4, 4]", "it has 3 channels and the weight is for 4");
    refused(
      () => F.conv2d(ones([64, 28, 28]), ones([8, 1, 3, 3])),
      "one image, unsqueeze(1) makes a batch of one channel",
    );
    refused(() => F.conv2d(image, ones([8, 2, 3, 3]), null, { groups: 2 }), "3 channels", "for 2 groups of 2, 4");
    refused(
      () => F.conv2d(ones([2, 4, 4, 4]), ones([3, 2, 3, 3]), null, { groups: 2 }),
      "its 3 outputs do not divide into 2",
    );
    refused(() => F.conv2d(image, ones([8, 3, 3, 3]), ones([7])), "its bias is [7] and must be [8]");
    refused(() => F.conv2d(image, ones([8, 3, 3, 3]), null, { groups: 0 }), "there are 0 groups");
    refused(() => F.convTranspose2d(image, ones([4, 8, 3, 3])), "it has 3 channels and the weight is for 4");
    refused(() => F.convTranspose2d(image, ones([3, 8, 3, 3]), null, { groups: 2 }), "its 3 channels do not divide");
    refused(() => F.convTranspose2d(image, ones([3, 8, 3, 3]), ones([3])), "must be [8]");
  });

  it("ranks, strides and paddings that are none", () => {
    refused(
      () => F.conv2d(ones([4, 4]), ones([1, 1, 2, 2])),
      "[4, 4] in 2 dimensions: expected [n, channels, height, width] or",
    );
    refused(() => F.conv1d(ones([4]), ones([1, 1, 2])), "[4] in 1 dimension: expected [n, channels, length] or");
    refused(
      () => F.conv2d(image, ones([3, 3, 3])),
      "a weight of [3, 3, 3]: expected [outputs, channels / groups, height, width]",
    );
    refused(() => F.conv2d(image, ones([8, 3, 3, 3]), null, { stride: 0 }), "with stride 0: give whole numbers from 1");
    refused(() => F.conv2d(image, ones([8, 3, 3, 3]), null, { padding: [1, -1] }), "with padding -1");
    refused(
      () => F.conv2d(image, ones([8, 3, 3, 3]), null, { padding: "same", stride: 2 }),
      'padding "same" and a stride of 2',
    );
  });

  it("a transposed convolution of which nothing is left, or with too much padding of its result", () => {
    refused(
      () => F.convTranspose2d(ones([1, 2, 2]), ones([1, 1, 2, 2]), null, { padding: 2 }),
      "(2 − 1)·1 − 2·2 + 1·(2 − 1) + 0 + 1 = -1 rows",
    );
    refused(
      () => F.convTranspose2d(image, ones([3, 1, 2, 2]), null, { stride: 2, outputPadding: 2 }),
      "outputPadding 2 must be below",
    );
  });

  it("integers, and how they become floats", () => {
    const call = () => F.conv2d(image.int(), ones([8, 3, 3, 3]));
    assertThrows(call, TypeError, "Cannot convolve with x of int32: only floats can be, cast it with float()");
    assertThrows(() => F.conv2d(image, ones([8, 3, 3, 3]).int()), TypeError, "a weight of int32");
  });
});
