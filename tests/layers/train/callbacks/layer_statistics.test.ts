import { assertEquals } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { noGrad, tensor } from "@gradus/gradus";
import { LayerStatistics, Learner, NanWatchdog } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";
import { bitsOf, smallLearner } from "../small_run.ts";

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
    const monitored = smallLearner([new LayerStatistics(), new NanWatchdog()]);
    await monitored.fit(1);
    assertEquals(bitsOf(monitored), bitsOf(plain));
  });
});
