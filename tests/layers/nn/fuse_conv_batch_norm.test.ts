/** A convolution and the batch normalisation after it as one convolution. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { manualSeed, noGrad, rand, randn, type Tensor } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import { assertNear } from "./reference.ts";

const dtype = "float64";

/** A batch normalisation whose numbers are not those of its birth. */
function used(norm: nn.BatchNorm1d | nn.BatchNorm2d): void {
  noGrad(() => {
    for (const v of [norm.weight, norm.bias, norm.runningMean]) v?.copy_(randn(v.shape));
    norm.runningVar!.copy_(rand(norm.runningVar!.shape).add(0.5));
  });
  norm.eval();
}

const CASES: Record<string, [make: () => Parameters<typeof nn.fuseConvBatchNorm>, shape: number[]]> = {
  "Conv2d": [() => [new nn.Conv2d(3, 4, 3, { stride: 2, padding: 1, dtype }), new nn.BatchNorm2d(4, { dtype })], [
    ...[2, 3, 7, 6],
  ]],
  "Conv2d in groups, without a bias": [() => [
    new nn.Conv2d(4, 6, [3, 2], { groups: 2, bias: false, padding: "same", paddingMode: "reflect", dtype }),
    new nn.BatchNorm2d(6, { affine: false, eps: 0.1, dtype }),
  ], [2, 4, 5, 6]],
  "Conv1d": [() => [new nn.Conv1d(3, 4, 3, { dilation: 2, dtype }), new nn.BatchNorm1d(4, { dtype })], [2, 3, 9]],
  "ConvTranspose1d": [() => [new nn.ConvTranspose1d(3, 4, 3, { dtype }), new nn.BatchNorm1d(4, { dtype })], [2, 3, 5]],
  "ConvTranspose2d in groups": [() => [
    new nn.ConvTranspose2d(4, 6, 3, { groups: 2, stride: 2, outputPadding: 1, dtype }),
    new nn.BatchNorm2d(6, { dtype }),
  ], [2, 4, 3, 4]],
};

describe("fuseConvBatchNorm()", () => {
  for (const [name, [make, shape]] of Object.entries(CASES)) {
    it(`of ${name} gives what both give, and leaves them and the stream as they are`, () => {
      manualSeed(4);
      const [conv, norm] = make();
      conv.eval(), used(norm);
      const x = randn(shape, { dtype });
      const before = [conv, norm].map((layer) => [...layer.stateDict()].map(([, v]: [string, Tensor]) => v.toArray()));
      manualSeed(9);
      const fused = nn.fuseConvBatchNorm(conv, norm);
      const next = rand([3]).toArray();
      manualSeed(9);
      assertEquals(rand([3]).toArray(), next);
      assertEquals([conv, norm].map((layer) => [...layer.stateDict()].map(([, v]) => v.toArray())), before);
      assertNear(fused.call(x), norm.call(conv.call(x)).toArray(), 1e-9, 1e-9);
      assertEquals([fused.constructor, fused.training, fused.bias !== null], [conv.constructor, false, true]);
    });
  }

  it("refuses what cannot be fused", () => {
    const [conv, norm] = [new nn.Conv2d(1, 2, 3).eval(), new nn.BatchNorm2d(2).eval()];
    const untracked = new nn.BatchNorm2d(2, { trackRunningStats: false }).eval();
    assertThrows(() => nn.fuseConvBatchNorm(conv.train(), norm), Error, "call eval() on both first");
    assertThrows(() => nn.fuseConvBatchNorm(conv.eval(), untracked), Error, "without running statistics");
    assertThrows(() => nn.fuseConvBatchNorm(conv, new nn.BatchNorm2d(3).eval()), RangeError, "2 channels with");
    assertThrows(() => nn.fuseConvBatchNorm(norm as never, norm), TypeError, "a BatchNorm2d: give a convolution");
    assertThrows(() => nn.fuseConvBatchNorm(conv, conv as never), TypeError, "with a Conv2d: give nn.BatchNorm2d");
  });
});
