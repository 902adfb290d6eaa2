/** The end of a run whose numbers are lost, and the name of the layer where that began. */
import { elements } from "../../core/ops/movement.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "./learner.ts";
import { watchCalls } from "./watch_calls.ts";

/**
 * Throws at the first output, loss or gradient that is NaN or infinite; the message names the layer and the step.
 *
 * @throws {RangeError} While the run is on.
 */
export class NanWatchdog implements Callback {
  /** Before anything that reads the numbers. */
  readonly order: number = -10;
  #end: () => void = () => {};

  /** Begins to look at each layer's output. */
  beforeFit(learner: Learner): void {
    this.#end = watchCalls(learner.model, (path, module, out) => {
      const odd = nonFinite(out);
      if (odd !== null) throw lost(learner, `the output of ${path || "the model"} (${module.constructor.name})`, odd);
    });
  }

  /** Looks at the loss. */
  afterLoss(learner: Learner): void {
    const odd = nonFinite(learner.loss);
    if (odd !== null) throw lost(learner, "the loss", odd);
  }

  /** Looks at the gradients. */
  afterBackward(learner: Learner): void {
    for (const [name, { g }] of learner.model.namedParameters()) {
      const odd = g === null ? null : nonFinite(g);
      if (odd !== null) throw lost(learner, `the gradient of ${name}`, odd);
    }
  }

  /** Looks no longer. */
  cleanUp(): void {
    this.#end();
    this.#end = () => {};
  }
}

/** The first element that is NaN or infinite, or `null`; a sum that is finite proves that there is none. */
function nonFinite(x: Tensor): number | null {
  if (Number.isFinite(x.detach().sum().item())) return null;
  return elements(x).find((value) => !Number.isFinite(value)) ?? null; // finite numbers may have a sum that is not
}

function lost({ step, epoch, batch, training, optimizer }: Learner, what: string, found: number): RangeError {
  const part = training ? "training" : "validation";
  return new RangeError(
    `Cannot go on at step ${step} (${part}, epoch ${epoch + 1}, batch ${batch + 1}): ${what} holds ${found}; ` +
      `lower the learning rate (${optimizer.paramGroups[0].lr}), clip the gradients, or look at the batch`,
  );
}
