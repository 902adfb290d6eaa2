/** Every layer of `nn`, in several settings, with an example; and models with modules of their own. */
import { cat, manualSeed, nn, noGrad, randint, randn, type Tensor, where } from "@gradus/gradus";
import { NETWORKS } from "../../../cli/networks.ts";
import { sequenceModels } from "./sequence_cases.ts";

/** A model to export, and what it is called with. */
export interface Case {
  readonly name: string;
  readonly model: nn.AnyModule;
  readonly example: Tensor | readonly Tensor[];
}

type Made = readonly [model: nn.AnyModule, example: Tensor];

/** The layers: those that turn a tensor into another; one without cases does not compile. */
type LayerName = {
  [K in keyof typeof nn]: (typeof nn)[K] extends abstract new (...args: never[]) => nn.Module ? K : never;
}[
  Exclude<
    keyof typeof nn,
    "Module" | "ChannelNorm" | "RecurrentCell" | "RNNCell" | "GRUCell" | "ModuleList" | "ModuleDict" | "ParameterList"
  >
];

const rows = () => randn([2, 6]);
const sequence = () => randn([2, 4, 11]);
const tokens = () => randn([2, 5, 8]);
const images = () => randn([2, 4, 7, 9]);
const at = (...models: nn.Module[]): Made[] => models.map((model) => [model, images()]);

const LAYERS: { readonly [K in LayerName]: () => readonly Made[] } = {
  Linear: () => [
    [new nn.Linear(6, 5), rows()],
    [new nn.Linear(6, 5, { bias: false }), rows()],
    [new nn.Linear(6, 5), randn([2, 3, 6])],
    [new nn.Linear(6, 5, { dtype: "float64" }), rows().double()],
  ],
  Embedding: () => [
    [new nn.Embedding(5, 3), randint(0, 5, [2, 4])],
    [new nn.Embedding(5, 3, { paddingIdx: 0 }), randint(0, 5, [3])],
  ],
  Conv1d: () => [
    [new nn.Conv1d(4, 6, 3), sequence()],
    [new nn.Conv1d(4, 6, 3, { stride: 2, padding: 2, dilation: 2, groups: 2, bias: false }), sequence()],
    [new nn.Conv1d(4, 6, 4, { padding: "same" }), sequence()],
    [new nn.Conv1d(4, 6, 3, { padding: 1, paddingMode: "circular" }), sequence()],
  ],
  Conv2d: () =>
    at(
      new nn.Conv2d(4, 6, 3),
      new nn.Conv2d(4, 6, [3, 2], { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 }),
      new nn.Conv2d(4, 4, 3, { groups: 4, padding: "same", bias: false }),
      new nn.Conv2d(4, 6, 2, { padding: "same" }),
      new nn.Conv2d(4, 6, 3, { padding: 1, paddingMode: "reflect" }),
      new nn.Conv2d(4, 6, 3, { padding: 1, paddingMode: "replicate", stride: 2 }),
    ),
  ConvTranspose1d: () => [
    [new nn.ConvTranspose1d(4, 6, 3), sequence()],
    [new nn.ConvTranspose1d(4, 6, 3, { stride: 2, padding: 1, outputPadding: 1, dilation: 2, groups: 2 }), sequence()],
  ],
  ConvTranspose2d: () =>
    at(
      new nn.ConvTranspose2d(4, 6, 3),
      new nn.ConvTranspose2d(4, 6, [3, 2], { stride: 2, padding: [1, 0], outputPadding: [1, 0], groups: 2 }),
    ),
  MaxPool1d: () => [
    [new nn.MaxPool1d(3), sequence()],
    [new nn.MaxPool1d(3, { stride: 2, padding: 1, dilation: 2, ceilMode: true }), sequence()],
  ],
  MaxPool2d: () =>
    at(
      new nn.MaxPool2d(2),
      new nn.MaxPool2d([3, 2], { stride: 2, padding: 1, ceilMode: true }),
      new nn.MaxPool2d(2, { dilation: 2, stride: 1 }),
      new nn.MaxPool2d(2, { stride: 5, dilation: 2, ceilMode: true }),
    ),
  AvgPool1d: () => [
    [new nn.AvgPool1d(3), sequence()],
    [new nn.AvgPool1d(4, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }), sequence()],
  ],
  AvgPool2d: () =>
    at(
      new nn.AvgPool2d(2),
      new nn.AvgPool2d(2, { ceilMode: true }),
      new nn.AvgPool2d(3, { stride: 2, padding: 1 }),
      new nn.AvgPool2d(3, { stride: 2, padding: 1, ceilMode: true }),
      new nn.AvgPool2d(3, { padding: 1, countIncludePad: false }),
      new nn.AvgPool2d(2, { divisorOverride: 3 }),
      new nn.AvgPool2d(3, { padding: 1, divisorOverride: 5 }),
      new nn.AvgPool2d(2, { stride: 5, ceilMode: true }),
    ),
  AdaptiveAvgPool1d: () => [
    [new nn.AdaptiveAvgPool1d(1), sequence()],
    [new nn.AdaptiveAvgPool1d(4), sequence()],
  ],
  AdaptiveAvgPool2d: () =>
    at(new nn.AdaptiveAvgPool2d(1), new nn.AdaptiveAvgPool2d([7, 3]), new nn.AdaptiveAvgPool2d([3, 4])),
  AdaptiveMaxPool2d: () =>
    at(new nn.AdaptiveMaxPool2d(1), new nn.AdaptiveMaxPool2d([7, 3]), new nn.AdaptiveMaxPool2d([3, 4])),
  BatchNorm1d: () => [
    [new nn.BatchNorm1d(6), rows()],
    [new nn.BatchNorm1d(4, { affine: false, eps: 1e-3 }), sequence()],
  ],
  BatchNorm2d: () =>
    at(
      new nn.BatchNorm2d(4),
      new nn.BatchNorm2d(4, { trackRunningStats: false }),
      new nn.BatchNorm2d(4, { affine: false }),
    ),
  InstanceNorm2d: () =>
    at(
      new nn.InstanceNorm2d(4),
      new nn.InstanceNorm2d(4, { affine: true }),
      new nn.InstanceNorm2d(4, { affine: true, trackRunningStats: true }),
    ),
  GroupNorm: () => [
    ...at(new nn.GroupNorm(2, 4), new nn.GroupNorm(4, 4, { affine: false })),
    [new nn.GroupNorm(3, 6), rows()],
    [new nn.GroupNorm(6, 6), rows()],
  ],
  LayerNorm: () => [
    [new nn.LayerNorm(6), rows()],
    [new nn.LayerNorm([7, 9], { eps: 1e-3 }), images()],
    [new nn.LayerNorm(6, { elementwiseAffine: false }), rows()],
  ],
  RMSNorm:
    () => [[new nn.RMSNorm(6), rows()], [new nn.RMSNorm([7, 9], { eps: 1e-3, elementwiseAffine: false }), images()]],
  LearnedPositions: () => [[new nn.LearnedPositions(5, 8), tokens()]],
  SinusoidalPositions: () => [[new nn.SinusoidalPositions(8), tokens()]],
  TransformerEncoderLayer: () => [
    [new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true }), tokens()],
    [
      new nn.TransformerEncoderLayer(8, 2, {
        dimFeedforward: 16,
        batchFirst: true,
        normFirst: true,
        activation: "gelu",
      }),
      tokens(),
    ],
  ],
  TransformerEncoder: () => [[
    new nn.TransformerEncoder(new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true }), 2, {
      norm: new nn.LayerNorm(8),
    }),
    tokens(),
  ]],
  Upsample: () =>
    at(
      new nn.Upsample({ scaleFactor: 2 }),
      new nn.Upsample({ size: [10, 5] }),
      new nn.Upsample({ size: [15, 4] }),
      new nn.Upsample({ size: [14, 3] }),
      new nn.Upsample({ scaleFactor: 2, mode: "bilinear" }),
      new nn.Upsample({ scaleFactor: 1.5, mode: "bilinear" }),
      new nn.Upsample({ size: [10, 5], mode: "bilinear", alignCorners: true }),
      new nn.Upsample({ size: [1, 20], mode: "bilinear" }),
    ),
  PixelShuffle: () => at(new nn.PixelShuffle(2)),
  ZeroPad2d: () => at(new nn.ZeroPad2d(1), new nn.ZeroPad2d([1, 2, 0, -1])),
  Dropout: () => [[new nn.Dropout(0.9), rows()]],
  Dropout2d: () => at(new nn.Dropout2d(0.9)),
  Flatten: () => at(new nn.Flatten(), new nn.Flatten(2)),
  Unflatten: () => [[new nn.Unflatten(1, [2, 3]), rows()]],
  Identity: () => [[new nn.Identity(), rows()]],
  Sequential: () => [[new nn.Sequential(), rows()], [new nn.Sequential(new nn.Linear(6, 4), new nn.Tanh()), rows()]],
  TabularModel: () => [
    [new nn.TabularModel({ categories: [3, 5], numbers: 2 }, 2, { hidden: [8], dropout: 0.5 }), table([3, 5], 2)],
    [new nn.TabularModel({ categories: [4], numbers: 0 }, 1, { hidden: [] }), table([4], 0)],
    [new nn.TabularModel({ categories: [], numbers: 3 }, 1, { hidden: [4] }), table([], 3)],
  ],
  ReLU: () => [[new nn.ReLU(), rows()]],
  LeakyReLU: () => [[new nn.LeakyReLU(0.2), rows()]],
  Sigmoid: () => [[new nn.Sigmoid(), rows()]],
  Tanh: () => [[new nn.Tanh(), rows()]],
  ELU: () => [[new nn.ELU(0.5), rows()]],
  SELU: () => [[new nn.SELU(), rows()]],
  GELU: () => [[new nn.GELU(), rows()], [new nn.GELU({ approximate: "tanh" }), rows()]],
  SiLU: () => [[new nn.SiLU(), rows()]],
  Mish: () => [[new nn.Mish(), rows()]],
  Softplus: () => [[new nn.Softplus(), rows()], [new nn.Softplus({ beta: 2, threshold: 1 }), rows()]],
  Hardtanh: () => [[new nn.Hardtanh(-0.5, 0.7), rows()]],
  LogSigmoid: () => [[new nn.LogSigmoid(), rows()]],
  Softmax: () => [[new nn.Softmax(1), rows()], [new nn.Softmax(1), images()]],
  LogSoftmax: () => [[new nn.LogSoftmax(-1), rows()], [new nn.LogSoftmax(1), images()]],
};

/** Rows of categories with so many values each, and numbers. */
function table(categories: readonly number[], numbers: number): Tensor {
  const parts = categories.map((n) => randint(0, n, [4, 1]).float());
  return cat([...parts, ...(numbers > 0 ? [randn([4, numbers])] : [])], 1);
}

/** Attention with a learned token before the others, whose heads are views of one product. */
class Attention extends nn.Module {
  token = new nn.Parameter(randn([1, 1, 8]));
  qkv = new nn.Linear(8, 24);
  out = new nn.Linear(8, 8);
  norm = new nn.LayerNorm(8);

  forward(x: Tensor): Tensor {
    const all = cat([this.token.expand(x.shape[0], 1, 8), x], 1); // [n, tokens + 1, 8]
    const [n, t] = all.shape;
    const heads = this.qkv.call(this.norm.call(all)).reshape(n, t, 3, 2, 4).permute(2, 0, 3, 1, 4);
    const [q, k, v] = [0, 1, 2].map((i) => heads.select(0, i)); // [n, 2, t, 4]
    const weights = nn.functional.softmax(q.matmul(k.transpose(-2, -1)).div(2), -1);
    return all.add(this.out.call(weights.matmul(v).transpose(1, 2).reshape(n, t, 8))).mean(1);
  }
}

/** Arithmetic, comparisons, choices, parts and reductions of its own. */
class Own extends nn.Module {
  scale = new nn.Parameter(randn([6]));
  shift = new nn.Buffer(randn([6]));

  forward(x: Tensor): Tensor {
    const y = x.mul(this.scale).add(this.shift).abs().add(0.5);
    const chosen = where(y.gt(1).logicalAnd(y.le(2)), y.log(), y.sqrt().neg());
    const parts = [chosen.slice(1, 5, undefined, -2), chosen.narrow(1, 2, 3), y.max(1, true).values, y.std(1, true)];
    const sums = [chosen.cumsum(1), y.sum(1, true), y.prod(1, true).clamp(-3, 3), y.pow(2).mean(1, true).expand(-1, 2)];
    const odd = [
      y.argmax(1, true).float(),
      y.floor().remainder(2),
      y.exp().reciprocal().rsqrt(),
      y.maximum(1.5).minimum(x),
    ];
    return cat([
      ...parts,
      ...sums,
      ...odd,
      y.unfold(1, 3, 2).reshape(-1, 6),
      y.eq(y).float(),
      y.ne(1).any(1, true).float(),
    ], 1);
  }
}

/** Two inputs, two outputs, and a layer that is called twice. */
class Pair extends nn.Module<[Tensor, Tensor], Tensor[]> {
  shared = new nn.Linear(6, 3);

  forward(a: Tensor, b: Tensor): Tensor[] {
    const [p, q] = [this.shared.call(a), this.shared.call(b)];
    return [p.sub(q).square().sum(1), p.detach()];
  }
}

/** A normalisation of stages by their index, and zeros of the batch's size, as recurrent layers begin with. */
class Recurrent extends nn.Module {
  cell = new nn.Linear(9, 5);

  forward(x: Tensor): Tensor {
    let h = x.select(1, 0).mul(0).matmul(x.select(1, 0).mul(0).t()).mean(1, true).expand(-1, 5); // zeros [n, 5]
    for (let t = 0; t < x.shape[1]; t++) h = this.cell.call(cat([x.select(1, t), h], 1)).tanh();
    return h;
  }
}

/** Functions of numbers that no layer has. */
class Functions extends nn.Module {
  forward(x: Tensor): Tensor {
    const [near, far] = [x.tanh().mul(0.9), x.abs().add(0.5)];
    const circular = cat([x.tan(), near.asin(), near.acos(), x.atan(), x.sinh(), x.cosh()], 1);
    const powers = cat([x.exp2(), far.log2(), far.log10(), x.mul(3).trunc()], 1);
    return cat([circular, powers, x.atan2(near.neg().add(0.2)), x.hypot(far), x.atan2(x.trunc().mul(0))], 1);
  }
}

function ownModels(): Case[] {
  return [
    { name: "functions", model: new Functions(), example: rows() },
    { name: "attention", model: new Attention(), example: randn([2, 3, 8]) },
    { name: "own", model: new Own(), example: rows() },
    { name: "padded", model: new nn.Sequential(new nn.ZeroPad2d(1), new nn.MaxPool2d(3)), example: images().sub(4) },
    { name: "padded_mean", model: new nn.Sequential(new nn.ZeroPad2d(2), new nn.AvgPool2d(2)), example: images() },
    { name: "pair", model: new Pair(), example: [rows(), rows()] },
    { name: "recurrent", model: new Recurrent(), example: randn([2, 3, 4]) },
  ];
}

/** Statistics as after training, so that a norm does something. */
function trained<M extends nn.AnyModule>(model: M): M {
  noGrad(() => {
    for (const [name, buffer] of model.namedBuffers()) {
      if (name.endsWith("runningMean") || name.endsWith("running_mean")) buffer.copy_(randn(buffer.shape));
      if (name.endsWith("running_var")) buffer.copy_(randn(buffer.shape).square().add(0.5));
    }
    for (const [name, weight] of model.namedParameters()) {
      if (weight.ndim === 1 && name.endsWith("weight")) weight.copy_(randn(weight.shape));
    }
  });
  return model.eval() as M;
}

/** All cases, always with the same numbers. */
export function allCases(): Case[] {
  manualSeed(13);
  const layers = Object.entries(LAYERS).flatMap(([name, make]) =>
    make().map(([model, example], i): Case => ({ name: `${name}_${i}`, model: trained(model), example }))
  );
  const networks = Object.entries(NETWORKS).map(([name, { make, shape }]): Case => ({
    ...{ name, model: trained(make()), example: randn([2, ...shape]) },
  }));
  return [
    ...layers,
    ...networks,
    ...[...ownModels(), ...sequenceModels()].map((one) => ({ ...one, model: trained(one.model) })),
  ];
}

/** The example as a list. */
export function inputsOf({ example }: Case): Tensor[] {
  return Array.isArray(example) ? [...example] : [example as Tensor];
}

/** More rows than the example has: a batch of any size must do. */
export function largerInputs(one: Case): Tensor[] {
  return inputsOf(one).map((x) => cat([x, x.double().mul(0.4).floor().to(x.dtype), x], 0));
}

/** What the model gives for these inputs, as a list. */
export function outputsOf({ model }: Case, inputs: readonly Tensor[]): Tensor[] {
  const found = noGrad(() => model.call(...inputs as never)) as Tensor | readonly unknown[];
  const list = [found].flat(Infinity) as Tensor[]; // the states of an LSTM come in an array of their own
  return list.map((y) => y.clone()); // so that its memory has no more than its elements
}

/** How far the outputs are from those expected, of which 1 is counted as absolute and relative. */
export function furthest(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  return Array.from(expected).reduce(
    (most, value, i) =>
      Math.max(most, found[i] === value ? 0 : Math.abs(found[i] - value) / Math.max(1, Math.abs(value))),
    0,
  );
}
