/** State by name: PyTorch's keys and order, shared memory, and loading all or nothing. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { manualSeed, ones, randn, type Tensor, tensor, zeros } from "@gradus/gradus";
import { decodeSafetensors, encodeSafetensors } from "@gradus/gradus/io";
import * as nn from "@gradus/gradus/nn";
import { notATensor, optionsByName } from "../../wording.ts";

const model = () =>
  new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3), new nn.Sequential(new nn.Linear(3, 1)));

describe("stateDict()", () => {
  it("has PyTorch's keys in PyTorch's order", () => {
    assertEquals([...model().stateDict().keys()], [
      "0.weight",
      "0.bias",
      "1.weight",
      "1.bias",
      "1.running_mean",
      "1.running_var",
      "1.num_batches_tracked",
      "2.0.weight",
      "2.0.bias",
    ]);
  });
  it("shares the module's memory, without its history", () => {
    const layer = new nn.Linear(1, 1);
    const weight = layer.stateDict().get("weight")!;
    assertStrictEquals(weight.data, layer.weight.data);
    assertEquals(weight.requiresGrad, false);
  });
  it("leaves out buffers that do not persist", () => {
    class Scratch extends nn.Module {
      kept = new nn.Buffer(zeros([1]));
      scratch = new nn.Buffer(zeros([1]), { persistent: false });
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    assertEquals([...new Scratch().stateDict().keys()], ["kept"]);
  });
  it("has a shared parameter under each of its names", () => {
    const layer = new nn.Linear(1, 1, { bias: false });
    assertEquals([...new nn.Sequential(layer, layer).stateDict().keys()], ["0.weight", "1.weight"]);
  });
  it("has a loss's class weights as a buffer", () => {
    assertEquals([...new nn.CrossEntropyLoss({ weight: ones([3]) }).stateDict().keys()], ["weight"]);
    assertEquals([...new nn.BCEWithLogitsLoss({ posWeight: ones([3]) }).stateDict().keys()], ["pos_weight"]);
  });
  it("refuses two fields of one name", () => {
    class Twice extends nn.Module {
      runningMean = new nn.Parameter(ones([1]));
      running_mean = new nn.Parameter(ones([1]));
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    assertThrows(() => new Twice().stateDict(), RangeError, "two tensors are named running_mean");
  });
});

describe("loadStateDict()", () => {
  it("makes another model answer the same bits", () => {
    manualSeed(3);
    const [trained, other, x] = [model(), model(), randn([4, 2])];
    trained.call(x); // moves the running statistics
    const report = other.loadStateDict(trained.stateDict());
    assertEquals(report, { missing: [], unexpected: [] });
    assertEquals(other.eval().call(x).toArray(), trained.eval().call(x).toArray());
    assertEquals(other.stateDict().get("1.num_batches_tracked")!.item(), 1);
  });
  it("takes tensors that want gradients, and records nothing", () => {
    const [a, b] = [new nn.Linear(1, 1), new nn.Linear(1, 1)];
    b.loadStateDict(new Map(a.namedParameters()));
    assertEquals([b.weight.item(), b.weight.node], [a.weight.item(), null]);
  });
  it("copies: training the one afterwards leaves the other", () => {
    const [a, b] = [new nn.Linear(1, 1), new nn.Linear(1, 1)];
    b.loadStateDict(a.stateDict());
    nn.init.zeros_(a.weight);
    assertEquals(b.weight.item() !== 0, true);
  });
  it("survives a safetensors file with the same bits", () => {
    const [a, b] = [model(), model()];
    b.loadStateDict(decodeSafetensors(encodeSafetensors(a.stateDict())).tensors);
    assertEquals([...b.stateDict()].map(([, x]) => x.toArray()), [...a.stateDict()].map(([, x]) => x.toArray()));
  });
  it("keeps the parameters themselves, so that an optimiser still holds them", () => {
    const layer = new nn.Linear(1, 1);
    const [weight, data] = [layer.weight, layer.weight.data];
    layer.loadStateDict(new nn.Linear(1, 1).stateDict());
    assertStrictEquals(layer.weight, weight);
    assertStrictEquals(layer.weight.data, data);
    assertEquals([weight.requiresGrad, weight.node], [true, null]);
  });
  it("casts to the module's kind", () => {
    const layer = new nn.Linear(1, 1, { bias: false });
    layer.loadStateDict(new Map([["weight", tensor([[0.1]], { dtype: "float64" })]]));
    assertEquals([layer.weight.dtype, layer.weight.item()], ["float32", Math.fround(0.1)]);
  });
  it("names what is missing, unexpected and of another size in one error, and changes nothing", () => {
    const layer = new nn.Sequential(new nn.Linear(2, 3), new nn.LayerNorm(3));
    const before = [...layer.stateDict()].map(([, x]) => x.toArray());
    const state = new Map([["0.weight", ones([3, 3])], ["1.weight", zeros([3])], ["1.bias", ones([3])], [
      "extra",
      ones([1]),
    ]]);
    const { message } = assertThrows(() => layer.loadStateDict(state), RangeError);
    assertEquals(
      message,
      "Cannot load the state into Sequential: missing 0.bias; unexpected extra; 0.weight is [3, 3] but must be [3, 2]; " +
        "nothing was changed, build the module with the sizes of the state",
    );
    assertEquals([...layer.stateDict()].map(([, x]) => x.toArray()), before);
  });
  it("refuses a missing name alone, and an unexpected one alone", () => {
    const layer = new nn.Linear(1, 1);
    const weight = ones([1, 1]);
    assertThrows(() => layer.loadStateDict(new Map([["weight", weight]])), RangeError, "missing bias");
    const extra = new Map([["weight", weight], ["bias", ones([1])], ["x", weight]]);
    assertThrows(() => layer.loadStateDict(extra), RangeError, "unexpected x");
  });
  it("without strictness loads what fits and reports the rest", () => {
    const layer = new nn.Linear(1, 1);
    const report = layer.loadStateDict(new Map([["weight", tensor([[7]])], ["x", ones([1])]]), { strict: false });
    assertEquals(report, { missing: ["bias"], unexpected: ["x"] });
    assertEquals(layer.weight.item(), 7);
  });
  it("without strictness still refuses another size", () => {
    const state = new Map([["weight", ones([2, 2])]]);
    assertThrows(() => new nn.Linear(1, 1).loadStateDict(state, { strict: false }), RangeError, "weight is [2, 2]");
  });
  it("takes a plain object as well as a Map", () => {
    const layer = new nn.Linear(1, 1);
    layer.loadStateDict({ weight: tensor([[7]]), bias: tensor([8]) });
    assertEquals([layer.weight.item(), layer.bias!.item()], [7, 8]);
    assertThrows(() => layer.loadStateDict({}), RangeError, "missing weight, bias");
  });
  it("refuses what holds no tensors by name", () => {
    const load = (state: unknown) => () => new nn.Linear(1, 1).loadStateDict(state as nn.State);
    assertThrows(load("model.safetensors"), TypeError, "expected a Map of tensors by name");
    assertThrows(
      load({ tensors: new Map(), metadata: new Map() }),
      TypeError,
      notATensor('the state "tensors", a Map'),
    );
  });
  it("refuses PyTorch's second argument, and names the option", () => {
    const [layer, options] = [new nn.Linear(1, 1), false as unknown as nn.LoadOptions];
    assertThrows(() => layer.loadStateDict({}, options), TypeError, optionsByName("strict"));
  });
});
