/**
 * Step 15, activations: what goes on inside a network while it learns. Mean and deviation of each layer, a histogram at each step, and
 * how many units are dead; for a start that goes wrong, and for the same network with a better one.
 *
 * Follows notebook 10 of the course, "Activation stats". The callback is in `layers/train/callbacks/model_monitors.ts`.
 *
 *     deno run examples/15_activations.ts
 *
 * On MNIST or Fashion-MNIST: `deno run -A examples/15_activations.ts --data DIR`.
 */
import { manualSeed, nn, noGrad, optim } from "@gradus/gradus";
import { digits, imageLoaders, loadMnist } from "@gradus/gradus/data";
import { type Callback, LayerStatistics, Learner, metrics, ShowProgress } from "@gradus/gradus/train";
import { parseArgs } from "node:util";

const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
const dataset = data ? await loadMnist({ dir: data }) : digits({ train: 1600, test: 500 });
const channels = [1, 8, 16, 32, 64, 10]; // a convolution between each two, which halves the size

function newModel(): nn.Sequential {
  manualSeed(1);
  const layers = channels.slice(1).flatMap((outputs, i) => [
    new nn.Conv2d(channels[i], outputs, 3, { stride: 2, padding: 1 }),
    new nn.ReLU(),
  ]);
  return new nn.Sequential(...layers.slice(0, -1), new nn.Flatten());
}

/** Counts at each step how the outputs of a layer of the model spread over bins from 0 on, as the course's coloured columns show. */
class Histogram implements Callback {
  readonly steps: number[][] = [];

  constructor(readonly layer: number, readonly bins: number, readonly width: number) {}

  afterBatch({ model, x, training }: Learner): void {
    if (!training) return;
    const outputs = noGrad(() => [...model as nn.Sequential].slice(0, this.layer + 1).reduce((x, l) => l.call(x), x));
    const counts = Array(this.bins).fill(0);
    for (const value of outputs.data) counts[Math.min(this.bins - 1, Math.floor(value / this.width))]++;
    this.steps.push(counts);
  }

  /** A column for each of some steps, a row for each bin, darker where there is more, by the logarithm. */
  draw(columns: number): string {
    const shown = Array.from({ length: columns }, (_, i) => this.steps[Math.floor(i * this.steps.length / columns)]);
    const most = Math.log1p(Math.max(...shown.flat()));
    const shade = (count: number) => " .:-=+*#%@"[Math.round((9 * Math.log1p(count)) / most)];
    const rows = Array.from({ length: this.bins }, (_, bin) => shown.map((counts) => shade(counts[bin])).join(""));
    return rows.map((row, bin) => `${(bin * this.width).toFixed(2).padStart(5)} |${row}`).reverse().join("\n");
  }
}

/** An epoch, and what the layers did in it. */
async function watch(model: nn.Sequential, lr: number, normalized: boolean): Promise<void> {
  const normalize = normalized ? {} : { normalize: { mean: 0, std: 1 } };
  const { train, valid } = imageLoaders(dataset, { batchSize: data ? 1024 : 32, ...normalize });
  const [statistics, histogram] = [new LayerStatistics(), new Histogram(5, 10, 0.5)];
  const learner = new Learner({
    ...{ model, loss: nn.functional.crossEntropy, optimizer: new optim.SGD(model.parameters(), { lr }) },
    ...{ data: { train, valid }, metrics: [metrics.accuracy()] },
    callbacks: [new ShowProgress(), statistics, histogram],
  });
  await learner.fit(1);

  console.log("ReLU after   mean and deviation at steps 1, 5, 10, 20 and the last             zeros at the last");
  for (const [path, steps] of statistics.activations) {
    if (!(model.namedModules().find(([name]) => name === path)![1] instanceof nn.ReLU)) continue;
    const shown = [0, 4, 9, 19, steps.length - 1].map((i) => steps[i]);
    const texts = shown.map(({ mean, std }) => `${mean.toFixed(2)} ±${std.toFixed(2)}`.padEnd(13));
    console.log(`layer ${path.padEnd(6)} ${texts.join("")}${(100 * steps.at(-1)!.zeros).toFixed(0).padStart(12)} %`);
  }
  console.log(`outputs of the third ReLU, from the first step to the last\n${histogram.draw(60)}\n`);
}

// Pictures from 0 to 1, PyTorch's first weights, and a rate that is too high: the outputs get smaller from layer to layer, and so
// does what comes back. Nothing is learned, or all grows in a jerk and collapses: a ReLU that is 0 for every picture has no gradient.
console.log("a bad start");
await watch(newModel(), 0.6, false);

// Pictures of mean 0 and deviation 1, weights that keep the deviation (step 5), and a lower rate.
console.log("a better one");
const model = newModel();
model.apply((layer) => void (layer instanceof nn.Conv2d && nn.init.kaimingNormal_(layer.weight)));
await watch(model, 0.2, true);
