import { describe, it } from "../bdd.ts";
import { einsum, type Tensor, tensor } from "@gradus/gradus";
import { gradcheck } from "@gradus/gradus/autograd";
import { values } from "./sample.ts";

function diamond(x: Tensor): Tensor {
  const top = x.exp();
  return top.tanh().mul(top.log());
}

/** Graphs of every form, each a function of inputs near 1. */
const GRAPHS: Record<string, [f: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]]> = {
  "a value used twice by one step": [(x) => x.mul(x), values([3], 1)],
  "a value used three times": [(x) => x.mul(x).add(x), values([3], 1)],
  "a diamond": [diamond, values([3], 1)],
  "a diamond within a diamond": [
    (x, y) => {
      const a = x.mul(y);
      const b = a.add(x).mul(a.sub(y));
      return b.mul(a).add(b);
    },
    values([3], 1),
    values([3], 2),
  ],
  "a long way and a short way to one value": [(x) => x.tanh().exp().mul(2).add(x), values([3], 1)],
  "operands that broadcast on both sides": [(a, b) => a.mul(b).add(a), values([3, 1], 1), values([1, 4], 2)],
  "a view of a view of a view": [(x) => x.t().at(1, "::2").unsqueeze(0).expand(3, -1).mul(2), values([4, 3], 1)],
  "two views that overlap": [(x) => x.narrow(0, 0, 3).mul(x.narrow(0, 1, 3)), values([4], 1)],
  "a matrix with its transpose": [(x) => x.matmul(x.t()), values([2, 3], 1)],
  "a mean and a standard deviation": [(x) => x.sub(x.mean(0)).div(x.std(0)), values([4, 2], 1)],
  "a variance over two of three dimensions": [(x) => x.var([0, 2], true, 0), values([2, 3, 2], 1)],
  "a norm": [(x) => x.norm(1), values([2, 3], 1)],
  "a logsumexp": [(x) => x.logsumexp(0), values([3, 2], 1)],
  "a logsumexp over everything": [(x) => x.logsumexp(), values([3, 2], 1)],
  "rows that are picked, changed and summed": [
    (x) => x.index(tensor([2, 0, 2], { dtype: "int32" })).exp().sum(0),
    values([3, 2], 1),
  ],
  "an index, a mask and a product": [(x) => x.index(x.gt(1)).prod(), values([2, 3], 1)],
  "a chain of five kinds of step": [
    (x, w) => x.matmul(w).relu().sum(1).log().mean(),
    values([2, 3], 1),
    values([3, 2], 4),
  ],
};

const EQUATIONS: Record<string, number[][]> = {
  "ij,jk->ik": [[2, 3], [3, 2]],
  "ik,kj->": [[2, 3], [3, 2]],
  "ij->ji": [[2, 3]],
  "ij->j": [[2, 3]],
  "ii->i": [[3, 3]],
  "ii->": [[3, 3]],
  "iij->j": [[2, 2, 3]],
  "i,j->ij": [[2], [3]],
  "i,i->": [[3], [3]],
  "bij,bjk->bik": [[2, 2, 3], [2, 3, 2]],
  "...ij,...jk->...ik": [[2, 2, 3], [3, 2]],
  "ij,jk,kl->il": [[2, 3], [3, 2], [2, 2]],
  "ij,ij,ij->i": [[2, 3], [2, 3], [2, 3]],
  "ijk,k->kji": [[2, 1, 3], [3]],
  "bi,bj->b": [[2, 3], [2, 2]],
};

describe("backward()", () => {
  for (const [name, [f, ...inputs]] of Object.entries(GRAPHS)) {
    it(`through ${name} agrees with finite differences to 1e-7`, () => gradcheck(f, inputs));
  }

  for (const [equation, shapes] of Object.entries(EQUATIONS)) {
    it(`through einsum ${equation} agrees with finite differences to 1e-7`, () => {
      gradcheck((...x) => einsum(equation, ...x), shapes.map((shape, i) => values(shape, i + 1)));
    });
  }
});
