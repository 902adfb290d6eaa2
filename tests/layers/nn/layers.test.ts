/** Layers: PyTorch's numbers, modes, and what is refused. */
import { assertEquals, assertStrictEquals, assertThrows, fail } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, Generator, manualSeed, type Nested, ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import { assertNear, entries, float64, int32 } from "./reference.ts";
import { optionsByName, textInstead } from "../../wording.ts";

const F = nn.functional;
const dtype = "float64";

/** The reference's input: arange(12) / 3 as [3, 4], the second row negative. */
function input(): Tensor {
  const x = arange(0, 12, 1, { dtype }).view(3, 4).div(3);
  x.at(1).mul_(-1);
  return x.requiresGrad_();
}

function backward(y: Tensor): void {
  y.mul(arange(0, 12, 1, { dtype }).view(3, 4)).sum().backward();
}

/** The reference's images. */
function image(): Tensor {
  return arange(0, 100, 1, { dtype }).div(10).sin().view(2, 2, 5, 5).requiresGrad_();
}

function pooled(pool: (x: Tensor) => Tensor): Tensor[] {
  const x = image();
  const y = pool(x);
  y.square().sum().backward();
  return [y.at(0, 0), x.g!.at(0, 0)];
}

/** What each entry of the section is here, by how the call begins. */
const layers: Record<string, () => Tensor[]> = {
  "BatchNorm1d(4)": () => {
    const [norm, x] = [new nn.BatchNorm1d(4, { dtype }), input()];
    const y = norm.call(x);
    backward(y);
    return [y, x.g!, norm.runningMean!, norm.runningVar!];
  },
  "LayerNorm(4)": () => {
    const x = input();
    const y = new nn.LayerNorm(4, { dtype }).call(x);
    backward(y);
    return [y, x.g!];
  },
  "conv2d(": () => {
    const [x, w] = [image(), arange(0, 54, 1, { dtype }).div(7).cos().view(3, 2, 3, 3).requiresGrad_()];
    const b = float64([0.1, -0.2, 0.3]).requiresGrad_();
    const y = F.conv2d(x, w, b, { stride: 2, padding: 1 });
    y.mul(arange(0, y.numel(), 1, { dtype }).view(...y.shape)).sum().backward();
    return [y, x.g!.at(0, 0), w.g!.at(0, 0), b.g!];
  },
  "max_pool2d(": () => pooled((x) => F.maxPool2d(x, 2)),
  "avg_pool2d(": () => pooled((x) => F.avgPool2d(x, 3, { stride: 2, padding: 1 })),
  "Embedding(5,3)": () => {
    const table = new nn.Embedding(5, 3, { dtype });
    table.loadStateDict(new Map([["weight", arange(15).view(5, 3)]]));
    table.call(int32([[0, 2], [2, 4]])).pow(2).sum().backward();
    return [table.weight.g!];
  },
};

describe("layers: PyTorch's numbers", () => {
  for (const [call, expected] of entries<Nested[]>("layers")) {
    it(call, () => {
      const key = Object.keys(layers).find((name) => call.startsWith(name)) ?? fail(`no translation of ${call}`);
      const found = layers[key]();
      const wanted = found.length === 1 ? [expected] : expected;
      assertEquals(found.length, wanted.length);
      found.forEach((x, i) => assertNear(x, wanted[i]));
    });
  }
});

describe("dropout: PyTorch's masks", () => {
  for (const [call, expected] of entries<number[]>("random").filter(([call]) => call.includes("dropout"))) {
    it(call, () => {
      const [, seed] = /^manual_seed\((\d+)\); dropout\(ones\(12\), 0\.5\)$/.exec(call) ?? fail(call);
      manualSeed(Number(seed));
      assertEquals(F.dropout(ones([12])).toArray(), expected);
      manualSeed(Number(seed));
      assertEquals(new nn.Dropout().call(ones([12])).toArray(), expected);
    });
  }
});

describe("Dropout", () => {
  it("passes its input in eval()", () => {
    const x = ones([3]);
    assertStrictEquals(new nn.Dropout().eval().call(x), x);
  });
  it("scales what it keeps by 1 / (1 − p)", () => {
    const kept = F.dropout(ones([1000]), { p: 0.2, generator: new Generator(3) });
    assertEquals(new Set(kept.toArray() as number[]), new Set([0, 1.25]));
  });
  it("drops the gradient where it drops the value", () => {
    const x = ones([20]).requiresGrad_();
    const y = F.dropout(x, { generator: new Generator(3) });
    y.sum().backward();
    assertEquals(x.g!.toArray(), y.toArray());
  });
  it("drops everything with p = 1 and nothing with p = 0", () => {
    assertEquals(new nn.Dropout(1).call(ones([2])).toArray(), [0, 0]);
    assertEquals(new nn.Dropout(0).call(ones([2])).toArray(), [1, 1]);
  });
  it("refuses a probability past 1", () => {
    assertThrows(() => new nn.Dropout(1.5), RangeError, "from 0 to 1");
    const text = "0.3" as unknown as number;
    assertThrows(() => new nn.Dropout(text), TypeError, `Cannot drop with probability ${textInstead("0.3")}`);
    assertThrows(() => F.dropout(ones([2]), { p: -1 }), RangeError, "from 0 to 1");
  });
  it("refuses integers, which cannot be scaled", () => {
    assertThrows(() => F.dropout(int32([1])), TypeError, "int32");
  });
});

describe("Linear", () => {
  it("is x @ weightᵀ + bias with weight [out, in]", () => {
    const layer = new nn.Linear(2, 3);
    layer.loadStateDict(new Map([["weight", tensor([[1, 0], [0, 1], [1, 1]])], ["bias", tensor([0, 10, 100])]]));
    assertEquals(layer.call(tensor([[1, 2]])).toArray(), [[1, 12, 103]]);
  });
  it("without a bias draws and saves only its weight", () => {
    const layer = new nn.Linear(2, 3, { bias: false });
    assertEquals([...layer.stateDict().keys()], ["weight"]);
    assertEquals(layer.call(zeros([1, 2])).toArray(), [[0, 0, 0]]);
  });
  for (const [call, message] of entries<string>("errors").filter(([call]) => call.startsWith("Linear"))) {
    it(`${call}: ${message}`, () => {
      assertEquals(call, "Linear(3,4)(ones(2,5))");
      const error = assertThrows(() => new nn.Linear(3, 4).call(ones([2, 5])), RangeError, "[2, 5] by [3, 4]");
      assertEquals(error.message.includes("5 and 3 differ"), true);
    });
  }
});

describe("BatchNorm1d", () => {
  const x = float64([[1, 2], [3, 5], [4, 9]]);
  it("with momentum null averages over all batches", () => {
    const norm = new nn.BatchNorm1d(2, { dtype, momentum: null });
    norm.call(x);
    norm.call(x.mul(2).add(1));
    assertNear(norm.runningMean!, [4.5, 8.5]);
    assertNear(norm.runningVar!, [5.833333, 30.83333]);
    assertEquals(norm.numBatchesTracked!.item(), 2);
  });
  it("uses running statistics in eval(), and leaves them and the count alone", () => {
    const norm = new nn.BatchNorm1d(2, { dtype, eps: 0 }).eval();
    norm.runningMean!.copy_(tensor([1, 2]));
    norm.runningVar!.copy_(tensor([4, 9]));
    assertNear(norm.call(float64([[3, 5]])), [[1, 1]]);
    assertEquals([norm.runningMean!.toArray(), norm.numBatchesTracked!.item()], [[1, 2], 0]);
  });
  it("keeps ε in the denominator in eval()", () => {
    const norm = new nn.BatchNorm1d(1, { dtype, eps: 3, affine: false }).eval();
    assertNear(norm.call(float64([[4]])), [[2]]); // (4 − 0) / √(1 + 3)
  });
  it("as a function moves the running mean by a tenth by default", () => {
    const [mean, variance] = [float64([0]), float64([1])];
    F.batchNorm(float64([[1], [3]]), mean, variance, { training: true });
    assertNear(mean, [0.2]);
    assertNear(variance, [1.1]); // 0.9 · 1 + 0.1 · 2
  });
  it("without tracking uses the batch's statistics in eval() too", () => {
    const norm = new nn.BatchNorm1d(2, { dtype, trackRunningStats: false });
    assertEquals(norm.call(x).toArray(), norm.eval().call(x).toArray());
    assertEquals(norm.buffers(), []);
  });
  it("normalises [batch, channels, length] over batch and length", () => {
    const y = new nn.BatchNorm1d(2, { dtype, eps: 0 }).call(float64([[[1, 3], [0, 0]], [[1, 3], [4, 4]]]));
    assertNear(y, [[[-1, 1], [-1, -1]], [[-1, 1], [1, 1]]]);
  });
  it("refuses one value a channel in training, and takes it in eval()", () => {
    const norm = new nn.BatchNorm1d(2);
    const error = assertThrows(() => norm.call(ones([1, 2])), RangeError);
    assertEquals(error.message.includes("more than 1 value per channel"), true);
    assertEquals(norm.eval().call(ones([1, 2])).shape, [1, 2]);
  });
  it("refuses another number of channels", () => {
    assertThrows(() => new nn.BatchNorm1d(2).call(ones([4, 3])), RangeError, "[4, 3]: expected [batch, 2]");
    assertThrows(() => new nn.BatchNorm1d(2).call(ones([2])), RangeError, "expected [batch, 2]");
  });
});

describe("LayerNorm", () => {
  it("normalises over several dimensions, each sample by itself", () => {
    const y = new nn.LayerNorm([2, 2], { dtype, eps: 0 }).call(float64([[[1, 1], [3, 3]], [[0, 8], [0, 8]]]));
    assertNear(y, [[[-1, -1], [1, 1]], [[-1, 1], [-1, 1]]]);
  });
  it("as a function has ε = 1e-5 by default", () => {
    assertNear(F.layerNorm(float64([1, 3]), [2]), [-1 / Math.sqrt(1.00001), 1 / Math.sqrt(1.00001)], 1e-12);
  });
  it("refuses other last sizes", () => {
    assertThrows(() => new nn.LayerNorm(3).call(ones([3, 4])), RangeError, "[3, 4] over [3]");
    assertThrows(() => new nn.LayerNorm([3, 4]).call(ones([4])), RangeError, "[4] over [3, 4]");
  });
});

describe("Embedding", () => {
  it("draws PyTorch's table for the same seed, with zeros at the padding", () => {
    manualSeed(42);
    const { weight, paddingIdx } = new nn.Embedding(4, 3, { paddingIdx: -1 });
    assertEquals(paddingIdx, 3);
    const rows = [[0.3366904, 0.1288094, 0.2344624], [0.230333, -1.122856, -0.1863283], [
      2.208201,
      -0.637997,
      0.4616572,
    ]];
    assertNear(weight, [...rows, [0, 0, 0]], 1e-6, 1e-6);
  });
  it("gives its padding row no gradient", () => {
    const table = new nn.Embedding(3, 1, { paddingIdx: 1 });
    table.call(int32([0, 1, 1])).sum().backward();
    assertEquals(table.weight.g!.toArray(), [[1], [0], [0]]);
  });
  it("refuses an index that is no row, a padding that is no row, and fractions", () => {
    assertThrows(() => new nn.Embedding(4, 3).call(int32([4])), RangeError, "index 4");
    assertThrows(() => new nn.Embedding(4, 3).call(int32([[0], [-1]])), RangeError, "Cannot look up row -1 of [4, 3]");
    assertThrows(() => new nn.Embedding(4, 3, { paddingIdx: 4 }), RangeError, "dimension 4");
    assertThrows(() => new nn.Embedding(4, 3).call(tensor([1])), TypeError, "float32");
    assertThrows(() => new nn.Embedding(2, 3).call(tensor([true, false])), TypeError, "bool");
  });
});

describe("Flatten", () => {
  it("keeps the batch by default", () => {
    assertEquals(new nn.Flatten().call(ones([2, 3, 4])).shape, [2, 12]);
    assertEquals(new nn.Flatten(0, 1).call(ones([2, 3, 4])).shape, [6, 4]);
  });
});

describe("a text in the place of a number", () => {
  const text = "0.5" as never;
  const misused: Record<string, () => unknown> = {
    "Flatten from": () => new nn.Flatten(text),
    "Flatten to": () => new nn.Flatten(1, text),
    "LeakyReLU": () => new nn.LeakyReLU(text),
    "leakyRelu()": () => nn.functional.leakyRelu(ones([2]), text),
    "ELU": () => new nn.ELU(text),
    "elu()": () => nn.functional.elu(ones([2]), text),
    "Hardtanh": () => new nn.Hardtanh(-1, text),
    "hardtanh()": () => nn.functional.hardtanh(ones([2]), text),
    "Softmax": () => new nn.Softmax(text),
    "LogSoftmax": () => new nn.LogSoftmax(text),
    "Dropout": () => new nn.Dropout(text),
  };
  for (const [name, make] of Object.entries(misused)) {
    it(`is refused by ${name}`, () => void assertThrows(make, TypeError, '"0.5"'));
  }
});

describe("options of layers", () => {
  const misused: [name: string, make: (options: never) => unknown, first: string][] = [
    ["Linear", (options) => new nn.Linear(2, 3, options), "bias"],
    ["LayerNorm", (options) => new nn.LayerNorm(3, options), "eps"],
    ["BatchNorm1d", (options) => new nn.BatchNorm1d(3, options), "eps"],
    ["Embedding", (options) => new nn.Embedding(2, 3, options), "paddingIdx"],
  ];
  for (const [name, make, first] of misused) {
    it(`${name} refuses PyTorch's positional option, and names what goes by name`, () => {
      assertThrows(
        () => make(false as never),
        TypeError,
        `Cannot make ${name} with the boolean false for options: ${optionsByName(first)}: … }`,
      );
    });
  }
});
