/** Matrix products: shapes checked and results allocated here, numbers computed by the back end's gemm. */
import { checkOptions, requireNumber, requireTensor } from "../arguments.ts";
import { newEmpty, viewOf } from "../memory/allocate.ts";
import type { Activation, Backend, Gemm } from "../backend/backend.ts";
import { backend } from "../backend/choose.ts";
import { type DType, isFloating, promote } from "../dtype.ts";
import { record } from "../record.ts";
import { broadcastShapes, resolveDim, show, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { cast, unary } from "./elementwise.ts";
import { detached, expand, permute, reshape, select, t, transpose, unsqueeze } from "./movement.ts";
import { norm } from "./reduce.ts";

/**
 * `a @ b`: two vectors give their dot product, a vector beside a matrix counts as a row on the left and as a column on the
 * right, and dimensions before the last two broadcast.
 *
 * @throws {RangeError} If the inner sizes differ.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  requireTensor(a, "multiply");
  requireTensor(b, "multiply by");
  if (a.shape.length === 0 || b.shape.length === 0) throw mismatch(a, b, "a tensor of rank 0 is no matrix, use mul()");
  const [inner, rows] = [a.shape.at(-1)!, b.shape.at(b.shape.length === 1 ? 0 : -2)!];
  if (inner !== rows) throw mismatch(a, b, `inner sizes ${inner} and ${rows} differ`);
  if (a.shape.length === 1) return select(matmul(unsqueeze(a, 0), b), b.shape.length === 1 ? 0 : -2, 0);
  if (b.shape.length === 1) return select(matmul(a, unsqueeze(b, 1)), -1, 0);
  const dtype = productDType(a, b);
  const [left, right] = [cast(a, dtype), cast(b, dtype)];
  if (b.shape.length > 2) return batched(left, right);
  return a.shape.length === 2 ? product(left, right) : withoutBatch(left, (rows) => product(rows, right));
}

/** What `f` gives for all rows of a batch as one matrix, in the batch's shape: one product, and one a gradient. */
function withoutBatch(x: Tensor, f: (rows: Tensor) => Tensor): Tensor {
  const lead = x.shape.slice(0, -1);
  const out = f(reshape(x, [sizeOf(lead), x.shape.at(-1)!]));
  return reshape(out, [...lead, out.shape[1]]);
}

/** Options of {@linkcode linear}. */
interface LinearOptions {
  /**
   * The activation that is applied to `x @ w + bias`.
   *
   * @default {"none"}
   */
  activation?: Activation;
  /**
   * Whether w is [out, in], PyTorch's layout, instead of [in, out].
   *
   * @default {false}
   */
  transposed?: boolean;
}

/**
 * `activation(x @ w + bias)` in one pass: x is [batch, in], w is [in, out], bias is [out] or absent. The bits are those of the
 * operations one by one.
 *
 * @throws {RangeError} If the sizes do not fit together.
 */
export function linear(x: Tensor, w: Tensor, bias: Tensor | null, options: LinearOptions = {}): Tensor {
  const { activation = "none", transposed = false } = options;
  requireTensor(x, "take linear() of");
  requireTensor(w, "weight linear() by");
  if (bias !== null) requireTensor(bias, "shift linear() by");
  if (x.shape.length > 2 && x.shape.at(-1) === w.shape[transposed ? 1 : 0]) {
    return withoutBatch(x, (rows) => linear(rows, w, bias, options));
  }
  if (!fitsGemm(x, w, bias, transposed)) {
    const sums = matmul(x, transposed ? t(w) : w);
    const out = bias === null ? sums : sums.add(bias);
    return activation === "none" ? out : unary(activation, out);
  }
  const out = newEmpty([x.shape[0], w.shape[transposed ? 0 : 1]], x.dtype); // [batch, out]
  const product = gemmLayout(x, w, out, bias, transposed);
  product.activation = activation;
  backend().gemm(product, x.data, w.data, out.data, bias?.data ?? null);
  return record("linear", out, bias === null ? [x, w] : [x, w, bias], { activation, transposed });
}

function fitsGemm(x: Tensor, w: Tensor, bias: Tensor | null, transposed: boolean): boolean {
  const [inner, outer] = transposed ? [1, 0] : [0, 1];
  return x.shape.length === 2 && w.shape.length === 2 && isFloating(x.dtype) && x.dtype === w.dtype &&
    x.shape[1] === w.shape[inner] &&
    (bias === null || (bias.shape.length === 1 && bias.dtype === x.dtype && bias.shape[0] === w.shape[outer]));
}

/** `a @ b` for matrices whose shapes and dtypes are known to fit, on the given back end. */
export function product(a: Tensor, b: Tensor, on: Backend = backend()): Tensor {
  const out = newEmpty([a.shape[0], b.shape[1]], a.dtype); // [m, n]
  on.gemm(gemmLayout(a, b, out, null), a.data, b.data, out.data, null);
  return record("matmul", out, [a, b]);
}

/** The sizes, offsets and strides of a product; with `transposed`, those of `bᵀ` in place of b. */
function gemmLayout(a: Tensor, b: Tensor, c: Tensor, bias: Tensor | null, transposed = false): Gemm {
  const [rows, columns] = transposed ? [1, 0] : [0, 1];
  return {
    m: a.shape[0],
    k: a.shape[1],
    n: b.shape[columns],
    aOffset: a.offset,
    aRow: a.strides[0],
    aCol: a.strides[1],
    bOffset: b.offset,
    bRow: b.strides[rows],
    bCol: b.strides[columns],
    cOffset: c.offset,
    cRow: c.strides[0],
    cCol: c.strides[1],
    biasOffset: bias === null ? 0 : bias.offset,
    biasStride: bias === null ? 0 : bias.strides[0],
    beta: 0,
  };
}

/** The products of batches: one for each place in the broadcast leading dimensions. */
function batched(a: Tensor, b: Tensor): Tensor {
  const lead = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), "multiply batches of");
  const left = expand(detached(a), [...lead, ...a.shape.slice(-2)]);
  const right = expand(detached(b), [...lead, ...b.shape.slice(-2)]);
  const out = newEmpty([...lead, a.shape.at(-2)!, b.shape.at(-1)!], a.dtype);
  const [p, q, c] = [left, right, out].map((x) => viewOf(x, x.shape.slice(-2), x.strides.slice(-2), x.offset));
  const product = gemmLayout(p, q, c, null), on = backend();
  const visit = (dim: number, aOffset: number, bOffset: number, cOffset: number) => {
    if (dim === lead.length) {
      product.aOffset = aOffset, product.bOffset = bOffset, product.cOffset = cOffset;
      return on.gemm(product, p.data, q.data, c.data, null);
    }
    const [aStep, bStep, cStep] = [left.strides[dim], right.strides[dim], out.strides[dim]];
    for (let i = 0; i < lead[dim]; i++) visit(dim + 1, aOffset + i * aStep, bOffset + i * bStep, cOffset + i * cStep);
  };
  visit(0, left.offset, right.offset, out.offset);
  return record("matmul", out, [a, b]);
}

function productDType(a: Tensor, b: Tensor): DType {
  const dtype = promote(a.dtype, b.dtype);
  if (dtype === "bool") throw new TypeError("Cannot multiply matrices of bool: cast them first with float()");
  return dtype;
}

function mismatch(a: Tensor, b: Tensor, why: string): RangeError {
  const cure = a.shape.length === 2 && b.shape.length === 2 && a.shape[1] === b.shape[1]
    ? ", t() on the right one would fit"
    : "";
  return new RangeError(`Cannot multiply ${show(a.shape)} by ${show(b.shape)}: ${why}${cure}`);
}

// The same by PyTorch's names, for operands of one rank each.

function requireRank(x: Tensor, rank: number, name: string): void {
  requireTensor(x, `take ${name}() of`);
  if (x.ndim === rank) return;
  const kind = ["a number", "a vector", "a matrix", "a batch of matrices"][rank];
  throw new RangeError(`Cannot take ${name}() of ${show(x.shape)}: give ${kind}`);
}

/** A product of operands of these ranks. */
function ranked(name: string, a: Tensor, b: Tensor, ranks: readonly [number, number]): Tensor {
  requireRank(a, ranks[0], name);
  requireRank(b, ranks[1], name);
  return matmul(a, b);
}

/** `Σ a[i] · b[i]` of two vectors. PyTorch's `torch.dot`. */
export function dot(a: Tensor, b: Tensor): Tensor {
  return ranked("dot", a, b, [1, 1]);
}

/** A matrix times a vector. PyTorch's `torch.mv`. */
export function mv(a: Tensor, b: Tensor): Tensor {
  return ranked("mv", a, b, [2, 1]);
}

/** A matrix times a matrix. PyTorch's `torch.mm`. */
export function mm(a: Tensor, b: Tensor): Tensor {
  return ranked("mm", a, b, [2, 2]);
}

/** The products of two batches of matrices, [n, i, k] and [n, k, j]; unlike those of `matmul` they are not broadcast. PyTorch's `torch.bmm`. */
export function bmm(a: Tensor, b: Tensor): Tensor {
  requireRank(a, 3, "bmm");
  requireRank(b, 3, "bmm");
  if (a.shape[0] !== b.shape[0]) throw mismatch(a, b, `batches of ${a.shape[0]} and ${b.shape[0]} differ`);
  return matmul(a, b);
}

/** The options of `addmm` and `baddbmm`. */
export interface AddmmOptions {
  /**
   * A factor for what is added; for 0 it is not read.
   *
   * @default {1}
   */
  beta?: number;
  /**
   * A factor for the product.
   *
   * @default {1}
   */
  alpha?: number;
}

/** `beta · x + alpha · a @ b` of matrices. PyTorch's `torch.addmm`. */
export function addmm(x: Tensor, a: Tensor, b: Tensor, options: AddmmOptions = {}): Tensor {
  return added("addmm", x, () => mm(a, b), options);
}

/** `beta · x + alpha · a @ b` of batches of matrices. PyTorch's `torch.baddbmm`. */
export function baddbmm(x: Tensor, a: Tensor, b: Tensor, options: AddmmOptions = {}): Tensor {
  return added("baddbmm", x, () => bmm(a, b), options);
}

function added(name: string, x: Tensor, multiply: () => Tensor, options: AddmmOptions): Tensor {
  requireTensor(x, `take ${name}() of`);
  checkOptions(`take ${name}()`, options, ["beta", "alpha"], { beta: "number", alpha: "number" });
  const { beta = 1, alpha = 1 } = options;
  const found = multiply();
  const term = expand(x, broadcastShapes(x.shape, found.shape, "add"));
  const scaled = alpha === 1 ? found : found.mul(alpha);
  return beta === 0 ? scaled : scaled.add(beta === 1 ? term : term.mul(beta));
}

/** `y[i, j] = a[i] · b[j]` of two vectors. PyTorch's `torch.outer`. */
export function outer(a: Tensor, b: Tensor): Tensor {
  requireRank(a, 1, "outer");
  requireRank(b, 1, "outer");
  return unsqueeze(a, 1).mul(b);
}

/**
 * The sums of products over several dimensions: the last `dims` of a with the first of b, or those that two lists name in turn. PyTorch's
 * `torch.tensordot`.
 *
 * @example
 * ```ts
 * import { ones, tensordot } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(tensordot(ones([2, 3, 4]), ones([3, 4, 5])).shape, [2, 5]);
 * assertEquals(tensordot(ones([2, 3]), ones([4, 2]), [[0], [1]]).shape, [3, 4]);
 * ```
 * @throws {RangeError} If the sizes of these dimensions differ.
 */
export function tensordot(
  a: Tensor,
  b: Tensor,
  dims: number | readonly [readonly number[], readonly number[]] = 2,
): Tensor {
  requireTensor(a, "take tensordot() of");
  requireTensor(b, "take tensordot() by");
  const [left, right] = pairsOf(a, b, dims);
  const clash = left.findIndex((d, i) => a.shape[d] !== b.shape[right[i]]);
  if (clash >= 0) {
    const sizes = `${a.shape[left[clash]]} and ${b.shape[right[clash]]}`;
    throw mismatch(a, b, `sizes ${sizes} of dimensions ${left[clash]} and ${right[clash]} differ`);
  }
  const keptA = a.shape.map((_, d) => d).filter((d) => !left.includes(d));
  const keptB = b.shape.map((_, d) => d).filter((d) => !right.includes(d));
  const [m, n] = [keptA.map((d) => a.shape[d]), keptB.map((d) => b.shape[d])];
  const k = sizeOf(left.map((d) => a.shape[d]));
  const rows = reshape(permute(a, [...keptA, ...left]), [sizeOf(m), k]);
  const columns = reshape(permute(b, [...right, ...keptB]), [k, sizeOf(n)]);
  return reshape(matmul(rows, columns), [...m, ...n]);
}

/** The dimensions of a and of b that are summed over. */
function pairsOf(a: Tensor, b: Tensor, dims: number | readonly (readonly number[])[]): [number[], number[]] {
  if (typeof dims === "number") {
    if (!(Number.isInteger(dims) && dims >= 0 && dims <= Math.min(a.ndim, b.ndim))) {
      throw mismatch(a, b, `they have no ${dims} dimensions in common`);
    }
    return [Array.from({ length: dims }, (_, i) => a.ndim - dims + i), Array.from({ length: dims }, (_, i) => i)];
  }
  if (!Array.isArray(dims) || dims.length !== 2 || !dims.every(Array.isArray) || dims[0].length !== dims[1].length) {
    throw new TypeError("Cannot take tensordot() over these dimensions: give a number, or two lists as in [[0], [1]]");
  }
  const [left, right] = [a, b].map((x, i) =>
    dims[i].map((d: number) => resolveDim(d, x.ndim, "take tensordot() over"))
  );
  return [left, right];
}

/** The Kronecker product: each element of a in turn times all of b. PyTorch's `torch.kron`. */
export function kron(a: Tensor, b: Tensor): Tensor {
  requireTensor(a, "take kron() of");
  requireTensor(b, "take kron() by");
  const rank = Math.max(a.ndim, b.ndim);
  const [p, q] = [a, b].map((x) => [...Array<number>(rank - x.ndim).fill(1), ...x.shape]);
  const left = reshape(a, p.flatMap((n) => [n, 1]));
  const right = reshape(b, q.flatMap((n) => [1, n]));
  return reshape(left.mul(right), p.map((n, d) => n * q[d]));
}

/**
 * The distances of rows: `y[i, j] = ‖a[i] − b[j]‖` of a [m, k] and b [n, k], by the norm of that p; leading dimensions are batches. The
 * slope of a distance of 0 is 0. PyTorch's `torch.cdist`.
 *
 * @example
 * ```ts
 * import { cdist, tensor } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(cdist(tensor([[0, 0], [3, 0]]), tensor([[3, 4]])).toArray(), [[5], [4]]);
 * ```
 * @throws {RangeError} If the rows differ in length.
 */
export function cdist(a: Tensor, b: Tensor, p = 2): Tensor {
  for (const x of [a, b]) {
    requireTensor(x, "take distances of");
    if (x.ndim < 2) {
      throw new RangeError(`Cannot take distances of ${show(x.shape)}: give a matrix of rows, or several`);
    }
  }
  requireNumber(p, "take distances with p");
  if (a.shape.at(-1) !== b.shape.at(-1)) {
    throw mismatch(a, b, `rows of ${a.shape.at(-1)} and ${b.shape.at(-1)} have no distance`);
  }
  // [elements of a row, rows of a, rows of b], so that no loop is as short as a row.
  return norm(unsqueeze(transpose(a, -2, -1), -1).sub(unsqueeze(transpose(b, -2, -1), -2)), -3, false, p);
}
