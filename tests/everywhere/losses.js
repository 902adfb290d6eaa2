/**
 * One program for every runtime: it learns digits and answers its losses, bit for bit. Plain JavaScript, so that Node.js runs it as it is.
 *
 * @module
 */
import { backendName, manualSeed, nn, optim, tensor } from "@gradus/gradus";
import { digits, imageLoaders } from "@gradus/gradus/data";
import { decodeSafetensors, encodeSafetensors } from "@gradus/gradus/io";
import { exportTs, Learner, metrics } from "@gradus/gradus/train";

/** A network for digits and what trains it, all from one seed. */
export function newLearner(callbacks = []) {
  manualSeed(42);
  const { train, valid } = imageLoaders(digits({ train: 1000, test: 200 }), { shape: [784] });
  const model = new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
  return new Learner({
    model,
    loss: nn.functional.crossEntropy,
    optimizer: new optim.Adam(model.parameters(), { lr: 0.003 }),
    data: { train, valid },
    metrics: [metrics.accuracy()],
    callbacks,
  });
}

/** The losses of a run. */
export function lossesOf({ history }) {
  return history.map(({ trainLoss, validLoss, metrics }) => [trainLoss, validLoss, metrics.accuracy]);
}

/** What three epochs give, and the same weights back from the bytes of a safetensors file. */
export async function losses() {
  const x = tensor([[1, 2], [3, 4]]).requiresGrad_();
  x.matmul(x).sum().backward();
  const learner = newLearner();
  await learner.fit(3);
  const { model } = learner;
  const bytes = encodeSafetensors(model.stateDict(), { made: "here" });
  const { tensors } = decodeSafetensors(bytes);
  const same = [...model.stateDict()].every(([name, { data }]) =>
    tensors.get(name).data.every((w, i) => w === data[i])
  );
  const source = await exportTs(model);
  return {
    backend: backendName(),
    gradient: x.g.toArray(),
    losses: lossesOf(learner),
    same,
    exported: source.includes("export function predict"),
  };
}
