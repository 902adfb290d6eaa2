/** Values of the graph that are written by index: gradients go to what was kept and to what was written, as in PyTorch. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { autograd, noGrad, type Tensor, tensor, zeros } from "@gradus/gradus";

const float64 = (values: number[]) => tensor(values, { dtype: "float64" }).requiresGrad_();
const rows = (...numbers: number[]) => tensor(numbers, { dtype: "int32" });

describe("indexPut_() of a recorded value", () => {
  it("sends gradients to what was kept and to the values", () => {
    const [a, v] = [float64([1, 2, 3]), float64([5, 7])];
    const x = a.mul(2).indexPut_(["1:"], v);
    x.mul(tensor([1, 10, 100])).sum().backward();
    assertEquals([x.toArray(), a.g?.toArray(), v.g?.toArray()], [[2, 5, 7], [2, 0, 0], [10, 100]]);
  });

  it("leaves the gradients of what was made before as they were", () => {
    const [a, v] = [float64([1, 2]), float64([5])];
    const x = a.mul(2), before = x.mul(10);
    x.indexPut_([0], v.sum());
    before.sum().add(x.sum()).backward();
    assertEquals([a.g?.toArray(), v.g?.toArray()], [[20, 22], [1]]);
  });

  it("takes values that need a gradient into a tensor that needs none", () => {
    const v = float64([5, 7]);
    const x = zeros([2, 2], { dtype: "float64" }).indexPut_([rows(1), ":"], v).indexPut_([0, 1], v.sum());
    x.mul(tensor([[1, 2], [3, 4]])).sum().backward();
    assertEquals([x.toArray(), v.g?.toArray()], [[[0, 12], [5, 7]], [5, 6]]);
  });

  it("goes on where the same place is written several times, and where values are added", () => {
    const [v, w] = [float64([1]), float64([2])];
    const x = zeros([2], { dtype: "float64" });
    for (const value of [v, w, v.mul(3)]) x.indexPut_([0], value.sum());
    x.indexPut_([rows(1, 1)], w, { accumulate: true });
    x.sum().backward();
    assertEquals([x.toArray(), v.g?.toArray(), w.g?.toArray()], [[3, 4], [3], [2]]);
  });

  it("is differentiated like the copy, also twice", () => {
    const f = (x: Tensor, v: Tensor) => x.mul(x).indexPut_([rows(0, 2)], v.mul(v)).mul(x).sum();
    autograd.gradcheck(f, [float64([1, 2, 3]), float64([4, 5])]);
    autograd.gradgradcheck(f, [float64([1, 2, 3]), float64([4, 5])]);
  });

  it("is noticed by a rule that reads what was there", () => {
    const x = float64([1, 2]).mul(1), square = x.square();
    x.indexPut_([0], 3);
    assertThrows(() => square.sum().backward(), Error, "was modified in place after it was used");
  });

  it("is refused for a leaf and for a view, and a view that was taken before is refused after it", () => {
    const leaf = float64([1, 2, 3]);
    assertThrows(() => leaf.indexPut_([0], 1), Error, "the tensor is a leaf that requires a gradient");
    const x = leaf.mul(1), part = x.at("1:");
    assertThrows(() => part.indexPut_([0], 1), Error, "is a view of another one");
    x.indexPut_([0], 1);
    assertThrows(() => part.sum(), Error, "take the view again");
    assertEquals(x.at("1:").sum().item(), 5);
  });

  it("is not recorded within noGrad", () => {
    const x = float64([1, 2]).mul(1);
    noGrad(() => x.indexPut_([0], 3));
    assertEquals(x.node?.name, "mul");
  });
});
