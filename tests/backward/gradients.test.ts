import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { full, noGrad, type Tensor, zeros } from "@gradus/gradus";
import { retainGrad } from "@gradus/gradus/autograd";
import { overlap } from "../../core/dtype.ts";
import { leaf } from "./leaf.ts";

describe("gradients", () => {
  const cases: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
    "add()": (a, b) => a.add(b),
    "sub()": (a, b) => a.sub(b),
    "mul()": (a, b) => a.mul(b),
    "maximum()": (a, b) => a.maximum(b),
    "views": (a, b) => a.view(3).add(b.unsqueeze(0).squeeze(0)),
    "a sum": (a, b) => a.add(b).sum(),
    "an expanded view": (a, b) => a.expand(2, 3).add(b),
    "clones": (a, b) => a.clone().add(b.clone()),
    "values that are hooked and retained": (a, b) => retainGrad(a.mul(1)).add(b),
  };
  for (const [name, f] of Object.entries(cases)) {
    it(`of ${name} share no memory with each other, the inputs or what came from above`, () => {
      const [a, b] = [leaf(1, 2, 3), leaf(4, 5, 6)];
      const y = f(a, b);
      const gradient = full(y.shape, 2);
      y.backward({ gradient });
      const all = [a, b, a.g!, b.g!, gradient].map((x) => x.data);
      for (const [i, one] of all.entries()) for (const other of all.slice(0, i)) assert(!overlap(one, other));
    });

    it(`of ${name} may be modified in place: the other one stays`, () => {
      const [a, b] = [leaf(1, 2, 3), leaf(4, 5, 6)];
      f(a, b).sum().backward();
      const before = b.g!.toArray();
      a.g!.mul_(100);
      assertEquals(b.g!.toArray(), before);
    });
  }

  it("are dense: each element has a place of its own", () => {
    const x = zeros([2, 3]).requiresGrad_();
    x.sum().backward();
    assert(x.g!.isContiguous());
    x.g!.at(0, 0).add_(1);
    assertEquals(x.g!.toArray(), [[2, 1, 1], [1, 1, 1]]);
  });

  it("of a retained value and of what it was made from share no memory", () => {
    const x = leaf(1, 2);
    const middle = retainGrad(x.add(0));
    middle.sum().backward();
    assertNotStrictEquals(middle.g!.data, x.g!.data);
    middle.g!.mul_(100);
    assertEquals(x.g!.toArray(), [1, 1]);
  });

  it("are not recorded", () => {
    const x = leaf(1, 2);
    x.mul(x).sum().backward();
    assertEquals([x.g!.requiresGrad, x.g!.node], [false, null]);
  });

  it("go back from within noGrad as well, for what was recorded outside", () => {
    const x = leaf(2);
    const loss = x.mul(x).sum();
    noGrad(() => loss.backward());
    assertEquals(x.g?.item(), 4);
  });
});
