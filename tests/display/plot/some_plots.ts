/** One plot of each kind, of data that are small and fixed; as a program it prints what their SVGs are made of. */
import { arange, nn, noGrad, optim, tensor } from "@gradus/gradus";
import {
  type EpochRecord,
  LayerHistograms,
  type Plot,
  plot,
  plotBoundary,
  plotCurves,
  plotHistograms,
  plotScatter,
} from "@gradus/gradus/display";
import { Learner } from "@gradus/gradus/train";
import { structureOf } from "./svg_structure.ts";

/** Three epochs with a metric of one number, and one of a number for each class. */
export const HISTORY: EpochRecord[] = [2, 1, 0.5].map((loss, i) => ({
  ...{ epoch: i + 1, step: 10 * (i + 1), seconds: 1, lr: 0.1, trainLoss: loss, validLoss: loss + 0.25 },
  metrics: { accuracy: 0.5 + i / 8, recall: [0.5, 1] },
}));

/** A search for a rate whose best loss is at 1. */
export const CURVE = { rates: [0.01, 0.1, 1, 10], losses: [2, 1.5, 1, 4], suggestion: 0.1 };

/** Two classes, of which the first is taken for the other once. */
export const CONFUSION = [[3, 1], [0, 4]];

/** Two pictures of 2 × 2. */
export const PICTURES = tensor([[[0, 1], [0, 1]], [[1, 1], [0, 0]]]);

/** Four points on the sides of a cross, two of each class. */
export const CROSS = [tensor([[1, 0], [2, 1], [-1, 0], [-2, -1]]), tensor([1, 1, 0, 0], { dtype: "int32" })] as const;

/** A model that tells them apart by the sign of the first input. */
export function signModel(): nn.Linear {
  const model = new nn.Linear(2, 1, { bias: false });
  noGrad(() => model.weight.copy_(tensor([[1, 0]])));
  return model;
}

/** Three steps of a layer that doubles, and a ReLU. */
async function recorded(): Promise<LayerHistograms> {
  const model = new nn.Sequential(new nn.Linear(1, 1, { bias: false }), new nn.ReLU());
  noGrad(() => model.parameters()[0].fill_(2));
  const spread = new LayerHistograms({ bins: 4 });
  const x = tensor([[-1], [1]]), data = { train: [[x, x]] as const };
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.25 });
  await new Learner({ model, optimizer, loss: nn.functional.mse, data, callbacks: [spread] }).fit(3);
  return spread;
}

/** The same over time. */
export const SPREAD = await recorded();

/** The plots by their kinds. */
export const PLOTS: Readonly<Record<string, () => Plot>> = {
  history: () => plot(HISTORY),
  lr: () => plot(CURVE),
  confusion: () => plot(CONFUSION, { classes: ["no", "yes"] }),
  images: () => plot(PICTURES, { labels: [1, 7], predictions: [1, 2] }),
  curves: () => plotCurves({ SGD: [4, 2, 1], Adam: [4, 1] }),
  histogram: () => plot(arange(10), { bins: 5 }),
  histograms: () => plotHistograms(SPREAD),
  scatter: () => plotScatter(CROSS[0], { labels: CROSS[1] }),
  boundary: () => plotBoundary(signModel(), ...CROSS, { classes: ["left", "right"] }),
};

if (import.meta.main) {
  const all: Record<string, string[]> = {};
  for (const [kind, make] of Object.entries(PLOTS)) all[kind] = structureOf(await make().toSvg());
  console.log(JSON.stringify(all, null, 1));
}
