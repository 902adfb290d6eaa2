/**
 * Mean shift: clusters without their number, by tensors alone. Each point goes to the mean of all points, weighted by a bell curve of
 * their distance, and so uphill to where points lie densest; after a few steps every cluster is one place.
 *
 *     deno run examples/mean_shift.ts
 */
import { cat, cdist, manualSeed, rand, randn, stack, type Tensor } from "@gradus/gradus";

const [CLUSTERS, EACH, BANDWIDTH, STEPS] = [6, 250, 2.5, 5];

manualSeed(42);
const centres = rand([CLUSTERS, 2]).mul(70).sub(35); // [6, 2]
const points = cat(centres.unbind().map((centre) => randn([EACH, 2]).mul(Math.sqrt(5)).add(centre))); // [1500, 2]

/** The height of a bell curve of the given width at a distance, but for a factor that is the same for all. */
const bell = (distance: Tensor, width: number) => distance.div(width).square().mul(-0.5).exp();

/** One step of all points: [n, n] weights of all by all, and their weighted means [n, 2]. */
function shifted(x: Tensor): Tensor {
  const weights = bell(cdist(x, x), BANDWIDTH);
  return weights.matmul(x).div(weights.sum(1, true));
}

/** The places that are further apart than the bandwidth, as [places, 2]. */
function placesOf(x: Tensor): Tensor {
  const found: Tensor[] = [];
  for (const point of x.unbind()) {
    if (found.every((place) => place.sub(point).norm().item() > BANDWIDTH)) found.push(point);
  }
  return stack(found);
}

const spread = (x: Tensor) => cat(x.split(EACH).map((own) => own.sub(own.mean(0, true)))).square().sum(1).mean().sqrt();

let x = points;
console.log(`${points.shape[0]} points, spread ${spread(x).item().toFixed(2)}`);
const started = performance.now();
for (let step = 1; step <= STEPS; step++) {
  x = shifted(x);
  console.log(`step ${step}: spread ${spread(x).item().toFixed(3)}`);
}
console.log(`${STEPS} steps in ${(performance.now() - started).toFixed(0)} ms`);

const places = placesOf(x);
console.log(`${places.shape[0]} places`);
const away = cdist(centres, places).min(1).values; // [6]
console.log(`each true centre is at most ${away.max().item().toFixed(2)} from one of them`);
