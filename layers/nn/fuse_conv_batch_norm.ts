/** A convolution and the batch normalisation after it as one convolution, for predictions. */
import { noGrad } from "../../backward/tape.ts";
import { describe } from "../../core/arguments.ts";
import { zeros } from "../../core/create.ts";
import { defaultGenerator } from "../../core/random/generator.ts";
import type { Tensor } from "../../core/tensor.ts";
import { BatchNorm1d, BatchNorm2d } from "./channel_norm.ts";
import { Conv1d, Conv2d, type ConvNd, ConvTranspose1d, ConvTranspose2d } from "./convolution.ts";

const CONVOLUTIONS = [Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d] as const;

/**
 * A convolution that computes what `conv` and then `norm` do in `eval()`: with `s = weight / √(runningVar + ε)` its weights are those of
 * `conv` times s, one an output channel, and its bias `(bias − runningMean) · s + norm.bias`. Both are left as they are, and nothing is
 * drawn.
 *
 * @example
 * ```ts
 * import { allclose, nn, randn } from "@gradus/gradus";
 * import { assert } from "@std/assert";
 *
 * const [conv, norm] = [new nn.Conv2d(3, 8, 3).eval(), new nn.BatchNorm2d(8).eval()];
 * const x = randn([1, 3, 6, 6]);
 * const fused = nn.fuseConvBatchNorm(conv, norm);
 * assert(allclose(fused.call(x), norm.call(conv.call(x)), { atol: 1e-5 }));
 * ```
 * @throws {TypeError} If these are not a convolution and a batch normalisation.
 * @throws {RangeError} If the channels differ.
 * @throws {Error} If one of them is in training, or there are no running statistics.
 */
export function fuseConvBatchNorm<C extends ConvNd>(conv: C, norm: BatchNorm1d | BatchNorm2d): C {
  if (!CONVOLUTIONS.some((kind) => conv instanceof kind)) {
    throw new TypeError(`Cannot fuse ${describe(conv)}: give a convolution, such as nn.Conv2d`);
  }
  if (!(norm instanceof BatchNorm1d || norm instanceof BatchNorm2d)) {
    throw new TypeError(`Cannot fuse a convolution with ${describe(norm)}: give nn.BatchNorm2d or nn.BatchNorm1d`);
  }
  const { runningMean, runningVar, numFeatures, eps } = norm;
  if (conv.training || norm.training) {
    throw new Error("Cannot fuse layers in training, whose statistics are each batch's: call eval() on both first");
  }
  if (runningMean === null || runningVar === null) {
    throw new Error("Cannot fuse a batch normalisation without running statistics: give one that tracks them");
  }
  if (numFeatures !== conv.outChannels) {
    throw new RangeError(
      `Cannot fuse ${conv.outChannels} channels with a batch normalisation of ${numFeatures}: they differ`,
    );
  }
  return noGrad(() => {
    const scale = runningVar.add(eps).rsqrt().mul(norm.weight ?? 1);
    const bias = (conv.bias ?? zeros([numFeatures], { dtype: conv.weight.dtype })).sub(runningMean).mul(scale);
    return convolutionLike(conv, scaled(conv, scale), bias.add(norm.bias ?? 0));
  });
}

/** The weights, those of each output channel times its number. */
function scaled({ weight, transposed, groups }: ConvNd, scale: Tensor): Tensor {
  const [first, second, ...kernel] = weight.shape;
  const places = kernel.map(() => 1);
  if (!transposed) return weight.mul(scale.view(first, 1, ...places));
  const byGroup = weight.view(groups, first / groups, second, ...kernel);
  return byGroup.mul(scale.view(groups, 1, second, ...places)).view(...weight.shape);
}

/** A convolution with the settings of another, with a bias, in `eval()`. */
function convolutionLike<C extends ConvNd>(conv: C, weight: Tensor, bias: Tensor): C {
  const place = defaultGenerator.getState(); // to be made, it draws
  const like = emptyLike(conv) as C;
  defaultGenerator.setState(place);
  like.weight.copy_(weight);
  like.bias!.copy_(bias);
  like.eval();
  return like;
}

function emptyLike(conv: ConvNd): ConvNd {
  const { inChannels, outChannels, stride, padding, dilation, outputPadding, groups, paddingMode } = conv;
  const [Class, kernel] = [CONVOLUTIONS.find((kind) => conv instanceof kind)!, conv.kernelSize];
  const shared = { dilation, groups, bias: true, dtype: conv.weight.dtype, stride, padding };
  const special = conv.transposed ? { outputPadding } : { paddingMode };
  const options = { ...shared, ...special };
  return Reflect.construct(Class, [inChannels, outChannels, kernel, options]) as ConvNd;
}
