/** Wrong calls of what `nn` has for sequences. */
import { nn, ones } from "@gradus/gradus";
import { type Cases, NEITHER, unary, x } from "./cases.ts";

export const SEQUENCES: Record<string, Cases | typeof NEITHER> = {
  RNN: {
    options: [["batch_first", "batchFirst", (o) => new nn.RNN(2, 3, o)]],
    tensors: [(x) => new nn.RNN(2, 3).call(x), [(h) => new nn.RNN(2, 3).call(x, h), "undefined"]],
  },
  GRU: {
    options: [["num_layers", "numLayers", (o) => new nn.GRU(2, 3, o)]],
    tensors: [(x) => new nn.GRU(2, 3).call(x), [(h) => new nn.GRU(2, 3).call(x, h), "undefined"]],
  },
  LSTM: {
    options: [["num_layers", "numLayers", (o) => new nn.LSTM(2, 3, o)]],
    tensors: [(x) => new nn.LSTM(2, 3).call(x), (h) => new nn.LSTM(2, 3).call(x, [h, ones([1, 3])])],
  },
  Recurrent: NEITHER,
  RecurrentCell: NEITHER,
  RNNCell: {
    options: [["Bias", "bias", (o) => new nn.RNNCell(2, 3, o)]],
    tensors: [(x) => new nn.RNNCell(2, 3).call(x), [(h) => new nn.RNNCell(2, 3).call(x, h), "undefined"]],
  },
  GRUCell: {
    options: [["Bias", "bias", (o) => new nn.GRUCell(2, 3, o)]],
    tensors: [(x) => new nn.GRUCell(2, 3).call(x), [(h) => new nn.GRUCell(2, 3).call(x, h), "undefined"]],
  },
  LSTMCell: {
    options: [["Bias", "bias", (o) => new nn.LSTMCell(2, 3, o)]],
    tensors: [(x) => new nn.LSTMCell(2, 3).call(x), (h) => new nn.LSTMCell(2, 3).call(x, [h, ones([2, 3])])],
  },
  PackedSequence: unary((x) => new nn.PackedSequence(x, [1], [1])),
  padSequence: {
    options: [["padding_value", "paddingValue", (o) => nn.padSequence([x], o)]],
    tensors: [(x) => nn.padSequence([x])],
  },
  packPaddedSequence: {
    options: [["enforce_sorted", "enforceSorted", (o) => nn.packPaddedSequence(x, [2, 2], o)]],
    tensors: [(x) => nn.packPaddedSequence(x, [2, 2])],
  },
  padPackedSequence: {
    options: [["total_length", "totalLength", (o) => nn.padPackedSequence(nn.packPaddedSequence(x, [2, 2]), o)]],
  },
};
