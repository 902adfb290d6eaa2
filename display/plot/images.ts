/** Pictures in a grid, with what they are and what they were taken for. */
import { checkOptions, describe, requireTexts, shown } from "../../core/arguments.ts";
import { elements } from "../../core/ops/movement.ts";
import { Tensor } from "../../core/tensor.ts";
import { dataUrl, enlarged, type Picture, type Pictures, picturesOf, tiled } from "./picture.ts";
import { Plot } from "./plot.ts";
import { counted, short, specOf } from "./spec.ts";
import { drawShades } from "./terminal.ts";

/** Classes of pictures: a tensor of numbers, or an array of numbers or names. */
export type PictureClasses = Tensor | readonly (number | string)[];

/** The options of {@linkcode plotImages}. */
export interface ImagesOptions {
  /** What each picture is. */
  labels?: PictureClasses;
  /** What each was taken for; those that are wrong stand out. */
  predictions?: PictureClasses;
  /** The names of the classes, where labels are numbers. */
  classes?: readonly string[];
  /**
   * Pictures of a row.
   *
   * @default {8}
   */
  columns?: number;
  /**
   * The most that are shown.
   *
   * @default {64}
   */
  most?: number;
  /**
   * The level that is black, and the one that is white.
   *
   * @default {the least and the largest}
   */
  range?: readonly [low: number, high: number];
  /** What stands above them. */
  title?: string;
}

/**
 * Pictures in a grid: a tensor [height, width], [n, height, width] or [n, channels, height, width], grey or of three colours; [1 or 3,
 * height, width] is one picture of so many channels.
 *
 * @throws {RangeError} If the shape is no pictures', or there are fewer labels than pictures.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { plotImages } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * const two = tensor([[[0, 1], [0, 1]], [[1, 1], [0, 0]]]);
 * const plot = plotImages(two, { labels: [1, 7], predictions: [1, 2] });
 * assertEquals(plot.description, "2 pictures of 2 × 2, levels from 0 to 1; 1 of them taken for another.");
 * assertEquals(plot.values.rows, [["1", "1", "1", "right"], ["2", "7", "2", "wrong"]]);
 * ```
 */
export function plotImages(x: Tensor, options: ImagesOptions = {}): Plot {
  const known = ["labels", "predictions", "classes", "columns", "most", "range", "title"] as const;
  checkOptions("plot pictures", options, known, { columns: "number", most: "number", title: "string" });
  const { columns = 8, most = 64, range, title = "Pictures" } = options;
  for (const [name, count] of Object.entries({ columns, most })) {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`Cannot plot pictures with ${name} ${shown(count)}: give a whole number from 1`);
    }
  }
  const pictures = picturesOf(x, most, range);
  const captions = captionsOf(pictures.all.length, options);
  const description = inWords(pictures, captions);
  const across = Math.min(columns, pictures.all.length);
  return new Plot({
    ...{ title, description },
    values: { heads: ["picture", "is", "taken for", ""], rows: captions.map(cellsOf) },
    spec: gridSpec(title, description, pictures.all, captions, across),
    text: (width) => drawGrid(pictures.all, captions, width),
    picture: () => enlarged(tiled(pictures.all, across), timesOf(pictures.all[0])),
  });
}

interface Caption {
  readonly label: string | null;
  readonly prediction: string | null;
}

const isWrong = ({ label, prediction }: Caption) => label !== null && prediction !== null && label !== prediction;

function captionsOf(count: number, { labels, predictions, classes }: ImagesOptions): Caption[] {
  requireTexts("plot pictures", "classes", classes);
  const names = (given: PictureClasses | undefined, what: string) => {
    const list = given === undefined ? null : listOf(given, what);
    if (list !== null && list.length < count) {
      throw new RangeError(`Cannot plot ${count} pictures with ${list.length} ${what}: give one for each`);
    }
    return (i: number) =>
      list === null ? null : typeof list[i] === "number" ? classes?.[list[i]] ?? `${list[i]}` : list[i];
  };
  const [label, prediction] = [names(labels, "labels"), names(predictions, "predictions")];
  return Array.from({ length: count }, (_, i) => ({ label: label(i), prediction: prediction(i) }));
}

function listOf(given: PictureClasses, what: string): readonly (number | string)[] {
  if (given instanceof Tensor) return Array.from(elements(given), Number);
  if (Array.isArray(given)) return given;
  throw new TypeError(`Cannot plot pictures with ${what} ${describe(given)}: give a tensor or an array`);
}

function captionText({ label, prediction }: Caption): string {
  if (prediction === null || prediction === label) return label ?? "";
  return label === null ? prediction : `${prediction}, is ${label}`;
}

function cellsOf(caption: Caption, i: number): string[] {
  const { label, prediction } = caption;
  const verdict = label === null || prediction === null ? "" : isWrong(caption) ? "wrong" : "right";
  return [`${i + 1}`, label ?? "–", prediction ?? "–", verdict];
}

function inWords({ all, count, range: [low, high], odd }: Pictures, captions: readonly Caption[]): string {
  const [{ width, height, channels }] = all;
  const size = `${height} × ${width}${channels === 3 ? " in colours" : ""}`;
  const what = count > all.length ? `The first ${all.length} of ${count} pictures` : counted(count, "picture");
  const judged = captions.some(({ label, prediction }) => label !== null && prediction !== null);
  const wrong = judged ? `; ${captions.filter(isWrong).length} of them taken for another` : "";
  const lost = odd > 0 ? `; ${counted(odd, "level")} not finite, shown black` : "";
  return `${what} of ${size}, levels from ${short(low)} to ${short(high)}${wrong}${lost}.`;
}

/** How much a picture is enlarged, to be seen well: to about 64 pixels. */
function timesOf({ width, height }: Picture): number {
  return Math.max(1, Math.floor(64 / Math.max(width, height)));
}

function gridSpec(
  title: string,
  description: string,
  all: readonly Picture[],
  captions: readonly Caption[],
  columns: number,
) {
  const times = timesOf(all[0]);
  const [width, height] = [all[0].width * times, all[0].height * times];
  const longest = Math.max(...captions.map((caption) => captionText(caption).length));
  const line = longest > 0 ? 16 : 0;
  const [stepX, stepY] = [Math.max(width, 9 * Math.min(longest, 24)) + 8, height + line + 6];
  const values = all.map((picture, i) => ({
    url: dataUrl(enlarged(picture, times)),
    x: (i % columns) * stepX,
    y: Math.floor(i / columns) * stepY,
    caption: captionText(captions[i]),
    wrong: isWrong(captions[i]),
  }));
  const at = (field: string, end: number) => ({
    field,
    type: "quantitative",
    axis: null,
    scale: { domain: [0, end], nice: false },
  });
  const [right, bottom] = [columns * stepX, Math.ceil(all.length / columns) * stepY];
  const place = { x: { ...at("x", right), scale: { domain: [0, right], range: [0, right] } } };
  const row = { y: { ...at("y", bottom), scale: { domain: [0, bottom], range: [0, bottom] } } };
  const colour = { condition: { test: "datum.wrong", value: "#D55E00" }, value: "currentColor" };
  const layer = [
    {
      mark: { type: "image", width, height, align: "left", baseline: "top", aspect: false, yOffset: line },
      encoding: { url: { field: "url", type: "nominal" } },
    },
    {
      mark: { type: "text", align: "left", baseline: "top", dy: 2, fontSize: 11, limit: stepX },
      encoding: { text: { field: "caption", type: "nominal" }, color: colour },
    },
  ];
  return specOf(title, description, values, { width: right, height: bottom, encoding: { ...place, ...row }, layer });
}

/** As many pictures as fit in a line, side by side in shades, and their captions below them. */
function drawGrid(all: readonly Picture[], captions: readonly Caption[], columns: number): string {
  const side = Math.min(14, all[0].width), gap = 2;
  const blocks = all.slice(0, Math.max(1, Math.floor((columns + gap) / (2 * side + gap)))).map((picture, i) => [
    ...drawShades(shadesOf(picture, side)).split("\n"),
    captionText(captions[i]).slice(0, 2 * side),
  ]);
  const lines = blocks[0].map((_, row) => blocks.map((block) => block[row].padEnd(2 * side + gap)).join("").trimEnd());
  return lines.join("\n").trimEnd();
}

/** The means of the levels in cells of a grid `side` wide, from 0 to 1. */
function shadesOf({ width, height, channels, data }: Picture, side: number): number[][] {
  const cell = width / side;
  const span = (i: number, end: number): [number, number] => {
    const first = Math.floor(i * cell);
    return [first, Math.min(end, Math.max(first + 1, Math.floor((i + 1) * cell)))];
  };
  return Array.from(
    { length: Math.max(1, Math.round(height / cell)) },
    (_, row) =>
      Array.from({ length: side }, (_, column) => {
        const [[top, bottom], [left, right]] = [span(row, height), span(column, width)];
        let sum = 0;
        for (let y = top; y < bottom; y++) {
          for (let x = left * channels; x < right * channels; x++) sum += data[y * width * channels + x];
        }
        return sum / (255 * channels * Math.max(1, (bottom - top) * (right - left)));
      }),
  );
}
