/** A tensor in a notebook: a picture where it is one, a table of shades where it is a small matrix, and its text. */
import type { MimeBundle } from "../../core/displayer.ts";
import { show } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { escaped, figureHtml } from "../plot/html.ts";
import { base64, encodePicture, enlarged, pictureShape, picturesOf, tiled } from "../plot/picture.ts";
import { counted, short } from "../plot/spec.ts";

/** Rows and columns up to which a matrix is a table. */
const TABLE = 12;
/** The sides that a picture has; a longer one is a matrix of data. */
const [LEAST, MOST] = [8, 1024];
/** Pictures of a batch that are shown, and how many stand in a row. */
const [SHOWN, ACROSS] = [64, 8];

/** The forms of a tensor. */
export function tensorBundle(x: Tensor): MimeBundle {
  const text = { "text/plain": `${x}` };
  if (x.ndim === 2 && x.numel() > 0 && Math.max(...x.shape) <= TABLE) return { ...text, "text/html": tableOf(x) };
  const sizes = pictureShape(x.shape);
  if (sizes === null || sizes.slice(2).some((side) => side < LEAST || side > MOST)) return text;
  return { ...text, ...pictureBundle(x) };
}

function pictureBundle(x: Tensor): MimeBundle {
  const { all, count, range: [low, high], odd } = picturesOf(x, SHOWN);
  const [{ width, height }] = all;
  const grid = tiled(all, Math.min(ACROSS, all.length));
  const png = base64(
    encodePicture(enlarged(grid, Math.max(1, Math.floor((count === 1 ? 140 : 64) / Math.max(width, height))))),
  );
  const what = count > all.length ? `the first ${all.length} of ${count} pictures` : counted(count, "picture");
  const lost = odd > 0 ? `; ${counted(odd, "element")} not finite, shown black` : "";
  const caption = `${kind(x)}: ${what} of ${height} × ${width}, ${short(low)} black, ${short(high)} white${lost}`;
  const img = `<img alt="${escaped(caption)}" src="data:image/png;base64,${png}">`;
  return { "text/html": figureHtml(img, caption, spreadOf(x, all.length)), "image/png": png };
}

const kind = (x: Tensor) => `tensor ${show(x.shape)} of ${x.dtype}`;

/** The least, the mean and the largest level of each picture that is shown. */
function spreadOf(x: Tensor, count: number) {
  const [n, ...sizes] = pictureShape(x.shape)!;
  const flat = x.detach().double().reshape([n, sizes.reduce((a, b) => a * b, 1)]);
  const rows = Array.from({ length: count }, (_, i) => {
    const levels = flat.select(0, i);
    return [`${i}`, ...[levels.min(), levels.mean(), levels.max()].map((level) => short(level.item()))];
  });
  return { heads: ["picture", "least", "mean", "largest"], rows };
}

/** A cell for each element, blue above 0 and orange below, the deeper the larger. */
function tableOf(x: Tensor): string {
  const rows = x.detach().double().toArray() as number[][];
  const most = Math.max(...rows.flat().filter(Number.isFinite).map(Math.abs), 0) || 1;
  const cells = rows.map((row) =>
    row.map((value) => `<td style="${shade(value / most)}">${short(value)}</td>`).join("")
  );
  const body = cells.map((row) => `<tr>${row}</tr>`).join("");
  return `<table style="font-variant-numeric:tabular-nums"><caption>${
    escaped(kind(x))
  }</caption><tbody>${body}</tbody></table>`;
}

/** A shade that text of the page's colour is read on, whether the page is light or dark. */
function shade(part: number): string {
  if (!Number.isFinite(part) || part === 0) return "text-align:right";
  const colour = part > 0 ? "0,114,178" : "213,94,0";
  return `text-align:right;background:rgba(${colour},${(0.5 * Math.abs(part)).toFixed(3)})`;
}
