/** The truncated normal initialiser. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireTensor } from "../../core/arguments.ts";
import { tensor } from "../../core/create.ts";
import { erf, log1p, sign, square } from "../../core/ops/functions.ts";
import { defaultGenerator } from "../../core/random/generator.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type DrawOptions, uniform_ } from "./init.ts";

/** Which normal distribution is drawn, and where it is cut. */
export interface TruncNormalOptions extends DrawOptions {
  /** Its mean; 0 unless told. */
  mean?: number;
  /** Its standard deviation; 1 unless told. */
  std?: number;
  /** The least value, in the units of the result; −2 unless told. */
  a?: number;
  /** The greatest value; 2 unless told. */
  b?: number;
}

/**
 * Draws from the normal distribution cut to [a, b]: `mean + std · √2 · erf⁻¹(u)`, u uniform on what the bounds leave.
 *
 * @throws {RangeError} If `a` is not below `b`, or `std` is not above 0.
 */
export function truncNormal_<T extends Tensor>(x: T, options: TruncNormalOptions = {}): T {
  requireTensor(x, "draw into");
  checkOptions("draw", options, ["mean", "std", "a", "b", "generator"]);
  const { mean = 0, std = 1, a = -2, b = 2, generator = defaultGenerator } = options;
  if (!(a < b) || !(std > 0)) {
    throw new RangeError(
      `Cannot draw a normal of deviation ${std} cut to [${a}, ${b}]: give std > 0 and bounds in order`,
    );
  }
  const bounds = erf(tensor([a, b], { dtype: "float64" }).sub(mean).div(std * Math.SQRT2));
  uniform_(x, bounds.at(0).item(), bounds.at(1).item(), { generator });
  return noGrad(() => x.copy_(inverseErf(x.double()).mul(std * Math.SQRT2).add(mean).clamp(a, b)));
}

/** The x of `erf(x) = y` in float64: Winitzki's approximation, then Newton's steps; for y of ±1 a number past the last double. */
function inverseErf(exact: Tensor): Tensor {
  const y = exact.clamp(-1 + Number.EPSILON / 2, 1 - Number.EPSILON / 2);
  const half = log1p(square(y).neg()).mul(0.5);
  const c = half.add(2 / (Math.PI * 0.147));
  let x = sign(y).mul(square(c).sub(half.mul(2 / 0.147)).sqrt().sub(c).sqrt());
  for (let step = 0; step < 3; step++) {
    x = x.sub(erf(x).sub(y).mul(Math.sqrt(Math.PI) / 2).mul(square(x).exp()));
  }
  return x;
}
