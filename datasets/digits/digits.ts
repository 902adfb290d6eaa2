/** Digits that a program draws, as if written by hand: a data set that needs no file and no network. */
import { checkOptions, describe, requireArray, requireChoice, requireTensor } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { runAtOnce, type Steps } from "../../core/event_loop.ts";
import { terminal } from "../../core/host/host.ts";
import { elements } from "../../core/ops/movement.ts";
import { Generator } from "../../core/random/generator.ts";
import { Tensor } from "../../core/tensor.ts";
import { DigitCanvas, renderDigit } from "./render_digit.ts";
import type { ImageDataset, LabelledImages } from "../named/mnist_folder.ts";

/** How many digits are drawn. */
export interface DigitsOptions {
  /**
   * Digits of the training set.
   *
   * @default {12000}
   */
  train?: number;
  /**
   * Digits of the test set.
   *
   * @default {2000}
   */
  test?: number;
  /**
   * The seed: the same digits for the same seed.
   *
   * @default {0}
   */
  seed?: number;
}

const SIDE = 28;

/** Digits a step, between which the event loop can turn. */
const STEP = 64;

/**
 * Digits of 28 × 28 pixels that a program draws: strokes in several styles, rotated, slanted, scaled, shifted and jittered at random.
 * Shapes and dtypes are those of MNIST from {@linkcode loadMnist}.
 *
 * The two parts have random streams of their own: more digits in `train` leave `test` unchanged. Drawing takes 20 µs a digit, without a
 * pause; {@linkcode loadMnist} lets the event loop turn meanwhile.
 *
 * @throws {RangeError} if a count is negative or not an integer, or `seed` is not an integer
 *
 * @example
 * ```ts
 * import { digits } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = digits({ train: 100, test: 10, seed: 1 });
 * assertEquals(train.images.shape, [100, 28, 28]);
 * ```
 */
export function digits(options: DigitsOptions = {}): ImageDataset {
  return runAtOnce(digitsInSteps(options));
}

/** The same in steps. */
export function* digitsInSteps(options: DigitsOptions): Steps<ImageDataset> {
  checkOptions("write digits", options, ["train", "test", "seed"], {
    train: "number",
    test: "number",
    seed: "number",
  });
  const { train = 12_000, test = 2_000, seed = 0 } = options;
  return {
    name: "digits",
    source: `built-in generator, seed ${seed}`,
    train: yield* write(train, 2 * seed),
    test: yield* write(test, 2 * seed + 1),
  };
}

function* write(count: number, seed: number): Steps<LabelledImages> {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`Cannot write ${count} digits: count them from 0`);
  }
  const random = new Generator(seed), canvas = new DigitCanvas(SIDE);
  const images = new Uint8Array(count * SIDE * SIDE), labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = random.nextBelow(10);
    renderDigit(labels[i], canvas, random, images, i * SIDE * SIDE);
    if (i % STEP === 0) yield;
  }
  return { images: fromData(images, [count, SIDE, SIDE]), labels: fromData(labels, [count]) };
}

// Pictures as text.

/** How {@linkcode drawDigit} draws. */
export interface DrawOptions {
  /** Characters in a row: by default as many as the picture has pixels. */
  columns?: number;
  /**
   * The level of full ink; values at or below 0 are background.
   *
   * @default {255}
   */
  max?: number;
  /**
   * `"blocks"` draws half blocks, two pixels above each other in a character; `"ascii"` draws shades in ASCII.
   *
   * @default {"blocks"} in a terminal, else `"ascii"`
   */
  style?: "blocks" | "ascii";
}

const SHADES = " .:-=+*#%@";
const BLOCKS = [" ", "▄", "▀", "█"]; // by ink: none, below, above, both

/**
 * A square picture as lines of text: half as many lines as columns, since a character is twice as high as wide.
 *
 * @param picture Grey levels, an array of them row by row or a tensor [side, side]
 * @throws {RangeError} if the picture is not square, or `columns` is not a positive integer
 *
 * @example
 * ```ts
 * import { drawDigit } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(drawDigit([255, 0, 255, 255], { style: "blocks" }), "█▄");
 * ```
 */
export function drawDigit(picture: ArrayLike<number> | Tensor, options: DrawOptions = {}): string {
  const image = picture instanceof Tensor ? elements(picture) : picture;
  if (typeof image?.length !== "number") {
    throw new TypeError(`Cannot draw ${describe(image)}: give its levels in an array, row by row`);
  }
  checkOptions("draw", options, ["columns", "max", "style"], { columns: "number", max: "number" });
  const side = Math.sqrt(image.length);
  if (!Number.isInteger(side)) throw new RangeError(`Cannot draw ${image.length} pixels: the picture is not square`);
  const { columns = side, max = 255, style = terminal("stdout").terminal ? "blocks" : "ascii" } = options;
  if (!Number.isInteger(columns) || columns < 1) {
    throw new RangeError(`Cannot draw ${columns} columns: at least 1 is needed`);
  }
  requireChoice("draw", "style", style, ["blocks", "ascii"]);
  const character = style === "blocks" ? block : shade;
  const lines = Array.from({ length: Math.ceil(columns / 2) }, (_, line) => {
    const pixel = (row: number, column: number) => ink(image, side, columns, row, column) / max;
    return Array.from({ length: columns }, (_, x) => character(pixel(2 * line, x), pixel(2 * line + 1, x))).join("");
  });
  return lines.join("\n");
}

/**
 * Several pictures side by side, each with a caption below it.
 *
 * @param pictures Grey levels [n, side, side]
 * @param captions A line for each
 * @throws {RangeError} if there is not one caption for each picture, or a picture is not square
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { drawDigits } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const pictures = tensor([[[255, 0], [255, 255]], [[0, 0], [255, 255]]]);
 * assertEquals(drawDigits(pictures, ["L", "bar"], { style: "blocks" }), "█▄   ▄▄\nL    bar");
 * ```
 */
export function drawDigits(pictures: Tensor, captions: readonly string[], options: DrawOptions = {}): string {
  requireTensor(pictures, "draw");
  requireArray(captions, "write below the pictures", '["a 7"]');
  if (pictures.ndim !== 3 || pictures.shape[0] !== captions.length) {
    throw new RangeError(
      `Cannot draw [${pictures.shape}] with ${captions.length} captions: expected one for each of [n, side, side]`,
    );
  }
  const blocks = captions.map((caption, i) => [...drawDigit(pictures.at(i), options).split("\n"), caption]);
  const width = 2 + Math.max(0, ...blocks.flat().map((line) => line.length));
  const rows = blocks[0]?.map((_, row) => blocks.map((lines) => lines[row].padEnd(width)).join("").trimEnd()) ?? [];
  return rows.join("\n");
}

/** The mean level in the cell `row, column` of a grid of `cells` by `cells` over the picture; 0 past the edge. */
function ink(image: ArrayLike<number>, side: number, cells: number, row: number, column: number): number {
  if (row >= cells) return 0;
  const [top, bottom] = span(row, side / cells), [left, right] = span(column, side / cells);
  let sum = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) sum += image[y * side + x];
  }
  return sum / ((bottom - top) * (right - left));
}

/** The pixels that cell `i` covers, at least one. */
function span(i: number, pixels: number): [number, number] {
  const first = Math.floor(i * pixels);
  return [first, Math.max(first + 1, Math.floor((i + 1) * pixels))];
}

function block(above: number, below: number): string {
  return BLOCKS[2 * Number(above >= 0.5) + Number(below >= 0.5)];
}

function shade(above: number, below: number): string {
  const level = Math.min(Math.max((above + below) / 2, 0), 1);
  return SHADES[Math.round(level * (SHADES.length - 1))];
}
