/**
 * A penalty on a gradient: what second derivatives are for. A critic learns how far two clouds of points lie apart: its mean over the
 * one is to be as far as can be above its mean over the other, but its slope must not be steeper than 1. That difference is then the
 * distance that the points of one cloud would have to be moved to make the other, the Wasserstein distance.
 *
 * The slope is a gradient, and what is learned from it goes back through that gradient: `createGraph` records the way. Follows
 * Gulrajani et al., "Improved Training of Wasserstein GANs" (2017).
 *
 *     deno run examples/gradient_penalty.ts
 */
import { autograd, manualSeed, nn, optim, rand, randn, type Tensor, tensor } from "@gradus/gradus";

const shift = tensor([3, 4]); // 5 long
const here = () => randn([64, 2]);
const there = () => randn([64, 2]).add(shift);

function newCritic(): nn.Sequential {
  return new nn.Sequential(
    ...[new nn.Linear(2, 32), new nn.SiLU(), new nn.Linear(32, 32), new nn.SiLU(), new nn.Linear(32, 1)],
  );
}

/** The length of the critic's slope at points between the clouds, [n], with its history. */
function slopes(critic: nn.Sequential, a: Tensor, b: Tensor): Tensor {
  const t = rand([a.size(0), 1]);
  const between = a.mul(t).add(b.mul(t.neg().add(1))).requiresGrad_();
  const [slope] = autograd.grad(critic.call(between).sum(), between, { createGraph: true });
  return slope.norm(1);
}

/** Trains a critic; answers the distance it finds and its mean slope. */
function distance(penalty: number): { found: number; slope: number } {
  manualSeed(42);
  const critic = newCritic();
  const optimizer = new optim.Adam(critic.parameters(), { lr: 0.003, betas: [0.5, 0.9] });
  for (let step = 0; step < 600; step++) {
    const [a, b] = [here(), there()];
    const apart = critic.call(b).mean().sub(critic.call(a).mean());
    const tooSteep = slopes(critic, a, b).sub(1).square().mean();
    optimizer.zeroGrad();
    tooSteep.mul(penalty).sub(apart).backward();
    optimizer.step();
  }
  const [a, b] = [here(), there()];
  const found = critic.call(b).mean().sub(critic.call(a).mean()).item();
  return { found, slope: slopes(critic, a, b).mean().item() };
}

const free = distance(0);
const held = distance(100);
console.log(`the clouds lie ${shift.norm().item()} apart`);
console.log(`without a penalty: distance ${free.found.toFixed(1)}, mean slope ${free.slope.toFixed(1)}`);
console.log(`with a penalty:    distance ${held.found.toFixed(2)}, mean slope ${held.slope.toFixed(2)}`);
