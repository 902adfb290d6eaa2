/** In-place writes that would make a gradient wrong are refused, and no others. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { noGrad, ones, type Tensor, tensor } from "@gradus/gradus";
import { crossEntropyMean } from "../../core/ops/fused.ts";
import { linear } from "../../core/ops/linalg.ts";
import { modifiedInPlace } from "../wording.ts";

const WRITES: Record<string, (x: Tensor, by: Tensor) => Tensor> = {
  add_: (x, by) => x.add_(by),
  sub_: (x, by) => x.sub_(by),
  mul_: (x, by) => x.mul_(by),
  div_: (x, by) => x.div_(by),
  copy_: (x, by) => x.copy_(by),
  zero_: (x) => x.zero_(),
  fill_: (x) => x.fill_(3),
};

const leaf = () => tensor([1, 2]).requiresGrad_();

describe("an in-place write", () => {
  for (const [name, write] of Object.entries(WRITES)) {
    it(`${name}() of a leaf that requires a gradient is refused`, () => {
      assertThrows(() => write(leaf(), ones([2])), Error, "the tensor is a leaf that requires a gradient");
    });

    it(`${name}() of a result is refused`, () => {
      assertThrows(() => write(leaf().mul(2), ones([2])), Error, "the tensor is the result of mul");
    });

    it(`${name}() of a view of a leaf is refused`, () => {
      assertThrows(
        () => write(leaf().narrow(0, 0, 1), ones([1])),
        Error,
        "the tensor is a view made by at(), narrow(), select() or slice()",
      );
    });

    it(`${name}() of a leaf within noGrad is done`, () => {
      const x = leaf();
      noGrad(() => write(x, ones([2])));
      assertEquals(x.version.count, 1);
    });

    it(`${name}() of a value that a rule needs is noticed by the backward pass`, () => {
      const [x, factor] = [leaf(), tensor([3, 4])];
      const loss = x.mul(factor).sum();
      write(factor, ones([2]));
      assertThrows(
        () => loss.backward(),
        Error,
        "Cannot go back through mul: its value of shape [2] was modified in place",
      );
    });

    it(`${name}() of a value that no rule needs does no harm`, () => {
      const [x, term] = [leaf(), tensor([3, 4])];
      const loss = x.add(term).sum();
      write(term, ones([2]));
      loss.backward();
      assertEquals(x.g?.toArray(), [1, 1]);
    });
  }

  for (const name of ["add_", "sub_", "mul_", "div_", "copy_"]) {
    it(`${name}() with a value that requires a gradient is refused: it would be lost`, () => {
      assertThrows(() => WRITES[name](ones([2]), leaf()), Error, "that requires a gradient: it would be lost");
    });
  }

  const needed: Record<string, [op: string, use: (x: Tensor) => Tensor]> = {
    "the input of log()": ["log", (x) => x.log()],
    "the input of matmul()": ["matmul", (x) => x.view(1, 2).matmul(ones([2, 1]).requiresGrad_())],
    "the base of pow()": ["pow", (x) => x.pow(3)],
    "the input of prod()": ["prod", (x) => x.prod()],
  };
  for (const [name, [op, use]] of Object.entries(needed)) {
    it(`of ${name} is noticed by the backward pass`, () => {
      const x = leaf();
      const loss = use(x).sum();
      noGrad(() => x.mul_(2));
      assertThrows(() => loss.backward(), Error, `Cannot go back through ${op}`);
    });
  }

  it("of the indices of max() is noticed by the backward pass", () => {
    const { values, indices } = leaf().max(0);
    indices.fill_(0);
    assertThrows(() => values.backward(), Error, modifiedInPlace("extreme", "[]"));
  });

  it("of the classes of a cross-entropy is noticed by the backward pass", () => {
    const [logits, classes] = [tensor([[1, 2]]).requiresGrad_(), tensor([0], { dtype: "int32" })];
    const loss = crossEntropyMean(logits, classes);
    classes.fill_(1);
    assertThrows(
      () => loss.backward(),
      Error,
      modifiedInPlace("crossEntropy", "[1]"),
    );
  });

  it("of the result of exp() is noticed by the backward pass", () => {
    const y = leaf().exp();
    const loss = y.sum();
    noGrad(() => y.mul_(2));
    assertThrows(() => loss.backward(), Error, "Cannot go back through exp");
  });

  it("through another view of the same memory is noticed", () => {
    const [x, factor] = [leaf(), ones([2, 2])];
    const loss = x.mul(factor.at(0)).sum();
    factor.t().select(0, 1).fill_(5);
    assertThrows(() => loss.backward(), Error, "modified in place");
  });

  it("through detach() is noticed", () => {
    const x = leaf();
    const loss = x.mul(x).sum();
    x.detach().fill_(5);
    assertThrows(() => loss.backward(), Error, "modified in place");
  });

  const unneeded: Record<string, (x: Tensor, other: Tensor) => Tensor> = {
    "mul()": (x, other) => x.mul(other),
    "div()": (x, other) => x.div(other),
    "matmul()": (x, other) => x.view(1, 2).matmul(other.view(2, 1)),
    "linear()": (x, other) => linear(x.view(1, 2), other.view(2, 1), ones([1])),
  };
  for (const [name, f] of Object.entries(unneeded)) {
    it(`of an operand of ${name} that only an unwanted gradient needs does no harm`, () => {
      const [modified, left] = [leaf(), leaf()];
      const losses = [modified, left].map((x) => f(x, tensor([3, 4])).sum());
      noGrad(() => modified.mul_(2));
      losses.forEach((loss) => loss.backward());
      assertEquals(modified.g?.toArray(), left.g?.toArray());
    });
  }

  it("of a clone does no harm", () => {
    const [x, factor] = [leaf(), tensor([3, 4])];
    const loss = x.mul(factor).sum();
    factor.clone().zero_();
    loss.backward();
    assertEquals(x.g?.toArray(), [3, 4]);
  });

  it("before the value is used does no harm", () => {
    const [x, factor] = [leaf(), tensor([3, 4])];
    factor.mul_(2);
    x.mul(factor).sum().backward();
    assertEquals(x.g?.toArray(), [6, 8]);
  });
});
