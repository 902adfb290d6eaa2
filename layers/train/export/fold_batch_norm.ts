/** Batch normalisation in evaluation mode as a scale and a shift, and within the layer before or after it. */
import { noGrad } from "../../../backward/tape.ts";
import { zeros } from "../../../core/create.ts";
import type { Tensor } from "../../../core/tensor.ts";
import { BatchNorm1d, BatchNorm2d, type ChannelNorm } from "../../nn/channel_norm.ts";
import { Conv1d, Conv2d, type ConvNd, ConvTranspose1d, ConvTranspose2d } from "../../nn/convolution.ts";
import { fuseConvBatchNorm } from "../../nn/fuse_conv_batch_norm.ts";
import { Linear } from "../../nn/layers.ts";
import type { AnyModule } from "../../nn/module.ts";

/** `(x − mean) · scale + shift`, in float64, with one of each a channel. */
interface Affine {
  /** [channels] */
  readonly mean: Tensor;
  /** [channels] */
  readonly scale: Tensor;
  /** [channels] */
  readonly shift: Tensor;
}

/** What the layer does in evaluation mode, its scale `weight / √(runningVar + ε)`, or why nobody knows. */
export function affineOf({ runningMean, runningVar, weight, bias, eps }: ChannelNorm): Affine | string {
  if (runningMean === null || runningVar === null) return "it has no running statistics to predict with";
  if (typeof eps !== "number" || Number.isNaN(eps)) return `its setting ${JSON.stringify(eps)} is no number`;
  return noGrad(() => {
    const mean = runningMean.double(), scale = runningVar.double().add(eps).rsqrt().mul(weight?.double() ?? 1);
    return { mean, scale, shift: bias?.double() ?? zeros(mean.shape, { dtype: "float64" }) };
  });
}

/**
 * One layer that does in evaluation mode what two do, one of which is a batch normalisation; `null` where there is none.
 *
 * @param ofRows Whether a sample is a row of values
 */
export function folded(first: AnyModule, second: AnyModule, ofRows: boolean): AnyModule | null {
  if (isConvolution(first) && isNormOf(first, second)) return withNorm(first, second);
  if (!ofRows) return null;
  if (isA(first, Linear) && isA(second, BatchNorm1d)) return normAfter(first, second);
  return isA(first, BatchNorm1d) && isA(second, Linear) ? normBefore(first, second) : null;
}

/** By class and not by instanceof: what a class derived from one of these adds is not known. */
function isA<M>(module: AnyModule, kind: new (...args: never[]) => M): module is AnyModule & M {
  return module.constructor === kind && isOfItsClass(module);
}

/** Whether the module does what its class does: nobody has given it a `forward` of its own. */
export function isOfItsClass(module: AnyModule): boolean {
  return !Object.hasOwn(module, "forward");
}

function isConvolution(module: AnyModule): module is ConvNd & AnyModule {
  return [Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d].some((kind) => isA(module, kind as never));
}

function isNormOf({ weight, outChannels }: ConvNd, norm: AnyModule): norm is (BatchNorm1d | BatchNorm2d) & AnyModule {
  const kind = weight.ndim === 3 ? BatchNorm1d : BatchNorm2d;
  return isA(norm, kind) && norm.numFeatures === outChannels && typeof affineOf(norm) === "object";
}

function withNorm(conv: ConvNd & AnyModule, norm: (BatchNorm1d | BatchNorm2d) & AnyModule): AnyModule {
  return fuseConvBatchNorm(like(conv, { training: false }), like(norm, { training: false }));
}

/** A module with the fields of another and its class, which shares what is not given; it is read and never called. */
function like<M extends AnyModule>(module: M, fields: Partial<M>): M {
  return Object.assign(Object.create(Object.getPrototypeOf(module)), module, fields);
}

/** `(W x + b − m) · s + t` as `(s W) x + ((b − m) · s + t)`. */
function normAfter(linear: Linear, norm: BatchNorm1d): AnyModule | null {
  const affine = affineOf(norm), [outputs] = linear.weight.shape;
  if (typeof affine === "string" || outputs !== norm.numFeatures) return null;
  const { mean, scale, shift } = affine;
  return noGrad(() => {
    const bias = biasOf(linear).sub(mean).mul(scale).add(shift);
    return linearLike(linear, linear.weight.double().mul(scale.unsqueeze(1)), bias);
  });
}

/** Means of so many deviations are left to be subtracted: multiplied with weights in float32 they would lose digits of the result. */
const FAR = 16;

/** `W ((x − m) · s + t) + b` as `(W s) x + (W (t − m · s) + b)`. */
function normBefore(norm: BatchNorm1d, linear: Linear): AnyModule | null {
  const affine = affineOf(norm), [, inputs] = linear.weight.shape;
  if (typeof affine === "string" || inputs !== norm.numFeatures || isFar(norm)) return null;
  const { mean, scale, shift } = affine;
  return noGrad(() => {
    const weight = linear.weight.double();
    const moved = weight.matmul(shift.sub(mean.mul(scale)).unsqueeze(1)).squeeze(1); // [outputs]
    return linearLike(linear, weight.mul(scale), biasOf(linear).add(moved));
  });
}

function isFar({ runningMean, runningVar, eps }: BatchNorm1d): boolean {
  const deviations = runningMean!.div(runningVar!.add(eps).sqrt()).abs();
  return deviations.numel() > 0 && !(deviations.max().item() <= FAR);
}

function biasOf({ bias, weight }: Linear): Tensor {
  return bias?.double() ?? zeros([weight.shape[0]], { dtype: "float64" });
}

function linearLike(linear: Linear, weight: Tensor, bias: Tensor): AnyModule {
  return like(linear, { weight, bias } as Partial<Linear>);
}
