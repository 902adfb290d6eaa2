/// <reference lib="dom" />
/** What is seen of learning: figures, curves, filters and mistakes. */
import { accuracyCurve, type Curve, lossCurve } from "./curves.ts";
import { element } from "./element.ts";
import { type DataSummary, type Mistake, MOST_MISTAKES, type Progress, type Verdict } from "./messages.ts";
import { pictureItem } from "./picture.ts";

const whole = new Intl.NumberFormat("en");

/** Milliseconds between two summaries in words, for those who hear them, and before the first. */
const SUMMARY = 15_000, FIRST_SUMMARY = 3000;

const KERNEL = 5, SIDE = 28;

/** The page's view of learning. */
export class Board {
  // Made when there is something to show, one after the other: together with all the rest they would hold the page up.
  #accuracy: Curve | undefined;
  #loss: Curve | undefined;
  #data: DataSummary | undefined;
  /** When the next summary is due, in milliseconds. */
  #due = 0;

  /** A network begins. */
  begin(data: DataSummary): void {
    this.#accuracy?.clear();
    this.#loss?.clear();
    for (const id of ["accuracy", "loss", "speed"]) element(id).textContent = "–";
    element("steps").textContent = "0";
    this.#data = data;
    this.tellData();
    this.#due = performance.now() + FIRST_SUMMARY;
  }

  /** Digits are read from files. */
  waitForData(): void {
    element("data").textContent = "The files are being read.";
  }

  /** Says what is learned from. */
  tellData(): void {
    if (this.#data === undefined) return;
    const { name, train, held } = this.#data;
    element("data").textContent = `${name}: ${whole.format(train)} to learn from, ${whole.format(held)} held out.`;
  }

  /** How far learning has come. */
  progress({ step, perSecond, loss }: Progress): void {
    this.#loss ??= lossCurve(element("loss-curve"));
    if (step > 0) this.#loss.add(step, null, loss);
    element("steps").textContent = whole.format(step);
    element("speed").textContent = perSecond === 0 ? "–" : whole.format(perSecond);
  }

  /** What the network makes of the held-out digits. */
  judged(progress: Progress, { held, right, loss, mistakes }: Verdict): void {
    const part = `${(100 * right / held).toFixed(1)} %`, { step } = progress;
    element("steps").textContent = whole.format(step);
    element("accuracy").textContent = part;
    element("loss").textContent = loss.toFixed(3);
    this.#accuracy ??= accuracyCurve(element("accuracy-curve"));
    this.#accuracy.add(step, 100 * right / held);
    this.#loss?.add(step, loss, step === 0 ? null : progress.loss);
    this.#showMistakes(held - right, held, mistakes);
    if (performance.now() < this.#due) return;
    this.#due = performance.now() + SUMMARY;
    element("summary").textContent = `After ${whole.format(step)} steps ${part} of the held-out digits are right.`;
  }

  #showMistakes(wrong: number, held: number, mistakes: readonly Mistake[]): void {
    const shown = wrong === 0
      ? ""
      : `${wrong > mistakes.length ? ", the first of them" : ""}: what they are → what it reads`;
    element("mistakes-count").textContent = `${whole.format(wrong)} of ${whole.format(held)} held-out digits${shown}`;
    element("mistakes").replaceChildren(...Array.from({ length: MOST_MISTAKES }, (_, i) => mistakeItem(mistakes[i])));
  }

  /** The kernels of the first layer: the middle grey is 0, the shade of ink or paper the largest weight. */
  filters(kernels: Float32Array, width: number): void {
    const size = KERNEL * KERNEL;
    element("filters").replaceChildren(...Array.from({ length: width }, (_, i) => {
      const weights = kernels.slice(i * size, (i + 1) * size);
      const most = weights.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-6);
      return pictureItem(KERNEL, weights.map((weight) => 0.5 + weight / most / 2), `Filter ${i + 1}`);
    }));
  }
}

/** A mistake with what it is and what it was taken for; where there is none a place that keeps what follows from jumping. */
function mistakeItem(mistake: Mistake | undefined): HTMLElement {
  if (mistake === undefined) {
    const place = pictureItem(SIDE, [], "", "–");
    place.className = "empty";
    place.setAttribute("aria-hidden", "true");
    return place;
  }
  const { truth, guess, picture } = mistake, levels = Float32Array.from(picture, (level) => level / 255);
  return pictureItem(SIDE, levels, `${truth}, read as ${guess}`, `${truth} → ${guess}`);
}
