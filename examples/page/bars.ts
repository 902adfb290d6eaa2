/// <reference lib="dom" />
/** Ten bars, one for each digit, as long as the digit is probable. */
import { make } from "./element.ts";

interface Bar {
  readonly item: HTMLElement;
  readonly bar: HTMLElement;
  readonly part: HTMLElement;
}

/** A probability in percent, as text that does not call anything certain that is not. */
export function percent(probability: number): string {
  if (probability >= 0.9995 && probability < 1) return "> 99.9\u00a0%";
  if (probability < 0.0005 && probability > 0) return "< 0.1\u00a0%";
  return `${(100 * probability).toFixed(1)}\u00a0%`;
}

/** The number of the largest value. */
export function likeliest(probabilities: readonly number[]): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** The bars in a list. */
export class Bars {
  readonly #bars: readonly Bar[];

  constructor(list: HTMLElement) {
    this.#bars = Array.from({ length: 10 }, (_, digit) => newBar(digit));
    list.append(...this.#bars.map(({ item }) => item));
    this.show(null);
  }

  /** Shows how probable each digit is, or that nothing was read. */
  show(probabilities: readonly number[] | null): void {
    const best = probabilities === null ? -1 : likeliest(probabilities);
    this.#bars.forEach(({ item, bar, part }, digit) => {
      const probability = probabilities?.[digit] ?? 0;
      item.classList.toggle("likeliest", digit === best);
      bar.style.transform = `scaleX(${probability.toFixed(4)})`;
      part.textContent = probabilities === null ? "–" : percent(probability);
    });
  }
}

function newBar(digit: number): Bar {
  const bar = make("div", "bar"), part = make("span", "part");
  const item = make("li", "", make("span", "name", `${digit}`), make("div", "track", bar), part);
  return { item, bar, part };
}
