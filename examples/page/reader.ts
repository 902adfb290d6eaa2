/// <reference lib="dom" />
/** What the network makes of the drawing, again and again while it changes. */
import { Bars, likeliest, percent } from "./bars.ts";
import { centred, type Stroke } from "./centre.ts";
import { element } from "./element.ts";
import type { ToWorker } from "./messages.ts";
import { paint } from "./picture.ts";

/** Milliseconds without a new stroke after which the reading is told to screen readers, which else would speak all the time. */
const CALM = 700;

/** Asks for readings of a drawing, one at a time, and shows them. */
export class Reader {
  readonly #list = element("bars");
  readonly #bars = new Bars(this.#list);
  readonly #seen = element("seen", HTMLCanvasElement);
  readonly #guess = element("guess");
  readonly #words = element("reading");
  readonly #told = element("reading-told");
  #id = 0;
  #waiting = false;
  #changed = false;
  #calm: ReturnType<typeof setTimeout> | undefined;

  /** Reads what `strokes` gives when it is asked; `ask` sends to the worker. */
  constructor(readonly strokes: () => readonly Stroke[], readonly ask: (message: ToWorker) => void) {}

  /** Reads a drawing that was changed. */
  read(): void {
    this.readAgain();
    clearTimeout(this.#calm);
    this.#calm = setTimeout(() => this.#told.textContent = this.#words.textContent, CALM);
  }

  /** Reads the drawing as it is now, at once or as soon as the last reading has come. */
  readAgain(): void {
    this.#changed = true;
    this.#list.ariaBusy = "true";
    if (!this.#waiting) requestAnimationFrame(() => this.#send());
    this.#waiting = true;
  }

  #send(): void {
    this.#changed = false;
    const strokes = this.strokes();
    const picture = centred(strokes);
    paint(this.#seen, picture);
    if (strokes.length > 0) return this.ask({ type: "read", id: ++this.#id, picture });
    this.#id++; // a reading that is on its way is of what is gone
    this.#waiting = false;
    this.#list.ariaBusy = "false";
    this.#show(null);
  }

  /** Shows a reading. */
  receive(id: number, probabilities: readonly number[]): void {
    if (id !== this.#id) return;
    this.#waiting = false;
    this.#show(probabilities);
    if (this.#changed) this.readAgain();
    else this.#list.ariaBusy = "false";
  }

  #show(probabilities: readonly number[] | null): void {
    this.#bars.show(probabilities);
    const digit = probabilities === null ? null : likeliest(probabilities);
    this.#guess.textContent = digit === null ? "–" : `${digit}`;
    this.#words.textContent = digit === null ? "Nothing is drawn yet." : inWords(digit, probabilities![digit]);
  }
}

function inWords(digit: number, probability: number): string {
  return `${digit === 8 ? "An" : "A"} ${digit}, ${percent(probability).replace(">", "more than")} sure.`;
}
