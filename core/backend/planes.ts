/** What the verbs take that work on planes of images and on channels: pooling, resampling, batch normalisation. */

/**
 * The windows along one dimension: window `i` covers `begin[i]`, `begin[i] + step`, … below `end[i]`, which lie within the image.
 * Ordinary, dilated and adaptive pooling are all this.
 */
export interface Windows {
  /** The first place of each window. */
  readonly begin: Int32Array;
  /** One past the last; a window with `end` not above `begin` covers nothing. */
  readonly end: Int32Array;
  /** Each window's part of an average's divisor: what it covers, or more where padding counts. */
  readonly count: Int32Array;
  /** From a place of a window to the next, at least 1. */
  readonly step: number;
}

/** One pooling: of dense planes [planes, h, w], each to [rows, columns] windows. */
export interface Pooling {
  /** The largest element of a window, or the mean. */
  readonly op: "max" | "avg";
  /** How many planes there are: images times channels. */
  readonly planes: number;
  /** Rows of a plane. */
  readonly h: number;
  /** Columns of a plane. */
  readonly w: number;
  /** The windows' places along the rows. */
  readonly rows: Windows;
  /** The windows' places along the columns. */
  readonly cols: Windows;
  /** What a window's sum is divided by; 0 for the product of both counts. */
  readonly divisor: number;
}

/** Where each place along one dimension comes from: `out[i] = (1 − weight[i]) · x[low[i]] + weight[i] · x[high[i]]`. */
export interface Taps {
  /** The first place. */
  readonly low: Int32Array;
  /** The second place; not read where the weight is 0. */
  readonly high: Int32Array;
  /** The second place's weight, from 0 to 1. */
  readonly weight: Float64Array;
}

/** One resampling: of dense planes [planes, h, w], each to as many rows and columns as there are taps. */
export interface Resampling {
  /** How many planes there are. */
  readonly planes: number;
  /** Rows of a plane. */
  readonly h: number;
  /** Columns of a plane. */
  readonly w: number;
  /** Where rows come from. */
  readonly rows: Taps;
  /** Where columns come from. */
  readonly cols: Taps;
}

/** One batch normalisation, of x dense [n, c, l]: each of the c channels over the n · l elements that it has. */
export interface BatchNorm {
  /** Samples. */
  readonly n: number;
  /** Channels. */
  readonly c: number;
  /** Elements of one channel of one sample. */
  readonly l: number;
  /** Whether mean and variance are those of x; else they are given. */
  readonly training: boolean;
  /** The ε that keeps the denominator above 0. */
  readonly eps: number;
  /** What is applied last; the bits are those of `unary` afterwards. */
  readonly activation: "none" | "relu";
}
