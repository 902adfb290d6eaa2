/** What random programs are made of: a stream of choices, and a witness of every bit that can be seen. */
import { Tensor } from "@gradus/gradus";

/** What a program saw, and what became of what it held. */
export class Witness {
  readonly #trace: string[] = [];
  readonly #held: { what: string; x: Tensor }[] = [];

  /** Notes the value of `x` and holds it. */
  hold(what: string, x: Tensor | null | undefined): void {
    if (x === null || x === undefined) return this.note(`${what}: none`);
    this.see(what, x);
    this.#held.push({ what, x });
  }

  /** Notes the value of `x`. */
  see(what: string, x: Tensor): void {
    this.note(`${what}: ${bitsOf(x)}`);
  }

  /** Notes what happened. */
  note(what: string): void {
    this.#trace.push(what);
  }

  /** All that was seen, and then what is held as it is now. */
  report(): string[] {
    return [...this.#trace, ...this.#held.map(({ what, x }) => `held ${what}: ${bitsOf(x)}`)];
  }
}

function bitsOf(x: Tensor): string {
  const dense = Tensor.prototype.clone.call(x) as Tensor; // in its own order, whatever the view's
  return new Uint8Array(dense.data.buffer, dense.data.byteOffset, dense.data.byteLength).toHex();
}

/** A stream of choices that leaves the library's own generator alone. */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** A whole number below n (mulberry32). */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}
