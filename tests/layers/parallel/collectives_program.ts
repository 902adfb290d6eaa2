/** Run by each rank: collectives against their definitions, which every rank computes by itself of what all ranks give. */
import { assertEquals, assertThrows } from "@std/assert";
import { arange, ones, stack, type Tensor, tensor, zeros } from "../../../mod.ts";
import * as parallel from "../../../layers/parallel/parallel.ts";

const DTYPES = ["float32", "float64", "int32", "uint8", "bool"] as const;
const LENGTHS = [0, 1, 7, 5000];

parallel.init({ timeout: 60 });
const [me, size] = [parallel.rank(), parallel.worldSize()];

/** The tensor that a rank gives: numbers that every rank can make. */
function given(rank: number, dtype: typeof DTYPES[number], length: number): Tensor {
  const numbers = Array.from({ length }, (_, i) => (7 * i + 3 * rank + 1) % 5 / (dtype.startsWith("float") ? 3 : 1));
  return tensor(numbers).to(dtype);
}

const bits = (x: Tensor) => [x.dtype, [...x.shape], x.toArray()];
const ranks = Array.from({ length: size }, (_, rank) => rank);
const OPS = {
  sum: (a: Tensor, b: Tensor) => a.clone().add_(b),
  product: (a: Tensor, b: Tensor) => a.clone().mul_(b),
  min: (a: Tensor, b: Tensor) => a.minimum(b),
  max: (a: Tensor, b: Tensor) => a.maximum(b),
};

for (const dtype of DTYPES) {
  for (const length of LENGTHS) {
    const all = ranks.map((rank) => given(rank, dtype, length)), own = all[me];
    for (const [op, combine] of Object.entries(OPS)) {
      if (dtype === "bool" && op === "product") continue;
      const expected = all.reduce(combine);
      assertEquals(bits(parallel.allReduce(own, { op: op as "sum" })), bits(expected), `${op} of ${length} ${dtype}`);
      if (dtype === "int32") {
        assertEquals(bits(parallel.allReduce(own, { op: op as "sum", deterministic: false })), bits(expected));
      }
    }
    assertEquals(bits(own), bits(given(me, dtype, length)), "what is given stays as it was");
    assertEquals(bits(parallel.broadcast(own, { from: size - 1 })), bits(all[size - 1]));
    assertEquals(parallel.allGather(own).toArray(), all.flatMap((x) => x.toArray() as number[]));
  }
  const rows = (rank: number) => stack(ranks.map((part) => given(rank + part, dtype, 3)));
  const sums = ranks.map(rows).reduce(OPS.sum);
  assertEquals(bits(parallel.reduceScatter(rows(me))), bits(sums.narrow(0, me, 1)));
}

// In place, and through views that are not contiguous.
const turned = arange(6).view(2, 3).t().add(me);
parallel.allReduce_(turned);
assertEquals(turned.toArray(), ranks.map((rank) => arange(6).view(2, 3).t().add(rank)).reduce(OPS.sum).toArray());
const board = zeros([4, 4]);
parallel.allReduce_(board.narrow(1, 1, 2).add_(me + 1));
const total = size * (size + 1) / 2;
assertEquals(board.toArray(), Array.from({ length: 4 }, () => [0, total, total, 0]));
parallel.broadcast_(board.t().narrow(0, 0, 1).add_(me), { from: 0 });
assertEquals(board.narrow(1, 0, 1).sum().item(), 0);
assertEquals(parallel.allGather(tensor(me)).toArray(), ranks);
assertEquals(parallel.allReduce(tensor([me, 1]), { op: "mean" }).toArray(), [(size - 1) / 2, 1]);

// Ten million elements on two ranks, whose sum in the order of ranks every rank can tell.
const many = ones([size === 2 ? 10_000_000 : 100_000]).mul(me + 0.1);
const sum = ranks.map((rank) => tensor(1).mul(rank + 0.1)).reduce(OPS.sum).item();
const got = parallel.allReduce(many);
assertEquals([got.min().item(), got.max().item()], [sum, sum]);

if (size > 1) {
  assertThrows(() => parallel.broadcast(many, { from: size }), RangeError, `give one from 0 to ${size - 1}`);
  assertThrows(() => parallel.reduceScatter(zeros([2 * size + 1])), RangeError, `give a multiple of ${size}`);
}
parallel.barrier();
console.log(`rank ${me} of ${size} is right`);
