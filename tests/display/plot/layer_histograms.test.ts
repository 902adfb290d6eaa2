import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { LayerHistograms, plotHistograms } from "@gradus/gradus/display";
import { nn, optim, tensor } from "@gradus/gradus";
import { Learner } from "@gradus/gradus/train";
import { SPREAD } from "./some_plots.ts";

describe("LayerHistograms", () => {
  it("counts the outputs of each layer at each step, and what lies outside in the last bins", () => {
    const [first] = SPREAD.layers.get("0")!; // 2 and -2 in bins from -4 to 4
    assertEquals([first.step, first.counts, first.edges], [1, [0, 1, 0, 1], [-4, -2, 0, 2, 4]]);
    assertEquals(SPREAD.layers.get("1")![0].counts, [0, 0, 1, 1]); // 0 and 2 after the ReLU
  });
  it("counts parameters, at every second step", async () => {
    const model = new nn.Linear(1, 1);
    const spread = new LayerHistograms({ of: "parameters", every: 2, bins: 2, range: [-1, 1] });
    const x = tensor([[1]]), data = { train: [[x, x], [x, x]] as const };
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    await new Learner({ model, optimizer, loss: nn.functional.mse, data, callbacks: [spread] }).fit(2);
    assertEquals([...spread.layers.keys()], ["weight", "bias"]);
    assertEquals(spread.layers.get("weight")!.map(({ step }) => step), [1, 3]);
  });
  it("refuses settings that are none", () => {
    assertThrows(() => new LayerHistograms({ every: 0 }), RangeError, "with every 0: give a whole number from 1");
    assertThrows(() => new LayerHistograms({ range: [1, 0] }), RangeError, "from 1 to 0: give low < high");
    assertThrows(() => new LayerHistograms({ of: "weights" as never }), TypeError, '"weights"');
  });
});

describe("plotHistograms()", () => {
  it("tells mean and deviation at the first and the last step of each layer", () => {
    const [first] = plotHistograms(SPREAD).description.split(". ");
    assertEquals(first.startsWith("0: mean 0 and deviation 2 at step 1, 0 and "), true, first);
  });
  it("shows the layers that are named", () => {
    assertEquals(plotHistograms(SPREAD, { layers: ["1"] }).values.rows.map(([name]) => name), ["1", "1", "1"]);
    assertThrows(() => plotHistograms(SPREAD, { layers: ["2"] }), RangeError, "there are 0, 1");
  });
  it("refuses one that saw no run", () => {
    assertThrows(() => plotHistograms(new LayerHistograms()), RangeError, "nothing was recorded");
  });
});
