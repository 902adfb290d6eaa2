/**
 * k-means: clusters of a known number, by tensors alone. Every point belongs to the nearest of k centres, and every centre moves to the
 * mean of its points, until none changes hands (Lloyd's algorithm). Where the first centres lie decides how it ends: k-means++ draws each
 * next one with a probability that grows with the squared distance from those it has.
 *
 *     deno run examples/k_means.ts
 */
import {
  bincount,
  cat,
  cdist,
  manualSeed,
  multinomial,
  rand,
  randn,
  randperm,
  type Tensor,
  where,
  zeros,
} from "@gradus/gradus";

const [CLUSTERS, EACH, TRIALS] = [6, 250, 20];

manualSeed(42);
const truth = rand([CLUSTERS, 2]).mul(70).sub(35); // [6, 2]
const points = cat(truth.unbind().map((centre) => randn([EACH, 2]).mul(Math.sqrt(5)).add(centre))); // [1500, 2]

/** Squared distances of all points from all centres, [n, k]. */
const squares = (x: Tensor, centres: Tensor) => cdist(x, centres).square();

/** k points, each drawn with a weight of its squared distance from those before. */
function spreadOut(x: Tensor, k: number): Tensor {
  let centres = x.index(multinomial(zeros([x.shape[0]]).add(1), 1)); // [1, 2]
  while (centres.shape[0] < k) {
    const nearest = squares(x, centres).min(1).values; // [n]
    centres = cat([centres, x.index(multinomial(nearest, 1))]);
  }
  return centres;
}

/** The mean of each centre's points: their sums [k, 2] by indexAdd over their counts. A centre without points stays. */
function means(x: Tensor, owner: Tensor, centres: Tensor): Tensor {
  const k = centres.shape[0];
  const counts = bincount(owner, { minlength: k }).to("float32").unsqueeze(1); // [k, 1]
  const sums = zeros([k, 2]).indexAdd(0, owner, x);
  return where(counts.gt(0), sums.div(counts.clampMin(1)), centres);
}

/** Lloyd's algorithm: the centres, the mean squared distance from them, and how many rounds it took. */
function kMeans(x: Tensor, first: Tensor): { centres: Tensor; loss: number; rounds: number } {
  let [centres, owner] = [first, squares(x, first).argmin(1)];
  for (let rounds = 1;; rounds++) {
    centres = means(x, owner, centres);
    const next = squares(x, centres).argmin(1);
    if (next.eq(owner).all().item()) return { centres, loss: squares(x, centres).min(1).values.mean().item(), rounds };
    owner = next;
  }
}

const { centres, loss, rounds } = kMeans(points, spreadOut(points, CLUSTERS));
console.log(`k-means++: mean squared distance ${loss.toFixed(2)} after ${rounds} rounds`);
const away = cdist(truth, centres).min(1).values; // [6]
console.log(`each true centre is at most ${away.max().item().toFixed(2)} from one that was found`);

const losses = (draw: () => Tensor) => Array.from({ length: TRIALS }, () => kMeans(points, draw()).loss);
const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
const anywhere = losses(() => points.index(randperm(points.shape[0]).slice(0, 0, CLUSTERS)));
const apart = losses(() => spreadOut(points, CLUSTERS));
console.log(
  `over ${TRIALS} trials, from any points ${mean(anywhere).toFixed(1)}, from k-means++ ${mean(apart).toFixed(1)}`,
);
