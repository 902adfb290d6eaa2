import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { noGrad } from "../../../backward/tape.ts";
import { tensor } from "../../../core/create.ts";
import { defaultGenerator } from "../../../core/random/generator.ts";
import type { Tensor } from "../../../core/tensor.ts";
import * as nn from "../../../layers/nn/nn.ts";
import * as optim from "../../../layers/optim/optim.ts";
import type { TrainingBatch } from "../../../layers/train/batches.ts";
import type { Callback } from "../../../layers/train/callback.ts";
import { ClipGradients } from "../../../layers/train/clip_gradients.ts";
import { EarlyStopping } from "../../../layers/train/early_stopping.ts";
import { findLr } from "../../../layers/train/find_lr.ts";
import { LayerStatistics } from "../../../layers/train/layer_statistics.ts";
import { Learner } from "../../../layers/train/learner.ts";
import type { LearnerOptions } from "../../../layers/train/learner_options.ts";
import { NanWatchdog } from "../../../layers/train/nan_watchdog.ts";
import { ShowProgress } from "../../../layers/train/show_progress.ts";
import { watchCalls } from "../../../layers/train/watch_calls.ts";
import { bitsOf, smallLearner } from "./small_run.ts";

/** The loss is w² for the one weight w, which begins at 1: each step of rate γ multiplies w by 1 − 2γ. */
function parabola(options: Partial<LearnerOptions> = {}, lr = 0.1): Learner {
  const model = new nn.Linear(1, 1, { bias: false, dtype: "float64" });
  noGrad(() => model.weight.fill_(1));
  const one = tensor([[1]], { dtype: "float64" });
  return new Learner({
    model,
    optimizer: new optim.SGD(model.parameters(), { lr }),
    loss: (prediction) => prediction.mul(prediction).sum(),
    data: { train: [[one, one]] },
    ...options,
  });
}

const weightOf = ({ model }: Learner): Tensor => model.parameters()[0];

describe("findLr()", () => {
  it("multiplies the rate by 1.3 a batch and notes the loss before each step", async () => {
    const { rates, losses } = await findLr(parabola(), { start: 0.01 });
    let w = 1;
    rates.forEach((rate, i) => {
      assertAlmostEquals(rate, 0.01 * 1.3 ** i, 1e-12);
      assertAlmostEquals(losses[i], w * w, 1e-12 * Math.max(1, w * w));
      w *= 1 - 2 * rate;
    });
  });

  it("ends before a loss above 3 times the best", async () => {
    const { rates, losses } = await findLr(parabola(), { start: 0.01 });
    assert(losses.every((loss, i) => loss <= 3 * Math.min(...losses.slice(0, i + 1))));
    const [rate, loss] = [rates[rates.length - 1], losses[losses.length - 1]];
    assert(loss * (1 - 2 * rate) ** 2 > 3 * Math.min(...losses));
  });

  it("ends at the largest rate where the loss never grows", async () => {
    const flat = parabola({ loss: (p) => p.mul(0).sum().add(1) });
    const { rates } = await findLr(flat, { start: 1, factor: 2, end: 10 });
    assertEquals(rates, [1, 2, 4, 8]);
  });

  it("suggests a tenth of the rate of the least loss", async () => {
    const { rates, losses, suggestion } = await findLr(parabola(), { start: 0.01 });
    assertEquals(suggestion, rates[losses.indexOf(Math.min(...losses))] / 10);
  });

  it("leaves weights, optimiser, streams and counts as they were", async () => {
    const learner = smallLearner();
    await learner.fit(1);
    const [before, streams] = [bitsOf(learner), defaultGenerator.getState()];
    await findLr(learner, { start: 1e-3 });
    assertEquals(bitsOf(learner), before);
    assertEquals(defaultGenerator.getState(), streams);
  });

  it("refuses a factor that does not grow", async () => {
    await assertRejects(() => findLr(parabola(), { factor: 1 }), RangeError, "factor");
  });
});

describe("LayerStatistics", () => {
  it("notes mean, deviation and share of zeros of each layer's output", async () => {
    const model = new nn.Sequential(new nn.Linear(1, 4, { dtype: "float64" }), new nn.ReLU());
    noGrad(() => {
      (model[0] as nn.Linear).weight.copy_(tensor([[-1], [1], [3], [-2]]));
      (model[0] as nn.Linear).bias!.zero_();
    });
    const x = tensor([[1]], { dtype: "float64" });
    const statistics = new LayerStatistics();
    const optimizer = new optim.SGD(model.parameters(), { lr: 0 });
    await new Learner({ model, optimizer, loss: (p) => p.sum(), data: { train: [[x, x]] }, callbacks: [statistics] })
      .fit(1);
    const [linear, relu] = ["0", "1"].map((name) => statistics.activations.get(name)![0]);
    assertEquals(linear, { step: 1, mean: 0.25, std: Math.sqrt(3.6875), zeros: 0 }); // −1 1 3 −2
    assertEquals(relu, { step: 1, mean: 1, std: Math.sqrt(1.5), zeros: 0.5 }); // 0 1 3 0
    assertEquals(statistics.gradients.get("0.weight"), [{ step: 1, mean: 0.5, std: 0.5, zeros: 0.5 }]); // 0 1 1 0
  });

  it("looks at every n-th step, of training only", async () => {
    const [all, odd] = [new LayerStatistics(), new LayerStatistics({ every: 2 })];
    await smallLearner([all, odd]).fit(1);
    const steps = ({ activations }: LayerStatistics) => activations.get("0")!.map(({ step }) => step);
    assertEquals([steps(all), steps(odd)], [[1, 2, 3, 4, 5], [1, 3, 5]]);
    assertEquals([...all.activations.keys()], ["0", "1", "2", "3", "4"]);
  });

  it("changes no bit of what is learned", async () => {
    const plain = smallLearner();
    await plain.fit(1);
    const watched = smallLearner([new LayerStatistics(), new NanWatchdog()]);
    await watched.fit(1);
    assertEquals(bitsOf(watched), bitsOf(plain));
  });
});

describe("watchCalls()", () => {
  it("tells of inner modules before outer ones, and leaves no trace when it ends", () => {
    const model = new nn.Sequential(new nn.Sequential(new nn.ReLU()), new nn.Tanh());
    const seen: string[] = [];
    const end = watchCalls(model, (path) => void seen.push(path));
    model.call(tensor([1]));
    end();
    model.call(tensor([1]));
    assertEquals(seen, ["0.0", "0", "1", ""]);
    assertEquals([Object.keys(model[1]), model.children().length], [["training"], 2]);
  });

  it("may be called twice: both are told, and end in any order but the last first", () => {
    const model = new nn.ReLU();
    const seen: number[] = [];
    const first = watchCalls(model, () => void seen.push(1));
    const second = watchCalls(model, () => void seen.push(2));
    model.call(tensor([1]));
    second();
    model.call(tensor([1]));
    first();
    model.call(tensor([1]));
    assertEquals(seen, [1, 2, 1]);
  });
});

describe("NanWatchdog", () => {
  it("names the layer whose output is lost, and the step", async () => {
    class Broken extends nn.Module {
      override forward(x: Tensor): Tensor {
        return learner.step === 2 ? x.mul(NaN) : x;
      }
    }
    const model = new nn.Sequential(new nn.Linear(1, 2), new Broken(), new nn.Linear(2, 1));
    const learner = parabola({
      model,
      optimizer: new optim.SGD(model.parameters(), { lr: 0.1 }),
      data: { train: [[tensor([[1]]), tensor([[1]])]] },
      callbacks: [new NanWatchdog()],
    });
    const error = await assertRejects(() => learner.fit(5), RangeError);
    assertStringIncludes(error.message, "at step 2 (training, epoch 3, batch 1): the output of 1 (Broken) holds NaN");
  });

  it("names the loss where no layer is to blame", async () => {
    const learner = parabola({ loss: (p) => p.sum().mul(Infinity), callbacks: [new NanWatchdog()] });
    await assertRejects(() => learner.fit(1), RangeError, "the loss holds Infinity");
  });

  it("names the gradient that is lost while the loss is not", async () => {
    const learner = parabola({ loss: (p) => p.mul(0).sqrt().sum(), callbacks: [new NanWatchdog()] });
    await assertRejects(() => learner.fit(1), RangeError, "the gradient of weight holds NaN");
  });

  it("lets large numbers pass whose sum is not finite", async () => {
    const x = tensor([[3e38, 3e38]]);
    const model = new nn.ReLU();
    const owner = parabola();
    const learner = new Learner({
      model,
      optimizer: owner.optimizer,
      loss: () => weightOf(owner).sum(),
      data: { train: [[x, x]] },
      callbacks: [new NanWatchdog()],
    });
    assertEquals((await learner.fit(1)).outcome, "finished");
  });

  it("looks no longer when the run is over", async () => {
    const learner = parabola({ callbacks: [new NanWatchdog()] });
    await learner.fit(1);
    assertEquals(Object.keys(learner.model).includes("forward"), false);
  });
});

describe("EarlyStopping", () => {
  /** A run whose epochs have these scores. */
  function scored(scores: number[], callbacks: Callback[]): Learner {
    const one = tensor([[1]], { dtype: "float64" });
    let epoch = 0;
    const metric = { name: "score", reset: () => {}, update: () => {}, value: () => scores[epoch++] };
    return parabola({ metrics: [metric], data: { train: [[one, one]], valid: [[one, one]] }, callbacks });
  }

  it("stops after patience epochs without a new best", async () => {
    const learner = scored([1, 2, 2, 1.5, 9], [new EarlyStopping({ monitor: "score", patience: 2 })]);
    const { outcome, reason, history } = await learner.fit(5);
    assertEquals([outcome, history.length], ["stopped", 4]);
    assertStringIncludes(reason!, "no new best of score in 2 epochs");
  });

  it("begins anew with each fit() that is not resumed", async () => {
    const learner = scored([9, 1, 2, 2.5, 2.6, 2], [new EarlyStopping({ monitor: "score", patience: 1 })]);
    const first = (await learner.fit(5)).history.length;
    const { outcome, history } = await learner.fit(4);
    assertEquals([first, outcome, history.length], [2, "stopped", 6]);
  });

  it("takes a small one for the best where it is told to", async () => {
    const learner = scored([1, 2, 3, 4], [new EarlyStopping({ monitor: "score", patience: 2, mode: "min" })]);
    assertEquals((await learner.fit(4)).history.length, 3);
  });

  it("asks for more than minDelta", async () => {
    const learner = scored([1, 1.1, 1.2, 1.3], [new EarlyStopping({ monitor: "score", patience: 2, minDelta: 0.5 })]);
    assertEquals((await learner.fit(4)).history.length, 3);
  });

  it("watches the loss unless told", async () => {
    const growing = parabola({ callbacks: [new EarlyStopping({ patience: 1 })] }, 1.5); // w doubles with each step
    assertEquals((await growing.fit(9)).history.length, 2);
  });

  it("refuses to watch what is not there", async () => {
    const learner = parabola({ callbacks: [new EarlyStopping({ monitor: "score" })] });
    await assertRejects(() => learner.fit(1), RangeError, "Cannot watch score: the record has the numbers trainLoss");
  });
});

describe("ClipGradients", () => {
  it("bounds the norm before the step", async () => {
    const clip = new ClipGradients({ maxNorm: 0.5 });
    const learner = parabola({ callbacks: [clip] });
    await learner.fit(1);
    assertAlmostEquals(weightOf(learner).item(), 0.95, 1e-6); // 1 − 0.1 · 0.5; the norm is clipped to 1e-6
    assertEquals(clip.norm, 2);
  });

  it("bounds each element", async () => {
    const learner = parabola({ callbacks: [new ClipGradients({ maxValue: 1 })] });
    await learner.fit(1);
    assertAlmostEquals(weightOf(learner).item(), 0.9, 1e-15);
  });

  it("refuses to do nothing", () => {
    assertThrows(() => new ClipGradients({}), RangeError, "give maxNorm or maxValue");
  });
});

describe("Schedule", () => {
  const rates = async (per: "batch" | "epoch" | undefined) => {
    const learner = parabola();
    const scheduler = new optim.ExponentialLR(learner.optimizer, { gamma: 0.5 });
    const seen: number[] = [];
    const { model, optimizer, lossFunction: loss, data } = learner;
    const [batch] = data.train as Iterable<TrainingBatch>;
    await new Learner({
      model,
      optimizer,
      loss,
      data: { train: [batch, batch] },
      scheduler: per === undefined ? scheduler : { scheduler, per },
      callbacks: [{ beforeStep: () => void seen.push(optimizer.paramGroups[0].lr) }],
    }).fit(2);
    return seen;
  };

  it("steps after each epoch unless told", async () => {
    assertEquals(await rates(undefined), [0.1, 0.1, 0.05, 0.05]);
  });

  it("steps after each batch where it is told to", async () => {
    assertEquals(await rates("batch"), [0.1, 0.05, 0.025, 0.0125]);
  });

  it("is noted in the history with the rate of the last step", async () => {
    const learner = parabola();
    const scheduler = new optim.ExponentialLR(learner.optimizer, { gamma: 0.5 });
    const { model, optimizer, lossFunction: loss, data } = learner;
    const { history } = await new Learner({ model, optimizer, loss, data, scheduler }).fit(2);
    assertEquals(history.map(({ lr }) => lr), [0.1, 0.05]);
  });
});

describe("ShowProgress", () => {
  it("prints a line an epoch where there is no terminal", async () => {
    const [lines, drawn] = [[] as string[], [] as string[]];
    const out = { terminal: false, write: (text: string) => void drawn.push(text) };
    await parabola({ callbacks: [new ShowProgress({ out, print: (line) => lines.push(line) })] }).fit(2);
    assertEquals(lines, ["epoch 1/2  loss 1.0000", "epoch 2/2  loss 0.6400"]);
    assertEquals(drawn, []);
  });

  it("draws a bar with rate, loss and remaining time on a terminal, and takes it away", async () => {
    const drawn: string[] = [];
    const out = { terminal: true, write: (text: string) => void drawn.push(text) };
    await parabola({ callbacks: [new ShowProgress({ out, print: () => {} })] }).fit(1);
    const bar = drawn.find((text) => text.includes("100%"))!;
    for (const part of ["epoch 1/1", "/s", "left", "loss 1.0000"]) assertStringIncludes(bar, part);
    assertEquals(drawn[drawn.length - 1], "\r\x1b[K");
  });

  it("names losses and metrics of one number", async () => {
    const lines: string[] = [];
    await smallLearner([new ShowProgress({ print: (line) => lines.push(line) })]).fit(1);
    assertEquals(lines[0].replace(/\d\.\d{4}/g, "#"), "epoch 1/1  loss #  valid #  accuracy #");
  });
});
