import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, ones, tensor, zeros } from "@gradus/gradus";
import { Parameter } from "@gradus/gradus/nn";

describe("reading a tensor", () => {
  const m = arange(6).view(2, 3);
  it("item() is the only element, through offset and rank", () => {
    assertEquals([tensor(5).item(), m.at(1, 2).item(), m.at("1:", "1:2").item()], [5, 5, 4]);
  });
  it("item() refuses several elements and none", () => {
    const message = "Cannot take item() of shape [2]: a Tensor with 2 elements is no single number";
    assertThrows(() => ones([2]).item(), RangeError, message);
    assertThrows(() => zeros([0]).item(), RangeError, "0 elements");
  });
  it("toArray() nests by dimension, in the order of a view", () => {
    assertEquals([m.toArray(), m.t().toArray()], [[[0, 1, 2], [3, 4, 5]], [[0, 3], [1, 4], [2, 5]]]);
  });
  it("toArray() of a number is a number, and of nothing has the sizes around it", () => {
    assertEquals([tensor(5).toArray(), zeros([2, 0]).toArray(), zeros([0, 2]).toArray()], [5, [[], []], []]);
  });
  it("toArray() gives bools as booleans", () => {
    assertEquals([tensor([true, false]).toArray(), tensor(true).toArray()], [[true, false], true]);
  });
  it("size() counts negative dimensions from the end", () => assertEquals([m.size(0), m.size(-1)], [2, 3]));
  it("size() refuses a dimension that is not there", () => {
    assertThrows(() => m.size(2), RangeError, "Cannot read the size of dimension 2");
    assertThrows(() => tensor(1).size(0), RangeError, "a tensor of rank 0 has no dimensions");
  });
  it("ndim and numel() count dimensions and elements", () =>
    assertEquals([m.ndim, m.numel(), tensor(1).ndim], [2, 6, 0]));
  it("stride() is a copy of the steps", () => {
    const steps = m.stride();
    steps[0] = 9;
    assertEquals(m.stride(), [3, 1]);
  });
  it("storage() is the memory that views share, whole", () => {
    const storage = m.at(1).storage();
    assertStrictEquals(storage.data, m.data);
    assertEquals(storage.length, 6);
  });
  it("storage() shows itself in console.log as it prints", () => {
    const storage = tensor([1, 2]).storage();
    assertEquals(Deno.inspect(storage), " 1.0\n 2.0\n[FloatStorage of size 2]");
  });
});

describe("Symbol.toPrimitive", () => {
  const five = tensor([5]);
  const number = (x: unknown) => x as number; // operators are not for tensors, TypeScript says
  it("a tensor of one element is its number to every operator", () => {
    assertEquals(
      [number(five) > 1, number(five) * 2, number(five) + number(five), Math.max(number(tensor(7)), 1)],
      [true, 10, 10, 7],
    );
    assertEquals([+number(tensor([[true]])), number(tensor(-0.5)) < 0], [1, true]);
  });
  it("a tensor of several elements refuses operators, and names the methods", () => {
    for (const x of [tensor([1, 2]), zeros([0])]) {
      for (
        const use of [() => number(x) > 1, () => number(x) * 2, () => number(x) + 1, () => `a` + x, () => +number(x)]
      ) {
        assertThrows(use, TypeError, "use methods such as gt(), mul() and add()");
      }
    }
  });
  it("a text of a tensor is its printed form", () => {
    assertEquals([`${tensor([1, 2])}`, String(five), [five].join()], [
      "tensor([1., 2.])",
      "tensor([5.])",
      "tensor([5.])",
    ]);
    assertEquals(`${new Parameter(five)}`, "Parameter containing:\ntensor([5.], requires_grad=True)");
  });
});

describe("toJSON()", () => {
  it("JSON.stringify() of a tensor gives nested arrays", () => {
    assertEquals(
      JSON.stringify({ w: tensor([[1, 2], [3, 4]]), on: tensor([true]) }),
      '{"w":[[1,2],[3,4]],"on":[true]}',
    );
  });
});
