/** Checks of derivatives against finite differences. */
import { checkOptions, requireArray, requireTensor } from "../core/arguments.ts";
import { fromData, full, zeros } from "../core/create.ts";
import type { TypedArray } from "../core/dtype.ts";
import { grad } from "./grad.ts";
import { cat } from "../core/ops/join.ts";
import { elements } from "../core/ops/movement.ts";
import { sameShape, show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";

/** Options of {@linkcode gradcheck}, {@linkcode gradgradcheck} and {@linkcode checkRule}. */
export interface GradcheckOptions {
  /**
   * The h of `(f(x + h) − f(x − h)) / 2h`; about ∛ε, which balances rounding against curvature.
   *
   * @default {6e-6}
   */
  step?: number;
  /**
   * The absolute part of the tolerance `|analytic − numeric| ≤ atol + rtol·|numeric|`.
   *
   * @default {1e-7}
   */
  atol?: number;
  /**
   * The relative part of the tolerance.
   *
   * @default {1e-7}
   */
  rtol?: number;
}

/**
 * Checks a derivative written by hand against central differences `(f(x + h) − f(x − h)) / 2h`, for every element of every input.
 * `rule` takes the gradient of the output and the inputs, and returns the gradients of the inputs.
 *
 * An output of one element is checked with an output gradient of 1, and then of 0.4. One of several elements is checked with a fixed
 * pattern of output gradients, each different, so that an error in any element shows. The default tolerance is meant for smooth functions
 * of values near 1; keep inputs away from kinks.
 *
 * @example
 * ```ts
 * import { type Tensor, tensor } from "@gradus/gradus";
 * import { checkRule } from "@gradus/gradus/autograd";
 * import { assertThrows } from "@std/assert";
 *
 * const x = tensor([0.5, -1.5], { dtype: "float64" });
 * checkRule((x) => x.mul(x), (g, x) => [g.mul(x).mul(2)], [x]);
 * assertThrows(() => checkRule((x) => x.mul(x), (g, x) => [g.mul(x).mul(3)], [x]), Error, "differs");
 * ```
 * @throws {TypeError} If an input is not float64: finite differences in float32 drown in rounding.
 * @throws {RangeError} If an input is expanded, so that elements of it share memory.
 * @throws {Error} If a gradient differs; the message names the input, the element and both values.
 */
export function checkRule(
  f: (...inputs: Tensor[]) => Tensor,
  rule: (g: Tensor, ...inputs: Tensor[]) => readonly (Tensor | null)[],
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): void {
  checkOptions("check a gradient", options, ["step", "atol", "rtol"], {
    step: "number",
    atol: "number",
    rtol: "number",
  });
  const { step = 6e-6, atol = 1e-7, rtol = 1e-7 } = options;
  checkInputs(inputs);
  const points = inputs.map((x) => x.clone());
  const out = f(...points);
  const single = out.numel() === 1;
  for (const g of single ? [full(out.shape, 1, { dtype: "float64" }), weights(out)] : [weights(out)]) {
    const analytic = rule(g, ...points);
    points.forEach((x, i) => {
      const dx = gradientOf(x, i, analytic);
      for (let j = 0; j < x.numel(); j++) {
        const numeric = centralDifference(() => f(...points).mul(g).sum().item(), x, j, step);
        if (Math.abs(dx[j] - numeric) <= atol + rtol * Math.abs(numeric)) continue;
        throw new Error(
          `The gradient of input ${i} differs at element ${j} of ${show(x.shape)}: ` +
            `the rule gives ${rounded(dx[j])}, finite differences give ${rounded(numeric)}${outputGradText(g)}`,
        );
      }
    });
  }
}

function gradientOf(x: Tensor, i: number, analytic: readonly (Tensor | null)[]): TypedArray {
  const found = analytic[i] ?? null;
  if (found === null) throw new Error(`The rule gives no gradient of input ${i}`);
  if (sameShape(found.shape, x.shape)) return elements(found);
  throw new Error(
    `The gradient of input ${i} differs in shape: found ${show(found.shape)}, expected ${show(x.shape)}`,
  );
}

/** Cut to 9 digits: those after them are rounding errors of the differences. */
function rounded(value: number): number {
  return Number(value.toPrecision(9));
}

/** The output gradient for a message, where it is not 1. */
function outputGradText(g: Tensor): string {
  const factors = elements(g);
  if (factors.length === 1) return factors[0] === 1 ? "" : `, where the gradient of the output is ${factors[0]}`;
  const first = Array.from(factors.subarray(0, 3), rounded).join(", ");
  return `, where the outputs are weighted by ${first}${factors.length > 3 ? ", …" : ""}`;
}

function checkInputs(inputs: readonly Tensor[]): void {
  requireArray(inputs, "check the gradients of", "[x]");
  inputs.forEach(checkInput);
}

function checkInput(x: Tensor, i: number): void {
  requireTensor(x, `check the gradient of input ${i},`);
  if (x.strides.some((step, d) => step === 0 && x.shape[d] > 1)) {
    throw new RangeError(
      `Cannot check the gradient of input ${i}: it is expanded, elements of its shape ${
        show(x.shape)
      } share memory, clone() it first`,
    );
  }
  if (x.dtype !== "float64") {
    throw new TypeError(`Cannot check the gradient of input ${i}: it is ${x.dtype}, use float64 (double())`);
  }
}

/** Output gradients that differ from each other and from 0 and 1, so that an error in any element shows. */
function weights(out: Tensor): Tensor {
  const data = Float64Array.from({ length: out.numel() }, (_, i) => 0.4 + ((i * 0.618034) % 1));
  return fromData(data, out.shape);
}

function centralDifference(f: () => number, x: Tensor, at: number, step: number): number {
  const before = x.data[at];
  x.data[at] = before + step;
  const above = f();
  x.data[at] = before - step;
  const below = f();
  x.data[at] = before;
  return (above - below) / (2 * step);
}

/**
 * Checks the gradients that `backward()` computes for `f` against finite differences, for every element of every input.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { gradcheck } from "@gradus/gradus/autograd";
 *
 * const x = tensor([[0.5, -1.5]], { dtype: "float64" });
 * gradcheck((x) => x.tanh().mul(x).sum(), [x]);
 * ```
 * @throws {TypeError} If an input is not float64.
 * @throws {RangeError} If an input is expanded.
 * @throws {Error} If a gradient differs; the message names the input, the element and both values.
 */
export function gradcheck(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): void {
  checkInputs(inputs);
  const taped = (g: Tensor, ...points: Tensor[]) => {
    const leaves = points.map((x) => x.detach().requiresGrad_());
    f(...leaves).backward({ gradient: g });
    return leaves.map((x) => x.g ?? x.mul(0));
  };
  checkRule(f, taped, inputs.map((x) => x.detach()), options);
}

/**
 * Checks the gradients of the gradients of `f` against finite differences: those that `autograd.grad` computes with `createGraph` by the
 * inputs, and by the gradient of the output, for every element of each.
 *
 * @example
 * ```ts
 * import { autograd, tensor } from "@gradus/gradus";
 * import { gradgradcheck } from "@gradus/gradus/autograd";
 * import { assertThrows } from "@std/assert";
 *
 * const x = tensor([0.5, -1.5], { dtype: "float64" });
 * gradgradcheck((x) => x.tanh().mul(x).sum(), [x]);
 *
 * class Cube extends autograd.Function {
 *   static forward(ctx: autograd.Context, x: autograd.Tensor): autograd.Tensor {
 *     ctx.saveForBackward(x.mul(x)); // neither an argument nor the result: its own gradient is lost
 *     return x.pow(3);
 *   }
 *   static backward(ctx: autograd.Context, g: autograd.Tensor): autograd.Tensor {
 *     return g.mul(ctx.savedTensors[0]).mul(3);
 *   }
 * }
 * assertThrows(() => gradgradcheck((x) => Cube.apply(x), [x]), Error, "differs");
 * ```
 * @throws {TypeError} If an input is not float64.
 * @throws {RangeError} If an input is expanded.
 * @throws {Error} If a gradient differs, or an operation is differentiable once only.
 */
export function gradgradcheck(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): void {
  checkInputs(inputs);
  const points = inputs.map((x) => x.detach());
  const first = (...given: Tensor[]) => {
    const [g, ...from] = given.map((x) => x.requiresGrad ? x : x.detach().requiresGrad_());
    const y = f(...from);
    const slopes = y.requiresGrad
      ? grad(y, from, { gradOutputs: g, createGraph: true, allowUnused: true })
      : from.map(() => null);
    return cat(slopes.map((dx, i) => (dx ?? zeros(from[i].shape, { dtype: "float64" })).reshape(-1)));
  };
  const second = (g: Tensor, ...given: Tensor[]) => {
    const leaves = given.map((x) => x.detach().requiresGrad_());
    const slopes = first(...leaves);
    const bends = slopes.requiresGrad ? grad(slopes, leaves, { gradOutputs: g, allowUnused: true }) : [];
    return leaves.map((x, i) => bends[i] ?? zeros(x.shape, { dtype: "float64" }));
  };
  checkRule(first, second, [weights(f(...points)), ...points], options);
}
