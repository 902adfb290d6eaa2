/** Normalisation of channels: PyTorch's numbers, modes, layouts, and what is refused. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { full, manualSeed, ones, randn, type Tensor, zeros } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import { testCourse, type Translations } from "../../course_reference.ts";
import { assertNear, float64 } from "./reference.ts";

const F = nn.functional;
const dtype = "float64";

/** Our modules for PyTorch's. */
const TRANSLATIONS: Translations = {
  "BatchNorm2d(3)": { make: (dtype) => new nn.BatchNorm2d(3, { dtype }) },
  "BatchNorm2d(3).eval()": { make: (dtype) => new nn.BatchNorm2d(3, { dtype }).eval() },
  "BatchNorm2d(3, momentum=None)": { make: (dtype) => new nn.BatchNorm2d(3, { dtype, momentum: null }) },
  "BatchNorm2d(3, eps=0.1, affine=False, track_running_stats=False)": {
    make: (dtype) => new nn.BatchNorm2d(3, { dtype, eps: 0.1, affine: false, trackRunningStats: false }),
  },
  "BatchNorm1d(3) on [n, c, l]": { make: (dtype) => new nn.BatchNorm1d(3, { dtype }) },
  "GroupNorm(2, 4)": { make: (dtype) => new nn.GroupNorm(2, 4, { dtype }) },
  "InstanceNorm2d(3)": { make: (dtype) => new nn.InstanceNorm2d(3, { dtype }) },
  "LayerNorm((3, 4))": { make: (dtype) => new nn.LayerNorm([3, 4], { dtype }) },
};

describe("normalisation: PyTorch's numbers", () => testCourse("norm", TRANSLATIONS));

/** Mean and biased variance of each channel of x [n, c, …], and what normalised values they give, in float64. */
function slowly(x: Tensor, eps = 1e-5): Tensor {
  const wide = x.detach().double();
  const others = x.shape.flatMap((_, d) => (d === 1 ? [] : [d]));
  return wide.sub(wide.mean(others, true)).div(wide.var(others, true, 0).add(eps).sqrt());
}

describe("batch normalisation of float32", () => {
  const SHAPES = [[2, 1], [7, 5], [64, 33], [3, 4, 1], [5, 3, 7], [2, 8, 28, 28], [4, 5, 9, 3], [2, 1000, 2, 2]];
  for (const shape of SHAPES) {
    it(`of [${shape}] is near to float64 in values and gradients, with relu after it or without`, () => {
      manualSeed(shape.length);
      const narrow = randn(shape).mul(2).add(1).requiresGrad_();
      const wide = narrow.detach().double().requiresGrad_();
      const [weight, bias] = [randn([shape[1]]), randn([shape[1]])];
      const g = randn(shape);
      const run = (x: Tensor, after: (y: Tensor) => Tensor) => {
        const [w, b] = [weight, bias].map((v) => v.clone().to(x.dtype).requiresGrad_());
        x.g = null;
        const y = after(F.batchNorm(x, null, null, { weight: w, bias: b, training: true }));
        y.mul(g.to(x.dtype)).sum().backward();
        return [y, x.g!, w.g!, b.g!];
      };
      assertNear(F.batchNorm(narrow, null, null, { training: true }), slowly(narrow).toArray(), 2e-6, 2e-6);
      for (const after of [(y: Tensor) => y, (y: Tensor) => y.relu()]) {
        const [found, wanted] = [run(narrow, after), run(wide, after)];
        const count = narrow.numel() / shape[1];
        // a sum of n terms of size 1 is rounded n times at most; two values a channel have slopes of 1/√ε where they are near
        const scales = [1, 1, count, count];
        found.forEach((x, i) => {
          const size = Math.max(1, ...wanted[i].abs().flatten().toArray() as number[]);
          assertNear(x, wanted[i].toArray(), 1e-5, 4e-6 * Math.sqrt(scales[i]) * size);
        });
      }
    });
  }

  it("does not lose the variance of numbers far from 0", () => {
    const x = randn([64, 3, 5, 5]).add(1000);
    assertNear(F.batchNorm(x, null, null, { training: true }), slowly(x).toArray(), 1e-3, 1e-4);
  });
  it("reads transposed and expanded tensors as their copies", () => {
    const x = randn([4, 6, 3]);
    for (
      const view of [
        x.transpose(0, 1),
        x.transpose(1, 2),
        x.slice(0, undefined, undefined, -1),
        ones([4, 1, 3]).expand(4, 6, 3),
      ]
    ) {
      const norm = () => new nn.BatchNorm1d(view.shape[1]).call(view).toArray();
      assertEquals(norm(), new nn.BatchNorm1d(view.shape[1]).call(view.clone()).toArray());
    }
  });
  it("keeps gradients that are not wanted apart", () => {
    const x = randn([4, 3]);
    const norm = new nn.BatchNorm1d(3);
    norm.call(x).sum().backward();
    assertEquals([norm.weight!.g!.shape, norm.bias!.g!.toArray(), x.g], [[3], [4, 4, 4], null]);
  });
  it("takes no samples in eval(), and no channels", () => {
    assertEquals(new nn.BatchNorm2d(3).eval().call(zeros([0, 3, 2, 2])).shape, [0, 3, 2, 2]);
    assertEquals(new nn.BatchNorm2d(0).call(zeros([2, 0, 2, 2])).shape, [2, 0, 2, 2]);
  });
  it("computes in the common dtype", () => {
    const y = F.batchNorm(randn([4, 2]), null, null, { weight: ones([2], { dtype }), training: true });
    assertEquals(y.dtype, dtype);
  });
  it("in eval() keeps its statistics for the way back, though the layer goes on", () => {
    const norm = new nn.BatchNorm2d(2, { dtype }).eval();
    const x = randn([2, 2, 2, 2], { dtype }).requiresGrad_();
    const y = norm.call(x);
    norm.runningVar!.fill_(100);
    y.sum().backward();
    assertNear(x.g!, full([2, 2, 2, 2], 1 / Math.sqrt(1 + 1e-5), { dtype }).toArray());
  });
});

describe("Sequential", () => {
  for (
    const [name, make, shape] of [
      ["BatchNorm1d", () => new nn.BatchNorm1d(5), [6, 5]],
      ["BatchNorm2d", () => new nn.BatchNorm2d(5), [6, 5, 3, 3]],
    ] as const
  ) {
    it(`applies relu within ${name}, bit for bit, and counts the batch once`, () => {
      manualSeed(2);
      const x = randn([...shape]).requiresGrad_();
      const [one, other] = [make(), make()];
      const both = new nn.Sequential(one, new nn.ReLU()).call(x);
      assertEquals(both.node!.name, "batchNorm");
      assertEquals(both.toArray(), other.call(x).relu().toArray());
      assertEquals(one.numBatchesTracked!.item(), 1);
      const g = randn([...shape]);
      both.backward({ gradient: g });
      const found = x.g!.toArray();
      x.g = null;
      other.call(x).relu().backward({ gradient: g });
      assertEquals(found, x.g!.toArray());
    });
  }
  it("leaves tanh after a batch normalisation, and a forward that was replaced, to themselves", () => {
    const x = randn([6, 5]);
    const norm = new nn.BatchNorm1d(5);
    assertEquals(new nn.Sequential(norm, new nn.Tanh()).call(x).node!.name, "tanh");
    norm.forward = (x) => x.mul(-1);
    assertEquals(new nn.Sequential(norm, new nn.ReLU()).call(x).toArray(), x.neg().relu().toArray());
  });
});

describe("GroupNorm", () => {
  const x = randn([2, 6, 3], { dtype });
  it("in one group is a layer's norm, and in groups of one an instance's", () => {
    assertNear(F.groupNorm(x, 1), F.layerNorm(x, [6, 3]).toArray());
    assertNear(F.groupNorm(x, 6), F.instanceNorm(x).toArray());
  });
  it("scales and shifts by channel", () => {
    const [weight, bias] = [randn([6], { dtype }), randn([6], { dtype })];
    const wanted = F.groupNorm(x, 3).mul(weight.view(6, 1)).add(bias.view(6, 1));
    assertNear(F.groupNorm(x, 3, { weight, bias }), wanted.toArray());
  });
  it("prints as in PyTorch", () =>
    assertEquals(`${new nn.GroupNorm(2, 4)}`, "GroupNorm(2, 4, eps=1e-05, affine=True)"));
  it("without affine has no parameters", () =>
    assertEquals(new nn.GroupNorm(2, 4, { affine: false }).parameters(), []));
  it("refuses groups that do not divide the channels", () => {
    assertThrows(() => new nn.GroupNorm(4, 6), RangeError, "6 channels in 4 groups");
    assertThrows(() => F.groupNorm(x, 4), RangeError, "[2, 6, 3] in 4 groups");
    assertThrows(() => F.groupNorm(x, 0), RangeError, "in 0 groups");
    assertThrows(() => F.groupNorm(zeros([1, 2, 1]), 2), RangeError, "more than 1 value");
  });
});

describe("InstanceNorm2d", () => {
  it("takes images without a batch", () => {
    const x = randn([2, 3, 3]);
    assertEquals(
      new nn.InstanceNorm2d(2).call(x).toArray(),
      new nn.InstanceNorm2d(2).call(x.unsqueeze(0)).at(0).toArray(),
    );
  });
  it("has parameters and running statistics on request, of which each sample is a part, and counts no batches", () => {
    const norm = new nn.InstanceNorm2d(1, { affine: true, trackRunningStats: true, momentum: 0.5, dtype });
    norm.call(float64([[[[1, 3]]], [[[5, 5]]]]));
    assertNear(norm.runningMean!, [1.75]); // half of the mean of 2 and 5
    assertNear(norm.runningVar!, [1]); // half of 1, and half of the mean of 2 and 0
    assertEquals(norm.numBatchesTracked!.item(), 0);
    norm.eval();
    norm.runningMean!.fill_(1), norm.runningVar!.fill_(4);
    assertNear(norm.call(float64([[[[1, 3]]]])), [[[[0, 2 / Math.sqrt(4 + 1e-5)]]]]);
    assert(norm.weight !== null);
  });
  it("prints as in PyTorch", () => {
    const text = "InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)";
    assertEquals(`${new nn.InstanceNorm2d(3)}`, text);
  });
});

describe("normalisation refuses", () => {
  const refused: [what: string, call: () => unknown, kind: ErrorConstructor | typeof RangeError, message: string][] = [
    ["vectors for images", () => new nn.BatchNorm2d(3).call(zeros([2, 3])), RangeError, "[batch, 3, rows, columns]"],
    ["images for vectors", () => new nn.BatchNorm1d(3).call(zeros([2, 3, 2, 2])), RangeError, "[batch, 3] or 3 dim"],
    ["other channels", () => new nn.BatchNorm2d(3).call(zeros([2, 4, 2, 2])), RangeError, "of shape [2, 4, 2, 2]"],
    ["one value a channel", () => new nn.BatchNorm2d(3).call(zeros([1, 3, 1, 1])), RangeError, "more than 1 value"],
    ["one value an instance", () => F.instanceNorm(zeros([2, 3, 1])), RangeError, "more than 1 value per channel"],
    ["instances without a length", () => F.instanceNorm(zeros([2, 3])), RangeError, "expected [batch, channels, …]"],
    ["a single vector", () => F.batchNorm(zeros([3]), null, null), RangeError, "expected [batch, channels]"],
    [
      "weights of another size",
      () => F.batchNorm(zeros([2, 3]), null, null, { weight: ones([2]) }),
      RangeError,
      "with weight of shape [2]: expected [3]",
    ],
    [
      "statistics that want a gradient",
      () => F.batchNorm(zeros([2, 3]), ones([3]).requiresGrad_(), ones([3])),
      Error,
      "statistics that require a gradient: none goes to them, use detach()",
    ],
  ];
  for (const [what, call, kind, message] of refused) it(what, () => void assertThrows(call, kind, message));
  it("integers", () =>
    void assertThrows(() => F.batchNorm(zeros([2, 3]).int(), null, null), TypeError, "cast it with float()"));
});
