/** Modules: what they find in their fields, modes, and how they print. */
import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";

/** A model with everything that a field may hold. */
class Everything extends nn.Module {
  first = new nn.Linear(2, 3);
  ownScale = new nn.Parameter(ones([1]));
  layers = [new nn.ReLU(), new nn.Linear(3, 1, { bias: false })];
  runningTotal = new nn.Buffer(zeros([1]));
  scratch = new nn.Buffer(zeros([2]), { persistent: false });
  lastInput: Tensor | null = null;
  weights = [new nn.Parameter(ones([2])), new nn.Parameter(ones([3]))];
  note = "not a part";

  forward(x: Tensor): Tensor {
    this.lastInput = x;
    let y = this.first.call(x);
    for (const layer of this.layers) y = layer.call(y);
    return y.mul(this.ownScale);
  }
}

class Empty extends nn.Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

/** Two uses of one layer, as tied weights are. */
class Tied extends nn.Module {
  a = new nn.Linear(2, 2);
  b = this.a;
  c = new nn.Linear(2, 2);
  constructor() {
    super();
    this.c.weight = this.a.weight;
  }
  forward(x: Tensor): Tensor {
    return this.c.call(this.b.call(this.a.call(x)));
  }
}

const names = (list: [string, unknown][]) => list.map(([name]) => name);

describe("Module", () => {
  it("finds parameters in its fields, its own first, then its children's, arrays by index", () => {
    assertEquals(names(new Everything().namedParameters()), [
      "own_scale",
      "weights.0",
      "weights.1",
      "first.weight",
      "first.bias",
      "layers.1.weight",
    ]);
  });
  it("finds children in the order of assignment", () => {
    assertEquals(names(new Everything().namedChildren()), ["first", "layers.0", "layers.1"]);
  });
  it("finds modules, itself first", () => {
    const model = new nn.Sequential(new nn.Sequential(new nn.ReLU()), new nn.Tanh());
    assertEquals(names(model.namedModules()), ["", "0", "0.0", "1"]);
    assertStrictEquals(model.modules()[0], model);
  });
  it("finds buffers, and no plain tensor that a field remembers", () => {
    const model = new Everything();
    model.call(ones([1, 2]));
    assertEquals(names(model.namedBuffers()), ["running_total", "scratch"]);
    assertEquals(model.lastInput?.shape, [1, 2]);
  });
  it("finds what is assigned later, and loses what is set to null", () => {
    const layer = new nn.Linear(2, 2);
    layer.bias = null;
    assertEquals(names(layer.namedParameters()), ["weight"]);
    layer.bias = new nn.Parameter(zeros([2]));
    assertEquals(names(layer.namedParameters()), ["weight", "bias"]);
  });
  it("counts a shared module and a shared parameter once", () => {
    const model = new Tied();
    assertEquals(names(model.namedParameters()), ["a.weight", "a.bias", "c.bias"]);
    assertEquals(model.modules().length, 3);
  });
  it("adds up the gradients of all uses of a shared parameter", () => {
    const layer = new nn.Linear(1, 1, { bias: false });
    layer.loadStateDict(new Map([["weight", tensor([[3]])]]));
    new nn.Sequential(layer, layer).call(tensor([[1]])).sum().backward(); // w², so 2w
    assertEquals(layer.weight.g?.item(), 6);
  });
  it("without fields has nothing and passes its input", () => {
    const empty = new Empty();
    assertEquals([empty.parameters(), empty.children(), empty.buffers(), [...empty.stateDict()]], [[], [], [], []]);
    assertEquals(empty.call(ones([2])).toArray(), [1, 1]);
  });
  it("keeps names that are no camelCase as they are", () => {
    class Odd extends nn.Module {
      W = new nn.Parameter(ones([1]));
      snake_case = new nn.Parameter(ones([1]));
      fc1 = new nn.Parameter(ones([1]));
      inProj2 = new nn.Parameter(ones([1]));
      layer2Norm = new nn.Parameter(ones([1]));
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    assertEquals(names(new Odd().namedParameters()), ["W", "snake_case", "fc1", "in_proj2", "layer2_norm"]);
  });
  it("train() and eval() reach every module below", () => {
    const model = new nn.Sequential(new nn.Dropout(), new nn.Sequential(new nn.Dropout()));
    assertStrictEquals(model.eval(), model);
    assertEquals(model.modules().map((module) => module.training), [false, false, false, false]);
    model.train();
    assertEquals(model.modules().map((module) => module.training), [true, true, true, true]);
  });
  it("apply() visits children first", () => {
    const seen: string[] = [];
    new nn.Sequential(new nn.ReLU(), new nn.Tanh()).apply((module) => seen.push(module.constructor.name));
    assertEquals(seen, ["ReLU", "Tanh", "Sequential"]);
  });
  it("zeroGrad() sets every gradient to null", () => {
    const model = new Everything();
    model.call(ones([1, 2])).sum().backward();
    assertEquals(model.first.weight.g?.shape, [3, 2]);
    model.zeroGrad();
    assertEquals(model.parameters().map((parameter) => parameter.g), Array(6).fill(null));
  });
  it("requiresGrad_(false) freezes the parameters", () => {
    const model = new nn.Sequential(new nn.Linear(2, 1)).requiresGrad_(false);
    assertEquals(model.call(ones([1, 2])).requiresGrad, false);
    assertEquals(model.requiresGrad_().call(ones([1, 2])).requiresGrad, true);
  });
  it("takes several inputs where its type says so", () => {
    class Add extends nn.Module<[a: Tensor, b: Tensor]> {
      forward(a: Tensor, b: Tensor): Tensor {
        return a.add(b);
      }
    }
    assertEquals(new Add().call(ones([1]), ones([1])).item(), 2);
  });
});

describe("Parameter", () => {
  it("shares the memory it is made from, without its history", () => {
    const x = ones([2]).requiresGrad_();
    const w = new nn.Parameter(x.mul(2));
    assertEquals([w.node, w.requiresGrad, w.toArray()], [null, true, [2, 2]]);
    const data = zeros([1]);
    assertStrictEquals(new nn.Parameter(data).data, data.data);
  });
  it("gives plain tensors when it is computed with", () => {
    const y = new nn.Parameter(ones([2])).mul(2);
    assertEquals(y instanceof nn.Parameter, false);
    assertEquals(y.requiresGrad, true);
  });
  it("may be frozen from the start", () => {
    assertEquals(new nn.Parameter(ones([2]), { requiresGrad: false }).requiresGrad, false);
  });
  it("refuses integers", () => {
    assertThrows(() => new nn.Parameter(tensor([1], { dtype: "int32" })), TypeError, "int32");
  });
  it("prints as in PyTorch", () => {
    assertEquals(`${new nn.Parameter(ones([2]))}`, "Parameter containing:\ntensor([1., 1.], requires_grad=True)");
  });
});

describe("Sequential", () => {
  it("feeds each output to the next module", () => {
    const [a, b] = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
    const x = ones([1, 2]);
    assertEquals(new nn.Sequential(a, b).call(x).toArray(), b.call(a.call(x)).toArray());
  });
  it("passes its input where it is empty", () => {
    const x = ones([1]);
    assertStrictEquals(new nn.Sequential().call(x), x);
    assertEquals(new nn.Sequential().length, 0);
  });
  it("gives its modules by index and in order, and takes another one", () => {
    const model = new nn.Sequential(new nn.ReLU(), new nn.Tanh());
    assertInstanceOf(model[1], nn.Tanh);
    model[1] = new nn.Sigmoid();
    assertEquals([...model].map((module) => module.constructor.name), ["ReLU", "Sigmoid"]);
    assertEquals(model.call(zeros([1])).item(), 0.5);
  });
  it("counts more than ten modules in the order of their numbers", () => {
    const model = new nn.Sequential(...Array.from({ length: 12 }, () => new nn.ReLU()));
    assertEquals(names(model.namedChildren()), Array.from({ length: 12 }, (_, i) => `${i}`));
  });
});

describe("new Sequential()", () => {
  const make = (...parts: unknown[]) => () => new nn.Sequential(...parts as nn.Module[]);
  it("refuses an array of modules, and says to spread it", () => {
    assertThrows(make([new nn.ReLU()]), TypeError, "part 0 is an array, and no module; write ...modules");
  });
  it("refuses a class that was not made with new", () => {
    assertThrows(
      make(new nn.Linear(1, 1), nn.ReLU),
      TypeError,
      "part 1 is the class ReLU, and no module; write new ReLU()",
    );
  });
});

describe("the printed form", () => {
  it("is PyTorch's", () => {
    const model = new nn.Sequential(
      new nn.Linear(2, 3),
      new nn.Sequential(new nn.ReLU(), new nn.Dropout(0.25)),
      new nn.LeakyReLU(),
      new nn.ELU(),
      new nn.GELU(),
      new nn.Softplus(),
      new nn.Hardtanh(),
      new nn.LogSoftmax(-1),
      new nn.Softmax(1),
      new nn.Flatten(),
      new nn.BatchNorm1d(3),
      new nn.LayerNorm([3, 4]),
      new nn.LayerNorm(3),
      new nn.Embedding(5, 3, { paddingIdx: 0 }),
      new nn.BatchNorm1d(3, { momentum: null }),
    );
    assertEquals(
      `${model}`,
      `Sequential(
  (0): Linear(in_features=2, out_features=3, bias=True)
  (1): Sequential(
    (0): ReLU()
    (1): Dropout(p=0.25, inplace=False)
  )
  (2): LeakyReLU(negative_slope=0.01)
  (3): ELU(alpha=1.0)
  (4): GELU(approximate='none')
  (5): Softplus(beta=1, threshold=20)
  (6): Hardtanh(min_val=-1.0, max_val=1.0)
  (7): LogSoftmax(dim=-1)
  (8): Softmax(dim=1)
  (9): Flatten(start_dim=1, end_dim=-1)
  (10): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (11): LayerNorm((3, 4), eps=1e-05, elementwise_affine=True)
  (12): LayerNorm((3,), eps=1e-05, elementwise_affine=True)
  (13): Embedding(5, 3, padding_idx=0)
  (14): BatchNorm1d(3, eps=1e-05, momentum=None, affine=True, track_running_stats=True)
)`,
    );
  });
  it("of a module without parts or settings is its class", () => {
    assertEquals([`${new nn.Sequential()}`, `${new nn.CrossEntropyLoss()}`], ["Sequential()", "CrossEntropyLoss()"]);
  });
  it("call() names a module without forward()", () => {
    class Empty extends (nn.Module as unknown as new () => object) {}
    const empty = new Empty() as nn.Linear;
    assertThrows(() => empty.call(ones([1, 1])), TypeError, "Cannot call Empty: it has no method forward");
  });
  it("is what console.log shows", () => {
    assertEquals(Deno.inspect(new nn.ReLU()), "ReLU()");
  });
});

describe("summary()", () => {
  it("lists modules with shapes and counts, and their total", () => {
    const model = new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
    model[2].requiresGrad_(false);
    assertEquals(
      model.summary(),
      `name  module  shapes                        count
0     Linear  weight [50, 784], bias [50]  39,250
1     ReLU                                      0
2     Linear  weight [10, 50], bias [10]      510
39,760 parameters, 39,250 of them trained`,
    );
  });
  it("for an input also lists outputs and multiply-adds, and leaves the model as it was", () => {
    const model = new nn.Sequential(
      ...[new nn.Conv2d(1, 6, 5, { padding: 2 }), new nn.BatchNorm2d(6), new nn.ReLU(), new nn.MaxPool2d(2)],
      ...[new nn.ConvTranspose2d(6, 2, 2, { stride: 2 }), new nn.Flatten(), new nn.Linear(1568, 10)],
    );
    model[1].eval();
    const before = `${model[1].buffers()}`;
    assertEquals(
      model.summary(zeros([2, 1, 28, 28])),
      `name  module           shapes                          count  output          multiply-adds
0     Conv2d           weight [6, 1, 5, 5], bias [6]     156  [2, 6, 28, 28]        235,200
1     BatchNorm2d      weight [6], bias [6]               12  [2, 6, 28, 28]              0
2     ReLU                                                 0  [2, 6, 28, 28]              0
3     MaxPool2d                                            0  [2, 6, 14, 14]              0
4     ConvTranspose2d  weight [6, 2, 2, 2], bias [2]      50  [2, 2, 28, 28]         18,816
5     Flatten                                              0  [2, 1568]                   0
6     Linear           weight [10, 1568], bias [10]   15,690  [2, 10]                31,360
15,908 parameters, 15,908 of them trained; 285,376 multiply-adds`,
    );
    assertEquals([`${model[1].buffers()}`, model.training, model[1].training], [before, true, false]);
    assertEquals(Object.getOwnPropertyNames(model[0]).includes("call"), false);
    assertEquals(model.call(zeros([2, 1, 28, 28])).requiresGrad, true);
  });
  it("adds up the calls of a module that is called twice, and names one that is not called", () => {
    class Twice extends nn.Module {
      layer = new nn.Linear(3, 3);
      spare = new nn.Linear(3, 3);
      forward(x: Tensor): Tensor {
        return this.layer.call(this.layer.call(x));
      }
    }
    const lines = new Twice().summary(zeros([2, 3])).split("\n");
    assertEquals(lines[1].endsWith("[2, 3]                 36"), true);
    assertEquals(lines[2].includes("not called"), true);
    assertEquals(lines[3].endsWith("; 36 multiply-adds"), true);
  });
  it("lets the model's own refusal through, and is then as it was", () => {
    const model = new nn.Sequential(new nn.Linear(2, 1));
    assertThrows(() => model.summary(zeros([2, 3])), RangeError);
    assertEquals([model.training, Object.getOwnPropertyNames(model[0]).includes("call")], [true, false]);
  });
  it("counts shared parameters once in the total", () => {
    assertEquals(new Tied().summary().split("\n").at(-1), "8 parameters, 8 of them trained");
  });
});

describe("what stands where nothing is found", () => {
  const HIDDEN: Record<string, () => object> = {
    "a record": () => ({ a: new nn.Linear(1, 1) }),
    "a map": () => new Map([["a", new nn.ReLU()]]),
    "a set": () => new Set([new nn.Parameter(zeros([1]))]),
    "an array of arrays": () => [[new nn.Linear(1, 1)]],
    "an array of records": () => [{ name: "a", layer: new nn.Linear(1, 1) }],
    "a record of arrays": () => ({ blocks: [new nn.Linear(1, 1)] }),
    "a map in a record in an array": () => [{ byName: new Map([["a", new nn.Linear(1, 1)]]) }],
    "a record with a buffer": () => ({ mean: new nn.Buffer(zeros([1])) }),
  };
  for (const [name, make] of Object.entries(HIDDEN)) {
    it(`a module refuses parts in ${name}, which would never be trained or saved`, () => {
      class Net extends nn.Module {
        parts = make();
        forward(x: Tensor): Tensor {
          return x;
        }
      }
      const refusals = [() => new Net().stateDict(), () => new nn.Sequential(new Net()).stateDict()];
      for (const refused of refusals) assertThrows(refused, TypeError, "in Net: parts");
    });
  }
  it("a module may keep parts in a record that are found elsewhere, and others in a #private field", () => {
    class Net extends nn.Module {
      readonly #teacher = { net: new nn.Linear(1, 1) };
      layers = [new nn.Linear(1, 1)];
      byName = { first: this.layers[0] };
      settings = { sizes: [1, 2], nothing: null, map: new Map([["a", 1]]) };
      forward(x: Tensor): Tensor {
        return this.#teacher.net.call(x);
      }
    }
    assertEquals([...new Net().stateDict().keys()], ["layers.0.weight", "layers.0.bias"]);
  });
});
