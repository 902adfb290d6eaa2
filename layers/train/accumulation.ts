/** Gradients of several batches that add up to one step, as if the batches were one. */
import { noGrad } from "../../backward/tape.ts";
import { requireState } from "../../core/arguments.ts";
import { sameShape, show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Optimizer } from "../optim/optimizer.ts";

/** The gradients of batches whose step is still to come. */
export interface AccumulatedState {
  /** Of how many batches they are. */
  batches: number;
  /** How many rows the first of them had, and all of them together. */
  rows: [first: number, all: number];
  /** The gradient of each parameter, in the optimiser's order; weighted by the batch's rows over those of the first. */
  gradients: (Tensor | null)[];
}

/**
 * Adds up the gradients of `size` batches. A batch counts by its rows: where losses are means over rows, the step is that of one batch
 * with all rows, whatever sizes the batches have.
 */
export class Accumulation {
  #batches = 0;
  #rows: [first: number, all: number] = [0, 0];
  #pass: "before" | "last" | null = null; // a backward pass that has begun, and whether it completes the group

  /** Groups of `size` batches; the last one of an epoch may have fewer. */
  constructor(readonly size: number, readonly optimizer: Optimizer) {}

  /** Whether gradients wait for the rest of their group. */
  get isOpen(): boolean {
    return this.#batches > 0 && this.#pass === null;
  }

  /** Whether the present gradients are not yet those of a step. */
  get waits(): boolean {
    return this.isOpen || this.#pass === "before";
  }

  /** Begins a batch: the first of a group clears the gradients of the last step. A pass that did not end has spoiled its group. */
  begin(): void {
    if (this.#pass !== null) this.drop();
    if (!this.isOpen) this.optimizer.zeroGrad();
  }

  /** Whether the batch completes its group, as the last one of an epoch does. */
  completes(lastOfEpoch: boolean): boolean {
    return lastOfEpoch || this.#batches + 1 >= this.size;
  }

  /** Forgets the group. */
  drop(): void {
    [this.#batches, this.#rows, this.#pass] = [0, [0, 0], null];
  }

  /** The loss of a batch of `rows` as it is to be differentiated; its backward pass begins. */
  weighted(loss: Tensor, rows: number, completes: boolean): Tensor {
    this.#pass = completes ? "last" : "before";
    const [first] = this.#rows;
    return first === 0 || rows === first ? loss : loss.mul(rows / first);
  }

  /** Counts a batch whose backward pass has ended; a complete group is forgotten, for its step follows. */
  add(rows: number, completes: boolean): void {
    if (completes) return this.drop();
    const [first, all] = this.#rows;
    [this.#batches, this.#rows, this.#pass] = [this.#batches + 1, [first || rows, all + rows], null];
  }

  /** Makes means of the sums, those of a batch of `more` rows included: the gradients are those of one batch with all rows. */
  close(more = 0): void {
    const [first, all] = this.#rows;
    const scale = (first || more) / (all + more);
    if (scale !== 1 && scale > 0) noGrad(() => this.#gradients().forEach((g) => g?.mul_(scale)));
  }

  /** Completes a group that is still open as an epoch ends; returns whether there was one. */
  end(): boolean {
    const { isOpen } = this;
    if (isOpen) this.close();
    this.drop();
    return isOpen;
  }

  #gradients(): (Tensor | null)[] {
    return this.optimizer.paramGroups.flatMap(({ params }) => params.map(({ g }) => g));
  }

  /** What a run needs that goes on within a group; `undefined` between two groups. */
  stateDict(): AccumulatedState | undefined {
    if (!this.isOpen) return undefined;
    return { batches: this.#batches, rows: [...this.#rows], gradients: this.#gradients() };
  }

  /**
   * Loads what `stateDict` returned; the gradients are copied.
   *
   * @throws {RangeError} If they are of other parameters; nothing is changed then.
   */
  loadStateDict(state: AccumulatedState | undefined): void {
    if (state === undefined) return this.drop();
    requireState("accumulated gradients", state, ["batches", "rows", "gradients"]);
    const params = this.optimizer.paramGroups.flatMap(({ params }) => params);
    const odd = params.findIndex((p, i) => state.gradients[i] && !sameShape(state.gradients[i].shape, p.shape));
    if (odd >= 0 || state.gradients.length !== params.length) {
      const found = odd < 0 ? `${state.gradients.length} of them` : `shape ${show(state.gradients[odd]!.shape)}`;
      throw new RangeError(`Cannot load accumulated gradients: found ${found}, expected those of the parameters`);
    }
    params.forEach((p, i) => p.g = state.gradients[i]?.detach().to(p.dtype).clone() ?? null);
    [this.#batches, this.#rows] = [state.batches, [...state.rows]];
  }
}
