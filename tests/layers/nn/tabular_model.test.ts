import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { cat, manualSeed, nn, noGrad, tensor } from "@gradus/gradus";
import { Checkpoints, Learner, loadCheckpoint } from "@gradus/gradus/train";
import * as optim from "@gradus/gradus/optim";
import { embeddingSize } from "../../../layers/nn/tabular_model.ts";
import { inFolder } from "../../core/io/in_folder.ts";

describe("TabularModel", () => {
  const rows = tensor([[0, 1, 0.5, -1], [2, 3, 1.5, 0], [1, 0, 0.5, 4]]);
  const model = () => new nn.TabularModel({ categories: [3, 4], numbers: 2 }, 2, { hidden: [8, 5] });

  it("gives each category as many elements as fastai's rule: min(600, round(1.6 n^0.56))", () => {
    assertEquals([2, 3, 5, 13, 100, 1000, 100_000].map(embeddingSize), [2, 3, 4, 7, 21, 77, 600]);
    const { embeds } = new nn.TabularModel({ categories: [2, 1000], numbers: 0 }, 1, { hidden: [] });
    assertEquals(embeds.map(({ embeddingDim }) => embeddingDim), [2, 77]);
  });

  it("has the parts of fastai's TabularModel, and their names", () => {
    assertEquals([...model().stateDict().keys()], [
      ...["embeds.0.weight", "embeds.1.weight"],
      ...[
        "bn_cont.weight",
        "bn_cont.bias",
        "bn_cont.running_mean",
        "bn_cont.running_var",
        "bn_cont.num_batches_tracked",
      ],
      ...["layers.0.weight", "layers.2.weight", "layers.2.bias", "layers.2.running_mean", "layers.2.running_var"],
      ...[
        "layers.2.num_batches_tracked",
        "layers.3.weight",
        "layers.5.weight",
        "layers.5.bias",
        "layers.5.running_mean",
      ],
      ...["layers.5.running_var", "layers.5.num_batches_tracked", "layers.6.weight", "layers.6.bias"],
    ]);
  });

  it("joins the vectors and the normed numbers, and passes them through the layers", () => {
    const net = model().eval();
    const [a, b] = net.embeds.map(({ weight }) => weight);
    const expected = noGrad(() => {
      const vectors = [a.index(tensor([0, 2, 1], { dtype: "int32" })), b.index(tensor([1, 3, 0], { dtype: "int32" }))];
      return net.layers.call(cat([...vectors, net.bnCont!.call(rows.slice(1, 2, 4))], 1));
    });
    assertEquals(noGrad(() => net.call(rows)).toArray(), expected.toArray());
  });

  it("begins with small vectors", () => {
    manualSeed(1);
    const { embeds: [{ weight }] } = new nn.TabularModel({ categories: [1000], numbers: 0 }, 1);
    assertAlmostEquals(weight.std().item(), 0.0088, 0.0005); // a normal cut at two deviations has 0.88 of its deviation
    assertEquals(weight.abs().max().item() <= 0.0201, true);
  });

  it("takes rows of categories alone, and of numbers alone", () => {
    assertEquals(new nn.TabularModel({ categories: [3], numbers: 0 }, 2).call(tensor([[0], [2]])).shape, [2, 2]);
    assertEquals(new nn.TabularModel({ categories: [], numbers: 3 }, 1).call(tensor([[1, 2, 3], [3, 2, 1]])).shape, [
      2,
      1,
    ]);
  });

  it("drops where it is told to, and in training alone", () => {
    const net = new nn.TabularModel({ categories: [3], numbers: 1 }, 1, {
      hidden: [4],
      dropout: 0.5,
      embeddingDropout: 0.1,
    });
    assertEquals([net.embDrop.p, (net.layers[3] as nn.Dropout).p], [0.1, 0.5]);
    const x = tensor([[0, 1], [1, 2]]);
    net.eval();
    assertEquals(net.call(x).toArray(), net.call(x).toArray());
  });

  it("learns a word that decides", async () => {
    manualSeed(2);
    const x = tensor(Array.from({ length: 64 }, (_, i) => [i % 4, (i * 7) % 5])), y = x.slice(1, 0, 1).eq(2).float();
    const net = new nn.TabularModel({ categories: [4], numbers: 1 }, 1, { hidden: [16] });
    const optimizer = new optim.Adam(net.parameters(), { lr: 0.02 });
    const learner = new Learner({
      model: net,
      optimizer,
      loss: nn.functional.mse,
      data: { train: [[x, y]], valid: [[x, y]] },
    });
    const { history } = await learner.fit(100);
    assertEquals(history[99].validLoss! < 0.01, true, `${history[99].validLoss}`);
  });

  it("is saved in checkpoints and loaded from them", () =>
    inFolder(async (folder) => {
      const learner = (net: nn.TabularModel) =>
        new Learner({
          ...{ model: net, optimizer: new optim.SGD(net.parameters(), { lr: 0.1 }), loss: nn.functional.mse },
          ...{ data: { train: [[rows, tensor([[1, 0], [0, 1], [1, 1]])]] }, callbacks: [new Checkpoints(folder)] },
        });
      const first = model(), second = model();
      await learner(first).fit(2);
      await learner(second).fit(2, { resume: () => loadCheckpoint(folder) });
      assertEquals(second.eval().call(rows).toArray(), first.eval().call(rows).toArray());
    }));

  it("refuses rows of another width, categories past their number, and sizes that cannot be", () => {
    assertThrows(() => model().call(tensor([[0, 1, 2]])), RangeError, "rows [1, 3]: expected [rows, 4]");
    assertThrows(() => model().eval().call(tensor([[3, 1, 0, 0]])), RangeError);
    assertThrows(() => model().eval().call(tensor([[NaN, 1, 0, 0]])), RangeError);
    assertThrows(() => new nn.TabularModel({ categories: [], numbers: 0 }, 1), RangeError, "no features");
    assertThrows(() => new nn.TabularModel({ categories: [-1], numbers: 0 }, 1), RangeError, "categories[0] -1");
    assertThrows(() => new nn.TabularModel([3] as never, 1), TypeError, "give { categories: [3, 5], numbers: 4 }");
    assertThrows(
      () => new nn.TabularModel({ categories: [2], numbers: 0 }, 1, { dropout: 2 }),
      RangeError,
      "probability 2",
    );
  });
});
