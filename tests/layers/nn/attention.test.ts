/** Attention: PyTorch's numbers, masks, dropout, several heads, and what is kept of earlier tokens. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { cat, full, manualSeed, noGrad, ones, randn, stack, type Tensor, tensor, where, zeros } from "@gradus/gradus";
import { gradcheck, gradgradcheck } from "@gradus/gradus/autograd";
import * as nn from "@gradus/gradus/nn";
import { testCourse, type Translations } from "../../course_reference.ts";
import { assertNear } from "./reference.ts";

const F = nn.functional;
const dtype = "float64";

/** True above the diagonal: what a token does not see of a text. */
const ahead = (n: number) => ones([n, n]).triu(1).ne(0);
const padding = tensor([[false, false, false, true], [false, false, true, true]]);

type Attention = nn.MultiheadAttention;

/** Our calls and modules for PyTorch's. */
const TRANSLATIONS: Translations = {
  "scaled_dot_product_attention(q, k, v)": { call: (q, k, v) => F.scaledDotProductAttention(q, k, v) },
  "scaled_dot_product_attention(q, k, v, is_causal=True)": {
    call: (q, k, v) => F.scaledDotProductAttention(q, k, v, { isCausal: true }),
  },
  "MultiheadAttention(8, 2)(x, x, x): y, weights averaged over heads": {
    make: (dtype) => new nn.MultiheadAttention(8, 2, { dtype }),
    run: (m: Attention, x) => m.call(x, x, x),
  },
  "MultiheadAttention(8, 2, batch_first=True)(x, x, x, attn_mask=triu(ones(4, 4), 1).bool(), need_weights=False)": {
    make: (dtype) => new nn.MultiheadAttention(8, 2, { batchFirst: true, dtype }),
    run: (m: Attention, x) => m.call(x, x, x, { attnMask: ahead(4), needWeights: false })[0],
  },
  "MultiheadAttention(8, 2, kdim=5, vdim=6)(q, k, v)": {
    make: (dtype) => new nn.MultiheadAttention(8, 2, { kdim: 5, vdim: 6, dtype }),
    run: (m: Attention, q, k, v) => m.call(q, k, v)[0],
  },
  "MultiheadAttention(8, 2)(x, x, x, key_padding_mask=[[F, F, F, T], [F, F, T, T]])": {
    make: (dtype) => new nn.MultiheadAttention(8, 2, { dtype }),
    run: (m: Attention, x) => m.call(x, x, x, { keyPaddingMask: padding })[0],
  },
  "TransformerEncoderLayer(8, 2, 16, dropout=0)": {
    make: (dtype) => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0, dtype }),
  },
  "TransformerEncoderLayer(8, 2, 16, dropout=0, activation='gelu', norm_first=True, batch_first=True), causal": {
    make: (dtype) => {
      const options = {
        dimFeedforward: 16,
        dropout: 0,
        activation: "gelu",
        normFirst: true,
        batchFirst: true,
      } as const;
      return new nn.TransformerEncoderLayer(8, 2, { ...options, dtype });
    },
    run: (m: nn.TransformerEncoderLayer, x) => m.call(x, { mask: ahead(4) }),
  },
};

describe("attention: PyTorch's numbers", () => testCourse("attention", TRANSLATIONS));

/** Attention as its formula says, in float64; a query that sees nothing gets zeros. */
function slowly(q: Tensor, k: Tensor, v: Tensor, seen: Tensor | null = null, added: Tensor | null = null): Tensor {
  let scores = q.matmul(k.transpose(-2, -1)).div(Math.sqrt(q.shape.at(-1)!));
  if (added !== null) scores = scores.add(added);
  if (seen !== null) scores = where(seen, scores, -1e300);
  const weights = F.softmax(scores, -1);
  return (seen === null ? weights : weights.mul(seen.to(dtype))).matmul(v);
}

/** Queries, keys and values. */
function drawn(lead: number[], rows: number, cols: number, width = 5, values = 3): [Tensor, Tensor, Tensor] {
  const draw = (...shape: number[]) => randn([...lead, ...shape], { dtype });
  return [draw(rows, width), draw(cols, width), draw(cols, values)];
}

/** Result and gradients of a function of q, k and v. */
function run(f: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[], g: Tensor): Tensor[] {
  const leaves = inputs.map((x) => x.detach().clone().requiresGrad_());
  const y = f(...leaves);
  y.backward({ gradient: g.to(y.dtype) });
  return [y.detach(), ...leaves.map((x) => x.g!)];
}

describe("scaledDotProductAttention()", () => {
  const LENGTHS = [[1, 1], [1, 70], [7, 3], [64, 64], [65, 130], [3, 200]] as const;
  for (const [rows, cols] of LENGTHS) {
    for (const isCausal of [false, true]) {
      it(`of ${rows} queries and ${cols} keys is its formula, ${isCausal ? "causal, " : ""}in both dtypes`, () => {
        manualSeed(rows + cols);
        const inputs = drawn([2, 3], rows, cols, 16, 24), g = randn([2, 3, rows, 24], { dtype });
        const seen = isCausal ? ones([rows, cols]).tril().ne(0) : null;
        const wanted = run((q, k, v) => slowly(q, k, v, seen), inputs, g);
        const found = (xs: Tensor[]) => run((q, k, v) => F.scaledDotProductAttention(q, k, v, { isCausal }), xs, g);
        found(inputs).forEach((x, i) => assertNear(x, wanted[i].toArray(), 1e-10, 1e-12));
        // sums of up to 200 terms of size 1, each rounded to 6e-8, over products of 16 terms
        found(inputs.map((x) => x.float())).forEach((x, i) => assertNear(x, wanted[i].toArray(), 1e-5, 2e-5));
      });
    }
  }
  it("adds a mask of floats, broadcast, and takes one of bools for what is seen", () => {
    manualSeed(3);
    const [q, k, v] = drawn([2, 3], 5, 70), bias = randn([3, 1, 70], { dtype }), seen = randn([2, 1, 5, 70]).gt(0);
    assertNear(F.scaledDotProductAttention(q, k, v, { mask: bias }), slowly(q, k, v, null, bias).toArray(), 1e-10);
    assertNear(F.scaledDotProductAttention(q, k, v, { mask: seen }), slowly(q, k, v, seen).toArray(), 1e-10);
    const [a, b, c] = [q, k, v].map((x) => x.float());
    assertNear(
      F.scaledDotProductAttention(a, b, c, { mask: bias.float() }),
      slowly(q, k, v, null, bias).toArray(),
      1e-5,
      1e-5,
    );
  });
  it("gives zeros and zero gradients to a query that sees nothing, alone and among others", () => {
    manualSeed(4);
    for (const type of [dtype, "float32"] as const) {
      const inputs = drawn([2], 4, 66).map((x) => x.to(type)), g = randn([2, 4, 3]);
      const seen = tensor([[true], [false], [true], [false]]);
      const [y, dq, dk, dv] = run((q, k, v) => F.scaledDotProductAttention(q, k, v, { mask: seen }), inputs, g);
      for (const x of [y, dq]) assertEquals(x.at(0, 1).abs().add(x.at(0, 3).abs()).sum().item(), 0);
      const others = [0, 2], pick = (x: Tensor) => stack(others.map((i) => x.select(1, i)), 1);
      const [q, k, v] = inputs;
      const alone = run((q, k, v) => F.scaledDotProductAttention(q, k, v), [pick(q), k, v], pick(g));
      assertNear(pick(y), alone[0].toArray(), 1e-5, 1e-6);
      [dk, dv].forEach((x, i) => assertNear(x, alone[2 + i].toArray(), 1e-5, 1e-5));
      const none = zeros([4, 66], { dtype: "bool" });
      const nothing = run((q, k, v) => F.scaledDotProductAttention(q, k, v, { mask: none }), inputs, g);
      nothing.forEach((x) => assertEquals(x.abs().sum().item(), 0));
    }
  });
  it("takes no keys for seeing nothing, and no queries or batches", () => {
    const [q, k, v] = drawn([2], 3, 0);
    assertEquals(F.scaledDotProductAttention(q, k, v).toArray(), zeros([2, 3, 3]).toArray());
    assertEquals(F.scaledDotProductAttention(...drawn([2], 0, 3)).shape, [2, 0, 3]);
    assertEquals(F.scaledDotProductAttention(...drawn([0], 2, 3)).shape, [0, 2, 3]);
  });
  it("does not overflow where products are large", () => {
    const [q, k] = [full([1, 1], 1e4), tensor([[1e4], [-1e4]])];
    assertEquals(F.scaledDotProductAttention(q, k, tensor([[1], [2]])).toArray(), [[1]]);
  });
  it("keeps NaN and infinities of values", () => {
    const [q, k] = [ones([1, 2]), ones([2, 2])];
    const y = F.scaledDotProductAttention(q, k, tensor([[NaN, Infinity], [1, 1]]));
    assertEquals(y.toArray(), [[NaN, Infinity]]);
  });
  it("broadcasts batches of keys and values, and sums their gradients", () => {
    manualSeed(5);
    const [q] = drawn([2, 3], 4, 6), [, k, v] = drawn([3], 4, 6), g = randn([2, 3, 4, 3], { dtype });
    const wanted = run((q, k, v) => slowly(q, k, v), [q, k, v], g);
    run((q, k, v) => F.scaledDotProductAttention(q, k, v), [q, k, v], g)
      .forEach((x, i) => assertNear(x, wanted[i].toArray(), 1e-10, 1e-12));
  });
  it("reads views as their copies", () => {
    manualSeed(6);
    const x = randn([2, 70, 3, 2, 8]); // [batch, length, 3, heads, width], as one projection gives them
    const [q, k, v] = [0, 1, 2].map((i) => x.select(2, i).transpose(1, 2));
    const copies = [q, k, v].map((x) => x.clone()), g = randn([2, 2, 70, 8]);
    const f = (q: Tensor, k: Tensor, v: Tensor) => F.scaledDotProductAttention(q, k, v, { isCausal: true });
    assertEquals(f(q, k, v).toArray(), f(copies[0], copies[1], copies[2]).toArray());
    const leaf = x.clone().requiresGrad_();
    const views = [0, 1, 2].map((i) => leaf.select(2, i).transpose(1, 2));
    f(views[0], views[1], views[2]).backward({ gradient: g });
    const [, dq, dk, dv] = run(f as (...inputs: Tensor[]) => Tensor, copies, g);
    assertNear(leaf.g!, stack([dq, dk, dv].map((x) => x.transpose(1, 2)), 2).toArray(), 1e-6, 1e-6);
    const turned = randn([2, 8, 70]).transpose(1, 2).slice(1, undefined, undefined, -1);
    assertEquals(f(turned, turned, turned).toArray(), f(turned.clone(), turned.clone(), turned.clone()).toArray());
  });
  it("passes gradcheck and gradgradcheck, with masks and without", () => {
    manualSeed(7);
    const inputs = drawn([2], 3, 4, 2, 2);
    const seen = tensor([[true, false, true, true], [false, false, false, false], [true, true, false, false]]);
    const bias = randn([2, 3, 4], { dtype });
    const f = (options: nn.ScaledDotProductAttentionOptions) => (q: Tensor, k: Tensor, v: Tensor) =>
      F.scaledDotProductAttention(q, k, v, options);
    for (const options of [{}, { isCausal: true }, { mask: seen }, { mask: bias, scale: 0.3 }]) {
      gradcheck(f(options) as (...inputs: Tensor[]) => Tensor, inputs);
      gradgradcheck(f(options) as (...inputs: Tensor[]) => Tensor, inputs);
    }
    const withMask = (...[q, k, v, mask]: Tensor[]) => F.scaledDotProductAttention(q, k, v, { mask });
    gradcheck(withMask, [...inputs, bias]);
    gradgradcheck(withMask, [...inputs, bias]);
  });
  it("drops weights by the seed, as dropout() of all of them does, forward and backward", () => {
    manualSeed(8);
    const inputs = drawn([2, 2], 70, 67), g = randn([2, 2, 70, 3], { dtype });
    const ours = (q: Tensor, k: Tensor, v: Tensor) => F.scaledDotProductAttention(q, k, v, { dropout: 0.4 });
    const plain = (q: Tensor, k: Tensor, v: Tensor) =>
      F.dropout(F.softmax(q.matmul(k.transpose(-2, -1)).div(Math.sqrt(5)), -1), { p: 0.4 }).matmul(v);
    const [found, wanted] = [ours, plain].map((f) => {
      manualSeed(9);
      const all = run(f as (...inputs: Tensor[]) => Tensor, inputs, g);
      return [...all, randn([2])]; // what is drawn afterwards
    });
    found.forEach((x, i) => assertNear(x, wanted[i].toArray(), 1e-9, 1e-11));
    assertThrows(() => F.scaledDotProductAttention(...inputs, { dropout: 1.5 }), RangeError, "1.5");
  });
  it("says what does not fit", () => {
    const [q, k, v] = drawn([2], 3, 4);
    const call = (q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null = null) => () =>
      F.scaledDotProductAttention(q, k, v, { mask });
    assertThrows(call(q, randn([4, 6]), v), RangeError, "queries of 5 and keys of 6 values have no product");
    assertThrows(call(q, k, v.narrow(1, 0, 3)), RangeError, "there is one value for each key");
    assertThrows(call(q.at(0, 0), k, v), RangeError, "[..., length, width]");
    assertThrows(call(q, k, v, ones([3, 5]).ne(0)), RangeError, "a mask [3, 5]: it must broadcast to [2, 3, 4]");
    assertThrows(call(q, k, v, ones([3, 4]).int()), TypeError, "a mask of int32");
    assertThrows(call(q.int(), k.int(), v.int()), TypeError, "cast them with float()");
  });
});

describe("MultiheadAttention", () => {
  it("takes texts without a batch, and returns the weights of each head", () => {
    manualSeed(1);
    const layer = new nn.MultiheadAttention(8, 2), x = randn([5, 8]);
    const [y, weights] = layer.call(x, x, x, { averageAttnWeights: false });
    assertEquals([y.shape, weights!.shape], [[5, 8], [2, 5, 5]]);
    const [batched] = layer.call(x.unsqueeze(1), x.unsqueeze(1), x.unsqueeze(1));
    assertNear(y, batched.squeeze(1).toArray(), 1e-6, 1e-7);
    assertNear(weights!.sum(-1), ones([2, 5]).toArray(), 1e-6);
  });
  it("gives the same with weights as without, and for equal inputs as for one", () => {
    manualSeed(2);
    const layer = new nn.MultiheadAttention(8, 2, { batchFirst: true, dtype }), x = randn([3, 5, 8], { dtype });
    const masks = { attnMask: ahead(5), keyPaddingMask: randn([3, 5]).gt(0.5) };
    const [y] = layer.call(x, x, x, masks), [z] = layer.call(x, x.clone(), x, { ...masks, needWeights: false });
    assertNear(y, z.toArray(), 1e-12);
    const numbers = where(ahead(5), -Infinity, zeros([5, 5], { dtype }));
    assertNear(
      layer.call(x, x, x, { attnMask: numbers })[0],
      layer.call(x, x, x, { isCausal: true })[0].toArray(),
      1e-12,
    );
  });
  it("gives the bias of its last projection to a text that is all hidden, and gradients that are numbers", () => {
    manualSeed(3);
    const layer = new nn.MultiheadAttention(4, 2, { batchFirst: true }), x = randn([2, 3, 4]).requiresGrad_();
    const [y, weights] = layer.call(x, x, x, { keyPaddingMask: tensor([[false, false, true], [true, true, true]]) });
    assertEquals(y.at(1).toArray(), layer.outProj.bias!.expand(3, 4).toArray());
    assertEquals(weights!.at(1).abs().sum().item(), 0);
    y.square().sum().backward();
    for (const g of [x.g!, ...layer.parameters().map(({ g }) => g!)]) assert(Number.isFinite(g.abs().sum().item()));
  });
  it("names and orders its parameters as PyTorch", () => {
    const names = (layer: nn.MultiheadAttention) => [...layer.stateDict().keys()];
    assertEquals(names(new nn.MultiheadAttention(4, 2)), [
      ...["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"],
    ]);
    assertEquals(names(new nn.MultiheadAttention(4, 2, { kdim: 3, bias: false })), [
      ...["q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight"],
    ]);
  });
  it("with rotary positions sees distances alone", () => {
    manualSeed(4);
    const layer = new nn.MultiheadAttention(8, 2, { batchFirst: true, rotary: true, dtype });
    const x = randn([1, 3, 8], { dtype }), longer = cat([randn([1, 4, 8], { dtype }), x], 1);
    const hidden = ones([7, 7]).ne(0);
    const shifted = where(tensor(Array.from({ length: 7 }, (_, j) => j < 4)), hidden, false);
    const [y] = layer.call(x, x, x), [z] = layer.call(longer, longer, longer, { attnMask: shifted.expand(7, 7) });
    assertNear(y, z.narrow(1, 4, 3).toArray(), 1e-10, 1e-12);
  });
  it("says what does not fit", () => {
    const layer = new nn.MultiheadAttention(8, 2, { batchFirst: true }), x = ones([2, 3, 8]);
    assertThrows(() => new nn.MultiheadAttention(8, 3), RangeError, "8 values with 3 heads");
    assertThrows(() => layer.call(x, x, ones([2, 4, 8])), RangeError, "expected [batch, L, 8], [batch, S, 8]");
    assertThrows(() => layer.call(ones([2, 3, 7]), x, x), RangeError, "a query [2, 3, 7]");
    assertThrows(() => layer.call(x, x, x, { attnMask: ones([3, 4]) }), RangeError, "expected [3, 3] or [4, 3, 3]");
    assertThrows(() => layer.call(x, x, x, { keyPaddingMask: ones([3]).int() }), TypeError, "of int32");
  });
});

describe("KeyValueCache", () => {
  const options = { dimFeedforward: 16, batchFirst: true, dropout: 0 } as const;
  for (const rotary of [false, true]) {
    it(`gives token by token what the whole text gives${rotary ? ", with rotary positions" : ""}, past its first room`, () => {
      manualSeed(1);
      const layers = [1, 2].map(() => new nn.TransformerEncoderLayer(8, 2, { ...options, rotary, dtype }));
      const x = randn([2, 70, 8], { dtype });
      noGrad(() => {
        const whole = layers.reduce((x, layer) => layer.call(x, { isCausal: true }), x);
        const cache = new nn.KeyValueCache();
        const cuts = [[0, 5], [5, 1], [6, 3], ...Array.from({ length: 61 }, (_, i) => [9 + i, 1])];
        const parts = cuts.map(([from, count]) => {
          assertEquals(cache.length, from);
          return layers.reduce((x, layer) => layer.call(x, { isCausal: true, cache }), x.narrow(1, from, count));
        });
        assertNear(cat(parts, 1), whole.toArray(), 1e-10, 1e-12);
        cache.reset();
        assertEquals(cache.length, 0);
        assertNear(layers[0].call(x.narrow(1, 0, 2), { cache }), layers[0].call(x.narrow(1, 0, 2)).toArray(), 1e-12);
      });
    });
  }
  it("refuses a gradient, and another batch", () => {
    const layer = new nn.TransformerEncoderLayer(8, 2, options), cache = new nn.KeyValueCache();
    assertThrows(() => layer.call(ones([1, 2, 8]), { cache }), Error, "within noGrad()");
    noGrad(() => {
      layer.call(ones([1, 2, 8]), { cache });
      assertThrows(() => layer.call(ones([2, 2, 8]), { cache }), RangeError, "make a cache for each batch");
    });
  });
});

describe("positions", () => {
  it("rotaryEmbedding() turns pairs by their position, and keeps their length", () => {
    const x = tensor([[1, 0], [1, 0]], { dtype });
    assertNear(F.rotaryEmbedding(x), [[1, 0], [Math.cos(1), Math.sin(1)]]);
    const wide = randn([2, 5, 8], { dtype }), lengths = (x: Tensor) => x.square().sum(-1).toArray();
    assertNear(F.rotaryEmbedding(wide).square().sum(-1), lengths(wide), 1e-12);
    const order = [0, 2, 4, 6, 1, 3, 5, 7], split = stack(order.map((i) => wide.select(-1, i)), -1);
    const turned = F.rotaryEmbedding(wide, { interleaved: true, from: 3 });
    assertNear(
      F.rotaryEmbedding(split, { from: 3 }),
      stack(order.map((i) => turned.select(-1, i)), -1).toArray(),
      1e-12,
    );
    gradcheck((x) => F.rotaryEmbedding(x), [wide]);
    assertThrows(() => F.rotaryEmbedding(ones([2, 3])), RangeError, "an even width");
  });
  it("sinusoidalPositions() begins anywhere, in any width", () => {
    const all = F.sinusoidalPositions(7, 5, { dtype });
    assertNear(F.sinusoidalPositions(3, 5, { from: 4, dtype }), all.narrow(0, 4, 3).toArray());
    assertNear(all.at(2), [
      Math.sin(2),
      Math.cos(2),
      Math.sin(2 / 1e4 ** 0.4),
      Math.cos(2 / 1e4 ** 0.4),
      Math.sin(2 / 1e4 ** 0.8),
    ]);
  });
  it("LearnedPositions is an Embedding of the places, drawn alike", () => {
    manualSeed(1);
    const ours = new nn.LearnedPositions(6, 3);
    manualSeed(1);
    const table = new nn.Embedding(6, 3);
    assertEquals(ours.weight.toArray(), table.weight.toArray());
    ours.call(zeros([2, 4, 3]), 1).sum().backward();
    assertEquals(ours.weight.g!.sum(1).toArray(), [0, 6, 6, 6, 6, 0]);
    assertThrows(() => ours.call(zeros([2, 4, 3]), 3), RangeError, "positions 3 to 6 to [2, 4, 3]: there are 6");
  });
});

describe("RMSNorm", () => {
  it("divides by the root of the mean square, over one dimension or more", () => {
    const x = tensor([[3, 4], [-6, 8]], { dtype });
    assertNear(F.rmsNorm(x, [2]), x.div(tensor([[12.5 ** 0.5], [50 ** 0.5]], { dtype })).toArray(), 1e-12);
    const y = randn([2, 3, 4], { dtype }), weight = randn([3, 4], { dtype });
    const size = y.square().mean([1, 2], true).add(0.1).sqrt();
    assertNear(F.rmsNorm(y, [3, 4], { weight, eps: 0.1 }), y.div(size).mul(weight).toArray(), 1e-12);
    gradcheck((x, weight) => F.rmsNorm(x, [3, 4], { weight, eps: 0.1 }), [y, weight]);
    assertThrows(() => F.rmsNorm(x, [3]), RangeError, "Cannot normalise [2, 2] over [3]");
  });
  it("prints as in PyTorch, and takes the ε of its dtype", () => {
    assertEquals(`${new nn.RMSNorm(3)}`, "RMSNorm((3,), eps=None, elementwise_affine=True)");
    assertEquals(F.rmsNorm(zeros([2]), [2]).toArray(), [0, 0]);
  });
});
