/** What is done wrongly with plots and what notebooks show. */
import * as d from "@gradus/gradus/display";
import { type Cases, ints, model, NEITHER, x } from "./cases.ts";

const epoch = { epoch: 1, step: 1, seconds: 1, lr: 0.1, trainLoss: 1, metrics: {} };
const curve = { rates: [0.1], losses: [1], suggestion: 0.1 };

export const DRAWN: Record<string, Cases | typeof NEITHER> = {
  LayerHistograms: { options: [["evry", "every", (o) => new d.LayerHistograms(o)]] },
  Plot: NEITHER,
  display: NEITHER,
  histogram: { options: [["bin", "bins", (o) => d.histogram(x, o)]], tensors: [(x) => d.histogram(x)] },
  plot: { options: [["titel", "title", (o) => d.plot([epoch], o)]] },
  pca: { tensors: [(x) => d.pca(x)] },
  plotBoundary: {
    options: [["titel", "title", (o) => d.plotBoundary(model(), x, ints, o)]],
    tensors: [(x) => d.plotBoundary(model(), x, ints), (labels) => d.plotBoundary(model(), x, labels)],
  },
  plotHistograms: { options: [["titel", "title", (o) => d.plotHistograms(new d.LayerHistograms(), o)]] },
  plotScatter: { options: [["lables", "labels", (o) => d.plotScatter(x, o)]], tensors: [(x) => d.plotScatter(x)] },
  plotConfusion: { options: [["clases", "classes", (o) => d.plotConfusion([[1]], o)]] },
  plotHistogram: { options: [["bin", "bins", (o) => d.plotHistogram(x, o)]], tensors: [(x) => d.plotHistogram(x)] },
  plotCurves: { options: [["xTitel", "xTitle", (o) => d.plotCurves({ a: [1] }, o)]] },
  plotHistory: { options: [["titel", "title", (o) => d.plotHistory([epoch], o)]] },
  plotImages: { options: [["lables", "labels", (o) => d.plotImages(x, o)]], tensors: [(x) => d.plotImages(x)] },
  plotLr: { options: [["titel", "title", (o) => d.plotLr(curve, o)]] },
};
