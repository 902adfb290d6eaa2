import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { noGrad, ones, randn, type Tensor, tensor } from "@gradus/gradus";
import { AveragedModel, getEmaAvgFn, updateBn } from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";

const F64 = { dtype: "float64" } as const;
const make = () => new nn.Sequential(new nn.Linear(1, 1, F64), new nn.BatchNorm1d(1, F64));

/** A model whose parameters and buffers are all `value`. */
function model(value: number): nn.Sequential {
  const made = make();
  noGrad(() => made.stateDict().forEach((x) => x.fill_(value)));
  return made;
}

const values = (module: nn.Module) => Array.from(module.stateDict().values(), (x) => x.flatten().toArray()).flat();

describe("AveragedModel", () => {
  it("is the mean of the models, with the buffers of the last one", () => {
    const averaged = new AveragedModel(make());
    for (const value of [1, 2, 6]) averaged.updateParameters(model(value));
    assertEquals(values(averaged), [3, 3, 3, 3, 3, 6, 6, 6]); // the count, four parameters, three buffers
  });

  it("averages buffers of floats with useBuffers", () => {
    const averaged = new AveragedModel(make(), { useBuffers: true });
    for (const value of [1, 2, 6]) averaged.updateParameters(model(value));
    assertEquals(values(averaged), [3, 3, 3, 3, 3, 3, 3, 6]);
  });

  it("is a moving average with getEmaAvgFn, the first model as it is", () => {
    const averaged = new AveragedModel(make(), { avgFn: getEmaAvgFn(0.5) });
    for (const value of [1, 3, 8]) averaged.updateParameters(model(value));
    assertEquals(values(averaged).slice(1, 3), [5, 5]); // (1 + 3) / 2, then (2 + 8) / 2
  });

  it("goes on from its state, by PyTorch's names", () => {
    const [a, b] = [new AveragedModel(make()), new AveragedModel(make())];
    a.updateParameters(model(1));
    b.loadStateDict(new Map(Array.from(a.stateDict(), ([name, x]) => [name, x.clone()])));
    for (const one of [a, b]) one.updateParameters(model(2));
    assertEquals(values(b), values(a));
    const names = ["n_averaged", "module.0.weight", "module.0.bias", "module.1.weight", "module.1.bias"];
    assertEquals([...b.stateDict().keys()].slice(0, 5), names);
  });

  it("averages weights that two layers share", () => {
    const tied = (value: number) => {
      const made = new nn.Sequential(new nn.Linear(1, 1, F64), new nn.Linear(1, 1, F64));
      (made.children() as nn.Linear[])[1].weight = (made.children() as nn.Linear[])[0].weight;
      noGrad(() => made.stateDict().forEach((x) => x.fill_(value)));
      return made;
    };
    const averaged = new AveragedModel(tied(0));
    for (const value of [1, 3]) averaged.updateParameters(tied(value));
    assertEquals(values(averaged), [2, 2, 2, 2, 2]);
  });

  it("computes with the average, without a way back into the model", () => {
    const averaged = new AveragedModel(new nn.Linear(2, 1));
    averaged.updateParameters(new nn.Linear(2, 1));
    assertEquals(averaged.call(ones([3, 2])).shape, [3, 1]);
  });

  it("refuses itself, other models, and what is no module", () => {
    const averaged = new AveragedModel(make());
    assertThrows(() => averaged.updateParameters(averaged.module as nn.Sequential), TypeError, "average a model into");
    assertThrows(() => averaged.updateParameters(new nn.Linear(1, 1)), RangeError, "missing");
    assertEquals(averaged.nAveraged.item(), 0);
    assertThrows(() => new AveragedModel((() => make()) as never), TypeError, "made like the model");
    assertThrows(() => getEmaAvgFn(2), RangeError, "Cannot average with the decay 2");
  });
});

describe("updateBn()", () => {
  it("gives the mean over batches, and leaves momentum and modes as they were", async () => {
    const net = model(2).eval();
    const [, norm] = net.children() as [nn.Linear, nn.BatchNorm1d];
    const y = tensor([0, 0]);
    const batch = (...x: number[]) => [tensor([x], F64).t(), y] as [Tensor, Tensor];
    await updateBn([batch(0, 1), batch(3, 5)], net); // 2x + 2: 2 and 4, 8 and 12
    assertEquals([norm.runningMean!.toArray(), norm.runningVar!.toArray()], [[6.5], [5]]);
    assertEquals([norm.numBatchesTracked!.item(), norm.momentum, norm.training], [2, 0.1, false]);
    assertEquals(net.parameters().map(({ g }) => g), [null, null, null, null]);
  });

  it("calls no model without batch norm", async () => {
    class Refuses extends nn.Module {
      override forward(): Tensor {
        throw new Error("was called");
      }
    }
    await updateBn([[randn([2, 1]), randn([2])]], new Refuses());
  });
});
