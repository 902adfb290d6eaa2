/** The orthogonal initialiser. */
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, requireTensor } from "../../core/arguments.ts";
import { zeros } from "../../core/create.ts";
import { defaultGenerator } from "../../core/random/generator.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type DrawOptions, normal_ } from "./init.ts";

/** How `orthogonal_` scales. */
export interface OrthogonalOptions extends DrawOptions {
  /** A factor; 1 unless told. */
  gain?: number;
}

/**
 * Rows (or columns, whichever are fewer) that stand at right angles, each of length `gain`: the Q of a normal matrix.
 *
 * Dimensions after the first count as one. Source: Saxe et al., "Exact solutions to the nonlinear dynamics of learning" (2013).
 *
 * @throws {RangeError} If there are fewer than 2 dimensions.
 */
export function orthogonal_<T extends Tensor>(x: T, options: OrthogonalOptions = {}): T {
  requireTensor(x, "make orthogonal");
  checkOptions("make orthogonal", options, ["gain", "generator"]);
  const { gain = 1, generator = defaultGenerator } = options;
  if (x.ndim < 2) {
    throw new RangeError(`Cannot make ${show(x.shape)} orthogonal: it needs at least 2 dimensions`);
  }
  if (x.numel() === 0) return x;
  const drawn = normal_(zeros([x.shape[0], x.numel() / x.shape[0]], { dtype: x.dtype }), 0, 1, { generator });
  const wide = drawn.shape[0] < drawn.shape[1];
  const q = orthonormalColumns(wide ? drawn.t().double() : drawn.double());
  return noGrad(() => x.copy_((wide ? q.t() : q).mul(gain).reshape(...x.shape)));
}

/**
 * The columns of a [rows, columns] made orthonormal one after the other (Gram and Schmidt): the Q of the QR decomposition whose R has a
 * positive diagonal.
 */
function orthonormalColumns(a: Tensor): Tensor {
  const q = a.clone();
  for (let j = 0; j < q.shape[1]; j++) {
    const column = q.at(":", j);
    const before = q.at(":", `:${j}`);
    // Twice is enough: what rounding leaves of the earlier columns the first time goes the second time.
    for (let pass = 0; pass < 2; pass++) column.sub_(before.matmul(before.t().matmul(column)));
    column.div_(column.norm());
  }
  return q;
}
