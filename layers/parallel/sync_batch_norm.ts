/** Batch normalisation over the batches of all ranks. */
import { Function } from "../../backward/function.ts";
import { noGrad } from "../../backward/tape.ts";
import { requireTensor } from "../../core/arguments.ts";
import { scalar } from "../../core/memory/allocate.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { ChannelNorm, type ChannelNormOptions } from "../nn/channel_norm.ts";
import { allReduce } from "./collectives.ts";

/** `y = Σᵣ xᵣ` on each rank; the losses of all ranks depend on each x, so that dx = Σᵣ dyᵣ. */
class SumOverRanks extends Function {
  static forward(_ctx: unknown, x: Tensor): Tensor {
    return allReduce(x);
  }
  static backward(_ctx: unknown, dy: Tensor): Tensor {
    return SumOverRanks.apply(dy);
  }
}

/**
 * Normalises each channel of x [batch, channels, …] over the batches of all ranks, as `BatchNorm1d` and `BatchNorm2d` do over that of one:
 * what each rank would see alone is small, and its statistics are poor. Mean and variance are of the sums over all ranks, and gradients
 * go back through them. All ranks call it in the same order, in training and in the way back. PyTorch's `SyncBatchNorm`.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { SyncBatchNorm } from "@gradus/gradus/parallel";
 * import { assertEquals } from "@std/assert";
 *
 * const norm = new SyncBatchNorm(1, { eps: 0 });
 * assertEquals(norm.call(tensor([[1], [3]])).toArray(), [[-1], [1]]);
 * ```
 */
export class SyncBatchNorm extends ChannelNorm {
  /** A layer for `numFeatures` channels. */
  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options, true);
  }

  /**
   * x, normalised.
   *
   * @throws {RangeError} If x has another number of channels, or there is one value a channel on all ranks together, in training.
   */
  forward(x: Tensor): Tensor {
    requireTensor(x, "call SyncBatchNorm with");
    if (x.ndim < 2 || x.shape[1] !== this.numFeatures) {
      throw new RangeError(
        `Cannot normalise a batch of shape ${show(x.shape)}: expected [batch, ${this.numFeatures}, …]`,
      );
    }
    const channels = x.shape.map((n, d) => d === 1 ? n : 1); // [1, channels, 1, …]
    const { weight, bias, eps } = this;
    const [mean, variance] = this.training || this.runningMean === null
      ? this.#statistics(x, channels)
      : [this.runningMean, this.runningVar!].map((one) => one.view(...channels));
    const y = x.sub(mean).div(variance.add(eps).sqrt());
    return weight === null ? y : y.mul(weight.view(...channels)).add(bias!.view(...channels));
  }

  /** Mean and biased variance over all ranks, each [1, channels, 1, …]; the running ones move toward them. */
  #statistics(x: Tensor, channels: readonly number[]): Tensor[] {
    const others = channels.flatMap((_, d) => d === 1 ? [] : [d]);
    const n = allReduce(scalar(x.numel() / this.numFeatures, "float64")).item();
    if (n < 2) throw new RangeError(`Cannot normalise ${n} value a channel: give the ranks more rows`);
    const mean = SumOverRanks.apply(x.sum(others, true)).div(n);
    const variance = SumOverRanks.apply(x.sub(mean).square().sum(others, true)).div(n);
    if (this.training) noGrad(() => this.#track(mean.detach().view(-1), variance.detach().mul(n / (n - 1)).view(-1)));
    return [mean, variance];
  }

  #track(mean: Tensor, variance: Tensor): void {
    const { runningMean, runningVar, numBatchesTracked } = this;
    if (numBatchesTracked === null) return;
    numBatchesTracked.add_(1);
    const momentum = this.momentum ?? 1 / numBatchesTracked.item();
    runningMean!.mul_(1 - momentum).add_(mean.mul(momentum));
    runningVar!.mul_(1 - momentum).add_(variance.mul(momentum));
  }
}
