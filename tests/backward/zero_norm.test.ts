/** Where a root of squares is 0 it has no slope: PyTorch answers a gradient of 0 there, and so must we. */
import { assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { type Tensor, tensor, where } from "@gradus/gradus";
import { gradcheck } from "@gradus/gradus/autograd";

function gradientOf(f: (x: Tensor) => Tensor, values: number[] | number[][]): unknown {
  const x = tensor(values, { requiresGrad: true });
  f(x).sum().backward();
  return x.g?.toArray();
}

describe("the gradient at 0", () => {
  it("norm() of a zero vector has a gradient of 0", () => {
    assertEquals(gradientOf((x) => x.norm(), [0, 0]), [0, 0]);
  });

  it("norm() by rows has a gradient of 0 in the zero row alone", () => {
    assertEquals(gradientOf((x) => x.norm(1), [[0, 0], [3, 4]]), [[0, 0], [0.6, 0.8].map(Math.fround)]);
  });

  it("std() of equal values has a gradient of 0", () => {
    assertEquals(gradientOf((x) => x.std(), [2, 2, 2]), [0, 0, 0]);
  });

  it("std() by rows has a gradient of 0 in the equal row alone", () => { // dx = (x - mean) / (2 std)
    assertEquals(gradientOf((x) => x.std(1, false, 0), [[5, 5], [1, 3]]), [[0, 0], [-0.5, 0.5]]);
  });

  it("norm() and std() beside a zero row agree with finite differences to 1e-7 in the other", () => {
    const x = tensor([0.3, -1.2, 0.8], { dtype: "float64" });
    const zeroBeside = (x: Tensor) => x.unsqueeze(0).mul(tensor([[1], [0]], { dtype: "float64" }));
    gradcheck((x) => zeroBeside(x).norm(1), [x]);
    gradcheck((x) => zeroBeside(x).std(1), [x]);
  });

  it("norm() and std() of NaN stay NaN", () => {
    assertEquals([tensor([NaN]).norm().item(), tensor([1]).std().item()], [NaN, NaN]);
  });

  it("where() sends 0, not NaN, to what stands beside a NaN that was chosen", () => {
    assertEquals(gradientOf((x) => where(x.gt(0), x.mul(3), NaN), [1, -2]), [3, 0]);
  });
});
