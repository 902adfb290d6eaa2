import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { type Tensor, tensor, zeros } from "@gradus/gradus";
import * as metrics from "@gradus/gradus/metrics";

const ints = (values: number[]): Tensor => tensor(values, { dtype: "int32" });

/** Scores that take row i for class `taken[i]` of three. */
function scoresFor(...taken: number[]): Tensor {
  return tensor(taken.map((c) => [0, 1, 2].map((j) => (j === c ? 5 : j / 10))));
}

/** The value over several batches. */
function over(metric: metrics.Metric, ...batches: [Tensor, Tensor][]): metrics.MetricValue {
  metric.reset();
  for (const [p, t] of batches) metric.update(p, t);
  return metric.value();
}

const taken = scoresFor(0, 0, 1, 2, 2, 2);
const target = ints([0, 1, 1, 2, 2, 0]);

describe("metrics", () => {
  it("accuracy() is the share of rows that are right", () => {
    assertEquals(metrics.measure(metrics.accuracy(), taken, target), 4 / 6);
  });

  it("accuracy() weighs batches by their rows", () => {
    const value = over(metrics.accuracy(), [scoresFor(0, 0, 0), ints([0, 0, 0])], [scoresFor(1), ints([0])]);
    assertEquals(value, 0.75); // and not (1 + 0) / 2
  });

  it("accuracy() takes the first of several highest scores, as argmax does", () => {
    const tied = tensor([[1, 1], [1, 1]]);
    assertEquals(metrics.measure(metrics.accuracy(), tied, ints([0, 1])), 0.5);
  });

  it("accuracy() counts a row of NaN by argmax: the first NaN is the largest", () => {
    const lost = tensor([[0, NaN, 1]]);
    assertEquals(lost.argmax(1).toArray(), [1]);
    assertEquals(metrics.measure(metrics.accuracy(), lost, ints([1])), 1);
  });

  it("accuracy() of nothing is NaN", () => {
    assertEquals(over(metrics.accuracy()), NaN);
  });

  it("accuracy() forgets on reset", () => {
    const metric = metrics.accuracy();
    assertEquals([metrics.measure(metric, taken, target), metrics.measure(metric, taken, ints([0, 0, 1, 2, 2, 2]))], [
      4 / 6,
      1,
    ]);
  });

  it("accuracy() reads strided scores", () => {
    assertEquals(metrics.measure(metrics.accuracy(), tensor([[9, 0], [0, 9]]).t(), ints([0, 1])), 1);
    assertEquals(metrics.measure(metrics.accuracy(), tensor([[9, 9], [0, 0]]).t(), ints([0, 0])), 1);
  });

  it("accuracy() refuses targets of another shape", () => {
    assertThrows(() => metrics.measure(metrics.accuracy(), taken, target.unsqueeze(1)), RangeError, "[6, 1]");
  });

  it("accuracy() refuses a target that is no class", () => {
    assertThrows(() => metrics.measure(metrics.accuracy(), scoresFor(0), ints([3])), RangeError, "target 3");
  });

  it("binaryAccuracy() splits logits at 0 and probabilities at the given threshold", () => {
    const scores = tensor([[-2], [0.4], [0.6], [3]]);
    const classes = ints([0, 0, 1, 1]);
    assertEquals(metrics.measure(metrics.binaryAccuracy(), scores, classes), 0.75);
    assertEquals(metrics.measure(metrics.binaryAccuracy(0.5), scores, classes), 1);
  });

  it("topK() is right while fewer than k classes score higher", () => {
    const scores = tensor([[3, 2, 1], [3, 2, 1], [3, 2, 1]]);
    const classes = ints([0, 1, 2]);
    const values = [1, 2, 3].map((k) => metrics.measure(metrics.topK(k), scores, classes));
    assertEquals(values, [1 / 3, 2 / 3, 1]);
  });

  it("topK() refuses half a class", () => {
    assertThrows(() => metrics.topK(0.5), RangeError, "top 0.5");
  });

  it("confusionMatrix() counts classes by row and what they were taken for by column", () => {
    assertEquals(metrics.measure(metrics.confusionMatrix(3), taken, target), [[1, 0, 1], [1, 1, 0], [0, 0, 2]]);
  });

  it("confusionMatrix() refuses scores of another number of classes", () => {
    assertThrows(() => metrics.measure(metrics.confusionMatrix(4), taken, target), RangeError, "4 classes");
  });

  it("precision() is the share of right ones among those taken for a class", () => {
    assertEquals(metrics.measure(metrics.precision(3), taken, target), [1 / 2, 1, 2 / 3]);
  });

  it("recall() is the share of a class that was found", () => {
    assertEquals(metrics.measure(metrics.recall(3), taken, target), [1 / 2, 1 / 2, 1]);
  });

  it("f1() is the harmonic mean of both", () => {
    assertEquals(metrics.measure(metrics.f1(3), taken, target), [1 / 2, 2 / 3, 4 / 5]);
  });

  it("precision(), recall() and f1() are 0 for a class that never occurs", () => {
    const values = [metrics.precision, metrics.recall, metrics.f1].map((metric) =>
      metrics.measure(metric(3), scoresFor(0, 1), ints([0, 1]))
    );
    assertEquals(values, [[1, 1, 0], [1, 1, 0], [1, 1, 0]]);
  });

  const batches: [Tensor, Tensor][] = [[tensor([1, 2, 3]), tensor([1, 4, 3])], [tensor([6]), tensor([5])]];

  it("mse() is the mean of squares over all elements of all batches", () => {
    assertEquals(over(metrics.mse(), ...batches), 5 / 4);
  });

  it("mae() is the mean of distances over all elements of all batches", () => {
    assertEquals(over(metrics.mae(), ...batches), 3 / 4);
  });

  it("r2() compares with the targets' own deviation", () => {
    assertAlmostEquals(over(metrics.r2(), ...batches) as number, 1 - 5 / 8.75, 1e-15); // targets 1 4 3 5: mean 13/4
  });

  it("r2() of targets that do not vary is 1 where each is met, else 0", () => {
    const [same, off] = [tensor([2, 2]), tensor([2, 3])];
    assertEquals([metrics.measure(metrics.r2(), same, same), metrics.measure(metrics.r2(), off, same)], [1, 0]);
  });

  it("r2() is 0 for the mean and 1 for the truth, also far from 0", () => {
    const truth = tensor([1e6, 1e6 + 1, 1e6 + 2], { dtype: "float64" });
    const mean = tensor([1e6 + 1, 1e6 + 1, 1e6 + 1], { dtype: "float64" });
    assertEquals([metrics.measure(metrics.r2(), mean, truth), metrics.measure(metrics.r2(), truth, truth)], [0, 1]);
  });

  it("mse() refuses shapes that only broadcasting could pair", () => {
    assertThrows(() => metrics.measure(metrics.mse(), tensor([[1], [2]]), tensor([1, 2])), RangeError, "[2, 1]");
  });
});

describe("classificationReport()", () => {
  const report = metrics.classificationReport(taken, ints([0, 0, 1, 1, 2, 2]), ["moss", "rose", "tree"]);

  it("has a line for each class, with its rows", () => {
    assertEquals(report.split("\n").slice(0, 4), [
      "class precision    recall        f1    rows",
      "moss      1.000     1.000     1.000       2",
      "rose      1.000     0.500     0.667       2",
      "tree      0.667     1.000     0.800       2",
    ]);
  });

  it("ends with the confusion matrix where there are few classes", () => {
    assertEquals(report.split("\n").slice(-3), [
      "moss       2      0      0",
      "rose       0      1      1",
      "tree       0      0      2",
    ]);
    const names = Array.from({ length: 13 }, (_, i) => `${i}`);
    assertEquals(metrics.classificationReport(zeros([1, 13]), ints([0]), names).split("\n").length, 14);
  });

  it("refuses another number of names than of classes", () => {
    assertThrows(
      () => metrics.classificationReport(taken, ints([0, 0, 1, 1, 2, 2]), ["moss"]),
      RangeError,
      "1 classes",
    );
  });
});
