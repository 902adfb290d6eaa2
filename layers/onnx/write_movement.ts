/** Shapes, views, reductions and products as nodes. */
import type { ReduceOp } from "../../core/backend/backend.ts";
import { sameDims } from "./dims.ts";
import type { GraphBuilder } from "./graph_builder.ts";
import { type Call, Unwritable, type Writer, type Writers } from "./writer.ts";

/** An end before the first place, for steps backwards: −1 would be the last place. */
const BEFORE_ALL = -(2 ** 31);

/** Views of the same elements, and parts and repetitions of them. */
export const MOVEMENT_WRITERS: Writers<
  "reshape" | "permute" | "expand" | "window" | "cat" | "pad" | "index" | "gather" | "unfold"
> = {
  reshape: (graph, { x, dims }) => sameDims(x.dims, dims) ? x.name : graph.reshape(x.name, dims),
  permute: (graph, { x, settings: { order } }) => graph.node("Transpose", [x.name], { perm: order }),
  expand: (graph, { x, dims }) => {
    const lead = dims.length - x.dims.length;
    const kept = dims.map((n, d) => n < 0 && x.dims[d - lead] === n ? 1 : n); // Expand broadcasts both ways
    return graph.node("Expand", [x.name, graph.shape(kept)]);
  },
  window: (graph, { x, dims, shape, settings: { cut } }) => {
    if (cut === null) throw new Unwritable("it takes a diagonal");
    const { dim, start, step, keep } = cut;
    if (!keep) return graph.node("Gather", [x.name, graph.constant([start], [], "int64")], { axis: dim });
    if (start === 0 && step === 1 && sameDims(x.dims, dims)) return x.name;
    const end = start + step * shape[dim];
    return graph.node("Slice", [
      ...[x.name, graph.ints([start]), graph.ints([step < 0 && end < 0 ? BEFORE_ALL : end])],
      ...[graph.ints([dim]), graph.ints([step])],
    ]);
  },
  cat: (graph, { inputs, settings: { dim } }) => graph.node("Concat", inputs.map((part) => part!.name), { axis: dim }),
  pad: (graph, { x, dtype, settings: { before, after, value } }) =>
    graph.node("Pad", [x.name, graph.ints([...before, ...after]), graph.number(value, dtype)]),
  index: (graph, { inputs: [x, rows] }) => {
    const name = rows!.dtype === "int32" ? rows!.name : graph.cast(rows!.name, "int32");
    return graph.node("Gather", [x!.name, name], { axis: 0 });
  },
  gather: (graph, { x, settings: { rows } }) =>
    graph.node("Gather", [x.name, graph.constant([...rows], [rows.length], "int32")], { axis: 0 }),
  unfold: (graph, { x, dims, settings: { dim, size, step } }) => {
    const count = dims[dim], rank = x.dims.length;
    if (count < 0) throw new Unwritable("it takes windows of the batch");
    const places = Array.from({ length: count * size }, (_, i) => Math.floor(i / size) * step + i % size);
    const windows = graph.node("Gather", [x.name, graph.constant(places, [count, size], "int32")], { axis: dim });
    const order = Array.from({ length: rank + 1 }, (_, d) => d).filter((d) => d !== dim + 1);
    return dim === rank - 1 ? windows : graph.node("Transpose", [windows], { perm: [...order, dim + 1] });
  },
};

/** A reduction over axes, which are a setting or an input; the dimensions stay where the result has as many. */
function reduced(graph: GraphBuilder, opType: string, x: string, axes: readonly number[], keep: boolean): string {
  const keepdims = Number(keep);
  if (axes.length === 0) return x;
  if (opType === "ReduceSum") return graph.node(opType, [x, graph.ints(axes)], { keepdims });
  return graph.node(opType, [x], { axes, keepdims });
}

const keeps = ({ x, shape }: Call<unknown>) => shape.length === x.shape.length;

/** A reduction to the dtype of the result; bools count as whole numbers. */
function reduction(opType: string): Writer<{ readonly dims: readonly number[] }> {
  return (graph, call) => {
    const { x, dtype, settings: { dims } } = call;
    const counted = x.dtype === "bool" || (x.dtype === "uint8" && dtype === "int32") ? "int32" : x.dtype;
    const from = x.dtype === counted ? x.name : graph.cast(x.name, counted);
    const found = reduced(graph, opType, from, dims, keeps(call));
    return counted === dtype ? found : graph.cast(found, dtype);
  };
}

/** Whether any element, or all, are other than 0. */
function truth(opType: string): Writer<{ readonly dims: readonly number[] }> {
  return (graph, call) => {
    const bools = call.x.dtype === "bool" ? call.x.name : graph.cast(call.x.name, "bool");
    return graph.cast(reduced(graph, opType, graph.cast(bools, "int32"), call.settings.dims, keeps(call)), "bool");
  };
}

/** The place of an extreme, along one dimension or in row-major order over all. */
function place(opType: string): Writer<{ readonly dims: readonly number[] }> {
  return (graph, call) => {
    const { x, dims, settings } = call, axes = settings.dims;
    if (axes.length === 1) {
      return graph.cast(graph.node(opType, [x.name], { axis: axes[0], keepdims: Number(keeps(call)) }), "int32");
    }
    const found = graph.node(opType, [graph.node("Reshape", [x.name, graph.ints([-1])])], { axis: 0, keepdims: 0 });
    return graph.reshape(graph.cast(found, "int32"), dims);
  };
}

/** Reductions and running sums. */
export const REDUCTION_WRITERS: Writers<ReduceOp | "mean" | "cumsum"> = {
  sum: reduction("ReduceSum"),
  prod: reduction("ReduceProd"),
  max: reduction("ReduceMax"),
  min: reduction("ReduceMin"),
  mean: reduction("ReduceMean"),
  argmax: place("ArgMax"),
  argmin: place("ArgMin"),
  any: truth("ReduceMax"),
  all: truth("ReduceMin"),
  cumsum: (graph, { x, settings: { dim } }) => graph.node("CumSum", [x.name, graph.constant([dim], [], "int32")]),
};

/** An activation after a product or a convolution. */
export function activated(graph: GraphBuilder, x: string, activation: "none" | "relu" | "sigmoid" | "tanh"): string {
  return activation === "none" ? x : graph.node({ relu: "Relu", sigmoid: "Sigmoid", tanh: "Tanh" }[activation], [x]);
}

/** Products. */
export const PRODUCT_WRITERS: Writers<"matmul" | "linear"> = {
  matmul: (graph, { inputs: [a, b] }) => graph.node("MatMul", [a!.name, b!.name]),
  linear: (graph, { inputs: [x, w, bias], settings: { activation, transposed } }) => {
    const y = graph.node("Gemm", [x!.name, w!.name, bias?.name ?? null], { transB: Number(transposed) });
    return activated(graph, y, activation);
  },
};
