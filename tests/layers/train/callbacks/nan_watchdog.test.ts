import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { manualSeed, ones, type Tensor, tensor } from "@gradus/gradus";
import { DataLoader, fromCsv, nameColumns, Subset, TensorDataset } from "@gradus/gradus/data";
import { Learner, NanWatchdog } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";
import { parabola, weightOf } from "../parabola.ts";

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

  it("is not needed to hear of a NaN in the data: fit() says once where it was", async () => {
    const said: string[] = [], { warn } = console;
    console.warn = (text: string) => void said.push(text);
    try {
      const x = tensor([[1, 2], [3, NaN]]), model = new nn.Linear(2, 1);
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
      await new Learner({ model, optimizer, loss: nn.functional.mse, data: { train: [[x, ones([2, 1])]] } }).fit(2);
    } finally {
      console.warn = warn;
    }
    const place = "the batch's inputs hold NaN at sample 1, column 1: mend the data, or leave it out";
    assertEquals(said, [`fit() lost its numbers in epoch 1, batch 1: ${place}`]);
  });

  /** What is said of a batch of 3 rows of 2 columns that are 1, but for one number. */
  const saidOf = async (x: Tensor, y: Tensor, valid = false): Promise<string> => {
    const model = new nn.Linear(2, 1);
    model.weight.data.fill(1);
    const good = [[ones([3, 2]), ones([3, 1])]] as const;
    const data = valid ? { train: good, valid: [[x, y]] as const } : { train: [[x, y]] as const };
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    const learner = new Learner({ model, optimizer, loss: nn.functional.mse, data, callbacks: [new NanWatchdog()] });
    return (await assertRejects(() => learner.fit(1), RangeError)).message;
  };
  const spoilt = (shape: number[], at: number[], value: number) => {
    const out = ones(shape);
    out.data[at[0] * shape[1] + at[1]] = value;
    return out;
  };
  const batches: [string, Tensor, Tensor, string][] = [
    ["NaN among the inputs", spoilt([3, 2], [2, 1], NaN), ones([3, 1]), "inputs hold NaN at sample 2, column 1"],
    [
      "−∞ among the inputs",
      spoilt([3, 2], [0, 1], -Infinity),
      ones([3, 1]),
      "inputs hold -Infinity at sample 0, column 1",
    ],
    ["NaN among the targets", ones([3, 2]), spoilt([3, 1], [1, 0], NaN), "targets hold NaN at sample 1, column 0"],
    ["inputs in columns", spoilt([2, 3], [1, 2], NaN).t(), ones([3, 1]), "inputs hold NaN at sample 2, column 1"],
  ];
  for (const [what, x, y, message] of batches) {
    for (const valid of [false, true]) {
      it(`says which sample and column of a ${valid ? "validation" : "training"} batch holds it: ${what}`, async () => {
        const said = await saidOf(x, y, valid);
        assertStringIncludes(said, `${valid ? "validation" : "training"}, epoch 1, batch 1`);
        assertStringIncludes(said, `the batch's ${message}: mend the data, or leave it out`);
        assertEquals(said.includes("learning rate"), false);
      });
    }
  }

  it("says the sample's number in its dataset, where the loader knows it, and the element of a picture", async () => {
    const images = ones([5, 1, 2, 2]);
    images.data[3 * 4 + 2] = NaN;
    const model = new nn.Sequential(new nn.Flatten(), new nn.Linear(4, 1));
    manualSeed(1);
    const train = new DataLoader(new TensorDataset(images, ones([5, 1])), { batchSize: 2, shuffle: true });
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
    const seen: number[] = [];
    const note = { beforeBatch: ({ samples }: Learner) => void seen.push(Array.from(samples!).indexOf(3)) };
    const callbacks = [new NanWatchdog(), note];
    const learner = new Learner({ model, optimizer, loss: nn.functional.mse, data: { train }, callbacks });
    const { message } = await assertRejects(() => learner.fit(1), RangeError);
    assertStringIncludes(
      message,
      `inputs hold NaN at sample ${seen.at(-1)} (number 3 of its dataset), element [0, 1, 0]: mend`,
    );
  });

  it("names the column of a table, in a batch that the table was made of and in one of its dataset", async () => {
    const { x, y } = await fromCsv(new Blob(["area,rooms,price\n30,1,5\n50,,6\n40,2,7\n"]), { target: "price" });
    const [learn, targets] = [x, y!.unsqueeze(1)];
    assertStringIncludes(await saidOf(learn, targets), 'inputs hold NaN at sample 1, column "rooms": mend the data');
    const loader = new DataLoader(new TensorDataset(learn, targets), { batchSize: 2 });
    const [first] = Array.from(loader);
    assertStringIncludes(await saidOf(...first), 'inputs hold NaN at sample 1, column "rooms": mend the data');
    const subset = new DataLoader(new Subset(new TensorDataset(learn, targets), [2, 1]), { batchSize: 2 });
    assertStringIncludes(await saidOf(...Array.from(subset)[0]), 'sample 1, column "rooms"');
    const rows = nameColumns(learn.index(tensor([1], { dtype: "int32" })), ["a", "b"]);
    assertStringIncludes(await saidOf(rows, targets.slice(0, 0, 1)), 'sample 0, column "b"');
  });

  it("lowers the learning rate where the batch is sound, and blames no target for a layer's output", async () => {
    const x = ones([3, 2]).mul(3e38);
    assertStringIncludes(await saidOf(x, spoilt([3, 1], [1, 0], NaN)), "lower the learning rate (0.1)");
  });

  it("names the batch of an evaluation within the run, not the run's own", async () => {
    const one = tensor([[1]], { dtype: "float64" });
    const evaluate = { beforeStep: (l: Learner) => l.evaluate([[one.mul(NaN), one]]).then(() => {}) };
    const learner = parabola({ callbacks: [new NanWatchdog(), evaluate] });
    const { message } = await assertRejects(() => learner.fit(1), RangeError);
    assertStringIncludes(message, "(validation, epoch 1, batch 1)");
    assertStringIncludes(message, "the batch's inputs hold NaN at sample 0, column 0");
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
