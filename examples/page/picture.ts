/// <reference lib="dom" />
/** Small pictures of grey levels, with and without a line of text. */
import { contextOf, make } from "./element.ts";

/** Paints levels from 0 (paper) to 1 (ink), row by row, as black ink on nothing: the style sheet turns it where the page is dark. */
export function paint(canvas: HTMLCanvasElement, levels: ArrayLike<number>): void {
  const { width, height } = canvas, context = contextOf(canvas);
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data[4 * i + 3] = 255 * levels[i];
  context.putImageData(image, 0, 0);
}

/** An entry of a list: a picture that is described, and what stands below it. */
export function pictureItem(
  side: number,
  levels: ArrayLike<number>,
  description: string,
  caption?: string,
): HTMLElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  canvas.className = "picture";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", description);
  paint(canvas, levels);
  if (caption === undefined) return make("li", "", canvas);
  return make("li", "", make("figure", "", canvas, make("figcaption", "", caption)));
}
