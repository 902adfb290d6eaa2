/** What a network makes of digits that it does not learn from. */
import { nn } from "@gradus/gradus";
import type { LabelledImages } from "@gradus/gradus/data";
import { normalizer } from "@gradus/gradus/data";
import { SIDE } from "./centre.ts";
import { type Mistake, MOST_MISTAKES, type Verdict } from "./messages.ts";
import { withoutLearning } from "./network.ts";

/** Pictures at a time: between two such pieces the worker hears what the page asks. */
const PIECE = 50;

const toUnit = normalizer({ mean: 0, std: 1 });

/** Judges a network piece by piece, and returns the verdict. */
export function* judging(network: nn.Sequential, held: LabelledImages): Generator<void, Verdict> {
  const count = held.labels.numel(), mistakes: Mistake[] = [];
  let right = 0, loss = 0;
  for (let from = 0; from < count; from += PIECE) {
    const images = held.images.slice(0, from, from + PIECE), labels = held.labels.slice(0, from, from + PIECE);
    const logits = withoutLearning(network, () => network.call(toUnit(images)));
    loss += nn.functional.crossEntropy(logits, labels).item() * labels.numel();
    const guesses = logits.argmax(1).toArray() as number[], truths = labels.toArray() as number[];
    guesses.forEach((guess, i) => {
      if (guess === truths[i]) right++;
      else if (mistakes.length < MOST_MISTAKES) {
        mistakes.push({ truth: truths[i], guess, picture: pictureAt(held, from + i) });
      }
    });
    yield;
  }
  return { held: count, right, loss: loss / count, mistakes };
}

function pictureAt({ images }: LabelledImages, i: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(images.data.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE));
}
