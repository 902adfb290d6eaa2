/** Element-wise operations, choices and conversions as nodes. */
import type { BinaryOp, UnaryOp } from "../../core/backend/backend.ts";
import { isFloating } from "../../core/dtype.ts";
import type { GraphBuilder } from "./graph_builder.ts";
import type { Call, Writer, Writers } from "./writer.ts";

type Bounds = { readonly low: number; readonly high: number };

const sigmoid = (graph: GraphBuilder, x: string) => graph.node("Sigmoid", [x]);

/** One node without settings. */
function plain(opType: string): Writer<unknown> {
  return (graph, { x }) => graph.node(opType, [x.name]);
}

/** `max(min(x, high), low)`; an infinite bound is none. */
const clip: Writer<Bounds> = (graph, { x, settings: { low, high }, dtype }) => {
  const bound = (value: number) => Math.abs(value) === Infinity ? null : graph.number(value, dtype);
  return graph.node("Clip", [x.dtype === dtype ? x.name : graph.cast(x.name, dtype), bound(low), bound(high)]);
};

/** `ln(1 + e^(βx)) / β`, or x past the threshold. */
const softplus: Writer<Bounds> = (graph, { x, dtype, settings: { low: beta, high: threshold } }) => {
  const number = (value: number) => graph.number(value, dtype);
  const z = beta === 1 ? x.name : graph.node("Mul", [x.name, number(beta)]);
  const soft = graph.node("Softplus", [z]);
  const y = beta === 1 ? soft : graph.node("Div", [soft, number(beta)]);
  // Past 20 the two differ by 2e-9 at most.
  return threshold >= 20 ? y : graph.node("Where", [graph.node("Greater", [z, number(threshold)]), x.name, y]);
};

/** `½x(1 + tanh(√(2/π)(x + 0.044715x³)))` */
const geluTanh: Writer<unknown> = (graph, { x: { name: x }, dtype }) => {
  const number = (value: number) => graph.number(value, dtype);
  const cube = graph.node("Mul", [graph.node("Mul", [x, x]), x]);
  const inner = graph.node("Add", [x, graph.node("Mul", [cube, number(0.044715)])]);
  const tanh = graph.node("Tanh", [graph.node("Mul", [inner, number(Math.sqrt(2 / Math.PI))])]);
  return graph.node("Mul", [
    graph.node("Mul", [x, number(0.5)]),
    graph.node("Add", [tanh, number(1)]),
  ]);
};

/** `½x(1 + erf(x/√2))` */
const gelu: Writer<unknown> = (graph, { x: { name: x }, dtype }) => {
  const number = (value: number) => graph.number(value, dtype);
  const erf = graph.node("Erf", [graph.node("Div", [x, number(Math.SQRT2)])]);
  return graph.node("Mul", [graph.node("Mul", [x, graph.node("Add", [erf, number(1)])]), number(0.5)]);
};

/** The logarithm of another base. */
function logarithm(base: number): Writer<unknown> {
  return (graph, { x, dtype }) => graph.node("Div", [graph.node("Log", [x.name]), graph.number(base, dtype)]);
}

/** `sign(x) · ⌊|x|⌋`; of whole numbers it is x. */
const trunc: Writer<unknown> = (graph, { x: { name: x }, dtype }) => {
  if (!isFloating(dtype)) return x;
  return graph.node("Mul", [graph.node("Sign", [x]), graph.node("Floor", [graph.node("Abs", [x])])]);
};

/** Functions of one argument. */
export const UNARY_WRITERS: Writers<UnaryOp> = {
  copy: (_, { x }) => x.name,
  neg: plain("Neg"),
  abs: plain("Abs"),
  sign: plain("Sign"),
  exp: plain("Exp"),
  expm1: (graph, { x, dtype }) => graph.node("Sub", [graph.node("Exp", [x.name]), graph.number(1, dtype)]),
  log: plain("Log"),
  log1p: (graph, { x, dtype }) => graph.node("Log", [graph.node("Add", [x.name, graph.number(1, dtype)])]),
  sqrt: plain("Sqrt"),
  rsqrt: (graph, { x }) => graph.node("Reciprocal", [graph.node("Sqrt", [x.name])]),
  reciprocal: plain("Reciprocal"),
  square: (graph, { x }) => graph.node("Mul", [x.name, x.name]),
  sin: plain("Sin"),
  cos: plain("Cos"),
  tan: plain("Tan"),
  asin: plain("Asin"),
  acos: plain("Acos"),
  atan: plain("Atan"),
  sinh: plain("Sinh"),
  cosh: plain("Cosh"),
  exp2: (graph, { x, dtype }) => graph.node("Pow", [graph.number(2, dtype), x.name]),
  log2: logarithm(Math.LN2),
  log10: logarithm(Math.LN10),
  tanh: plain("Tanh"),
  sigmoid: (graph, { x }) => sigmoid(graph, x.name),
  relu: plain("Relu"),
  erf: plain("Erf"),
  floor: plain("Floor"),
  ceil: plain("Ceil"),
  round: plain("Round"),
  trunc,
  clamp: clip,
  not: (graph, { x }) => graph.node("Not", [x.dtype === "bool" ? x.name : graph.cast(x.name, "bool")]),
  hardtanh: clip,
  leakyRelu: (graph, { x, settings }) => graph.node("LeakyRelu", [x.name], { alpha: { f: settings.low } }),
  elu: (graph, { x, settings: { low, high } }) =>
    high === 1
      ? graph.node("Elu", [x.name], { alpha: { f: low } })
      : graph.node("Selu", [x.name], { alpha: { f: low }, gamma: { f: high } }),
  gelu,
  geluTanh,
  silu: (graph, { x }) => graph.node("Mul", [x.name, sigmoid(graph, x.name)]),
  mish: (graph, { x }) => graph.node("Mul", [x.name, graph.node("Tanh", [graph.node("Softplus", [x.name])])]),
  softplus,
};

/** The nodes of arithmetic, and of the same on bools. */
const ARITHMETIC = {
  add: ["Add", "Or"],
  sub: ["Sub", "Xor"],
  mul: ["Mul", "And"],
  div: ["Div", "Div"],
  pow: ["Pow", "Pow"],
  maximum: ["Max", "Or"],
  minimum: ["Min", "And"],
} as const;

function arithmetic(op: keyof typeof ARITHMETIC): Writer<unknown> {
  return (graph, { inputs: [a, b], dtype }) => graph.node(ARITHMETIC[op][dtype === "bool" ? 1 : 0], [a!.name, b!.name]);
}

/** A comparison, in a dtype that holds both; `ne` is what `eq` is not. */
function comparison(opType: string, negated = false): Writer<unknown> {
  return (graph, { inputs: [a, b] }) => {
    const dtype = a!.dtype === b!.dtype && a!.dtype !== "bool" ? null : isFloating(b!.dtype) ? b!.dtype : "int32";
    const sides = [a!, b!].map((side) =>
      dtype === null || side.dtype === dtype ? side.name : graph.cast(side.name, dtype)
    );
    const found = graph.node(opType, sides);
    return negated ? graph.node("Not", [found]) : found;
  };
}

function logical(opType: string): Writer<unknown> {
  return (graph, { inputs: [a, b] }) =>
    graph.node(opType, [a!, b!].map((side) => side.dtype === "bool" ? side.name : graph.cast(side.name, "bool")));
}

/** `a − b · ⌊a / b⌋`, or with the sign of a. */
function remainder(fmod: boolean): Writer<unknown> {
  return (graph, { inputs: [a, b], dtype }) => {
    const [p, q] = [a!.name, b!.name];
    if (fmod) return graph.node("Mod", [p, q], { fmod: 1 });
    if (!isFloating(dtype)) return graph.node("Mod", [p, q]);
    return graph.node("Sub", [p, graph.node("Mul", [graph.node("Floor", [graph.node("Div", [p, q])]), q])]);
  };
}

/** The sides of a right triangle in the dtype of the result. */
function sides(graph: GraphBuilder, { inputs, dtype }: Call<unknown>): string[] {
  return inputs.map((side) => side!.dtype === dtype ? side!.name : graph.cast(side!.name, dtype));
}

/** `√(a² + b²)` */
const hypot: Writer<unknown> = (graph, call) => {
  const squares = sides(graph, call).map((side) => graph.node("Mul", [side, side]));
  return graph.node("Sqrt", [graph.node("Add", squares)]);
};

/** `atan(a / b)`, half a turn on where b is below 0; a quarter of a turn where b is 0. */
const atan2: Writer<unknown> = (graph, call) => {
  const [a, b] = sides(graph, call);
  const number = (value: number) => graph.number(value, call.dtype);
  const side = graph.node("Where", [graph.node("Less", [a, number(0)]), number(-1), number(1)]);
  const angle = graph.node("Atan", [graph.node("Div", [a, b])]);
  const behind = graph.node("Add", [angle, graph.node("Mul", [side, number(Math.PI)])]);
  const upright = graph.node("Mul", [graph.node("Sign", [a]), number(Math.PI / 2)]);
  const turned = graph.node("Where", [graph.node("Less", [b, number(0)]), behind, angle]);
  return graph.node("Where", [graph.node("Equal", [b, number(0)]), upright, turned]);
};

/** Functions of two arguments. */
export const BINARY_WRITERS: Writers<BinaryOp> = {
  add: arithmetic("add"),
  sub: arithmetic("sub"),
  mul: arithmetic("mul"),
  div: arithmetic("div"),
  pow: arithmetic("pow"),
  maximum: arithmetic("maximum"),
  minimum: arithmetic("minimum"),
  remainder: remainder(false),
  fmod: remainder(true),
  atan2,
  hypot,
  eq: comparison("Equal"),
  ne: comparison("Equal", true),
  lt: comparison("Less"),
  le: comparison("LessOrEqual"),
  gt: comparison("Greater"),
  ge: comparison("GreaterOrEqual"),
  and: logical("And"),
  or: logical("Or"),
};

/** Conversions, and choices. */
export const CHOICE_WRITERS: Writers<"cast" | "where"> = {
  cast: (graph, { x, dtype }) => graph.cast(x.name, dtype),
  where: (graph, { inputs: [mask, a, b], dtype }: Call<unknown>) => {
    const sides = [a!, b!].map((side) => side.dtype === dtype ? side.name : graph.cast(side.name, dtype));
    return graph.node("Where", [mask!.name, ...sides]);
  },
};
