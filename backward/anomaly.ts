/** Finding the operation whose gradient is NaN: while `detectAnomaly` runs, each notes the line that called it. */
import { isFloating } from "../core/dtype.ts";
import { describe } from "../core/arguments.ts";
import { elements } from "../core/ops/movement.ts";
import type { OpNode } from "../core/record.ts";
import { show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";

let running = 0;
const callers = new WeakMap<OpNode, string>();

/**
 * Runs `body`, which goes forward and backward, and throws at the first operation that sends NaN back: the message names the operation and
 * the line that called it. Returns what `body` returns; where that is a promise, the search ends with it. Everything takes longer
 * meanwhile. PyTorch's `torch.autograd.detect_anomaly`.
 *
 * @example
 * ```ts
 * import { autograd, tensor } from "@gradus/gradus";
 * import { assertThrows } from "@std/assert";
 *
 * const x = tensor([0, 4]).requiresGrad_();
 * const step = () => x.sqrt().mul(x).sum().backward(); // the slope of √x at 0 is ∞, and ∞ · 0 is NaN
 * assertThrows(() => autograd.detectAnomaly(step), Error, "Cannot go back through sqrt");
 * ```
 * @throws {Error} If a gradient is NaN; its cause has the stack of the operation's call.
 * @throws {TypeError} If `body` is not a function.
 */
export function detectAnomaly<T>(body: () => T): T {
  if (typeof body !== "function") {
    throw new TypeError(`Cannot detect anomalies in ${describe(body)}: give a function, as in detectAnomaly(() => …)`);
  }
  let ends = true;
  running++;
  try {
    const result = body();
    if (!(result instanceof Promise)) return result;
    ends = false;
    return result.finally(() => void running--) as T;
  } finally {
    if (ends) running--;
  }
}

/** Whether `detectAnomaly` is running. */
export function isDetecting(): boolean {
  return running > 0;
}

/** Notes who called the operation that made this node. */
export function noteCaller(node: OpNode): void {
  callers.set(node, callersOfLibrary());
}

/** The rooms of the library, whose frames say nothing to its user; none in a bundle that does not know its own place. */
function libraryRooms(): string[] {
  const own: string | undefined = import.meta.url;
  return own === undefined
    ? []
    : ["core", "backward", "layers", "datasets"].map((room) => new URL(`../${room}/`, own).href);
}

/** The stack without the library's own frames at its top; all of it where there are no others, as in a bundle. */
function callersOfLibrary(): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Infinity; // a layer in a layer in a model is deeper than ten
  const frames = new Error().stack?.split("\n").filter((line) => /:\d+:\d+\)?$/.test(line)) ?? [];
  Error.stackTraceLimit = stackTraceLimit;
  const rooms = libraryRooms();
  const first = frames.findIndex((line) => !rooms.some((room) => line.includes(room)));
  return frames.slice(Math.max(first, 0)).join("\n");
}

/**
 * Looks at what a node sends back.
 *
 * @throws {Error} If it holds NaN.
 */
export function checkSentBack(node: OpNode, parts: readonly (Tensor | null)[]): void {
  parts.forEach((part, i) => {
    if (part === null || !node.inputs[i].requiresGrad || !isFloating(part.dtype)) return;
    const at = elements(part).findIndex(Number.isNaN);
    if (at >= 0) throw anomaly(node, i, at, part);
  });
}

function anomaly(node: OpNode, input: number, at: number, part: Tensor): Error {
  const stack = callers.get(node);
  const line = stack === undefined
    ? "which line called it is not known, run the way forward in detectAnomaly() as well"
    : `it was called at ${/\(?([^\s(]+:\d+:\d+)\)?$/m.exec(stack.split("\n")[0])?.[1]}`;
  const error = new Error(
    `Cannot go back through ${node.name}: the gradient of its input ${input} is NaN at element ${at} of ` +
      `${show(part.shape)}; ${line}`,
  );
  if (stack === undefined) return error;
  const cause = new Error(`${node.name} was called here`);
  cause.stack = `Error: ${cause.message}\n${stack}`;
  error.cause = cause;
  return error;
}
