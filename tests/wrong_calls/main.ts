/** Wrong calls of what `mod.ts` exports beside `nn` and `optim`, of `autograd` and of the ladder. */
import * as g from "@gradus/gradus";
import * as autograd from "@gradus/gradus/autograd";
import * as rungs from "@gradus/gradus/ladder";
import { type Cases, create, NEITHER, random, type TensorCase, unary, x } from "./cases.ts";

const { tensor, ones, zeros } = g;

class Odd extends autograd.Function {
  static forward(_: g.autograd.Context, answer: g.Tensor): g.Tensor {
    return answer;
  }
  static backward(_: g.autograd.Context, g: g.Tensor): g.Tensor {
    return g;
  }
}

export const AUTOGRAD: Record<string, Cases | typeof NEITHER> = {
  Context: unary((x) => new autograd.Context().saveForBackward(x)),
  Function: unary((answer) => Odd.apply(answer)),
  checkRule: {
    options: [["Atol", "atol", (o) => autograd.checkRule((x) => x, (g) => [g], [], o)]],
    tensors: [(x) => autograd.checkRule((x) => x, (g) => [g], [x])],
  },
  detectAnomaly: NEITHER,
  gradcheck: {
    options: [["Atol", "atol", (o) => autograd.gradcheck((x) => x, [tensor([1], { dtype: "float64" })], o)]],
    tensors: [(x) => autograd.gradcheck((x) => x, [x])],
  },
  grad: {
    options: [["create_graph", "createGraph", (o) => autograd.grad(tensor(1), tensor(1), o)]],
    tensors: [(y) => autograd.grad(y, tensor(1)), (x) => autograd.grad(tensor(1), x)],
  },
  gradgradcheck: {
    options: [["Atol", "atol", (o) => autograd.gradgradcheck((x) => x, [tensor([1], { dtype: "float64" })], o)]],
    tensors: [(x) => autograd.gradgradcheck((x) => x, [x])],
  },
  isGradEnabled: NEITHER,
  noGrad: NEITHER,
  registerPostAccumulateGradHook: unary((x) => autograd.registerPostAccumulateGradHook(x, () => {})),
  registerHook: unary((x) => autograd.registerHook(x, () => {})),
  retainGrad: unary(autograd.retainGrad),
};

const { hessian, hvp, jacobian, jvp, vjp } = autograd.functional;
const same = (x: g.Tensor) => x;
const single = (x: g.Tensor) => x.sum();

export const AUTOGRAD_FUNCTIONAL: Record<string, Cases> = {
  jacobian: { options: [["Strict", "strict", (o) => jacobian(same, x, o)]], tensors: [(x) => jacobian(same, x)] },
  hessian: { options: [["Strict", "strict", (o) => hessian(single, x, o)]], tensors: [(x) => hessian(single, x)] },
  vjp: {
    options: [["create_graph", "createGraph", (o) => vjp(same, x, x, o)]],
    tensors: [(x) => vjp(same, x), [(v) => vjp(same, x, v), "undefined"]],
  },
  jvp: {
    options: [["create_graph", "createGraph", (o) => jvp(same, x, x, o)]],
    tensors: [(x) => jvp(same, x), [(v) => jvp(same, x, v), "undefined"]],
  },
  hvp: {
    options: [["create_graph", "createGraph", (o) => hvp(single, x, x, o)]],
    tensors: [(x) => hvp(single, x), [(v) => hvp(single, x, v), "undefined"]],
  },
};

const tensorMethods = (["matmul", "index", "expandAs"] as const).map((name): TensorCase => (b) => x[name](b));
const operandMethods = ([
  "add",
  "sub",
  "mul",
  "div",
  "pow",
  "maximum",
  "minimum",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
  "add_",
  "sub_",
  "mul_",
  "div_",
  "copy_",
] as const).map((name): TensorCase => [(b) => ones([2, 2])[name](b), "number"]);

/** Functions of one tensor, by name. */
const UNARY = [
  ...["abs", "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal", "square"],
  ...["neg", "sign", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "sigmoid", "relu", "erf"],
  ...["floor", "ceil", "round", "trunc", "frac", "logicalNot", "t", "squeeze", "flatten"],
] as const;
/** Functions of two tensors, or of a tensor and a number, by name. */
const BINARY = [
  ...["maximum", "minimum", "atan2", "hypot", "logaddexp"],
  ...["add", "sub", "mul", "div", "pow", "remainder", "fmod"],
  ...["eq", "ne", "lt", "le", "gt", "ge", "logicalAnd", "logicalOr"],
] as const;
/** Reductions, by name. */
const REDUCTIONS = [
  ...["sum", "prod", "mean", "std", "logsumexp", "norm", "all", "any", "argmax", "argmin", "amax", "amin", "varMean"],
] as const;

/** The shapes of what products of other ranks take first. */
const RANKS: Record<string, number[]> = { dot: [2], outer: [2], bmm: [1, 2, 2] };

const INDEX = tensor([0, 1], { dtype: "int32" });

/** Functions of a tensor and what is no tensor. */
const OF_ONE = [
  ...["chunk", "split", "unbind", "flip", "roll", "rot90", "repeat", "tile", "repeatInterleave"],
  ...["tril", "triu", "diagonal", "diag", "trace"],
] as const;

// deno-lint-ignore no-explicit-any
const named = g as any;

export const MAIN: Record<string, Cases | typeof NEITHER> = {
  Generator: NEITHER,
  RandomState: NEITHER,
  Tensor: {
    options: [["retain_graph", "retainGraph", (o) => tensor(1).requiresGrad_().mul(2).backward(o)]],
    tensors: [
      ...tensorMethods,
      ...operandMethods,
      [(gradient) => tensor(1).requiresGrad_().mul(2).backward({ gradient }), "undefined"],
    ],
  },
  WichmannHill: NEITHER,
  allclose: {
    options: [["Atol", "atol", (o) => g.allclose(x, x, o)]],
    tensors: [(a) => g.allclose(a, x), (b) => g.allclose(x, b)],
  },
  arange: create((o) => g.arange(0, 2, 1, o)),
  backendName: NEITHER,
  backendReason: NEITHER,
  cacheDir: NEITHER,
  cat: unary((x) => g.cat([x])),
  defaultGenerator: NEITHER,
  einsum: unary((x) => g.einsum("i->i", x)),
  eye: create((o) => g.eye(2, o)),
  fromData: NEITHER,
  full: create((o) => g.full([1], 1, o)),
  isfinite: unary(g.isfinite),
  isinf: unary(g.isinf),
  isnan: unary(g.isnan),
  nanToNum: {
    options: [["posInf", "posinf", (o) => g.nanToNum(x, o)]],
    tensors: [(x) => g.nanToNum(x)],
  },
  linspace: create((o) => g.linspace(0, 1, 2, o)),
  manualSeed: NEITHER,
  near: { tensors: [(a) => g.near(a, x), (b) => g.near(x, b)] },
  noGrad: NEITHER,
  ones: create((o) => ones([1], o)),
  rand: random((o) => g.rand([1], o)),
  randint: random((o) => g.randint(0, 2, [1], o)),
  randn: random((o) => g.randn([1], o)),
  randperm: { options: [["generater", "generator", (o) => g.randperm(2, o)]] },
  setPrintOptions: { options: [["precison", "precision", (o) => g.setPrintOptions(o)]] },
  setThreads: NEITHER,
  stack: unary((x) => g.stack([x])),
  tensor: create((o) => tensor([1], o)),
  testEq: NEITHER,
  testNearZero: unary((x) => g.testNearZero(x)),
  threads: NEITHER,
  useBackend: NEITHER,
  where: {
    tensors: [
      (condition) => g.where(condition, 1, 0),
      [(a) => g.where(x.gt(0), a, x), "number"],
      [(b) => g.where(x.gt(0), x, b), "number"],
    ],
  },
  zeros: create((o) => zeros([1], o)),
  ...Object.fromEntries(UNARY.map((name) => [name, unary((x) => named[name](x))])),
  ...Object.fromEntries(BINARY.map((name): [string, Cases] => [
    name,
    { tensors: [(a) => named[name](a, x), [(b) => named[name](x, b), "number"]] },
  ])),
  ...Object.fromEntries(OF_ONE.map((name) => [name, unary((x) => named[name](x, 1))])),
  hstack: unary((x) => g.hstack([x])),
  vstack: unary((x) => g.vstack([x])),
  meshgrid: {
    options: [["index", "indexing", (o) => g.meshgrid([x], o)]],
    tensors: [(x) => g.meshgrid([x])],
  },
  gather: { tensors: [(x) => g.gather(x, 0, INDEX), (index) => g.gather(x, 0, index)] },
  ...Object.fromEntries((["scatter", "scatterAdd"] as const).map((name): [string, Cases] => [name, {
    tensors: [
      (wrong) => g[name](wrong, 0, INDEX, x),
      (index) => g[name](x, 0, index, x),
      [(source) => g[name](x, 0, INDEX, source), "number"],
    ],
  }])),
  indexSelect: { tensors: [(wrong) => g.indexSelect(wrong, 0, INDEX), (index) => g.indexSelect(x, 0, index)] },
  indexAdd: {
    options: [["alfa", "alpha", (o) => g.indexAdd(x, 0, tensor([0, 1]).int(), x, o)]],
    tensors: [
      (wrong) => g.indexAdd(wrong, 0, INDEX, x),
      (index) => g.indexAdd(x, 0, index, x),
      (source) => g.indexAdd(x, 0, INDEX, source),
    ],
  },
  sort: { options: [["decending", "descending", (o) => g.sort(x, o)]], tensors: [(x) => g.sort(x)] },
  argsort: { options: [["decending", "descending", (o) => g.argsort(x, o)]], tensors: [(x) => g.argsort(x)] },
  topk: { options: [["large", "largest", (o) => g.topk(x, 1, o)]], tensors: [(x) => g.topk(x, 1)] },
  kthvalue: { options: [["keepDims", "keepdim", (o) => g.kthvalue(x, 1, o)]], tensors: [(x) => g.kthvalue(x, 1)] },
  median: { options: [["keepDims", "keepdim", (o) => g.median(x, o)]], tensors: [(x) => g.median(x)] },
  quantile: {
    options: [["interpolate", "interpolation", (o) => g.quantile(x, 0.5, o)]],
    tensors: [(x) => g.quantile(x, 0.5), [(q) => g.quantile(x, q), "number", "array"]],
  },
  unique: { options: [["counts", "returnCounts", (o) => g.unique(x, o)]], tensors: [(x) => g.unique(x)] },
  bincount: {
    options: [["minLen", "minlength", (o) => g.bincount(x, o)]],
    tensors: [(x) => g.bincount(x), [(weights) => g.bincount(tensor([1]).int(), { weights }), "undefined"]],
  },
  histc: unary((x) => g.histc(x)),
  cov: { options: [["corrections", "correction", (o) => g.cov(x, o)]], tensors: [(x) => g.cov(x)] },
  corrcoef: unary((x) => g.corrcoef(x)),
  ...Object.fromEntries(REDUCTIONS.map((name): [string, Cases] => [
    name,
    { options: [["keepdims", "keepdim", (o) => named[name](x, o)]], tensors: [(x) => named[name](x)] },
  ])),
  ...Object.fromEntries(["cumsum", "cumprod", "cummax", "cummin"].map((name): [string, Cases] => [
    name,
    { options: [["dims", "dim", (o) => named[name](x, o)]], tensors: [(x) => named[name](x, 0)] },
  ])),
  diff: { options: [["dims", "dim", (o) => g.diff(x, o)]], tensors: [(x) => g.diff(x)] },
  ...Object.fromEntries(["dot", "mv", "mm", "bmm", "matmul", "outer", "kron", "tensordot", "cdist"].map(
    (name): [string, Cases] => [name, {
      tensors: [(a) => named[name](a, x), (b) => named[name](g.ones(RANKS[name] ?? [2, 2]), b)],
    }],
  )),
  ...Object.fromEntries((["addmm", "baddbmm"] as const).map((name): [string, Cases] => [name, {
    options: [["beat", "beta", (o) => g[name](x, x, x, o)]],
    tensors: [(wrong) => g[name](wrong, x, x), (a) => g[name](x, a, x)],
  }])),
  clamp: {
    options: [["mim", "min", (o) => g.clamp(x, o)]],
    tensors: [(x) => g.clamp(x, 0), [(low) => g.clamp(x, low), "number", "undefined"]],
  },
  empty: create((o) => g.empty([1], o)),
  ...Object.fromEntries((["emptyLike", "zerosLike", "onesLike"] as const).map((name): [string, Cases] => [
    name,
    { ...create((o) => g[name](x, o)), ...unary((x) => g[name](x)) },
  ])),
  fullLike: { ...create((o) => g.fullLike(x, 1, o)), ...unary((x) => g.fullLike(x, 1)) },
  ...Object.fromEntries((["randLike", "randnLike"] as const).map((name): [string, Cases] => [
    name,
    { ...random((o) => g[name](x, o)), ...unary((x) => g[name](x)) },
  ])),
  randintLike: { ...random((o) => g.randintLike(x, 0, 2, o)), ...unary((x) => g.randintLike(x, 0, 2)) },
  bernoulli: {
    options: [["generater", "generator", (o) => g.bernoulli(x, o)]],
    tensors: [(x) => g.bernoulli(x)],
  },
  multinomial: {
    options: [["replace", "replacement", (o) => g.multinomial(x, 1, o)]],
    tensors: [(x) => g.multinomial(x, 1)],
  },
  normal: {
    options: [["generater", "generator", (o) => g.normal(x, x, undefined, o)]],
    tensors: [[(mean) => g.normal(mean, x), "number"], [(std) => g.normal(x, std), "number"]],
  },
  narrow: unary((x) => g.narrow(x, 0, 0, 1)),
  permute: unary((x) => g.permute(x, [1, 0])),
  reshape: unary((x) => g.reshape(x, [-1])),
  select: unary((x) => g.select(x, 0, 0)),
  transpose: unary((x) => g.transpose(x, 0, 1)),
  unsqueeze: unary((x) => g.unsqueeze(x, 0)),
  nonzero: unary(g.nonzero),
  maskedSelect: { tensors: [(x) => g.maskedSelect(x, x), (mask) => g.maskedSelect(x, mask)] },
  maskedFill: {
    tensors: [
      (x) => g.maskedFill(x, x, 1),
      (mask) => g.maskedFill(x, mask, 1),
      [(value) => g.maskedFill(x, x.gt(0), value), "number"],
    ],
  },
  indexPut: {
    options: [["accumulated", "accumulate", (o) => g.indexPut(x, [0], 1, o)]],
    tensors: [(x) => g.indexPut(x, [0], 1), [(v) => g.indexPut(x, [0], v), "number"]],
  },
  movedim: unary((x) => g.movedim(x, 0, 1)),
  lerp: { tensors: [(a) => g.lerp(a, x, 0.5), (b) => g.lerp(x, b, 0.5), [(w) => g.lerp(x, x, w), "number"]] },
  ...Object.fromEntries((["addcmul", "addcdiv"] as const).map((name): [string, Cases] => [
    name,
    {
      options: [["values", "value", (o) => g[name](x, x, x, o)]],
      tensors: [(a) => g[name](a, x, x), (b) => g[name](x, b, x)],
    },
  ])),
};

export const LADDER: Record<string, Cases | typeof NEITHER> = {
  ladder: {
    tensors: rungs.ladder.filter(({ backend }) => backend === "reference").flatMap(({ multiply }): TensorCase[] => [
      (a) => multiply(a, x),
      (b) => multiply(x, b),
    ]),
  },
  convolutionLadder: {
    tensors: rungs.convolutionLadder.flatMap(({ convolve }): TensorCase[] => [
      (x) => convolve(x, g.ones([1, 1, 1, 1])),
      (w) => convolve(g.ones([1, 1, 1, 1]), w),
    ]),
  },
};
