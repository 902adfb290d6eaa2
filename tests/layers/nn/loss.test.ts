/** Losses: PyTorch's values and gradients, formulas in plain numbers, and what is refused. */
import { assert, assertAlmostEquals, assertEquals, assertThrows, fail } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { full, type Nested, ones, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import { assertNear, entries, float64, int32 } from "./reference.ts";

const F = nn.functional;
const reference = new Map(entries<Nested[]>("loss"));
const classes = int32(reference.get("targets")!);
const t = float64(reference.get("t")!);

type Loss = (prediction: Tensor) => Tensor;

/** PyTorch's call, and ours as a function and as a module. */
const ofLogits: Record<string, Loss[]> = {
  cross_entropy: [(z) => F.crossEntropy(z, classes), (z) => new nn.CrossEntropyLoss().call(z, classes)],
  "cross_entropy(sum)": [
    (z) => F.crossEntropy(z, classes, { reduction: "sum" }),
    (z) => F.crossEntropy(z, classes, { reduction: "none" }).sum(),
  ],
  "cross_entropy(weight=[1,2,3,4])": [
    (z) => F.crossEntropy(z, classes, { weight: float64([1, 2, 3, 4]) }),
    (z) => new nn.CrossEntropyLoss({ weight: float64([1, 2, 3, 4]) }).call(z, classes),
  ],
  "cross_entropy(label_smoothing=0.1)": [
    (z) => F.crossEntropy(z, classes, { labelSmoothing: 0.1 }),
    (z) => F.crossEntropy(z, float64([[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]]), { labelSmoothing: 0.1 }),
  ],
  "cross_entropy(ignore_index=3)": [
    (z) => F.crossEntropy(z, classes, { ignoreIndex: 3 }),
    (z) => F.crossEntropy(z, int32([2, -100, 0])),
  ],
  "nll_loss(log_softmax)": [
    (z) => F.nll(F.logSoftmax(z, 1), classes),
    (z) => new nn.NLLLoss().call(new nn.LogSoftmax(1).call(z), classes),
  ],
};
const ofPredictions: Record<string, Loss[]> = {
  mse_loss: [(p) => F.mse(p, t), (p) => new nn.MSELoss().call(p, t)],
  l1_loss: [(p) => F.l1(p, t), (p) => new nn.L1Loss().call(p, t)],
  smooth_l1_loss: [(p) => F.smoothL1(p, t), (p) => new nn.SmoothL1Loss().call(p, t)],
  "huber_loss(delta=0.3)": [
    (p) => F.huber(p, t, { delta: 0.3 }),
    (p) => new nn.HuberLoss({ delta: 0.3 }).call(p, t),
  ],
  binary_cross_entropy: [(p) => F.bce(p, t), (p) => new nn.BCELoss().call(p, t)],
  binary_cross_entropy_with_logits: [(p) => F.bceWithLogits(p, t), (p) => new nn.BCEWithLogitsLoss().call(p, t)],
  "kl_div(batchmean) of log p": [
    (p) => F.klDiv(p.log(), t, { reduction: "batchmean" }),
    (p) => new nn.KLDivLoss({ reduction: "batchmean" }).call(p.log(), t),
  ],
};

describe("losses: PyTorch's value and gradient", () => {
  const inputs = ["logits", "targets", "p", "t"];
  for (const [call, expected] of reference) {
    if (inputs.includes(call)) continue;
    it(call, () => {
      const ours = ofLogits[call] ?? ofPredictions[call] ?? fail(`no translation of ${call}`);
      for (const loss of ours) {
        const x = float64(reference.get(call in ofLogits ? "logits" : "p")!).requiresGrad_();
        const value = loss(x);
        value.backward();
        assertNear(value, expected[0]);
        assertNear(x.g ?? fail("no gradient"), expected[1]);
      }
    });
  }
});

describe("losses of higher rank and with options: PyTorch's values", () => {
  const z = float64([[[0.2, -1, 3], [1.5, 0.3, -0.7], [0.5, -0.4, 0.9]], [[0.1, -2, 1], [0, 0.6, 0.4], [
    1.1,
    -0.3,
    0.8,
  ]]]);
  const y = int32([[0, 2, 1], [1, -100, 2]]);
  const weight = float64([1, 2, 3]);
  const cases: [string, nn.functional.CrossEntropyOptions, mean: number, sum: number, none: number[][]][] = [
    ["plain", {}, 1.919131, 9.595656, [[1.794947, 1.270481, 3.837307], [1.63107, 0, 1.061852]]],
    ["weight", { weight }, 1.793518, 19.7287, [[1.794947, 3.811442, 7.674613], [3.262139, 0, 3.185557]]],
    ["smoothing", { labelSmoothing: 0.2 }, 1.812465, 9.062323, [[1.68828, 1.263814, 3.483973], [1.55107, 0, 1.075186]]],
    ["weight and smoothing", { weight, labelSmoothing: 0.2 }, 1.689202, 18.58122, [[1.920603, 3.504012, 7.107947], [
      3.035473,
      0,
      3.013187,
    ]]],
  ];
  for (const [name, options, mean, sum, none] of cases) {
    it(`crossEntropy() of [2, 3, 3] with ${name}`, () => {
      assertNear(F.crossEntropy(z, y, options), mean);
      assertNear(F.crossEntropy(z, y, { ...options, reduction: "sum" }), sum);
      assertNear(F.crossEntropy(z, y, { ...options, reduction: "none" }), none);
    });
  }
  it("crossEntropy() of probabilities divides its mean by the number of rows", () => {
    const q = F.softmax(z.slice(0, undefined, undefined, -1).mul(0.7), 1);
    assertNear(F.crossEntropy(z, q), 1.251844);
    assertNear(F.crossEntropy(z, q, { weight, labelSmoothing: 0.2 }), 2.605082);
    assertNear(F.crossEntropy(z, q, { weight, labelSmoothing: 0.2, reduction: "sum" }), 15.63049);
  });
  it("bceWithLogits() with posWeight, also at 0 and far out", () => {
    const x = float64([-2, 0, 3, 800]).requiresGrad_();
    const losses = F.bceWithLogits(x, float64([0, 1, 0.25, 0]), { posWeight: float64(3), reduction: "none" });
    losses.sum().backward();
    assertNear(losses, [0.12693, 2.0794, 2.3229, 800], 5e-5); // printed with five digits
    assertNear(x.g!, [0.1192, -1.5, 0.6789, 1], 5e-4); // printed with four digits
  });
  it("bceWithLogits() of float32 keeps its digits where it is sure, on either side", () => {
    for (const [x, loss] of [[15, 3.059022269256247e-7], [17, 4.1399375473943306e-8], [80, Math.exp(-80)]]) {
      for (const right of [0, 1]) {
        const logit = full([], right === 1 ? x : -x).requiresGrad_();
        const found = F.bceWithLogits(logit, full([], right));
        found.backward();
        assertNear(found, loss, 3e-7); // of float32's 6e-8: an exponential, a logarithm, a product
        assertNear(logit.g!, loss * (right === 1 ? -1 : 1), 3e-7);
      }
    }
  });
  it("bceWithLogits() at ∞ is ∞ where it is wrong, and its gradient is σ(x) − t", () => {
    for (const [x, t] of [[Infinity, 0], [-Infinity, 1]]) {
      const logit = full([], x).requiresGrad_();
      const found = F.bceWithLogits(logit, full([], t));
      found.backward();
      assertEquals([found.item(), logit.g!.item()], [Infinity, 1 - 2 * t]);
    }
  });
  it("bce() holds logarithms and gradients of certain predictions finite", () => {
    const p = float64([0, 1, 0.5]).requiresGrad_();
    const losses = F.bce(p, float64([0, 0, 0.25]), { reduction: "none" });
    losses.sum().backward();
    assertNear(losses, [0, 100, Math.LN2], 1e-12);
    assertNear(p.g!, [0, 1e12, 1], 1e-12);
  });
  it("bce() holds the gradient of the target finite too: ln(1 − p) − ln p within ±100", () => {
    const t = float64([0, 0]).requiresGrad_();
    F.bce(float64([0, 1]), t, { reduction: "sum" }).backward();
    assertEquals(t.g!.toArray(), [100, -100]);
  });
});

describe("losses by their formulas", () => {
  const [p, q, weight] = [0.3, 0.8, 2];
  const one = (loss: Tensor) => loss.item();
  const at = (x: number) => float64([x]);
  const none = { reduction: "none" } as const;
  it("smoothL1() is a parabola within β and a line outside", () => {
    assertAlmostEquals(one(F.smoothL1(at(0.5), at(0.1), { ...none, beta: 2 })), 0.16 / 4, 1e-15);
    assertAlmostEquals(one(F.smoothL1(at(5), at(1), { ...none, beta: 2 })), 4 - 1, 1e-15);
  });
  it("smoothL1() with β = 0 is l1()", () => {
    assertEquals(one(F.smoothL1(at(5), at(1), { beta: 0 })), 4);
  });
  it("huber() is a parabola within δ and a line outside", () => {
    assertAlmostEquals(one(F.huber(at(0.5), at(0.1), { delta: 2 })), 0.08, 1e-15);
    assertAlmostEquals(one(F.huber(at(5), at(1), { delta: 2 })), 2 * (4 - 1), 1e-15);
  });
  it("bce() multiplies by its weight", () => {
    const plain = -(q * Math.log(p) + (1 - q) * Math.log(1 - p));
    assertAlmostEquals(one(F.bce(at(p), at(q), { weight: float64(weight) })), weight * plain, 1e-14);
  });
  it("bceWithLogits() multiplies by weight, and the positive term by posWeight", () => {
    const s = 1 / (1 + Math.exp(-p));
    const plain = -(3 * q * Math.log(s) + (1 - q) * Math.log(1 - s));
    const options = { weight: float64(weight), posWeight: float64(3) };
    assertAlmostEquals(one(F.bceWithLogits(at(p), at(q), options)), weight * plain, 1e-14);
    assertAlmostEquals(one(new nn.BCEWithLogitsLoss(options).call(at(p), at(q))), weight * plain, 1e-14);
  });
  it("klDiv() takes the target as logarithms with logTarget", () => {
    const expected = q * (Math.log(q) - p);
    assertAlmostEquals(one(F.klDiv(at(p), at(q))), expected, 1e-15);
    assertAlmostEquals(one(F.klDiv(at(p), at(Math.log(q)), { logTarget: true })), expected, 1e-15);
  });
  it("klDiv() of a target that is 0 is 0", () => {
    assertEquals(one(F.klDiv(at(p), at(0))), 0);
  });
  it("klDiv() divides by all elements, or by the batch", () => {
    const x = zeros([2, 3], { dtype: "float64" });
    const t = float64([[1, 1, Math.E], [1, 1, 1]]); // the sum is e
    assertAlmostEquals(one(F.klDiv(x, t)), Math.E / 6, 1e-15);
    assertAlmostEquals(one(F.klDiv(x, t, { reduction: "batchmean" })), Math.E / 2, 1e-15);
  });
  it("nll() weighs classes, and its mean divides by the weights of the targets", () => {
    const l = float64([[-1, -2], [-3, -4]]);
    const options = { weight: float64([2, 5]) };
    assertEquals(F.nll(l, int32([0, 1]), { ...options, ...none }).toArray(), [2, 20]);
    assertAlmostEquals(one(F.nll(l, int32([0, 1]), options)), 22 / 7, 1e-15);
    assertAlmostEquals(one(new nn.NLLLoss(options).call(l, int32([0, 1]))), 22 / 7, 1e-15);
  });
  it("nll() takes a single row without a batch", () => {
    assertEquals(one(F.nll(float64([-1, -2]), int32(1))), 2);
  });
  it("crossEntropy() is NaN where every target is ignored", () => {
    assertEquals(one(F.crossEntropy(ones([2, 3]), int32([-100, -100]))), NaN);
  });
  it("crossEntropy() and nll() send 0 back where nothing counts: one batch of padding does not spoil the weights", () => {
    const options: nn.functional.CrossEntropyOptions[] = [{}, { labelSmoothing: 0.1 }, { labelSmoothing: 1 }];
    const nothing: [classes: Tensor, weight: Tensor | null][] = [
      [int32([-100, -100]), null],
      [int32([-100, -100]), float64([1, 2, 3])],
      [int32([0, 0]), float64([0, 1, 1])], // PyTorch answers NaN to weights that add up to 0
      [int32([0, 1]), float64([1, -1, 1])], // and ∞ to these
    ];
    for (const dtype of ["float32", "float64"] as const) {
      for (const [classes, weight] of nothing) {
        const losses = [
          (z: Tensor) => F.nll(z, classes, { weight }),
          ...options.map((option) => (z: Tensor) => F.crossEntropy(z, classes, { ...option, weight })),
        ];
        for (const loss of losses) {
          const z = float64([[1, 2, 3], [0, -1, 2]]).to(dtype).requiresGrad_();
          const found = loss(z);
          found.backward();
          assert(!Number.isFinite(found.item()), "the loss says that there is none");
          assertEquals(z.g!.toArray(), [[0, 0, 0], [0, 0, 0]]);
        }
      }
    }
  });
  it("crossEntropy() and nll() send 0 back to an ignored row, whatever it holds and whatever arrives", () => {
    const classes = int32([-100, 1]);
    const losses: Record<string, (z: Tensor) => Tensor> = {
      plain: (z) => F.crossEntropy(z, classes, { reduction: "none" }),
      smoothed: (z) => F.crossEntropy(z, classes, { reduction: "none", labelSmoothing: 0.1 }),
      nll: (z) => F.nll(z, classes, { reduction: "none" }),
    };
    for (const [name, loss] of Object.entries(losses)) {
      for (const [row, upstream] of [[NaN, 1], [Infinity, 1], [-Infinity, 1], [2, Infinity]]) {
        const z = float64([[1, row], [0, 2]]).requiresGrad_();
        loss(z).backward({ gradient: float64([upstream, 1]) });
        assertEquals((z.g!.toArray() as number[][])[0], [0, 0], `${name} of ${row}, ${upstream}`);
        assert((z.g!.toArray() as number[][])[1].every(Number.isFinite));
      }
    }
  });
  const slopeOf = (loss: Loss, ...p: number[]) => {
    const x = tensor(p).requiresGrad_();
    loss(x).backward();
    return x.g!.toArray();
  };
  const five = (x: Tensor) => full(x.shape, 5);

  it("huber() of a delta beyond the digits of the errors has their slopes", () => {
    assertEquals(slopeOf((x) => F.huber(x, five(x), { delta: 1e10, reduction: "sum" }), 3, 6), [-2, 1]);
    assertEquals(slopeOf((x) => F.huber(x, five(x), { delta: Infinity, reduction: "sum" }), 3, 6), [-2, 1]);
    assertEquals(F.huber(tensor([3]), tensor([5]), { delta: Infinity }).item(), 2);
  });
  it("huber() and smoothL1() keep the digits of a small error beside a large bend", () => {
    assertEquals(slopeOf((x) => F.huber(x, x.mul(0).detach(), { delta: 100, reduction: "sum" }), 1e-9), [
      Math.fround(1e-9),
    ]);
    const near = float64([1e-9]).requiresGrad_();
    F.smoothL1(near, float64([0]), { beta: 0.5 }).backward();
    assertEquals(near.g!.item(), 2e-9);
  });
  it("huber() and smoothL1() send NaN back to a prediction of NaN, as PyTorch does", () => {
    for (const loss of [F.huber, F.smoothL1]) {
      assertEquals(slopeOf((x) => loss(x, five(x), { reduction: "sum" }), NaN, 9), [NaN, 1]);
    }
  });
  it("bce() keeps the digits of the slope of a sure prediction", () => {
    const p = float64([1 - 2 ** -30]).requiresGrad_();
    F.bce(p, float64([0])).backward();
    assertEquals(p.g!.item(), 2 ** 30); // 1 / (1 − p)
  });
  it("nll() of a weight of ∞ sends nothing but 0 to the other classes", () => {
    const l = tensor([[-1, -2, -3], [-3, -2, -1]]).requiresGrad_();
    F.nll(l, int32([0, 1]), { weight: tensor([0.5, Infinity, 0]), reduction: "sum" }).backward();
    assertEquals(l.g!.toArray(), [[-0.5, 0, 0], [0, -Infinity, 0]]);
  });
  it("crossEntropy() with smoothed labels is NaN where all weights are 0, as without smoothing", () => {
    for (const labelSmoothing of [0, 0.5, 1]) {
      const z = tensor([[1, 2]]).requiresGrad_();
      const loss = F.crossEntropy(z, int32([0]), { weight: tensor([0, 1]), labelSmoothing });
      loss.backward();
      assertEquals([loss.item(), z.g!.toArray()], [NaN, [[0, 0]]]);
    }
  });
  it("crossEntropy() of probabilities weighs in PyTorch's order: a large weight does not overflow in between", () => {
    const z = tensor([[0, 0]]).requiresGrad_();
    F.crossEntropy(z, tensor([[5, 0]]), { weight: tensor([1e38, 1]) }).mul(0.01).backward();
    assertNear(z.g!.mul(1e-36).reshape(-1), [-2.5, 2.5], 1e-5);
  });

  const MODULES = {
    BCELoss: (weight: Tensor) => new nn.BCELoss({ weight }),
    BCEWithLogitsLoss: (weight: Tensor) => new nn.BCEWithLogitsLoss({ weight, posWeight: weight }),
    NLLLoss: (weight: Tensor) => new nn.NLLLoss({ weight }),
    CrossEntropyLoss: (weight: Tensor) => new nn.CrossEntropyLoss({ weight, labelSmoothing: 0.1 }),
  };
  for (const [name, make] of Object.entries(MODULES)) {
    it(`${name}() takes a parameter for its weight, a buffer of its own as in PyTorch`, () => {
      const loss = make(new nn.Parameter(tensor([1, 2])));
      assertEquals([...loss.stateDict().keys()], name === "BCEWithLogitsLoss" ? ["weight", "pos_weight"] : ["weight"]);
      assertEquals(loss.parameters(), []);
    });
  }

  it("crossEntropy() does not see what an ignored row or another class holds", () => {
    const z = float64([[NaN, NaN], [0, -Infinity]]);
    assertEquals(one(F.crossEntropy(z, int32([-100, 0]))), 0);
  });
});

describe("losses refuse", () => {
  const pairs: Record<string, (p: Tensor, t: Tensor) => Tensor> = {
    mse: F.mse,
    l1: F.l1,
    smoothL1: F.smoothL1,
    huber: F.huber,
    bce: F.bce,
    bceWithLogits: F.bceWithLogits,
    klDiv: F.klDiv,
  };
  for (const [name, loss] of Object.entries(pairs)) {
    it(`${name}() of (n, 1) against (n), which broadcasting would make (n, n)`, () => {
      const error = assertThrows(() => loss(ones([3, 1]), ones([3])), RangeError, "the shapes differ");
      assertEquals(error.message.includes(`${name} of predictions [3, 1] and targets [3]`), true);
    });
  }
  for (const [call, message] of entries<string>("errors").filter(([call]) => call.startsWith("cross_entropy"))) {
    it(`${call}: ${message}`, () => {
      assertEquals(call, "cross_entropy(ones(2,3), tensor([0, 7]))");
      assertThrows(() => F.crossEntropy(ones([2, 3]), int32([0, 7])), RangeError, "target 7 is out of bounds");
    });
  }
  it("crossEntropy() of classes that do not pair with rows", () => {
    assertThrows(() => F.crossEntropy(ones([2, 3]), int32([0])), RangeError, "predictions [2, 3] and targets [1]");
    assertThrows(() => F.crossEntropy(ones([2, 3]), int32([[0], [1]])), RangeError, "targets [2, 1]");
  });
  it("crossEntropy() of floating targets of another shape", () => {
    assertThrows(() => F.crossEntropy(ones([2, 3]), ones([2])), RangeError, "use int()");
  });
  it("nll() of floating targets", () => {
    assertThrows(() => F.nll(ones([2, 3]), ones([2])), TypeError, "classes are integers");
  });
  it("the first number past the classes", () => {
    assertThrows(
      () => F.nll(ones([2, 3]), int32([0, 3])),
      RangeError,
      "target 3: it is out of bounds, expected 0 to 2",
    );
  });
  it("a negative target that is not the ignored one", () => {
    assertThrows(() => F.crossEntropy(ones([2, 3]), int32([0, -1])), RangeError, "target -1 is");
  });
  it("a weight of another number of classes", () => {
    assertThrows(() => F.crossEntropy(ones([1, 3]), int32([0]), { weight: ones([2]) }), RangeError, "[3]");
    assertThrows(() => F.nll(ones([1, 3]), int32([0]), { weight: ones([2]) }), RangeError, "[3]");
  });
  it("settings out of range", () => {
    const [p, t] = [ones([2]), zeros([2])];
    assertThrows(() => F.huber(p, t, { delta: 0 }), RangeError, "above 0");
    assertThrows(() => F.smoothL1(p, t, { beta: -1 }), RangeError, "not be negative");
    assertThrows(() => F.crossEntropy(ones([1, 2]), int32([0]), { labelSmoothing: 2 }), RangeError, "from 0 to 1");
    assertThrows(() => F.mse(p, t, { reduction: "avg" as "mean" }), TypeError, '"mean", "sum" or "none"');
  });
  it("bce() of what is no probability", () => {
    assertThrows(() => F.bce(float64([1.5]), float64([1])), RangeError, "outside [0, 1]");
    assertThrows(() => F.bce(float64([-0.5]), float64([1])), RangeError, "outside [0, 1]");
  });
});
