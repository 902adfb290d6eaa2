/** What is done wrongly with an export, and the shapes that many of these calls have. */
import { Learner, type Metric } from "@gradus/gradus/train";
import * as g from "@gradus/gradus";

const { nn, optim, tensor, ones, zeros } = g;

/** What untyped code may pass. */
// deno-lint-ignore no-explicit-any
export type Wrong = any;

/** An option that nobody knows, the one it is nearest to, and a call with it. */
export type OptionCase = [written: string, nearest: string, call: (options: Wrong) => unknown];
/** A call where `x` should be a tensor; kinds of values that are right there as well. */
export type TensorCase = ((x: Wrong) => unknown) | [call: (x: Wrong) => unknown, ...right: Found[]];
export type Found = "array" | "number" | "undefined" | "module" | "text";

/** What is done wrongly with an export. */
export interface Cases {
  options?: OptionCase[];
  tensors?: TensorCase[];
}

/** Takes neither options nor tensors; or says that its values are checked where they are used. */
export const NEITHER = "takes neither";

export const model = () => new nn.Linear(2, 1);
export const sgd = () => new optim.SGD(model().parameters());
export const x = ones([2, 2]);
export const y = ones([2, 1]);
export const batches = [[x, y]] as const;
export const parts = () => {
  const net = model();
  return { model: net, loss: nn.functional.mse, optimizer: new optim.SGD(net.parameters()), data: { train: batches } };
};
export const learner = () => new Learner(parts());
export const csv = () => new Response("a,b\n1,2\n").body!;
export const ints = tensor([0, 1], { dtype: "int32" });
export const file = "unwritten.tensors";

/** A module that is called with one tensor. */
export const called = (make: () => { call(x: Wrong): unknown }): Cases => ({ tensors: [(x) => make().call(x)] });
/** A loss as a function: both tensors, and its options. */
export const loss = (f: (p: Wrong, t: Wrong, o?: Wrong) => unknown, t = x, ...options: OptionCase[]): Cases => ({
  options: [["reducton", "reduction", (o) => f(x, t, o)], ...options],
  tensors: [(p) => f(p, t), (wrong) => f(x, wrong)],
});
/** The same as a class. */
export const lossClass = (make: (options?: Wrong) => { call(p: Wrong, t: Wrong): unknown }, t = x): Cases => ({
  options: [["reducton", "reduction", (o) => make(o)]],
  tensors: [(p) => make().call(p, t), (wrong) => make().call(x, wrong)],
});
export const unary = (f: (x: Wrong) => unknown): Cases => ({ tensors: [f] });
export const optimizer = (make: (params: Wrong, options?: Wrong) => unknown): Cases => ({
  options: [
    ["learning_rate", "lr", (o) => make(model().parameters(), o)],
    ["weight_decay", "weightDecay", (o) => make([{ params: model().parameters(), ...o }])],
  ],
  tensors: [(p) => make([p]), (p) => make([{ params: [p] }])],
});
export const metric = (make: () => Metric): Cases => ({
  tensors: [(p) => make().update(p, ints), (t) => make().update(x, t)],
});
export const create = (f: (options: Wrong) => unknown): Cases => ({
  options: [["dype", "dtype", f], ["requires_grad", "requiresGrad", f]],
});
export const random = (f: (options: Wrong) => unknown): Cases => ({
  options: [["dype", "dtype", f], ["generater", "generator", f]],
});
export const initialiser = (f: (x: Wrong, options: Wrong) => unknown, ...options: [string, string][]): Cases => ({
  options: [["generater", "generator"], ...options].map((
    [written, nearest],
  ) => [written, nearest, (o) => f(zeros([2, 2]), o)]),
  tensors: [(x) => f(x, {})],
});
/** A reader, whose only option is a bound. */
export const capped = (f: (options: Wrong) => unknown): Cases => ({ options: [["max_bytes", "maxBytes", f]] });
/** A function of a stage and the one that undoes it. */
export const undone = (f: (inp: Wrong, out: Wrong) => unknown): Cases => {
  const out = () => {
    const out = ones([2, 2]);
    out.g = ones([2, 2]);
    return out;
  };
  return { tensors: [(inp) => f(inp, out()), (out) => f(x, out)] };
};
