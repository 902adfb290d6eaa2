/** The end of a run whose numbers are lost, and the name of the layer where that began. */
import { isFloating } from "../../../core/dtype.ts";
import { elements } from "../../../core/ops/movement.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { Callback } from "./callback.ts";
import type { Learner } from "../learner.ts";
import { watchCalls } from "./watch_calls.ts";

/**
 * Throws at the first output, loss or gradient that is NaN or infinite; the message names the layer and the step, and where the
 * batch itself holds such a number its sample and column.
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
      if (odd !== null) {
        throw lost(learner, `the output of ${path || "the model"} (${module.constructor.name})`, odd, ["x"]);
      }
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

function lost(learner: Learner, what: string, found: number, parts: readonly BatchPart[] = ["x", "y"]): RangeError {
  const { step, epoch, batch, training, optimizer } = learner;
  const part = training ? "training" : "validation";
  const cure = faultOf(learner, parts) ??
    `lower the learning rate (${optimizer.paramGroups[0].lr}), clip the gradients, or look at the batch`;
  return new RangeError(
    `Cannot go on at step ${step} (${part}, epoch ${epoch + 1}, batch ${batch + 1}): ${what} holds ${found}; ${cure}`,
  );
}

/** Inputs or targets. */
type BatchPart = "x" | "y";

/** Which number of the batch itself is NaN or infinite, and what to do; `null` where none is. */
export function faultOf(learner: Learner, parts: readonly BatchPart[] = ["x", "y"]): string | null {
  for (const part of parts) {
    const values = isFloating(learner[part].dtype) ? elements(learner[part]) : [];
    const at = values.findIndex((value: number) => !Number.isFinite(value));
    if (at < 0) continue;
    const what = part === "x" ? "inputs" : "targets";
    return `the batch's ${what} hold ${values[at]} at ${
      placeIn(learner, learner[part].shape, at)
    }: mend the data, or leave it out`;
  }
  return null;
}

/** An element's place in a batch [batch, …], in words. */
function placeIn({ samples }: Learner, shape: readonly number[], at: number): string {
  const index = shape.map((size, d) => Math.floor(at / shape.slice(d + 1).reduce((a, b) => a * b, 1)) % size);
  const [row = 0, ...rest] = index;
  const number = samples?.length === shape[0] ? ` (number ${samples[row]} of its dataset)` : "";
  const column = rest.length === 1 ? `, column ${rest[0]}` : rest.length > 1 ? `, element [${rest.join(", ")}]` : "";
  return `sample ${row}${number}${column}`;
}
