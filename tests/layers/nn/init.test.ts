/** Initialisers against PyTorch's numbers for the same seed. */
import { assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows, fail } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { defaultGenerator, eye, Generator, manualSeed, type Nested, type Tensor, tensor, zeros } from "@gradus/gradus";
import { init, Linear, Parameter, ReLU, Sequential } from "@gradus/gradus/nn";
import { assertNear, DIGITS, entries } from "./reference.ts";

const head = (x: Tensor) => [x.detach().view(-1).narrow(0, 0, 4)];
const big = () => zeros([50, 784]);
const NORMAL = 1e-5; // PyTorch's vectorised logarithm and cosine differ that much between builds

type Draw = { make: () => Tensor[]; absolute: number };

/** PyTorch's call, and ours. */
const calls: Record<string, Draw> = {
  "Linear(3, 4): [weight, bias]": { make: () => new Linear(3, 4).parameters(), absolute: 0 },
  "Sequential(Linear(784,50), ReLU(), Linear(50,10)): [0.weight[0,:4], 0.bias[:4], 2.weight[0,:4], 2.bias[:4]]": {
    make: () => new Sequential(new Linear(784, 50), new ReLU(), new Linear(50, 10)).parameters().flatMap(head),
    absolute: 0,
  },
  "kaiming_normal_(empty(50, 784), mode='fan_out')": {
    make: () => head(init.kaimingNormal_(big(), { mode: "fanOut" })),
    absolute: NORMAL,
  },
  "kaiming_normal_(empty(50, 784), nonlinearity='relu')": {
    make: () => head(init.kaimingNormal_(big(), { nonlinearity: "relu" })),
    absolute: NORMAL,
  },
  "kaiming_uniform_(empty(50, 784), a=0.1)": {
    make: () => head(init.kaimingUniform_(big(), { a: 0.1 })),
    absolute: 0,
  },
  "xavier_uniform_(empty(50, 784), gain=1.5)": {
    make: () => head(init.xavierUniform_(big(), { gain: 1.5 })),
    absolute: 0,
  },
  "xavier_normal_(empty(50, 784))": { make: () => head(init.xavierNormal_(big())), absolute: NORMAL },
  "calculate_gain: [relu, leaky_relu(0.2), tanh, sigmoid, selu]": {
    make: () =>
      [
        init.calculateGain("relu"),
        init.calculateGain("leakyRelu", 0.2),
        init.calculateGain("tanh"),
        init.calculateGain("sigmoid"),
        init.calculateGain("selu"),
      ].map((gain) => tensor(gain, { dtype: "float64" })),
    absolute: 0,
  },
};

describe("nn.init gives PyTorch's numbers", () => {
  for (const [entry, expected] of entries<Nested[]>("init")) {
    it(entry, () => {
      const [, seed, call] = /^manual_seed\((\d+)\); (.*)$/.exec(entry) ?? fail(`no seed in ${entry}`);
      const { make, absolute } = calls[call] ?? fail(`no translation of ${call}`);
      manualSeed(Number(seed));
      const drawn = make();
      const wanted = drawn.length === 1 ? [expected] : expected;
      assertEquals(drawn.length, wanted.length);
      drawn.forEach((x, i) => assertNear(x, wanted[i], DIGITS, absolute));
    });
  }
});

describe("the order of draws", () => {
  // PyTorch 1.13 with seed 42, which draws along the memory.
  const drawn: [string, () => Tensor, number[]][] = [
    ["uniform_(empty(3, 2).t())", () => init.uniform_(zeros([3, 2]).t()), [
      0.88226926,
      0.38286376,
      0.39044821,
      0.91500396,
    ]],
    ["uniform_(empty(2, 3, 4).permute(1, 2, 0))", () => init.uniform_(zeros([2, 3, 4]).permute(1, 2, 0)), [
      ...[0.88226926, 0.86940444, 0.91500396, 0.56771529],
    ]],
    ["uniform_(empty(4, 6)[:, ::2])", () => init.uniform_(zeros([4, 6]).at(":", "::2")), [0.88226926, 0.91500396]],
    ["xavier_uniform_(empty(3, 2).t())", () => init.xavierUniform_(zeros([3, 2]).t()), [0.83751005, -0.25663266]],
    ["normal_(empty(3, 2).t())", () => init.normal_(zeros([3, 2]).t()), [0.33669037, 0.23446237, -1.12285638]],
    ["normal_(empty(5, 4).t()), one by one", () => init.normal_(zeros([5, 4]).t()), [
      0.33669037,
      -1.12285638,
      0.46165723,
    ]],
    ["normal_(empty(5, 8)[:, ::2]), one by one", () => init.normal_(zeros([5, 8]).at(":", "::2")), [
      ...[0.33669037, 0.12880941, 0.23446237, 0.23033303],
    ]],
    ["trunc_normal_(empty(3, 2).t())", () => init.truncNormal_(zeros([3, 2]).t()), [1.102491, -0.2840305, -0.2651866]],
  ];
  for (const [call, make, expected] of drawn) {
    it(`${call} is PyTorch's`, () => {
      manualSeed(42);
      const x = make();
      assertNear(x.reshape(-1).narrow(0, 0, expected.length), expected, 1e-6, 1e-6);
    });
  }
});

describe("orthogonal_()", () => {
  // PyTorch 1.13 with seed 42; fewer than 16 normals agree to the last digits of float32.
  it("gives PyTorch's numbers for a wide matrix", () => {
    manualSeed(42);
    const expected = [
      [0.275018, 0.1052151, 0.1915153, 0.1881424, -0.9171801],
      [-0.06722516, 0.9381747, -0.2617272, 0.2031259, 0.07448244],
      [0.113221, 0.3085663, 0.4123991, -0.8494362, -0.01878642],
    ];
    assertNear(init.orthogonal_(zeros([3, 5])), expected, 1e-6, 1e-6);
  });
  it("gives PyTorch's numbers for a tall matrix and a gain of 2", () => {
    manualSeed(42);
    const first = init.orthogonal_(zeros([5, 3]), { gain: 2 }).at(0);
    assertNear(first, [0.2672906, 0.3514635, 0.03000817], 1e-6, 1e-6);
  });
  it("counts the dimensions after the first as one", () => {
    manualSeed(42);
    const x = init.orthogonal_(zeros([4, 2, 2]));
    assertNear(x.at(0), [[0.8394753, 0.4119957], [-0.2596673, 0.2410682]], 1e-5, 1e-5);
  });
  it("makes rows at right angles", () => {
    const x = init.orthogonal_(zeros([3, 7], { dtype: "float64" }));
    assertNear(x.matmul(x.t()), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
  });
  it("stays orthogonal to the last digits where rows nearly depend on each other", () => {
    manualSeed(1);
    const x = init.orthogonal_(zeros([60, 60], { dtype: "float64" }));
    assertNear(x.matmul(x.t()), eye(60, { dtype: "float64" }).toArray(), 1e-14, 1e-14);
  });
  it("refuses a vector", () => {
    assertThrows(() => init.orthogonal_(zeros([3])), RangeError, "at least 2 dimensions");
  });
});

describe("truncNormal_()", () => {
  it("gives PyTorch's numbers", () => {
    manualSeed(42);
    const expected = [1.102491, 1.259755, -0.2840305, 1.541538, -0.2651866, 0.2437934];
    assertNear(init.truncNormal_(zeros([6])), expected, 1e-6, 1e-6);
  });
  it("cuts at bounds in the units of the result", () => {
    manualSeed(42);
    const expected = [1.163006, 1.173194, 1.013276, 1.187099, 1.015508, 1.077716];
    assertNear(init.truncNormal_(zeros([6]), { mean: 1, std: 0.5, a: 0.9, b: 1.2 }), expected, 1e-6, 1e-6);
  });
  it("inverts the error function to the last digits", () => {
    const [x, u] = [zeros([100], { dtype: "float64" }), zeros([100], { dtype: "float64" })];
    manualSeed(1);
    init.truncNormal_(x);
    manualSeed(1);
    init.uniform_(u, -0.9544997361036416, 0.9544997361036416); // erf(±√2)
    assertNear(x.mul(Math.SQRT1_2).erf(), u.toArray(), 1e-14, 1e-14);
  });
  it("stays within bounds far out in the tail", () => {
    const x = init.truncNormal_(zeros([100], { dtype: "float64" }), { a: 5, b: 6 });
    assertEquals([x.ge(5).all().item(), x.le(6).all().item()], [1, 1]);
  });
  it("answers the nearer bound where nothing of the distribution is left", () => {
    assertEquals(init.truncNormal_(zeros([2]), { a: 10, b: 11 }).toArray(), [10, 10]);
  });
  it("refuses bounds in the wrong order", () => {
    assertThrows(() => init.truncNormal_(zeros([2]), { a: 1, b: 0 }), RangeError, "bounds in order");
  });
});

describe("nn.init", () => {
  it("computes fans with the kernel", () => {
    assertEquals([init.fanIn(zeros([4, 3, 5, 5])), init.fanOut(zeros([4, 3, 5, 5]))], [75, 100]);
  });
  it("refuses a fan of a vector", () => {
    assertThrows(() => init.kaimingUniform_(zeros([3])), RangeError, "at least 2 dimensions");
  });
  it("knows a gain of √2/√(1 + 0.01²) for leakyRelu by default", () => {
    assertAlmostEquals(init.calculateGain("leakyRelu"), Math.sqrt(2 / 1.0001), 1e-15);
  });
  it("refuses an unknown nonlinearity", () => {
    assertThrows(() => init.calculateGain("relu6" as "relu"), TypeError, "relu6");
  });
  it("takes PyTorch's spelling of leakyRelu, fanIn and fanOut", () => {
    assertEquals(init.calculateGain("leaky_relu", 0.2), init.calculateGain("leakyRelu", 0.2));
    const draw = (mode: "fanIn" | "fanOut" | "fan_in" | "fan_out") => {
      manualSeed(1);
      return init.kaimingNormal_(zeros([2, 8]), { mode }).toArray();
    };
    assertEquals([draw("fan_in"), draw("fan_out")], [draw("fanIn"), draw("fanOut")]);
  });
  it("refuses an unknown mode instead of taking it for fanOut", () => {
    const mode = "fanin" as "fanIn";
    assertThrows(() => init.kaimingUniform_(zeros([2, 2]), { mode }), TypeError, "Cannot use the mode fanin");
  });
  it("fills the tensor it is given, a leaf on the tape, and returns it", () => {
    const w = new Parameter(zeros([2, 2]));
    assertStrictEquals(init.ones_(w), w);
    assertEquals(w.toArray(), [[1, 1], [1, 1]]);
    assertEquals(w.node, null);
  });
  it("constant_() and zeros_() fill with one value", () => {
    assertEquals(init.constant_(zeros([2]), 3).toArray(), [3, 3]);
    assertEquals(init.zeros_(tensor([1, 2])).toArray(), [0, 0]);
  });
  it("draws into a view without touching its neighbours", () => {
    const x = zeros([3, 2]);
    init.uniform_(x.at(":", 1), 1, 2);
    assertEquals(x.at(":", 0).toArray(), [0, 0, 0]);
    assertEquals(x.at(":", 1).ge(1).all().item(), 1);
  });
  it("draws from the generator that it is given, and leaves the default one alone", () => {
    manualSeed(1);
    const before = defaultGenerator.getState();
    const a = init.normal_(zeros([3]), 0, 1, { generator: new Generator(7) });
    const b = init.normal_(zeros([3]), 0, 1, { generator: new Generator(7) });
    assertEquals(a.toArray(), b.toArray());
    assertEquals(defaultGenerator.getState(), before);
  });
  it("refuses to draw fractions into integers", () => {
    assertThrows(() => init.uniform_(zeros([2], { dtype: "int32" })), TypeError, "int32");
  });
  it("leaves a weight without elements as it is", () => {
    assertEquals(init.kaimingNormal_(zeros([3, 0])).shape, [3, 0]);
    assertEquals(new Linear(0, 2).bias!.toArray(), [0, 0]);
  });
  it("refuses a negative deviation, as from a negative gain", () => {
    manualSeed(1);
    assertThrows(() => init.normal_(zeros([2]), 0, -1), RangeError, "deviation -1");
    assertThrows(() => init.xavierNormal_(zeros([2, 2]), { gain: -1 }), RangeError, "at least 0");
    const x = init.uniform_(zeros([1]));
    manualSeed(1);
    assertEquals(init.uniform_(zeros([1])).toArray(), x.toArray()); // and has drawn nothing
  });
});
