/** What a set of labelled pictures looks like to a training script, wherever it came from. */
import type { Tensor } from "../../core/tensor.ts";

/** Pictures and what they show. */
export interface LabelledImages {
  /** Grey levels 0 (background) to 255 (ink), uint8 [n, 28, 28]. */
  images: Tensor;
  /** Classes 0 to 9, uint8 [n]. */
  labels: Tensor;
}

/** A data set in its two parts. */
export interface ImageDataset {
  /** `"mnist"` or `"digits"`. */
  name: string;
  /** Where it came from, in one line for people. */
  source: string;
  /** What to learn from. */
  train: LabelledImages;
  /** What to judge by, never learned from. */
  test: LabelledImages;
}
