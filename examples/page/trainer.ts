/** A network that learns digits, one batch after the other. */
import { backendName, manualSeed, nn, optim, type Tensor } from "@gradus/gradus";
import { DataLoader, TensorDataset } from "@gradus/gradus/data";
import type { DigitData } from "./digit_data.ts";
import { distort } from "./distort.ts";
import type { Progress, Settings } from "./messages.ts";
import { newNetwork } from "./network.ts";

/** Pictures in a batch; fewer where plain loops compute, so that a step is no long wait there either. */
const BATCH = 64, BATCH_OF_LOOPS = 16;

/** How many losses the mean is taken over, and how many steps the speed. */
const LATEST = 20;

/** The seed of the weights, and of the order and the distortions of the digits. */
const SEED = 12;

/** Gives the digits again and again, in a new order each time. */
function* batchesOf({ train: { images, labels } }: DigitData): Generator<readonly [Tensor, Tensor], never> {
  const loader = new DataLoader(new TensorDataset(images, labels), {
    batchSize: backendName() === "reference" ? BATCH_OF_LOOPS : BATCH,
    shuffle: true,
    dropLast: true,
    normalize: { mean: 0, std: 1 }, // levels from 0 to 1
    transform: distort,
  });
  for (;;) yield* loader;
}

/** Everything that begins anew when the network does. */
export class Trainer {
  readonly network: nn.Sequential;
  readonly #optimizer: optim.AdamW;
  readonly #batches: Generator<readonly [Tensor, Tensor], never>;
  readonly #latest: { loss: number; pictures: number; seconds: number }[] = [];
  #step = 0;

  /** A network that has learned nothing yet, unless it is given. */
  constructor(readonly data: DigitData, readonly settings: Settings, network?: nn.Sequential) {
    manualSeed(SEED);
    this.network = network ?? newNetwork(settings.width);
    this.#optimizer = new optim.AdamW(this.network.parameters(), { lr: settings.rate });
    this.#batches = batchesOf(data);
  }

  /** The learning rate from the next step on. */
  set rate(lr: number) {
    for (const group of this.#optimizer.paramGroups) group.lr = lr;
  }

  /** Takes one step. */
  learn(): void {
    const start = performance.now();
    const [x, y] = this.#batches.next().value;
    const loss = nn.functional.crossEntropy(this.network.call(x), y);
    this.network.zeroGrad();
    loss.backward();
    this.#optimizer.step();
    this.#step++;
    this.#latest.push({ loss: loss.item(), pictures: x.shape[0], seconds: (performance.now() - start) / 1000 });
    if (this.#latest.length > LATEST) this.#latest.shift();
  }

  /** How far it has come. */
  progress(): Progress {
    const sum = (of: "loss" | "pictures" | "seconds") => this.#latest.reduce((total, step) => total + step[of], 0);
    const speed = this.#step === 0 ? 0 : Math.round(sum("pictures") / sum("seconds"));
    return { step: this.#step, loss: sum("loss") / this.#latest.length, perSecond: speed };
  }
}
