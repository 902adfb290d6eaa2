/** What the page and its worker say to each other: nothing else passes between them. */

/** How the network is made and taught. */
export interface Settings {
  /** Channels of the first convolution. */
  readonly width: number;
  /** The learning rate. */
  readonly rate: number;
}

/** Where digits come from: drawn by the library, beside the page in MNIST's four files, or in files that were picked. */
export type DataSource = "built-in" | "beside" | readonly File[];

/** What the page asks for. */
export type ToWorker =
  | { readonly type: "run"; readonly learning: boolean }
  | { readonly type: "step" }
  | { readonly type: "rate"; readonly rate: number }
  | { readonly type: "reset"; readonly width: number }
  | { readonly type: "data"; readonly source: DataSource }
  /** A picture [28, 28] from 0 to 1; the reading comes back with its number. */
  | { readonly type: "read"; readonly id: number; readonly picture: Float32Array<ArrayBuffer> }
  | { readonly type: "save" }
  | { readonly type: "load"; readonly file: File }
  | { readonly type: "export" };

/** The most mistakes that are told. */
export const MOST_MISTAKES = 12;

/** A held-out digit that the network takes for another one. */
export interface Mistake {
  readonly truth: number;
  readonly guess: number;
  /** Grey levels [28, 28], from 0 (paper) to 255 (ink). */
  readonly picture: Uint8Array<ArrayBuffer>;
}

/** What the network makes of the held-out digits. */
export interface Verdict {
  /** How many there are. */
  readonly held: number;
  /** How many it names rightly. */
  readonly right: number;
  /** Their mean cross-entropy. */
  readonly loss: number;
  /** The first that it gets wrong. */
  readonly mistakes: readonly Mistake[];
}

/** How far learning has come. */
export interface Progress {
  readonly step: number;
  /** The mean loss of the latest steps; NaN before the first one. */
  readonly loss: number;
  /** Pictures learned from in a second; 0 while nothing is learned. */
  readonly perSecond: number;
}

/** The name of the digits that the library draws. */
export const BUILT_IN = "Built-in digits";

/** What is learned from. */
export interface DataSummary {
  readonly name: string;
  readonly train: number;
  readonly held: number;
}

/** What the worker answers, or tells by itself. */
export type FromWorker =
  /** Once, when it has found out what computes: `missing` says what the browser lacks. */
  | { readonly type: "ready"; readonly missing: string | null; readonly beside: boolean }
  /** A network begins anew, or goes on with weights that were loaded: what was drawn of the old one is over. */
  | ({ readonly type: "begun"; readonly data: DataSummary } & Settings)
  | { readonly type: "running"; readonly learning: boolean }
  | ({ readonly type: "progress" } & Progress)
  | { readonly type: "judged"; readonly progress: Progress; readonly verdict: Verdict }
  /** The kernels [width, 5, 5] of the first convolution. */
  | { readonly type: "filters"; readonly kernels: Float32Array<ArrayBuffer>; readonly width: number }
  | { readonly type: "reading"; readonly id: number; readonly probabilities: readonly number[] }
  | { readonly type: "saved"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "exported"; readonly source: string }
  /** What could not be done, in a sentence. */
  | { readonly type: "problem"; readonly sentence: string };
