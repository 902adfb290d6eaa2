/** Pictures of one's own: a folder with one folder for each class. */
import { checkOptions, requirePath, shown } from "../../core/arguments.ts";
import { fromData } from "../../core/create.ts";
import { files } from "../../core/host/files.ts";
import { failure, granted, isFailure } from "../../core/host/host.ts";
import type { Tensor } from "../../core/tensor.ts";
import { checkPngOptions, type PngOptions, readPng } from "../formats/png.ts";
import { resized } from "../formats/resized.ts";

/** How {@linkcode imageFolder} reads pictures. */
export interface ImageFolderOptions extends PngOptions {
  /**
   * Height and width that every picture is brought to, each new pixel the mean of what it covers; one number for both. Without it, all
   * must be of one size.
   *
   * @default {"that of the pictures"}
   */
  size?: number | readonly [height: number, width: number];
}

/** The pictures in a folder. */
export interface ImageFolder {
  /** Levels 0 (black) to 255 (white), uint8 [n, height, width], or [n, 3, height, width] with three channels. */
  images: Tensor;
  /** The class of each picture, its place in `classes`, int32 [n]. */
  labels: Tensor;
  /** The names of the classes, which are those of the folders, sorted. */
  classes: string[];
  /** The file of each picture. */
  paths: string[];
  /** The files that are no pictures by their names, and were left out. */
  skipped: string[];
}

/**
 * The PNG pictures in the folder `dir`, which has one folder for each class: classes in the order of their names, and in each the
 * pictures in the order of theirs. Files that do not end in `.png`, folders within the classes, and files beside these are named in
 * `skipped`. Never asks for a permission.
 *
 * @throws {Deno.errors.NotFound} if there is no such folder
 * @throws {Deno.errors.NotCapable} if it may not be read
 * @throws {SyntaxError} if a file is called `.png` and is none, or is damaged; the message names it
 * @throws {RangeError} if there is no picture; or if sizes differ, and `size` is not given
 *
 * @example
 * ```ts
 * import { imageFolder } from "@gradus/gradus/data";
 * import { assertEquals } from "@std/assert";
 *
 * const onePixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4XmNgBwAACQAIthLoQgAAAABJRU5ErkJggg==";
 * const dir = await Deno.makeTempDir();
 * for (const name of ["cat", "dog"]) {
 *   await Deno.mkdir(`${dir}/${name}`);
 *   await Deno.writeFile(`${dir}/${name}/1.png`, Uint8Array.fromBase64(onePixel));
 * }
 * const { images, labels, classes } = await imageFolder(dir);
 * assertEquals([images.shape, labels.toArray(), classes], [[2, 1, 1], [0, 1], ["cat", "dog"]]);
 * await Deno.remove(dir, { recursive: true });
 * ```
 */
export async function imageFolder(dir: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
  requirePath(dir, "read");
  const { size, ...png } = options;
  checkOptions("read pictures", options, ["size", "channels", "maxBytes"]);
  checkPngOptions(png);
  const wanted = size === undefined ? null : sizeFrom(size);
  await files(`read ${dir}`, "read its files by readPng()");
  if (!granted({ name: "read", path: dir })) {
    throw failure("NotCapable", `Cannot read ${dir}: no permission (--allow-read=${dir})`);
  }
  const { classes, pictureFiles, skipped } = await filesIn(dir).catch((cause) => {
    if (!isFailure(cause, "NotFound")) throw cause;
    throw failure("NotFound", `Cannot read ${dir}: there is no such folder`, { cause });
  });
  const pictures: Tensor[] = [];
  for (const { path } of pictureFiles) pictures.push(inSize(await readPng(path, png), wanted));
  const paths = pictureFiles.map(({ path }) => path);
  if (pictures.length === 0) {
    const found = skipped.length > 0 ? `, and these are none: ${skipped.slice(0, 5).join(", ")}` : "";
    throw new RangeError(`Cannot find a picture in ${dir}: expected a folder for each class, with .png files${found}`);
  }
  const labels = Int32Array.from(pictureFiles, ({ label }) => label);
  return { images: stacked(pictures, paths), labels: fromData(labels, [labels.length]), classes, paths, skipped };
}

function sizeFrom(size: number | readonly [number, number]): readonly [height: number, width: number] {
  const both = typeof size === "number" ? [size, size] as const : size;
  if (Array.isArray(both) && both.length === 2 && both.every((n) => Number.isInteger(n) && n > 0)) return both;
  const found = Array.isArray(size) ? `[${size}]` : shown(size);
  throw new RangeError(`Cannot read pictures with size ${found}: give whole numbers from 1, as in [28, 28]`);
}

interface Found {
  classes: string[];
  pictureFiles: { path: string; label: number }[];
  skipped: string[];
}

/** The pictures in the folders in `dir`, by their names, and what is none. */
async function filesIn(dir: string): Promise<Found> {
  const found: Found = { classes: [], pictureFiles: [], skipped: [] };
  const { stat } = await files(`read ${dir}`);
  for (const name of await namesIn(dir)) {
    const folder = `${dir}/${name}`;
    if (!(await stat(folder)).isDirectory) {
      found.skipped.push(folder);
      continue;
    }
    const label = found.classes.push(name) - 1;
    for (const file of await namesIn(folder)) {
      const path = `${folder}/${file}`;
      if (/\.png$/i.test(file)) found.pictureFiles.push({ path, label });
      else found.skipped.push(path);
    }
  }
  return found;
}

/** Sorted, so that the order is the same on every machine. */
async function namesIn(folder: string): Promise<string[]> {
  const { readDir } = await files(`read ${folder}`);
  const names: string[] = [];
  for await (const { name } of readDir(folder)) names.push(name);
  return names.sort();
}

/** Levels [height, width] or [3, height, width] as bytes in the size that is wanted. */
function inSize(picture: Tensor, wanted: readonly [height: number, width: number] | null): Tensor {
  const [height, width] = picture.shape.slice(-2), [h, w] = wanted ?? [height, width];
  const levels = picture.data as Float32Array, area = height * width;
  const bytes = new Uint8Array(picture.numel() / area * h * w);
  for (let plane = 0; plane * area < levels.length; plane++) {
    const before = { width, height, levels: levels.subarray(plane * area, (plane + 1) * area) };
    const after = h === height && w === width ? before : resized(before, w, h);
    bytes.set(after.levels.map(Math.round), plane * h * w);
  }
  return fromData(bytes, [...picture.shape.slice(0, -2), h, w]);
}

function stacked(pictures: readonly Tensor[], paths: readonly string[]): Tensor {
  const [{ shape }] = pictures, size = pictures[0].numel();
  const odd = pictures.findIndex((picture) => `${picture.shape}` !== `${shape}`);
  if (odd >= 0) {
    const text = (i: number) => `${paths[i]} is [${pictures[i].shape.slice(-2).join(", ")}]`;
    throw new RangeError(`Cannot stack pictures of two sizes: ${text(0)}, ${text(odd)}; give size: [height, width]`);
  }
  const bytes = new Uint8Array(pictures.length * size);
  pictures.forEach((picture, i) => bytes.set(picture.data, i * size));
  return fromData(bytes, [pictures.length, ...shape]);
}
