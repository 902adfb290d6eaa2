import { assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { pca, plotBoundary, plotScatter } from "@gradus/gradus/display";
import { eye, manualSeed, nn, rand, randn, tensor } from "@gradus/gradus";
import { CROSS, signModel } from "./some_plots.ts";

describe("pca()", () => {
  it("finds directions at right angles that the covariance only stretches, by their variance", () => {
    manualSeed(1);
    const x = randn([50, 5], { dtype: "float64" }).mul(tensor([5, 3, 2, 1, 0.5], { dtype: "float64" }));
    const { components, projected, explained } = pca(x, 3);
    const centred = x.sub(x.mean(0)), covariance = centred.t().matmul(centred).div(49);
    const off = components.matmul(components.t()).sub(eye(3, { dtype: "float64" })).abs().max().item();
    assertLess(off, 1e-12); // some hundred roundings of float64
    const stretched = components.matmul(covariance);
    const variances = stretched.mul(components).sum(1, true);
    assertLess(stretched.sub(components.mul(variances)).abs().max().item(), 1e-9); // the iteration ends at 1e-12, times a variance of 25
    assertEquals(explained.toSorted((a, b) => b - a), explained);
    assertLess(projected.sub(centred.matmul(components.t())).abs().max().item(), 1e-12);
  });
  it("gives each component a largest part that is positive", () => {
    const { components } = pca(tensor([[0, 0], [-3, -4], [-6, -8]]), 1);
    assertAlmostEquals(components.at(0, 0).item(), 0.6);
  });
  it("says that equal rows vary in no direction", () => {
    assertEquals(pca(tensor([[1, 2], [1, 2]])).explained, [0, 0]);
  });
  it("refuses a single row and more components than there are dimensions", () => {
    assertThrows(() => pca(tensor([[1, 2]])), RangeError, "expected [n, d] with two rows or more");
    assertThrows(() => pca(CROSS[0], 3), RangeError, "Cannot take 3 principal components of [4, 2]");
  });
});

describe("plotScatter()", () => {
  it("draws points as the first letters of their classes", () => {
    const lines = plotScatter(CROSS[0], { labels: ["a", "b", "c", "d"] }).toText({ columns: 20 }).split("\n");
    assertEquals(lines.join("").replaceAll(" ", ""), "bcad"); // from the top, and from left to right
    assertEquals(lines.length, 5);
  });
  it("takes rows of more numbers in their principal components, and says how much of them that is", () => {
    const { description } = plotScatter(rand([20, 2]).matmul(rand([2, 6])));
    assertEquals(description.startsWith("20 points in two of 6 dimensions, with 100 % of the variance"), true);
  });
  it("wants a label for each point", () => {
    assertThrows(() => plotScatter(CROSS[0], { labels: [1] }), RangeError, "Cannot plot 4 points with 1 labels");
  });
});

describe("plotBoundary()", () => {
  it("shows on which side each place lies, and how many points lie on their own", () => {
    const boundary = plotBoundary(signModel(), ...CROSS, { classes: ["left", "right"] });
    assertEquals(boundary.description, "4 points of 2 classes, 4 of them on their own side.");
    assertEquals(boundary.toText({ columns: 20 }).split("\n"), Array(10).fill("llllllllllrrrrrrrrrr"));
  });
  it("takes the largest of several scores", () => {
    const model = new nn.Linear(2, 2, { bias: false });
    model.loadStateDict({ weight: tensor([[-1, 0], [1, 0]]) });
    assertEquals(plotBoundary(model, ...CROSS).values.rows, [["0", "2", "2"], ["1", "2", "2"]]);
  });
  it("leaves the model in the mode that it was in", () => {
    const model = signModel();
    plotBoundary(model, ...CROSS);
    assertEquals(model.training, true);
  });
  it("refuses inputs that are not two", () => {
    assertThrows(() => plotBoundary(new nn.Linear(3, 1), rand([4, 3]), CROSS[1]), RangeError, "expected points [n, 2]");
  });
});
