/// <reference lib="dom" />
/** What is shown of a model: tables of layers, mistakes, pictures of weights. */
import type { FirstWeights, LayerSpread, Mistake, PagePicture } from "../messages.ts";
import { drawn, element, figure, made } from "./element.ts";

/** A table of layers, with the spread of each as a histogram and over time. */
export function showLayers(id: string, layers: readonly LayerSpread[]): void {
  const head = made(
    "tr",
    ...["Layer", "Mean", "Deviation", "Zeros", "From", "To", "Histogram", "Deviation over time"].map(headCell),
  );
  const rows = layers.map(({ name, mean, std, zeros, low, high, counts, trace }) =>
    made(
      "tr",
      ...[name, figure(mean), figure(std), `${figure(100 * zeros)} %`, figure(low), figure(high)].map((text) =>
        made("td", text)
      ),
      made("td", histogram(counts, `from ${figure(low)} to ${figure(high)}`)),
      made("td", traceOf(trace)),
    )
  );
  element(id, HTMLTableElement).replaceChildren(made("thead", head), made("tbody", ...rows));
}

function headCell(text: string): HTMLElement {
  const cell = made("th", text);
  cell.scope = "col";
  return cell;
}

function picture(title: string, width: number, height: number, ...parts: SVGElement[]): SVGElement {
  return drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title }, ...parts);
}

function histogram(counts: readonly number[], title: string): SVGElement {
  const most = Math.max(...counts, 1), width = 96, step = width / counts.length;
  const bars = counts.map((count, i) => {
    const height = 24 * count / most;
    return drawn("rect", { class: "bar", x: i * step, y: 24 - height, width: step * 0.85, height });
  });
  return picture(`Histogram ${title}`, width, 24, ...bars);
}

function traceOf(values: readonly number[]): SVGElement {
  const most = Math.max(...values, 1e-30), width = 120;
  const points = values.map((v, i) =>
    `${(i * width / Math.max(values.length - 1, 1)).toFixed(1)},${(23 - 22 * v / most).toFixed(1)}`
  );
  const title = `Deviation over time, now ${figure(values.at(-1))}`;
  return picture(title, width, 24, drawn("polyline", { class: "trace", points: points.join(" ") }));
}

/** A picture of bytes on a canvas of its own size. */
function canvasOf({ width, height, channels, pixels }: PagePicture, said: string): HTMLCanvasElement {
  const canvas = made("canvas"), bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  [canvas.width, canvas.height] = [width, height];
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", said);
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = bytes[channels === 3 ? 3 * i + c : i];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas;
}

/** The worst mistakes, as pictures or rows. */
export function showMistakes(mistakes: readonly Mistake[]): void {
  element("mistakes", HTMLUListElement).replaceChildren(
    ...mistakes.map(({ loss, target, prediction, sample, picture, row }) => {
      const words = `is ${target}, taken for ${prediction}`, number = sample === null ? "" : `, number ${sample}`;
      const shown = picture === null ? [] : [canvasOf(picture, words)];
      const cells = row.flatMap(([name, value]) => [made("dt", name), made("dd", figure(value))]);
      return made(
        "li",
        ...shown,
        made("div", words),
        made("div", `loss ${figure(loss)}${number}`),
        made("dl", ...cells),
      );
    }),
  );
}

/** The weights of the first layer. */
export function showWeights({ name, pictures }: FirstWeights): void {
  element("weights-name", HTMLSpanElement).textContent = name;
  const canvases = pictures.map((picture, i) => canvasOf(picture, `weights ${i}`));
  if (canvases.length === 1) {
    canvases[0].className = "matrix";
    canvases[0].style.width = `${12 * pictures[0].width}px`;
  }
  element("weights", HTMLDivElement).replaceChildren(...canvases);
}
