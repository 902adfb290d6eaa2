/** One recorded step: what went in, what came out, and the rule that leads back. */
import type { OpName, OpNode, OpSettings } from "../core/record.ts";
import { show } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { bare } from "./ownership.ts";
import { notDifferentiable, type Rule, type Step } from "./rules/rule.ts";

/** A value kept for the way back, with the count of edits its memory had then. */
export class Saved {
  readonly #edits: number;

  /** Keeps `value`. */
  constructor(readonly value: Tensor) {
    this.#edits = value.edits.count;
  }

  /**
   * The value, if nobody wrote into it since.
   *
   * @throws {Error} If its memory was edited in place.
   */
  read(op: string): Tensor {
    if (this.value.edits.count === this.#edits) return this.value;
    throw new Error(
      `Cannot go back through ${op}: its value of shape ${
        show(this.value.shape)
      } was edited in place after it was used; ` +
        `edit a clone(), or go backward first`,
    );
  }
}

/** The step of a primitive operation. */
export class RuleNode<K extends OpName> implements OpNode, Step<OpSettings[K]> {
  readonly #rule: Rule<K> | typeof notDifferentiable;
  #kept: Saved[];
  #y: Saved | null;
  readonly inputs: readonly Tensor[];

  constructor(
    readonly name: K,
    rule: Rule<K> | typeof notDifferentiable,
    y: Tensor,
    inputs: readonly Tensor[],
    readonly settings: OpSettings[K],
  ) {
    this.#rule = rule;
    this.#y = new Saved(y);
    this.#kept = inputs.map((x) => new Saved(x));
    this.inputs = inputs;
  }

  get a(): Tensor {
    return bare(this.#kept[0].read(this.name));
  }

  get b(): Tensor {
    return bare(this.#kept[1].read(this.name));
  }

  get y(): Tensor {
    return bare(this.#y!.read(this.name));
  }

  get shape(): readonly number[] {
    return this.#kept[0].value.shape;
  }

  get wants(): boolean[] {
    return this.inputs.map((x) => x.requiresGrad);
  }

  back(g: Tensor): readonly (Tensor | null)[] {
    if (this.#y === null) throw releasedError(this.name);
    if (this.#rule === notDifferentiable) throw new Error(`Cannot go back through ${this.name}: it has no derivative`);
    return this.#rule(g, this);
  }

  release(): void {
    this.#kept = [];
    this.#y = null;
  }
}

/** What going back a second time meets. */
export function releasedError(op: string): Error {
  return new Error(
    `Cannot go backward through ${op} a second time: its values were let go, use backward({ retainGraph: true }) the first time`,
  );
}
