import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { autograd, nn, noGrad, ones, type Tensor, tensor } from "@gradus/gradus";
import { exportTs } from "@gradus/gradus/train";

const leaf = (...values: number[]) => tensor(values).requiresGrad_();

class Product extends nn.Module<[a: Tensor, b: Tensor]> {
  forward(a: Tensor, b: Tensor): Tensor {
    return a.mul(b);
  }
}

/** The sum and the difference, and a number beside them. */
class Both extends nn.Module<[a: Tensor, b: Tensor], [Tensor, [Tensor, number]]> {
  forward(a: Tensor, b: Tensor): [Tensor, [Tensor, number]] {
    return [a.add(b), [a.sub(b), 3]];
  }
}

const toArrays = (gradients: readonly (Tensor | null)[]) => gradients.map((g) => g && g.toArray());

describe("registerForwardHook()", () => {
  it("is called with the module, its inputs and its output, and replaces that by what it returns", () => {
    const relu = new nn.ReLU();
    const x = leaf(-1, 2);
    relu.registerForwardHook((module, [input], output) => {
      assertStrictEquals<unknown>(module, relu);
      assertEquals([input === x, output.toArray()], [true, [0, 2]]);
      return output.mul(10);
    });
    const y = relu.call(x);
    y.sum().backward();
    assertEquals([y.toArray(), x.g!.toArray()], [[0, 20], [0, 10]]);
  });

  it("is called in order of registration until it is removed, and the same function as often as it was registered", () => {
    const relu = new nn.ReLU();
    const called: string[] = [];
    const note = (name: string) => () => void called.push(name);
    const twice = note("b");
    const handles = [note("a"), twice, twice].map((hook) => relu.registerForwardHook(hook));
    relu.call(ones([1]));
    handles[1].remove();
    handles[1].remove();
    relu.call(ones([1]));
    handles.forEach((handle) => handle.remove());
    relu.call(ones([1]));
    assertEquals(called.join(""), "abb" + "ab");
  });

  it("of every layer in a Sequential is called, also where two layers are one pass without it", () => {
    const layers =
      () => [new nn.Linear(2, 3), new nn.ReLU(), new nn.Conv2d(1, 1, 1), new nn.BatchNorm1d(3), new nn.ReLU()];
    const [linear, relu, , norm, last] = layers();
    const model = new nn.Sequential(linear, relu, new nn.Sequential(norm, last));
    const plain = model.call(ones([4, 2])).toArray();
    for (const wanted of [[linear], [relu], [norm], [last], model.modules()]) {
      const seen: string[] = [];
      const handles = wanted.map((m) =>
        m.registerForwardHook((module: object) => void seen.push(module.constructor.name))
      );
      assertEquals(model.call(ones([4, 2])).toArray(), plain);
      handles.forEach((handle) => handle.remove());
      assertEquals(seen.length, wanted.length);
    }
  });

  it("is no field of the module: nothing of it is printed or saved", () => {
    const linear = new nn.Linear(1, 1);
    const before = [`${linear}`, [...linear.stateDict().keys()].join(), Object.keys(linear).join()];
    linear.registerForwardHook(() => {});
    assertEquals([`${linear}`, [...linear.stateDict().keys()].join(), Object.keys(linear).join()], before);
  });

  it("stands in the way of exportTs(), whose file would not call it", async () => {
    const model = new nn.Sequential(new nn.Linear(1, 1), new nn.ReLU());
    const handle = model[1].registerForwardHook((_, __, y) => y.mul(2));
    await assertRejects(() => exportTs(model), TypeError, "Cannot export 1 (ReLU): hooks are registered on it");
    handle.remove();
    await exportTs(model);
  });

  it("refuses what is no function", () => {
    assertThrows(
      () => new nn.ReLU().registerForwardHook(3 as never),
      TypeError,
      "the hook the number 3: give a function",
    );
  });
});

describe("registerForwardPreHook()", () => {
  it("replaces the inputs by the array that it returns, or the single one", () => {
    const product = new Product();
    product.registerForwardPreHook((_, [a, b]) => [a.add(1), b]);
    assertEquals(product.call(ones([1]), tensor([5])).item(), 10);
    const relu = new nn.ReLU();
    relu.registerForwardPreHook((_, [x]) => x.neg());
    assertEquals(relu.call(tensor([-3])).item(), 3);
  });
});

describe("registerFullBackwardHook()", () => {
  it("is called with the gradients of inputs and output, and replaces the former by what it returns", () => {
    const [a, b] = [leaf(2), leaf(3)];
    const product = new Product();
    const seen: unknown[] = [];
    product.registerFullBackwardHook((_, gradInput, gradOutput) => {
      seen.push(toArrays(gradInput), toArrays(gradOutput));
      return [gradInput[0]!.mul(100), null];
    });
    product.call(a, b).mul(5).backward();
    assertEquals(seen, [[[15], [10]], [[5]]]);
    assertEquals([a.g!.item(), b.g], [1500, null]);
  });

  it("is called once, when each use of an input and of an output has sent its part", () => {
    const x = leaf(3);
    const twice = new nn.Sequential(new nn.Identity());
    let calls = 0;
    twice.registerFullBackwardHook((_, [dx], [dy]) => {
      calls++;
      assertEquals([dx!.item(), dy!.item()], [11, 11]);
    });
    const y = twice.call(x);
    y.add(y.mul(10)).add(x).backward();
    assertEquals([calls, x.g!.item()], [1, 12]);
  });

  it("has null for inputs that want no gradient, and is called even if none does", () => {
    const seen: unknown[] = [];
    const product = new Product();
    product.registerFullBackwardHook((_, gradInput) => void seen.push(toArrays(gradInput)));
    product.call(ones([1]), leaf(3)).backward();
    const linear = new nn.Linear(1, 1, { bias: false });
    linear.registerFullBackwardHook((_, gradInput, gradOutput) =>
      void seen.push(toArrays(gradInput), toArrays(gradOutput))
    );
    linear.call(tensor([[7]])).backward();
    assertEquals(seen, [[null, [1]], [null], [[[1]]]]);
    assertEquals(linear.weight.g!.item(), 7);
  });

  it("sees every tensor of an output that has several, null for one that was not used", () => {
    const [a, b] = [leaf(2), leaf(3)];
    const both = new Both();
    const seen: unknown[] = [];
    both.registerFullBackwardHook((_, gradInput, gradOutput) =>
      void seen.push(toArrays(gradInput), toArrays(gradOutput))
    );
    const [sum, [difference, number]] = both.call(a, b);
    sum.add(difference.mul(10)).backward({ retainGraph: true });
    sum.backward();
    assertEquals(seen, [[[11], [-9]], [[1], [10]], [[1], [1]], [[1], null]]);
    assertEquals(number, 3);
  });

  it("changes no gradient by being there", () => {
    const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU(), new nn.BatchNorm1d(3), new nn.Linear(3, 1));
    const x = tensor([[1, 2], [3, -4], [0.5, 1]]).requiresGrad_();
    const run = () => {
      model.zeroGrad();
      x.g = null;
      model.call(x).square().mean().backward();
      return [x, ...model.parameters()].map((p) => p.g!.toArray());
    };
    const plain = run();
    const handles = model.modules().map((module) => module.registerFullBackwardHook(() => {}));
    assertEquals(run(), plain);
    handles.forEach((handle) => handle.remove());
    assertEquals(run(), plain);
  });

  it("is called in a recorded pass with gradients that have a history", () => {
    const x = leaf(3);
    const tanh = new nn.Tanh();
    const [plain] = autograd.grad(autograd.grad(tanh.call(x), x, { createGraph: true })[0], x);
    tanh.registerFullBackwardHook((_, [dx]) => dx!.mul(2));
    const [slope] = autograd.grad(tanh.call(x), x, { createGraph: true });
    assertEquals(slope.requiresGrad, true);
    assertEquals(autograd.grad(slope, x)[0].item(), 4 * plain.item()); // twice by the hook of each pass
  });

  it("adds nothing where nothing is recorded", () => {
    const relu = new nn.ReLU();
    relu.registerFullBackwardHook(() => {});
    assertEquals(noGrad(() => relu.call(leaf(1))).requiresGrad, false);
    assertEquals(relu.call(ones([1])).requiresGrad, false);
  });

  it("refuses gradients of another number or shape", () => {
    const call = (answer: unknown) => () => {
      const relu = new nn.ReLU();
      relu.registerFullBackwardHook(() => answer as never);
      relu.call(leaf(1, 2)).sum().backward();
    };
    assertThrows(call([]), TypeError, "0 gradients from a backward hook: give one for each of 1 inputs");
    assertThrows(call(3), TypeError, "the number 3 from a backward hook");
    assertThrows(call(ones([3])), RangeError, "of shape [3]: that of input 0 has [2]");
    assertThrows(call([3]), TypeError, "it is no tensor");
  });
});
