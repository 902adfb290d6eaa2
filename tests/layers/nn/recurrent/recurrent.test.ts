/** Recurrent networks and cells: PyTorch's numbers, lengths, states, dropout, and what is refused. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { arange, manualSeed, noGrad, ones, rand, randn, type Tensor, tensor, zeros } from "@gradus/gradus";
import * as nn from "@gradus/gradus/nn";
import { testCourse, type Translations } from "../../../course_reference.ts";
import { assertNear } from "../reference.ts";

const withPair = (lstm: { call(x: Tensor, state: nn.LstmState): unknown }, x: Tensor, h: Tensor, c: Tensor) =>
  lstm.call(x, [h, c]);

const TRANSLATIONS: Translations = {
  "RNN(3, 4)": { make: (dtype) => new nn.RNN(3, 4, { dtype }) },
  "RNN(3, 4, nonlinearity='relu', bias=False)": {
    make: (dtype) => new nn.RNN(3, 4, { nonlinearity: "relu", bias: false, dtype }),
  },
  "GRU(3, 4)": { make: (dtype) => new nn.GRU(3, 4, { dtype }) },
  "GRU(3, 4, num_layers=2, bidirectional=True, batch_first=True)": {
    make: (dtype) => new nn.GRU(3, 4, { numLayers: 2, bidirectional: true, batchFirst: true, dtype }),
  },
  "GRU(3, 4) without batch": { make: (dtype) => new nn.GRU(3, 4, { dtype }) },
  "LSTM(3, 4): y, h, c": { make: (dtype) => new nn.LSTM(3, 4, { dtype }) },
  "LSTM(3, 4, num_layers=2, batch_first=True): y, h, c": {
    make: (dtype) => new nn.LSTM(3, 4, { numLayers: 2, batchFirst: true, dtype }),
  },
  "LSTM(3, 4, bidirectional=True): y, h, c": { make: (dtype) => new nn.LSTM(3, 4, { bidirectional: true, dtype }) },
  "LSTM(3, 4) with (h0, c0): y, h, c": { make: (dtype) => new nn.LSTM(3, 4, { dtype }), run: withPair },
  "GRU(3, 4) with h0": { make: (dtype) => new nn.GRU(3, 4, { dtype }) },
  "LSTMCell(3, 4)": { make: (dtype) => new nn.LSTMCell(3, 4, { dtype }), run: withPair },
  "GRUCell(3, 4)": { make: (dtype) => new nn.GRUCell(3, 4, { dtype }) },
};

describe("recurrence: PyTorch's numbers", () => testCourse("recurrent", TRANSLATIONS));

const dtype = "float64";

/** A network over each sequence by itself, and what it gives. */
function oneByOne(lstm: nn.LSTM, sequences: Tensor[], h: Tensor, c: Tensor): { y: Tensor[]; h: Tensor[]; c: Tensor[] } {
  const out = { y: [] as Tensor[], h: [] as Tensor[], c: [] as Tensor[] };
  sequences.forEach((x, i) => {
    const [y, [hNext, cNext]] = lstm.call(x, [h.select(1, i), c.select(1, i)]);
    out.y.push(y), out.h.push(hNext), out.c.push(cNext);
  });
  return out;
}

describe("packed sequences", () => {
  const LENGTHS = { "a descending": [5, 3, 3, 1], "any": [2, 5, 0, 3], "no": [0, 0], "a single": [1] };
  for (const [name, lengths] of Object.entries(LENGTHS)) {
    it(`LSTM over sequences with ${name} length gives what each alone gives, and the gradients`, () => {
      manualSeed(1);
      const lstm = new nn.LSTM(2, 3, { numLayers: 2, bidirectional: true, dtype });
      const longest = Math.max(...lengths);
      const sequences = lengths.map((n) => randn([n, 2], { dtype }).requiresGrad_());
      const [h, c] = [1, 2].map(() => randn([4, lengths.length, 3], { dtype }).requiresGrad_());
      const alone = oneByOne(lstm, sequences, h, c);
      alone.y.concat(alone.h, alone.c).map((v) => v.square().sum()).reduce((a, b) => a.add(b)).backward();
      const leaves = [...sequences.filter((x) => x.numel() > 0), h, c, ...(longest > 0 ? lstm.parameters() : [])];
      const wanted = leaves.map(({ g }) => g!.toArray());
      leaves.forEach((v) => (v.g = null));
      const packed = nn.packPaddedSequence(nn.padSequence(sequences), lengths, { enforceSorted: false });
      const [y, [hNext, cNext]] = lstm.call(packed, [h, c]);
      const [padded, found] = nn.padPackedSequence(y);
      assertEquals(found, lengths);
      assertEquals(padded.shape, [longest, lengths.length, 6]);
      alone.y.forEach((y, i) =>
        assertEquals(padded.select(1, i).narrow(0, 0, lengths[i]).sub(y).abs().sum().item(), 0)
      );
      alone.h.forEach((last, i) => assertNear(hNext.select(1, i), last.toArray(), 1e-12));
      alone.c.forEach((last, i) => assertNear(cNext.select(1, i), last.toArray(), 1e-12));
      [padded, hNext, cNext].map((v) => v.square().sum()).reduce((a, b) => a.add(b)).backward();
      leaves.forEach(({ g }, i) => assertNear(g!, wanted[i], 1e-9)); // sums in another order
    });
  }
  it("packPaddedSequence() reads lengths from a tensor, with the batch first", () => {
    const x = arange(6).view(2, 3);
    const packed = nn.packPaddedSequence(x, tensor([2, 2], { dtype: "int32" }), {
      batchFirst: true,
    });
    assertEquals(packed.data.toArray(), [0, 3, 1, 4]);
  });
  it("padPackedSequence() pads to a length and with a value", () => {
    const packed = nn.packPaddedSequence(arange(4).view(2, 2), [2, 1], { batchFirst: true });
    const [padded] = nn.padPackedSequence(packed, { batchFirst: true, totalLength: 3, paddingValue: -1 });
    assertEquals(padded.toArray(), [[0, 1, -1], [2, -1, -1]]);
  });
  it("PackedSequence.withData() keeps the lengths of other rows", () => {
    const packed = nn.packPaddedSequence(arange(4).view(2, 2), [2, 1]);
    assertEquals(packed.withData(packed.data.mul(10)).data.toArray(), [0, 10, 20]);
    assertThrows(() => packed.withData(ones([2])), RangeError, "3 rows with [2]");
  });
  it("lengths that do not fit are refused with the cure", () => {
    const x = ones([3, 2, 1]);
    assertThrows(() => nn.packPaddedSequence(x, [1, 3]), RangeError, "[1, 3]: they must descend");
    assertThrows(() => nn.packPaddedSequence(x, [4, 3]), RangeError, "from 0 to 3");
    assertThrows(() => nn.packPaddedSequence(x, [3]), RangeError, "2 sequences with 1 lengths");
    assertThrows(() => nn.packPaddedSequence(ones([3]), [3]), RangeError, "Cannot pack [3]");
    const packed = nn.packPaddedSequence(x, [3, 1]);
    assertThrows(() => nn.padPackedSequence(packed, { totalLength: 2 }), RangeError, "has 3 steps");
    assertThrows(() => nn.padSequence([]), RangeError, "at least one");
    assertThrows(() => nn.padSequence([ones([2, 3]), ones([2, 4])]), RangeError, "[2, 3] and [2, 4]");
  });
});

describe("LSTM", () => {
  it("of no steps gives no outputs and the states as they were", () => {
    const lstm = new nn.LSTM(2, 3);
    const [h, c] = [randn([1, 4, 3]), randn([1, 4, 3])];
    const [y, [hNext, cNext]] = lstm.call(zeros([0, 4, 2]), [h, c]);
    assertEquals(y.shape, [0, 4, 3]);
    assertEquals([hNext.toArray(), cNext.toArray()], [h.toArray(), c.toArray()]);
  });
  it("of no sequences gives none", () => {
    const [y, [h]] = new nn.LSTM(2, 3).call(zeros([5, 0, 2]));
    assertEquals([y.shape, h.shape], [[5, 0, 3], [1, 0, 3]]);
  });
  it("goes on from a detached state as if it had not stopped, over 1,000 steps", () => {
    manualSeed(2);
    const lstm = new nn.LSTM(1, 4, { dtype });
    const x = randn([1000, 1, 1], { dtype });
    const [whole] = noGrad(() => lstm.call(x));
    let state: nn.LstmState | null = null;
    for (let t = 0; t < 1000; t += 100) {
      const [y, next]: [Tensor, nn.LstmState] = lstm.call(x.narrow(0, t, 100), state);
      assertNear(y, whole.narrow(0, t, 100).toArray(), 1e-12);
      y.sum().backward(); // which ends where the state was detached
      state = [next[0].detach(), next[1].detach()];
    }
    assertEquals(state?.map(({ node }) => node), [null, null]);
  });
  it("has PyTorch's printed form and names of weights", () => {
    const lstm = new nn.LSTM(3, 4, { numLayers: 2, bidirectional: true, batchFirst: true, dropout: 0.5, bias: false });
    const text = "LSTM(3, 4, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True)";
    assertEquals(`${lstm}`, text);
    assertEquals([...lstm.stateDict()].map(([name, { shape }]) => [name, shape]), [
      ["weight_ih_l0", [16, 3]],
      ["weight_hh_l0", [16, 4]],
      ["weight_ih_l0_reverse", [16, 3]],
      ["weight_hh_l0_reverse", [16, 4]],
      ["weight_ih_l1", [16, 8]],
      ["weight_hh_l1", [16, 4]],
      ["weight_ih_l1_reverse", [16, 8]],
      ["weight_hh_l1_reverse", [16, 4]],
    ]);
    assertStrictEquals(lstm.weightsOf(1, true).weightIh, lstm.namedParameters()[6][1]);
    assertThrows(() => lstm.weightsOf(2), RangeError, "layer 2: there are 2, in both directions");
  });
  it("counts the multiplications of both products in its summary", () => {
    assertEquals(new nn.LSTM(3, 4).summary(ones([5, 2, 3])).split("; ").at(-1), "1,120 multiply-adds"); // 10 · 16 · 7
  });
  it("refuses what does not fit, with sizes and cure", () => {
    const lstm = new nn.LSTM(3, 4);
    assertThrows(() => lstm.call(ones([5, 2, 2])), RangeError, "[5, 2, 2]: expected [length, batch, input]");
    assertThrows(() => lstm.call(ones([3])), RangeError, "Cannot call LSTM with [3]");
    const h = zeros([1, 2, 4]);
    assertThrows(() => lstm.call(ones([5, 3, 3]), [h, h]), RangeError, "h of shape [1, 2, 4]: expected [1, 3, 4]");
    assertThrows(() => lstm.call(ones([5, 3]), [h, h]), RangeError, "expected [1, 4]");
    assertThrows(() => lstm.call(ones([5, 2, 3]), h as never), TypeError, "give both h and c");
    assertThrows(() => new nn.LSTM(3, 4, { numLayers: 0 }), RangeError, "at least one layer");
    assertThrows(() => new nn.LSTM(3, 4, { dropout: 2 }), RangeError, "from 0 to 1");
    assertThrows(() => new nn.LSTM(3, 4, { projSize: 2 } as never), TypeError, '"projSize"');
    assertThrows(() => new nn.RNN(3, 4, { nonlinearity: "sin" as never }), TypeError, "sin");
  });
});

describe("GRU", () => {
  it("takes 10,000 steps and goes back through them", () => {
    const gru = new nn.GRU(1, 2);
    const x = ones([10_000, 1, 1]).requiresGrad_();
    gru.call(x)[1].sum().backward();
    assertEquals(x.g!.select(0, -1).abs().sum().item() > 0, true);
    assertEquals(x.g!.eq(x.g!).all().item(), 1); // no NaN; of the first steps nothing is left, it vanishes
  });
  it("drops values between its layers in training, and none in eval()", () => {
    manualSeed(3);
    const gru = new nn.GRU(2, 8, { numLayers: 2, dropout: 0.5 });
    const x = rand([4, 3, 2]);
    const [a, b, c, d] = [1, 2, 3, 4].map((i) => (i > 2 ? gru.eval() : gru).call(x)[0]);
    assertEquals(c.toArray(), d.toArray());
    assertEquals([a.sub(b), a.sub(c)].map((v) => v.abs().max().item() > 0), [true, true]);
  });
  it("learns back through 10,000 steps without recursion", () => {
    const cell = new nn.GRUCell(1, 2);
    let h: Tensor = zeros([1, 2]);
    const x = ones([1, 1]);
    for (let t = 0; t < 10_000; t++) h = cell.call(x, h);
    h.sum().backward();
    assertEquals(cell.parameters().map(({ g }) => g!.abs().sum().item() > 0), [true, true, true, true]);
  });
});

describe("RecurrentCell", () => {
  it("take a single row without a batch", () => {
    const cell = new nn.LSTMCell(3, 4);
    const x = rand([3]);
    assertEquals(cell.call(x).map((v) => v.toArray()), cell.call(x.unsqueeze(0)).map((v) => v.squeeze(0).toArray()));
  });
  it("RNNCell is a step of RNN, with relu too", () => {
    manualSeed(4);
    const rnn = new nn.RNN(3, 4, { nonlinearity: "relu", dtype });
    const cell = new nn.RNNCell(3, 4, { nonlinearity: "relu", dtype });
    cell.loadStateDict(new Map([...rnn.stateDict()].map(([name, w]) => [name.replace("_l0", ""), w])));
    const x = randn([5, 2, 3], { dtype });
    let h: Tensor | null = null;
    for (const step of x.unbind(0)) h = cell.call(step, h);
    assertNear(h!, rnn.call(x)[1].select(0, 0).toArray(), 1e-12);
    assertEquals(`${cell}`, "RNNCell(3, 4, nonlinearity=relu)");
  });
  it("refuse what does not fit, with sizes and cure", () => {
    const cell = new nn.GRUCell(3, 4, { bias: false });
    assertEquals(`${cell}`, "GRUCell(3, 4, bias=False)");
    assertThrows(() => cell.call(ones([2, 2])), RangeError, "[2, 2]: expected [batch, 3], or [3]");
    assertThrows(() => cell.call(ones([2, 3]), ones([1, 4])), RangeError, "h of shape [1, 4]: expected [2, 4]");
    assertThrows(() => new nn.LSTMCell(3, 4).call(ones([3]), ones([4]) as never), TypeError, "both h and c");
  });
});
