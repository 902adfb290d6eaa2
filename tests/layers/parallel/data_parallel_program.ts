/** Run by two ranks: parameters that no rank, or only one, reaches; accumulation; hooks; batch norm; a model of another shape. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { autograd, nn, noGrad, ones, randn, type Tensor, tensor } from "../../../mod.ts";
import {
  allGather,
  allReduce,
  DataParallel,
  init,
  rank,
  SyncBatchNorm,
  worldSize,
} from "../../../layers/parallel/parallel.ts";

init({ timeout: 30 });
const [me, size] = [rank(), worldSize()];

/** Rank 1 alone goes through `second`, nobody through `third`. */
class Branches extends nn.Module {
  first = new nn.Parameter(ones([3]));
  second = new nn.Parameter(ones([3]));
  third = new nn.Parameter(ones([3]));
  forward(x: Tensor): Tensor {
    const y = x.mul(this.first);
    return me === 1 ? y.mul(this.second) : y;
  }
}

const branches = new DataParallel(new Branches());
const { first, second, third } = branches.module;
for (let pass = 0; pass < 3; pass++) {
  branches.zeroGrad();
  branches.call(tensor([1, 2, 3]).mul(me + 1)).sum().backward();
  assertEquals(first.g?.toArray(), [1.5, 3, 4.5]); // (1 + 2) / 2 times the input
  assertEquals(second.g?.toArray(), [1, 2, 3]); // (0 + 2) / 2
  assertEquals(third.g, null);
}

// Without sending the gradients of the ranks stay their own; the next pass averages the sums.
branches.zeroGrad();
branches.noSync(() => branches.call(ones([3]).mul(me)).sum().backward());
assertEquals(first.g?.toArray(), [me, me, me]);
branches.call(ones([3])).sum().backward();
assertEquals(first.g?.toArray(), [1.5, 1.5, 1.5]); // ((0 + 1) + (1 + 1)) / 2

// Buckets are sent while the way back goes on: before its last gradient is there.
const deep = new DataParallel(
  new nn.Sequential(new nn.Linear(64, 64), new nn.Linear(64, 64), new nn.Linear(64, 64)),
  { bucketBytes: 16_000 },
);
let last = 0;
autograd.registerPostAccumulateGradHook(([...deep.module][0] as nn.Linear).weight, () => last = performance.now());
for (let pass = 0; pass < 2; pass++) deep.call(randn([8, 64])).sum().backward();
assert(deep.timeline.length >= 3);
assert(deep.timeline[0].sent < last, "the first bucket is sent before the last gradient is there");
assert(deep.timeline.every(({ sent, done }) => sent <= done));

// Sums by MPI's own reduction are near those in the order of ranks.
const fast = new DataParallel(new nn.Linear(3, 2), { deterministic: false });
fast.call(ones([1, 3]).mul(me + 1)).sum().backward();
assertEquals(fast.module.weight.g?.toArray(), [[1.5, 1.5, 1.5], [1.5, 1.5, 1.5]]);

// Batch norm over all ranks is that over one batch with all rows, forward and back.
const rows = randn([4 * size, 3]), weights = randn([4 * size, 3]);
const whole = allGather(rows).narrow(0, 0, 4 * size).clone(), weighed = allGather(weights).narrow(0, 0, 4 * size);
const alone = new nn.BatchNorm1d(3), shared = new SyncBatchNorm(3);
const xs = whole.clone().requiresGrad_(), part = whole.narrow(0, 4 * me, 4).clone().requiresGrad_();
const expected = alone.call(xs), found = shared.call(part);
expected.mul(weighed).sum().backward();
found.mul(weighed.narrow(0, 4 * me, 4)).sum().backward();
const near = (a: Tensor, b: Tensor) => noGrad(() => assert(a.sub(b).abs().max().item() < 1e-5, `${a} is not ${b}`));
near(found, expected.narrow(0, 4 * me, 4));
near(part.g!, xs.g!.narrow(0, 4 * me, 4));
near(allReduce(shared.weight!.g!), alone.weight!.g!);
near(shared.runningMean!, alone.runningMean!);
near(shared.runningVar!, alone.runningVar!);

// A rank with another model hears of it, and so do the others.
const odd = assertThrows(() => new DataParallel(new nn.Linear(3, 2 + me)), Error);
const differing = "weight [3, 3] float32 where that has weight [2, 3] float32";
assertEquals(odd.message, `Cannot train on 2 ranks: the model of rank 1 is not that of rank 0, ${differing}`);
console.log(`rank ${me} of ${size} is right`);
