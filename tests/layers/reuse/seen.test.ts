/** Ways in which user code may see memory of a backward pass: what it sees is never used again. */
import { assertEquals, assertThrows } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "../../bdd.ts";
import { cat, ones, Tensor, tensor } from "@gradus/gradus";
import { registerHook } from "@gradus/gradus/autograd";
import { backend } from "../../../core/backend/choose.ts";
import { setReuse } from "../../../core/memory/pool.ts";

describe("memory that is used again", () => {
  beforeAll(() => setReuse("spoil"));
  afterAll(() => setReuse("on"));

  it("is none that a method put on the indices of max() has made", () => {
    const x = tensor([[1, 2], [4, 3]]).requiresGrad_();
    const { values, indices } = x.max(1);
    const made: Tensor[] = [];
    for (const method of ["reshape", "view", "eq"] as const) {
      Object.defineProperty(indices, method, {
        value(...args: unknown[]) {
          made.push(ones([2]).mul(3));
          return Reflect.apply(Tensor.prototype[method], this, args);
        },
      });
    }
    values.sum().backward();
    indices.reshape(2);
    assertEquals([x.g?.toArray(), ...made.map((y) => y.toArray())], [[[0, 1], [1, 0]], [3, 3]]);
  });

  it("is none that a method of Tensor sees in place of the library's: it cannot be replaced", () => {
    const { add } = Tensor.prototype;
    assertThrows(() => (Tensor.prototype.add = add), TypeError, "read only");
    assertThrows(() => Object.defineProperty(Tensor.prototype, "add", { value: () => add }), TypeError);
  });

  it("is none that a verb of a back end sees in place of the library's: it cannot be replaced", () => {
    const { binary } = backend();
    assertThrows(() => (backend().binary = binary), TypeError, "read only");
  });

  it("is none that a replaced backward() of a node was shown", () => {
    const x = tensor([1, 2]).requiresGrad_();
    const y = x.exp();
    const shown: Tensor[] = [];
    const node = y.node!;
    const { backward } = node;
    node.backward = (g) => {
      shown.push(g);
      return backward.call(node, g);
    };
    y.mul(3).sum().backward();
    assertEquals(shown.map((g) => g.toArray()), [[3, 3]]);
  });

  it("is none that a node of one's own makes when it is released", () => {
    const x = tensor([1, 2]).requiresGrad_();
    const made: Tensor[] = [];
    const y = tensor([3, 4]).requiresGrad_();
    y.node = { name: "own", inputs: [x], backward: (g) => [g], release: () => void made.push(ones([2]).mul(3)) };
    y.mul(2).sum().backward();
    assertEquals([x.g?.toArray(), ...made.map((z) => z.toArray())], [[2, 2], [3, 3]]);
  });

  it("is none that a hook was shown which another hook registered, beside a value that it made a leaf", () => {
    const leaves = [1, 2, 3].map((i) => tensor([i]).requiresGrad_());
    const [a, b, c] = leaves.map((x) => x.mul(1));
    const shown: Tensor[] = [];
    registerHook(leaves[2], () => {
      b.node = null;
      registerHook(a, (g) => void shown.push(g));
    });
    cat([a, b, c]).mul(5).sum().backward();
    b.g = null; // nobody has read it: its memory is used again
    assertEquals(shown.map((g) => g.toArray()), [[5]]);
  });
});
