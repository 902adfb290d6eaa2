/** What the server tells the page, and what the page asks of it. */
import type { EpochRecord } from "../../layers/train/train.ts";

/** Where the run is. */
export interface RunStatus {
  readonly name: string;
  readonly state: "training" | "paused" | "ended";
  /** Why it ended, or what it is about to do. */
  readonly note: string;
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  readonly step: number;
  /** What the page has made of the learning rate: a factor. */
  readonly factor: number;
}

/** The numbers of a step. */
export interface Point {
  readonly step: number;
  readonly loss: number | null;
  /** The learning rate. */
  readonly lr: number;
  /** Training rows a second. */
  readonly rows: number;
  /** Megabytes of memory. */
  readonly memory: number | null;
}

/** How the elements of a layer's output, or of a gradient, are spread at a step. */
export interface LayerSpread {
  readonly name: string;
  readonly mean: number;
  readonly std: number;
  /** The fraction that is exactly 0. */
  readonly zeros: number;
  /** The ends of the histogram, and its buckets. */
  readonly low: number;
  readonly high: number;
  readonly counts: readonly number[];
  /** The standard deviations so far, the last of them this one's. */
  readonly trace: readonly number[];
}

/** A picture: bytes row by row, in base64. */
export interface PagePicture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly pixels: string;
}

/** A validation sample with a large loss. */
export interface Mistake {
  readonly loss: number;
  readonly target: string;
  readonly prediction: string;
  /** Its number in the dataset, where that is known. */
  readonly sample: number | null;
  readonly picture: PagePicture | null;
  readonly row: readonly (readonly [name: string, value: number])[];
}

/** The weights of the first layer that has some. */
export interface FirstWeights {
  readonly name: string;
  readonly pictures: readonly PagePicture[];
}

/** What has changed; all of it for a page that has just come. */
export interface Update {
  readonly whole?: boolean;
  readonly status?: RunStatus;
  readonly points?: readonly Point[];
  readonly history?: readonly EpochRecord[];
  readonly activations?: readonly LayerSpread[];
  readonly gradients?: readonly LayerSpread[];
  readonly mistakes?: readonly Mistake[];
  readonly weights?: FirstWeights | null;
}

/** What the page asks for. */
export type Control =
  | { readonly action: "pause" | "resume" | "stop" }
  | { readonly action: "rate"; readonly factor: number };

/** A run that has been written down. */
export interface WrittenRun {
  readonly name: string;
  readonly history: readonly EpochRecord[];
}
