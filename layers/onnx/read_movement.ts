/** Shapes, views, reductions and products of ONNX. */
import type { ReduceOp } from "../../core/backend/backend.ts";
import { fromData, full, zeros } from "../../core/create.ts";
import { allocate } from "../../core/dtype.ts";
import { cast } from "../../core/ops/elementwise.ts";
import { cat } from "../../core/ops/join.ts";
import { linear } from "../../core/ops/linalg.ts";
import { mean, reduce } from "../../core/ops/reduce.ts";
import { padConstant } from "../../core/ops/windows/planes.ts";
import { broadcastShapes, resolveDim, sizeOf } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { unary } from "../../core/ops/elementwise.ts";
import { pad as padByMode } from "../nn/functional/resize.ts";
import { numbersOf, type OnnxNode, type Operator, type Run } from "./onnx_node.ts";

const list = (values: readonly number[]) => fromData(Int32Array.from(values), [values.length]);

/** Axes, which are a setting in older files and an input in newer ones. */
function axesOf(node: OnnxNode, at: number): (inputs: readonly (Tensor | null)[]) => readonly number[] | null {
  const fixed = node.ints("axes");
  return (inputs) => fixed ?? (inputs[at] ? numbersOf(inputs[at]) : null);
}

function reduction(op: ReduceOp | "mean"): Operator {
  return (node) => {
    const axes = axesOf(node, 1),
      keep = node.int("keepdims", 1) === 1,
      none = node.int("noop_with_empty_axes", 0) === 1;
    return (...inputs) => {
      const [x] = inputs, found = axes(inputs) ?? [];
      if (found.length === 0 && none) return x!;
      const dims = found.length === 0 ? undefined : found;
      return op === "mean" ? mean(x!, dims, keep) : reduce(op, x!, dims, keep);
    };
  };
}

function place(op: "argmax" | "argmin"): Operator {
  return (node) => {
    const [axis, keep] = [node.int("axis", 0), node.int("keepdims", 1) === 1];
    node.usual("select_last_index", 0);
    return (x) => reduce(op, x!, axis, keep);
  };
}

const reshape: Operator = (node) => {
  const zeroIsZero = node.int("allowzero", 0) === 1;
  return (x, shape) => {
    const sizes = numbersOf(shape!).map((n, d) => n === 0 && !zeroIsZero ? x!.shape[d] ?? 0 : n);
    return x!.reshape(...sizes);
  };
};

const flatten: Operator = (node) => {
  const axis = node.int("axis", 1);
  return (x) => {
    const at = axis < 0 ? axis + x!.ndim : axis, rows = sizeOf(x!.shape.slice(0, at));
    return x!.reshape(rows, sizeOf(x!.shape.slice(at)));
  };
};

const squeeze: Operator = (node) => {
  const axes = axesOf(node, 1);
  return (...inputs) => {
    const [x] = inputs, given = axes(inputs);
    const gone = given?.map((d) => resolveDim(d, x!.ndim, "squeeze")) ?? x!.shape.flatMap((n, d) => n === 1 ? [d] : []);
    if (gone.some((d) => x!.shape[d] !== 1)) throw new RangeError(`only sizes of 1 go, and x is [${x!.shape}]`);
    return x!.reshape(...x!.shape.filter((_, d) => !gone.includes(d)));
  };
};

const unsqueeze: Operator = (node) => {
  const axes = axesOf(node, 1);
  return (...inputs) => {
    const [x] = inputs, given = axes(inputs) ?? [], rank = x!.ndim + given.length;
    const places = given.map((d) => resolveDim(d, rank, "unsqueeze at")).sort((a, b) => a - b);
    return x!.reshape(...places.reduce<number[]>((shape, d) => shape.toSpliced(d, 0, 1), [...x!.shape]));
  };
};

const transpose: Operator = (node) => {
  const order = node.ints("perm");
  return (x) => x!.permute(...(order ?? x!.shape.map((_, d) => x!.ndim - 1 - d)));
};

const concat: Operator = (node) => {
  const axis = node.int("axis", node.opset < 4 ? 1 : 0);
  return (...parts) => cat(parts as Tensor[], axis);
};

const split: Operator = (node) => {
  const [axis, fixed, count] = [node.int("axis", 0), node.ints("split"), node.int("num_outputs", null)];
  const outputs = count ?? node.outputs;
  return (x, sizes) => {
    const size = x!.shape[resolveDim(axis, x!.ndim, "split")], each = Math.ceil(size / outputs);
    const lengths = fixed ?? (sizes ? numbersOf(sizes) : null) ??
      Array.from({ length: outputs }, (_, i) => Math.min(each, size - i * each));
    let start = 0;
    return lengths.map((length) => x!.narrow(axis, (start += length) - length, length));
  };
};

const slice: Operator = (node) => {
  const [starts, ends, along] = [node.ints("starts"), node.ints("ends"), node.ints("axes")];
  return (x, first, last, axes, steps) => {
    const from = starts ?? numbersOf(first!), to = ends ?? numbersOf(last!), step = steps ? numbersOf(steps) : null;
    const dims = along ?? (axes ? numbersOf(axes) : from.map((_, d) => d));
    return dims.reduce((y, dim, i) => y.slice(dim, from[i], to[i], step?.[i] ?? 1), x!);
  };
};

const gather: Operator = (node) => {
  const axis = node.int("axis", 0);
  return (x, by) => {
    const rows = by!.dtype === "int32" ? by! : cast(by!, "int32");
    const dim = resolveDim(axis, x!.ndim, "gather along");
    if (rows.ndim === 0) return x!.select(dim, rows.item());
    if (dim === 0) return x!.index(rows);
    const order = [dim, ...x!.shape.flatMap((_, d) => d === dim ? [] : [d])];
    const y = x!.permute(...order).index(rows); // [...rows, …before, …after]
    const lead = rows.shape.map((_, d) => d), rest = Array.from({ length: x!.ndim - 1 }, (_, d) => rows.ndim + d);
    return y.permute(...rest.slice(0, dim), ...lead, ...rest.slice(dim));
  };
};

const expand: Operator = () => (x, shape) => x!.expand(...broadcastShapes(x!.shape, numbersOf(shape!), "expand"));

const tile: Operator = (node) => (x, repeats) => {
  const times = numbersOf(repeats!);
  if (times.length !== x!.ndim || times.some((n) => !(n >= 1))) {
    throw new RangeError(`it repeats [${x!.shape}] [${times}] times`);
  }
  node.room(x!.numel() * times.reduce((product, n) => product * n, 1));
  return times.reduce((y, n, d) => n === 1 ? y : cat(Array<Tensor>(n).fill(y), d), x!);
};

const MODES: Readonly<Record<string, "reflect" | "replicate" | "circular">> = {
  reflect: "reflect",
  edge: "replicate",
  wrap: "circular",
};

const pad: Operator = (node) => {
  const [mode, fixed, value] = [node.text("mode", "constant"), node.ints("pads"), node.float("value", 0)];
  if (mode !== "constant" && MODES[mode] === undefined) {
    throw node.refuse(`pads with mode ${mode}, which is not known here`);
  }
  return (x, pads, filling, axes) => {
    const given = fixed ?? numbersOf(pads!), dims = axes ? numbersOf(axes) : x!.shape.map((_, d) => d);
    const side = (after: 0 | 1) => {
      const all = x!.shape.map(() => 0);
      dims.forEach((dim, i) => all[resolveDim(dim, x!.ndim, "pad")] = given[after * dims.length + i]);
      return all;
    };
    const [before, after] = [side(0), side(1)];
    if (given.length !== 2 * dims.length) throw new RangeError(`it pads ${dims.length} dimensions by [${given}]`);
    node.room(sizeOf(x!.shape.map((n, d) => before[d] + n + after[d])));
    if (mode === "constant") return padConstant(x!, before, after, filling?.item() ?? value);
    return padByMode(x!, before.map((n, d) => [n, after[d]]).toReversed().flat().slice(0, 4), { mode: MODES[mode] });
  };
};

const shape: Operator = (node) => {
  const [start, end] = [node.int("start", 0), node.int("end", null)];
  return (x) => list(x!.shape.slice(start, end ?? undefined));
};

const constantOfShape: Operator = (node) => {
  const value = node.tensor("value") ?? zeros([1]);
  return (sizes) => {
    const to = numbersOf(sizes!);
    node.room(sizeOf(to));
    return full(to, value.item(), { dtype: value.dtype });
  };
};

const range: Operator = (node) => (start, limit, delta) => {
  const [from, to, step] = [start!, limit!, delta!].map((x) => x.item());
  const count = Math.max(0, Math.ceil((to - from) / step));
  node.room(count);
  const data = allocate(start!.dtype, count).map((_: number, i: number) => from + i * step);
  return fromData(data, [count], start!.dtype);
};

const cumsum: Operator = (node) => {
  node.usual("exclusive", 0);
  node.usual("reverse", 0);
  return (x, axis) => x!.cumsum(axis!.item());
};

/** `α · A · B + β · C`, with the activation that follows. */
const gemm: Operator = (node) => {
  const [alpha, beta] = [node.float("alpha", 1), node.float("beta", 1)];
  const [transA, transB] = [node.int("transA", 0) === 1, node.int("transB", 0) === 1];
  const { activation } = node;
  const general: Run = (a, b, c) => {
    const product = (transA ? a!.t() : a!).matmul(transB ? b!.t() : b!);
    const scaled = alpha === 1 ? product : product.mul(alpha);
    const y = c ? scaled.add(beta === 1 ? c : c.mul(beta)) : scaled;
    return activation === "none" ? y : unary(activation, y);
  };
  if (alpha !== 1 || beta !== 1 || transA) return general;
  return (a, b, c) => {
    if (c && c.ndim !== 1) return general(a, b, c);
    return linear(a!, b!, c ?? null, { activation, transposed: transB });
  };
};

const depthToSpace: Operator = (node) => {
  const [size, mode] = [node.int("blocksize", 1), node.text("mode", "DCR")];
  if (!(size >= 1)) throw node.refuse(`has blocks of ${size}`);
  return (x) => {
    const [n, c, h, w] = x!.shape, left = c / size ** 2;
    const parts = mode === "CRD" ? x!.reshape(n, left, size, size, h, w) : x!.reshape(n, size, size, left, h, w);
    return parts.permute(...(mode === "CRD" ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2])).reshape(
      n,
      left,
      h * size,
      w * size,
    );
  };
};

/** Shapes, views, reductions and products by their names in files. */
export const MOVEMENT: Readonly<Record<string, Operator>> = {
  ArgMax: place("argmax"),
  ArgMin: place("argmin"),
  Concat: concat,
  ConstantOfShape: constantOfShape,
  CumSum: cumsum,
  DepthToSpace: depthToSpace,
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  Gemm: gemm,
  MatMul: () => (a, b) => a!.matmul(b!),
  Pad: pad,
  Range: range,
  ReduceMax: reduction("max"),
  ReduceMean: reduction("mean"),
  ReduceMin: reduction("min"),
  ReduceProd: reduction("prod"),
  ReduceSum: reduction("sum"),
  Reshape: reshape,
  Shape: shape,
  Size: () => (x) => fromData(Int32Array.of(x!.numel()), []),
  Slice: slice,
  Split: split,
  Squeeze: squeeze,
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};
