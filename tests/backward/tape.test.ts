import { assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import "../../backward/tape.ts"; // registers itself
import { ones, tensor } from "@gradus/gradus";
import { leaf } from "./leaf.ts";
import { values } from "./sample.ts";

const float64 = (shape: number[], seed = 1) => values(shape, seed).requiresGrad_();

describe("the tape", () => {
  it("gives each operand of mixed dtypes a gradient of its own dtype", () => {
    const [a, b] = [leaf(1, 2), float64([2])];
    a.mul(b).sum().backward();
    assertEquals([a.g?.dtype, b.g?.dtype], ["float32", "float64"]);
    assertEquals(b.g?.toArray(), [1, 2]);
  });

  it("gives a number of float64 beside a matrix of float32 a gradient of float64", () => {
    const [a, b] = [ones([2, 2]), tensor(3, { dtype: "float64" }).requiresGrad_()];
    const y = a.mul(b);
    y.sum().backward();
    assertEquals([y.dtype, b.g?.dtype, b.g?.item()], ["float32", "float64", 4]);
  });

  it("multiplies matrices of mixed dtypes and goes back in each dtype", () => {
    const [a, b] = [ones([2, 3]).requiresGrad_(), float64([3, 2])];
    a.matmul(b).sum().backward();
    assertEquals([a.g?.dtype, b.g?.dtype, b.g?.toArray()], ["float32", "float64", [[2, 2], [2, 2], [2, 2]]]);
  });

  it("sends a gradient back through integers to what multiplied them", () => {
    const x = leaf(0.5, 2);
    tensor([3, 4], { dtype: "int32" }).mul(x).sum().backward();
    assertEquals(x.g?.toArray(), [3, 4]);
  });

  it("stops at a cast to integers", () => {
    assertEquals(leaf(1.5).int().requiresGrad, false);
  });

  it("detach() cuts: only the other way counts", () => {
    const x = leaf(3);
    x.mul(x.detach()).sum().backward();
    assertEquals(x.g?.toArray(), [3]);
  });

  it("detach() shares the memory", () => {
    const x = leaf(3);
    assertEquals([x.detach().data === x.data, x.detach().requiresGrad], [true, false]);
  });

  it("shares ties of max() equally, and gives all of max(dim) to the first", () => {
    const x = tensor([[1, 7, 7, 2]]).requiresGrad_();
    x.max().backward();
    assertEquals(x.g?.toArray(), [[0, 0.5, 0.5, 0]]);
    x.g = null;
    x.max(1).values.sum().backward();
    assertEquals(x.g!.toArray(), [[0, 1, 0, 0]]);
  });

  it("shares ties of maximum() and minimum() equally", () => {
    const [a, b] = [leaf(2), leaf(2)];
    a.maximum(b).sum().backward();
    assertEquals([a.g?.item(), b.g?.item()], [0.5, 0.5]);
    a.minimum(b).sum().backward();
    assertEquals([a.g?.item(), b.g?.item()], [1, 1]);
  });

  it("gives pow() at 0 PyTorch's slopes: 0 for a power of 0, and 0 for the exponent", () => {
    const [a, b] = [leaf(0, 0), leaf(0, 2)];
    a.pow(b).sum().backward();
    assertEquals([a.g?.toArray(), b.g?.toArray()], [[0, 0], [0, 0]]);
  });
});
