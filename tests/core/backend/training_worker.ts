/** Trains a small network: as a Worker when it gets a message, or by {@linkcode runTraining} where it is imported. */
import { manualSeed, nn, optim, randint, randn, setThreads, threads } from "@gradus/gradus";

/** The first layer's weights after some steps; the products are large enough for several threads. */
export function runTraining(seed: number, steps: number): number[] {
  manualSeed(seed);
  const model = new nn.Sequential(new nn.Linear(64, 256), new nn.Tanh(), new nn.Linear(256, 10));
  const [x, y] = [randn([600, 64]), randint(0, 10, [600])];
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  for (let step = 0; step < steps; step++) {
    optimizer.zeroGrad();
    nn.functional.crossEntropy(model.call(x), y).backward();
    optimizer.step();
  }
  return ([...model.parameters()][0].toArray() as number[][]).flat();
}

const scope = globalThis as unknown as {
  WorkerGlobalScope?: unknown;
  onmessage: (event: MessageEvent) => void;
  postMessage(answer: unknown): void;
};
if (scope.WorkerGlobalScope !== undefined) {
  scope.onmessage = ({ data: { seed, steps, set } }) => {
    if (set !== undefined) setThreads(set);
    const atFirst = threads();
    const weights = runTraining(seed, steps);
    scope.postMessage({ weights, atFirst, threads: threads() });
  };
}
