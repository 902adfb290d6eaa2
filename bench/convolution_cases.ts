/** The convolutions that their ladder is measured on, each with the rungs that are fast enough for it, and the table of what came out. */
import { backendName, Generator, randn, type Tensor } from "@gradus/gradus";
import { convolutionLadder, type ConvolutionRung } from "@gradus/gradus/ladder";
import { showSeconds } from "./ladder_table.ts";
import { medianSeconds } from "./median_seconds.ts";

/** A convolution of images by kernels. */
export interface ConvolutionCase {
  /** [n, channels, height, width] */
  readonly images: readonly [number, number, number, number];
  /** [outputs, channels, rows, columns] */
  readonly kernels: readonly [number, number, number, number];
  /** The first rung that takes about a second, or whose product of everything with everything fits in memory. */
  readonly from: string;
}

/** One filter over three images, as the course times it; a first layer, a middle one and a large one. */
export const convolutionCases: readonly ConvolutionCase[] = [
  { images: [3, 1, 28, 28], kernels: [1, 1, 3, 3], from: "01_loops" },
  { images: [64, 1, 28, 28], kernels: [8, 1, 5, 5], from: "02_windows" },
  { images: [64, 16, 28, 28], kernels: [16, 16, 3, 3], from: "03_einsum" },
  { images: [16, 64, 28, 28], kernels: [64, 64, 3, 3], from: "03_einsum" },
];

/** What the course measured on its machine for one filter over three images. */
const THERE: Readonly<Record<string, string>> = {
  "01_loops": "7.14 ms",
  "04_unfold": "27.2 µs",
  "05_kernel": "15.7 µs",
};

/** `3×1×28×28 by 1 of 3×3` */
export function caseName({ images, kernels: [outputs, , rows, columns] }: ConvolutionCase): string {
  return `${images.join("×")} by ${outputs} of ${rows}×${columns}`;
}

/** A rung and its convolution, ready to be timed. */
export interface ConvolutionClimb {
  readonly rung: ConvolutionRung;
  readonly convolve: () => Tensor;
}

/**
 * The rungs of a case in order, each checked against the one before it.
 *
 * @throws {Error} If two rungs disagree: a wrong result is not worth timing.
 */
export function climbConvolution(shape: ConvolutionCase): ConvolutionClimb[] {
  const generator = new Generator(42);
  const [x, w] = [randn([...shape.images], { generator }), randn([...shape.kernels], { generator })];
  const bound = convolutionLadder[3].convolve(x.abs(), w.abs()).mul(NEAR);
  let below: Tensor | undefined;
  return convolutionLadder.filter(({ name }) => name >= shape.from).map((rung) => {
    const y = rung.convolve(x, w);
    if (below !== undefined && !within(y, below, bound)) {
      throw new Error(`Cannot time ${rung.name} on ${caseName(shape)}: its result differs from the rung below`);
    }
    below = y;
    return { rung, convolve: () => rung.convolve(x, w) };
  });
}

/** Two sums of products may each be off by 16·ε·Σ|a||b|, as for products. */
const NEAR = 2 * 16 * 2 ** -23;

function within(x: Tensor, y: Tensor, bound: Tensor): boolean {
  const [p, q, limit] = [x, y, bound].map((tensor) => tensor.contiguous().data);
  return p.every((value: number, i: number) => Math.abs(value - q[i]) <= limit[i]);
}

/** The table of one case: seconds and GFLOP/s here, and what the course reports. */
export function convolutionTable(shape: ConvolutionCase, climbs: readonly ConvolutionClimb[]): string {
  const { images: [n, channels, height, width], kernels: [outputs, , rows, columns] } = shape;
  const flops = 2 * n * outputs * (height - rows + 1) * (width - columns + 1) * channels * rows * columns;
  const course = n === 3;
  return [
    `${`${caseName(shape)}, ${backendName()}`.padEnd(38)}       time    GFLOP/s${course ? "   the course" : ""}`,
    ...climbs.map(({ rung, convolve }) => {
      const seconds = medianSeconds(convolve);
      const figures = [showSeconds(seconds), (flops / seconds * 1e-9).toPrecision(3)].map((text) => text.padStart(10));
      return `  ${rung.name.padEnd(36)} ${figures.join(" ")}   ${course ? THERE[rung.name] ?? "" : ""}`.trimEnd();
    }),
  ].join("\n");
}
