import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { nn, ones, type Tensor, zeros } from "@gradus/gradus";

describe("ModuleList", () => {
  it("is found in a field, with its modules by index, in training and in evaluation", () => {
    class Net extends nn.Module {
      blocks = new nn.ModuleList([new nn.Linear(1, 2), new nn.Linear(2, 3, { bias: false })]);
      forward(x: Tensor): Tensor {
        for (const block of this.blocks) x = block.call(x);
        return x;
      }
    }
    const net = new Net();
    assertEquals([...net.stateDict().keys()], ["blocks.0.weight", "blocks.0.bias", "blocks.1.weight"]);
    assertEquals(net.call(ones([4, 1])).shape, [4, 3]);
    assertEquals([net.eval().blocks[1].training, net.parameters().length], [false, 3]);
    assertEquals(
      `${net.blocks}`,
      "ModuleList(\n  (0): Linear(in_features=1, out_features=2, bias=True)\n  (1): Linear(in_features=2, out_features=3, bias=False)\n)",
    );
  });

  it("grows at its end and in between, and keeps the order past nine", () => {
    const list = new nn.ModuleList();
    const relus = Array.from({ length: 12 }, () => new nn.ReLU());
    list.extend(relus);
    const tanh = new nn.Tanh();
    assertEquals([list.length, list.insert(1, tanh).length, list.insert(-1, new nn.ELU()).length], [12, 13, 14]);
    assertEquals(
      [...list].map((m) => m.constructor.name).join(" ").replace(/ReLU( ReLU)+/, "…"),
      "ReLU Tanh … ELU ReLU",
    );
    assertEquals(list.namedChildren().map(([name]) => name), Array.from({ length: 14 }, (_, i) => `${i}`));
    assertStrictEquals<nn.Module>(list.append(list[1])[14], tanh);
    list[0] = tanh;
    assertStrictEquals<nn.Module>([...list][0], tanh);
    assertEquals(list.extend(list).length, 30);
  });

  it("refuses what is no module, a place that is not there, and to be called", () => {
    assertThrows(
      () => new nn.ModuleList([nn.ReLU as never]),
      TypeError,
      "the class ReLU: it is no module, make one, new ReLU()",
    );
    assertThrows(
      () => new nn.ModuleList(new nn.ReLU() as never),
      TypeError,
      "a ModuleList of a ReLU: give them in an array",
    );
    assertThrows(() => new nn.ModuleList().insert(1, new nn.ReLU()), RangeError, "insert at 1: there are 0 modules");
    assertThrows(
      () => new nn.ModuleList().call(...[] as never),
      TypeError,
      "Cannot call ModuleList: it has no forward",
    );
  });
});

describe("ModuleDict", () => {
  const make = () => new nn.ModuleDict({ upSample: new nn.Linear(1, 2), relu: new nn.ReLU() });

  it("keeps modules by name, in order, and the names as they are", () => {
    const dict = make();
    assertEquals([[...dict.keys()], dict.size, dict.has("relu")], [["upSample", "relu"], 2, true]);
    assertEquals([...dict.stateDict().keys()], ["upSample.weight", "upSample.bias"]);
    assertEquals(dict.get("relu").call(ones([1])).item(), 1);
    assertEquals([...dict].map(([name, module]) => [name, module === dict.get(name)]), [["upSample", true], [
      "relu",
      true,
    ]]);
    assertEquals([...dict.values()].length, 2);
  });

  it("loads what it saved, and takes modules away and puts others in", () => {
    const [a, b] = [make(), make()];
    a.loadStateDict(b.stateDict());
    assertEquals(a.parameters().map((p) => p.toArray()), b.parameters().map((p) => p.toArray()));
    assertEquals([a.delete("upSample"), a.delete("upSample"), a.parameters().length], [true, false, 0]);
    a.update(new Map([["call", new nn.Linear(1, 1)]])); // the name of a method
    assertEquals([...a.keys()], ["relu", "call"]);
    assertEquals(`${make()}`.split("\n")[1], "  (upSample): Linear(in_features=1, out_features=2, bias=True)");
  });

  it("refuses what is no module, names with dots, and modules without names", () => {
    assertThrows(() => make().set("a", 3 as never), TypeError, "Cannot set the number 3: it is no module");
    assertThrows(
      () => make().set("a.b", new nn.ReLU()),
      RangeError,
      'under the text "a.b": a name is a text without dots',
    );
    assertThrows(
      () => new nn.ModuleDict([new nn.ReLU()] as never),
      TypeError,
      "a ModuleDict of an array: give modules by name",
    );
    assertThrows(() => make().get("tanh"), RangeError, 'the module the text "tanh": the names are upSample, relu');
  });
});

describe("ParameterList", () => {
  it("is found in a field, with its parameters by index; a tensor becomes one", () => {
    class Net extends nn.Module {
      scales = new nn.ParameterList([ones([2]), new nn.Parameter(zeros([3]), { requiresGrad: false })]);
      forward(x: Tensor): Tensor {
        return x.mul(this.scales[0]);
      }
    }
    const net = new Net();
    net.call(ones([2])).sum().backward();
    assertEquals(net.namedParameters().map(([name, p]) => [name, p.requiresGrad]), [["scales.0", true], [
      "scales.1",
      false,
    ]]);
    assertEquals(net.scales[0].g!.toArray(), [1, 1]);
    assertEquals([net.scales.append(ones([4])).length, [...net.scales].length], [3, 3]);
    assertEquals(`${net.scales}`, "ParameterList((0): Parameter [2], (1): Parameter [3], (2): Parameter [4])");
  });

  it("refuses integers and what is no tensor", () => {
    assertThrows(() => new nn.ParameterList([ones([1]).int()]), TypeError, "it carries no gradient");
    assertThrows(() => new nn.ParameterList([3 as never]), TypeError, "append the number 3: it is no tensor");
    assertThrows(
      () => new nn.ParameterList(ones([1]) as never),
      TypeError,
      "a ParameterList of a Tensor: give them in an array",
    );
  });
});
