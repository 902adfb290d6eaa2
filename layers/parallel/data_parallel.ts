/** One model on all ranks: the same weights at the start, and after each step. */
import { registerPostAccumulateGradHook } from "../../backward/hooks.ts";
import { noGrad } from "../../backward/tape.ts";
import { checkOptions, describe, requireNumber } from "../../core/arguments.ts";
import { requireSame } from "../../core/messages/require_same.ts";
import { show } from "../../core/shape.ts";
import { type AnyModule, type LoadOptions, type LoadReport, Module, type State } from "../nn/module.ts";
import type { Tensor } from "../../core/tensor.ts";
import { broadcast_, connected } from "./collectives.ts";
import { Reducer, type Sending } from "./reducer.ts";

/** The options of {@linkcode DataParallel}. */
export interface DataParallelOptions {
  /**
   * How many bytes of gradients are sent together: few are sent early, many take fewer messages.
   *
   * @default {1048576}
   */
  bucketBytes?: number;
  /**
   * Whether gradients are summed in the order of ranks, so that training has the same bits however messages arrive, and those of one
   * process that adds up as many batches; else by MPI's own reduction.
   *
   * @default {true}
   */
  deterministic?: boolean;
  /**
   * Whether each forward pass in training begins with the buffers of rank 0, such as running means.
   *
   * @default {true}
   */
  broadcastBuffers?: boolean;
}

/**
 * A model that all ranks train together: PyTorch's `DistributedDataParallel`. Parameters and buffers are those of rank 0 at the start;
 * each `backward()` leaves in every `.g` the mean over ranks, `g = 1/n Σᵣ gᵣ`, which is sent while the rest of the way back goes on.
 * Parameters that no rank reached keep their gradient. With one rank it is the model alone.
 *
 * The state has the names of the model that it wraps. With `deterministic` (the default), n ranks that each take a part of a batch end
 * with the same bits as one process that takes the parts one after another: `new Learner({ accumulate: n })` with batches as large as a
 * part. What draws random numbers within the model, such as dropout, draws the same ones on each rank.
 *
 * Source: Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training" (2020).
 *
 * @example
 * ```ts
 * import { nn, ones } from "@gradus/gradus";
 * import { DataParallel, init } from "@gradus/gradus/parallel";
 * import { assertEquals } from "@std/assert";
 *
 * init();
 * const model = new DataParallel(new nn.Linear(2, 1));
 * model.call(ones([4, 2])).mean().backward();
 * assertEquals(model.module.weight.g?.toArray(), [[1, 1]]);
 * ```
 * @throws {Error} On all ranks, if they do not have the same parameters.
 */
export class DataParallel<
  In extends readonly unknown[] = [Tensor],
  Out = Tensor,
  M extends AnyModule = Module<In, Out>,
> extends Module<In, Out> {
  /** Whether backward passes average: `noSync()` sets it to false for a while. */
  synchronize = true;
  readonly #reducer: Reducer | null = null;
  readonly #buffers: Tensor[] = [];

  /** The model on all ranks. */
  constructor(
    /** The model that is wrapped. */
    readonly module: M & Module<In, Out>,
    options: DataParallelOptions = {},
  ) {
    super();
    if (!(module instanceof Module)) {
      throw new TypeError(`Cannot train ${describe(module)} on several ranks: give an nn.Module`);
    }
    const known = ["bucketBytes", "deterministic", "broadcastBuffers"] as const;
    checkOptions("make DataParallel", options, known, { deterministic: "boolean", broadcastBuffers: "boolean" });
    const { bucketBytes = 1 << 20, deterministic = true, broadcastBuffers = true } = options;
    requireNumber(bucketBytes, "make DataParallel with bucketBytes");
    const world = connected();
    if (world === null) return;
    requireSame("the model", describeTensors(module));
    for (const tensor of [...module.parameters(), ...module.buffers()]) broadcast_(tensor);
    const params = module.parameters().filter(({ requiresGrad }) => requiresGrad);
    if (broadcastBuffers) this.#buffers = module.buffers();
    if (params.length === 0) return;
    const reducer = this.#reducer = new Reducer(world, params, { bucketBytes, deterministic });
    for (const param of params) {
      registerPostAccumulateGradHook(param, () => this.synchronize && reducer.take(param));
    }
  }

  /** The model's output for this rank's part of the batch. */
  override forward(...inputs: In): Out {
    if (this.training && this.synchronize) noGrad(() => this.#buffers.forEach((buffer) => broadcast_(buffer)));
    this.#reducer?.reset();
    return this.module.call(...inputs);
  }

  /** Runs `body`, whose backward passes add up gradients on this rank alone; the next one outside averages the sums. */
  noSync<T>(body: () => T): T {
    const before = this.synchronize;
    this.synchronize = false;
    try {
      return body();
    } finally {
      this.synchronize = before;
    }
  }

  /** When each bucket of the last backward pass was sent, and when its average was there; none with one rank. */
  get timeline(): readonly Sending[] {
    return this.#reducer?.timeline ?? [];
  }

  /** The state of the model that is wrapped. */
  override stateDict(): Map<string, Tensor> {
    return this.module.stateDict();
  }

  /** Loads it into that model. */
  override loadStateDict(state: State, options: LoadOptions = {}): LoadReport {
    return this.module.loadStateDict(state, options);
  }
}

/** Parameters and buffers, a line each. */
function describeTensors(module: AnyModule): string {
  return [...module.namedParameters(), ...module.namedBuffers()]
    .map(([name, x]) => `${name} ${show(x.shape)} ${x.dtype}${x.requiresGrad ? "" : " without gradient"}`).join("\n");
}
