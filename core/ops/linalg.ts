/** Matrix products: shapes checked and results allocated here, numbers computed by the back end's gemm. */
import { requireTensor } from "../arguments.ts";
import { newEmpty } from "../memory/allocate.ts";
import type { Activation, Backend, Gemm } from "../backend/backend.ts";
import { backend } from "../backend/choose.ts";
import { type DType, isFloating, promote } from "../dtype.ts";
import { record } from "../record.ts";
import { broadcastShapes, show } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { cast, unary } from "./elementwise.ts";
import { detached, expand, select, t, unsqueeze } from "./movement.ts";

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
  return a.shape.length === 2 && b.shape.length === 2
    ? product(cast(a, dtype), cast(b, dtype))
    : batched(cast(a, dtype), cast(b, dtype));
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
  eachMatrix([left, right, out], (p, q, c) => backend().gemm(gemmLayout(p, q, c, null), p.data, q.data, c.data, null));
  return record("matmul", out, [a, b]);
}

function eachMatrix(tensors: readonly Tensor[], visit: (a: Tensor, b: Tensor, c: Tensor) => void): void {
  if (tensors[0].shape.length === 2) return visit(tensors[0], tensors[1], tensors[2]);
  for (let i = 0; i < tensors[0].shape[0]; i++) eachMatrix(tensors.map((x) => select(x, 0, i)), visit);
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
