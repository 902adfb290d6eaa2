/** Renders digits as if written by hand: strokes that are distorted at random, drawn with a pen of random width. */
import type { Generator } from "../../core/random/generator.ts";

/**
 * A stroke of the pen: the points that it passes through, as x, y pairs in a box of 100 by 100, x to the right, y down. The pen goes
 * smoothly through the points; two points make a straight line, and a corner is where one stroke ends and the next begins.
 */
type Stroke = readonly number[];

/** The digits 0 to 9, each in several styles, each made of strokes. */
const DIGIT_STROKES: readonly (readonly Stroke[])[][] = [
  [
    [[50, 2, 20, 18, 8, 50, 18, 84, 48, 98, 80, 84, 92, 50, 82, 18, 50, 2]],
    [[62, 2, 36, 14, 18, 46, 22, 82, 42, 98, 66, 84, 80, 50, 76, 16, 58, 4, 46, 12]],
  ],
  [
    [[52, 2, 48, 98]],
    [[28, 24, 54, 2], [54, 2, 54, 98]],
    [[30, 20, 52, 2], [52, 2, 52, 98], [26, 98, 78, 98]],
  ],
  [
    [[14, 26, 28, 8, 52, 2, 78, 14, 80, 36, 60, 60, 34, 80, 12, 97], [12, 97, 50, 95, 90, 96]],
    [[16, 22, 40, 4, 70, 8, 80, 30, 64, 58, 38, 84, 20, 94, 12, 84, 24, 76, 46, 86, 68, 96, 92, 90]],
  ],
  [
    [[16, 12, 46, 2, 76, 12, 76, 34, 46, 47], [46, 47, 78, 56, 86, 76, 66, 96, 36, 98, 10, 86]],
    [[16, 4, 82, 4], [82, 4, 46, 42], [46, 42, 76, 48, 88, 70, 70, 94, 38, 98, 10, 86]],
  ],
  [
    [[22, 4, 16, 40, 20, 56, 50, 58, 84, 52], [72, 4, 70, 50, 66, 98]],
    [[66, 2, 10, 66], [10, 66, 92, 66], [66, 2, 66, 98]],
  ],
  [
    [[82, 4, 26, 5], [26, 5, 22, 44], [22, 44, 52, 38, 82, 54, 82, 80, 54, 98, 14, 90]],
    [[84, 8, 56, 2, 36, 10, 28, 40, 60, 44, 80, 62, 74, 86, 46, 98, 14, 88]],
  ],
  [
    [[70, 3, 42, 20, 20, 52, 18, 80, 42, 98, 72, 90, 80, 68, 60, 52, 34, 58, 20, 76]],
    [[38, 2, 24, 36, 18, 70, 34, 96, 66, 96, 82, 74, 62, 56, 36, 62, 20, 78]],
  ],
  [
    [[12, 6, 86, 6], [86, 6, 62, 44, 42, 98]],
    [[12, 6, 86, 6], [86, 6, 62, 44, 42, 98], [30, 52, 78, 50]],
    [[14, 24, 16, 6], [16, 6, 84, 8], [84, 8, 60, 50, 52, 98]],
  ],
  [
    [[72, 14, 48, 2, 24, 16, 34, 38, 62, 54, 80, 76, 56, 98, 26, 86, 26, 64, 56, 46, 78, 26, 72, 14]],
    [[50, 2, 26, 14, 28, 36, 50, 46, 72, 36, 74, 14, 50, 2], [50, 46, 20, 58, 16, 84, 50, 98, 84, 84, 80, 58, 50, 46]],
  ],
  [
    [[78, 24, 56, 4, 28, 10, 18, 34, 36, 52, 64, 46, 78, 22], [78, 22, 76, 60, 70, 98]],
    [[76, 28, 60, 4, 32, 8, 20, 32, 38, 50, 64, 44, 76, 24, 80, 50, 68, 84, 42, 98, 18, 90]],
  ],
];

const FAR = 1e9;

/** A canvas of `side` by `side` pixels, for one picture after the other. */
export class DigitCanvas {
  /** The squared distance of each pixel's centre from the strokes, or {@linkcode FAR} if the pen did not come near. */
  readonly #distances: Float32Array;
  #reach = 0;
  #radius = 0;

  /** An empty canvas. */
  constructor(readonly side: number) {
    this.#distances = new Float32Array(side * side);
  }

  /** Empties the canvas, and takes a pen of this radius in pixels. */
  begin(radius: number): void {
    this.#distances.fill(FAR);
    this.#radius = radius;
    this.#reach = radius + 1;
  }

  /** Moves the pen along a straight line; the centres of pixels have whole coordinates. */
  line(x0: number, y0: number, x1: number, y1: number): void {
    const { side } = this, distances = this.#distances, reach = this.#reach;
    const left = Math.max(0, Math.ceil(Math.min(x0, x1) - reach)), right = Math.min(side - 1, Math.max(x0, x1) + reach);
    const top = Math.max(0, Math.ceil(Math.min(y0, y1) - reach)), bottom = Math.min(side - 1, Math.max(y0, y1) + reach);
    const dx = x1 - x0, dy = y1 - y0, scale = 1 / (dx * dx + dy * dy + 1e-12);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const px = x - x0, py = y - y0;
        const along = Math.min(Math.max((px * dx + py * dy) * scale, 0), 1);
        const ex = px - along * dx, ey = py - along * dy;
        const distance = ex * ex + ey * ey;
        if (distance < distances[y * side + x]) distances[y * side + x] = distance;
      }
    }
  }

  /** Writes the picture to `out` from `at` on: `level()` gives the level of a pixel with full ink, edges are softened over one pixel. */
  ink(out: Uint8Array, at: number, level: () => number): void {
    const distances = this.#distances, edge = this.#radius + 0.5;
    for (let i = 0; i < distances.length; i++) {
      if (distances[i] >= edge * edge) continue;
      out[at + i] = Math.min(edge - Math.sqrt(distances[i]), 1) * level();
    }
  }
}

// Random distortions: each figure is the largest one to either side.
const ROTATION = 0.4; // radians
const SLANT = 0.45; // pixels sideways for each pixel down
const SCALE = 0.2; // part of the size
const SHIFT = 3; // pixels
const JITTER = 11; // hundredths of the box, for each point of a stroke

const HEIGHT = 19; // pixels of an undistorted digit
const WIDTH = 15;
const THIN = 0.5, THICK = 1.5; // radius of the pen, in pixels
const PALE = 170, DARK = 255; // levels of the ink
const STEPS = 4; // straight lines between two points of a stroke

/** The affine map from the box of the strokes to pixels: `[x, y] → [xx·x + xy·y + x0, yx·x + yy·y + y0]`. */
interface AffineMap {
  xx: number;
  xy: number;
  x0: number;
  yx: number;
  yy: number;
  y0: number;
}

/** Renders `digit` on the canvas, distorted by `random`, and writes the picture to `out` from `at` on. */
export function renderDigit(digit: number, canvas: DigitCanvas, random: Generator, out: Uint8Array, at: number): void {
  const styles = DIGIT_STROKES[digit];
  const map = randomMap(canvas.side, random);
  canvas.begin(between(THIN, THICK, random));
  for (const stroke of styles[random.nextBelow(styles.length)]) drawStroke(toPixels(stroke, map, random), canvas);
  const full = between(PALE, DARK, random);
  canvas.ink(out, at, () => full + (DARK - full) * random.nextFloat());
}

function randomMap(side: number, random: Generator): AffineMap {
  const angle = ROTATION * centred(random), slant = SLANT * centred(random);
  const width = WIDTH / 100 * (1 + SCALE * centred(random)), height = HEIGHT / 100 * (1 + SCALE * centred(random));
  const cos = Math.cos(angle), sin = Math.sin(angle);
  const xx = width * cos, xy = height * (-slant * cos - sin), yx = width * sin, yy = height * (cos - slant * sin);
  const middle = (side - 1) / 2;
  const x0 = middle + SHIFT * centred(random) - 50 * (xx + xy), y0 = middle + SHIFT * centred(random) - 50 * (yx + yy);
  return { xx, xy, x0, yx, yy, y0 };
}

/** A random number between -1 and 1, more often near 0. */
function centred(random: Generator): number {
  return random.nextFloat() + random.nextFloat() - 1;
}

function between(low: number, high: number, random: Generator): number {
  return low + (high - low) * random.nextFloat();
}

function toPixels(stroke: Stroke, { xx, xy, x0, yx, yy, y0 }: AffineMap, random: Generator): number[] {
  const points: number[] = [];
  for (let i = 0; i < stroke.length; i += 2) {
    const x = stroke[i] + JITTER * centred(random), y = stroke[i + 1] + JITTER * centred(random);
    points.push(xx * x + xy * y + x0, yx * x + yy * y + y0);
  }
  return points;
}

/** Draws a Catmull-Rom spline through `points`: x, y pairs in pixels. */
function drawStroke(points: readonly number[], canvas: DigitCanvas): void {
  const last = points.length - 2;
  if (last === 2) return canvas.line(points[0], points[1], points[2], points[3]);
  let x = points[0], y = points[1];
  for (let i = 0; i < last; i += 2) {
    for (let step = 1; step <= STEPS; step++) {
      const nextX = spline(points, i, step / STEPS), nextY = spline(points, i + 1, step / STEPS);
      canvas.line(x, y, nextX, nextY);
      x = nextX;
      y = nextY;
    }
  }
}

/** One coordinate, `t` of the way from the point at `i` to the next; the ends stand in for the neighbours they lack. */
function spline(points: readonly number[], i: number, t: number): number {
  const b = points[i], c = points[i + 2];
  const a = points[i - 2] ?? b, d = points[i + 4] ?? c;
  return b + t * ((c - a) / 2 + t * (a - 2.5 * b + 2 * c - d / 2 + t * (1.5 * (b - c) + (d - a) / 2)));
}
