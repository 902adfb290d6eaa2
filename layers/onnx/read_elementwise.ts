/** Element-wise operations, choices and constants of ONNX. */
import type { BinaryOp, UnaryOp } from "../../core/backend/backend.ts";
import { fromData } from "../../core/create.ts";
import { isFloating } from "../../core/dtype.ts";
import { binary, cast, unary } from "../../core/ops/elementwise.ts";
import { elements } from "../../core/ops/movement.ts";
import { where } from "../../core/ops/where.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type OnnxNode, type Operator, type Run } from "./onnx_node.ts";
import { dtypeOfElement, elementName } from "./read_tensor.ts";

/** A function of one argument, with what its two settings are. */
function one(op: UnaryOp, settings: (node: OnnxNode) => readonly [low: number, high: number] = () => [0, 0]): Operator {
  return (node) => {
    const [low, high] = settings(node);
    return (x) => unary(op, x!, low, high);
  };
}

function two(op: BinaryOp): Operator {
  return () => (a, b) => binary(op, a!, b!);
}

/** Quotients of whole numbers are cut toward 0. */
const div: Operator = () => (a, b) => {
  const y = binary("div", a!, b!);
  return isFloating(a!.dtype) || isFloating(b!.dtype) ? y : cast(y, a!.dtype);
};

const clip: Operator = (node) => {
  const [low, high] = node.opset < 11 ? [node.float("min", -Infinity), node.float("max", Infinity)] : [null, null];
  return (x, min, max) => {
    const bounds = [low ?? min?.item() ?? -Infinity, high ?? max?.item() ?? Infinity] as const;
    return unary("clamp", x!, ...bounds);
  };
};

/** Several arguments, two by two. */
function many(op: BinaryOp, after: (sum: Tensor, count: number) => Tensor = (sum) => sum): Operator {
  return () => (...inputs) => after((inputs as Tensor[]).reduce((a, b) => binary(op, a, b)), inputs.length);
}

const castTo: Operator = (node) => {
  const to = node.int("to", 0), dtype = dtypeOfElement(to);
  if (dtype === null) throw node.refuse(`casts to ${elementName(to)}, which no tensor here has`);
  return (x) => cast(x!, dtype);
};

const constant: Operator = (node) => {
  const [value, float, int] = [node.tensor("value"), node.float("value_float", NaN), node.int("value_int", null)];
  const [floats, ints] = [node.floats("value_floats"), node.ints("value_ints")];
  const made = value ??
    (floats && fromData(Float32Array.from(floats), [floats.length])) ??
    (ints && fromData(Int32Array.from(ints), [ints.length])) ??
    (int === null ? null : fromData(Int32Array.of(int), []));
  const found = made ?? fromData(Float32Array.of(float), []);
  return () => found;
};

const hardSigmoid: Operator = (node) => {
  const [alpha, beta] = [node.float("alpha", 0.2), node.float("beta", 0.5)];
  return (x) => x!.mul(alpha).add(beta).clamp(0, 1);
};

/** In float64, so that an exclusive or of bools and a remainder of whole numbers are what they are in ONNX. */
const mod: Operator = (node) => {
  const op = node.int("fmod", 0) === 1 ? "fmod" : "remainder";
  return (a, b) => binary(op, a!, b!);
};

const gelu: Operator = (node) => {
  const op = node.text("approximate", "none") === "tanh" ? "geluTanh" : "gelu";
  return (x) => unary(op, x!);
};

/** What passes its first input on in a prediction. */
const dropout: Operator = (node) => {
  node.float("ratio", 0.5);
  node.int("seed", 0);
  return (x, _ratio, training) => {
    if (training !== null && training !== undefined && elements(training)[0] !== 0) {
      throw new TypeError(`Cannot predict: ${node.where} drops elements, as in training`);
    }
    return x!;
  };
};

const not: Run = (x) => x!.logicalNot();

/** Element-wise operations by their names in files. */
export const ELEMENTWISE: Readonly<Record<string, Operator>> = {
  Abs: one("abs"),
  Acos: one("acos"),
  Add: two("add"),
  And: two("and"),
  Asin: one("asin"),
  Atan: one("atan"),
  Cast: castTo,
  Ceil: one("ceil"),
  Clip: clip,
  Constant: constant,
  Cos: one("cos"),
  Cosh: one("cosh"),
  Div: div,
  Dropout: dropout,
  Elu: one("elu", (node) => [node.float("alpha", 1), 1]),
  Equal: two("eq"),
  Erf: one("erf"),
  Exp: one("exp"),
  Floor: one("floor"),
  Gelu: gelu,
  Greater: two("gt"),
  GreaterOrEqual: two("ge"),
  HardSigmoid: hardSigmoid,
  HardSwish: () => (x) => x!.mul(x!.div(6).add(0.5).clamp(0, 1)),
  Identity: () => (x) => x!,
  LeakyRelu: one("leakyRelu", (node) => [node.float("alpha", 0.01), 0]),
  Less: two("lt"),
  LessOrEqual: two("le"),
  Log: one("log"),
  Max: many("maximum"),
  Mean: many("add", (sum, count) => sum.div(count)),
  Min: many("minimum"),
  Mish: one("mish"),
  Mod: mod,
  Mul: two("mul"),
  Neg: one("neg"),
  Not: () => not,
  Or: two("or"),
  PRelu: () => (x, slope) => where(binary("lt", x!, 0), binary("mul", x!, slope!), x!),
  Pow: two("pow"),
  Reciprocal: one("reciprocal"),
  Relu: one("relu"),
  Round: one("round"),
  Selu: one("elu", (node) => [node.float("alpha", 1.6732632423543772), node.float("gamma", 1.0507009873554805)]),
  Sigmoid: one("sigmoid"),
  Sign: one("sign"),
  Sin: one("sin"),
  Sinh: one("sinh"),
  Softplus: one("softplus", () => [1, Infinity]),
  Softsign: () => (x) => x!.div(x!.abs().add(1)),
  Sqrt: one("sqrt"),
  Sub: two("sub"),
  Sum: many("add"),
  Tan: one("tan"),
  Tanh: one("tanh"),
  Where: () => (mask, a, b) => where(mask!, a!, b!),
  Xor: two("ne"),
};
