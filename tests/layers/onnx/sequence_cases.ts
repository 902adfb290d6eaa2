/** Models over sequences, with examples: recurrent networks, attention and transformers. */
import { nn, randint, randn, type Tensor, tensor } from "@gradus/gradus";
import type { Case } from "./cases.ts";

/** An LSTM's outputs, with first states that are given. */
class WithStates extends nn.Module<[Tensor, Tensor, Tensor], Tensor[]> {
  lstm = new nn.LSTM(3, 4, { numLayers: 2, bidirectional: true, batchFirst: true });

  forward(x: Tensor, h: Tensor, c: Tensor): Tensor[] {
    const [y, [hNext, cNext]] = this.lstm.call(x, [h.transpose(0, 1), c.transpose(0, 1)]);
    return [y, hNext, cNext];
  }
}

/** Classes of sequences by their last state. */
class Classes extends nn.Module {
  gru = new nn.GRU(3, 4, { batchFirst: true });
  out = new nn.Linear(4, 2);

  forward(x: Tensor): Tensor {
    return this.out.call(this.gru.call(x)[1].select(0, 0));
  }
}

/** Two steps of cells, the first without a state. */
class Cells extends nn.Module<[Tensor], Tensor[]> {
  gru = new nn.GRUCell(3, 4);
  lstm = new nn.LSTMCell(4, 5);
  rnn = new nn.RNNCell(5, 2, { nonlinearity: "relu" });

  forward(x: Tensor): Tensor[] {
    const [a, b] = x.unbind(1);
    const h = this.gru.call(b, this.gru.call(a));
    const [hNext, c] = this.lstm.call(h, this.lstm.call(h));
    return [this.rnn.call(hNext), c];
  }
}

/** A language model, each of whose places sees those before it. */
class Text extends nn.Module {
  token = new nn.Embedding(7, 8);
  place = new nn.LearnedPositions(5, 8);
  layers: nn.TransformerEncoder;
  head = new nn.Linear(8, 7, { bias: false });

  constructor(options: nn.TransformerLayerOptions) {
    super();
    const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true, ...options });
    this.layers = new nn.TransformerEncoder(layer, 2, { norm: new nn.LayerNorm(8) });
  }

  forward(x: Tensor): Tensor {
    return this.head.call(this.layers.call(this.place.call(this.token.call(x)), { isCausal: true }));
  }
}

/** Attention as a function: causal, by a mask that hides everything from one query, and of numbers. */
class Masked extends nn.Module<[Tensor, Tensor], Tensor[]> {
  mask = new nn.Buffer(tensor([[true, false, true], [false, false, false], [true, true, true]]));
  numbers = new nn.Buffer(randn([3, 3]));

  forward(q: Tensor, k: Tensor): Tensor[] {
    const attend = nn.functional.scaledDotProductAttention;
    return [
      attend(q, k, k, { isCausal: true }),
      attend(q, k, k, { mask: this.mask }),
      attend(q, k, k, { mask: this.numbers, scale: 0.3 }),
    ];
  }
}

/** All of them. */
export function sequenceModels(): Case[] {
  const batch = () => randn([2, 5, 3]), steps = () => randn([5, 2, 3]), tokens = () => randn([2, 5, 8]);
  const named = (name: string, model: nn.AnyModule, example: Tensor | readonly Tensor[]) => ({ name, model, example });
  const options = { dimFeedforward: 16, batchFirst: true };
  return [
    named("rnn", new nn.RNN(3, 4, { batchFirst: true }), batch()),
    named("rnn_relu", new nn.RNN(3, 4, { nonlinearity: "relu", bias: false, bidirectional: true }), steps()),
    named("gru", new nn.GRU(3, 4), steps()),
    named("gru_deep", new nn.GRU(3, 4, { numLayers: 2, bidirectional: true, batchFirst: true }), batch()),
    named("lstm", new nn.LSTM(3, 4, { batchFirst: true }), batch()),
    named("lstm_deep", new nn.LSTM(3, 4, { numLayers: 3, bias: false, dropout: 0.5, batchFirst: true }), batch()),
    named("lstm_states", new WithStates(), [batch(), randn([2, 4, 4]), randn([2, 4, 4])]),
    named("classes", new Classes(), batch()),
    named("cells", new Cells(), randn([2, 2, 3])),
    named("heads", new nn.MultiheadAttention(8, 2, { batchFirst: true }), [
      tokens(),
      randn([2, 3, 8]),
      randn([2, 3, 8]),
    ]),
    named("heads_widths", new nn.MultiheadAttention(8, 2, { kdim: 3, vdim: 3, batchFirst: true }), [
      ...[tokens(), batch(), batch()],
    ]),
    named("decoder", new nn.TransformerDecoderLayer(8, 2, options), [tokens(), tokens()]),
    named("text", new Text({ normFirst: true, activation: "gelu" }), randint(0, 7, [2, 5])),
    named("text_rotary", new Text({ rotary: true }), randint(0, 7, [2, 5])),
    named("masked", new Masked(), [randn([2, 3, 4]), randn([2, 3, 4])]),
  ];
}
