/** The hand that writes digits: every one a little different. */
import type { Generator } from "../core/random/generator.ts";
import type { DigitCanvas } from "./digit_canvas.ts";
import { DIGIT_STROKES, type Stroke } from "./digit_strokes.ts";

// How far a hand strays; each figure is the furthest to either side.
const TURN = 0.4; // radians
const SLANT = 0.45; // sideways step a step down
const SIZE = 0.2; // of the size
const SHIFT = 3; // pixels
const WOBBLE = 11; // hundredths of the box, each point of a stroke
const HEIGHT = 19; // pixels of an average digit
const WIDTH = 15;
const THIN = 0.5, THICK = 1.5; // radius of the pen, in pixels
const PALE = 170, DARK = 255; // levels of the ink
const STEPS = 4; // straight lines between two points of a stroke

/** The map from the box of the strokes to pixels: `[x, y] → [xx·x + xy·y + x0, yx·x + yy·y + y0]`. */
interface Placement {
  xx: number;
  xy: number;
  x0: number;
  yx: number;
  yy: number;
  y0: number;
}

/** Writes `digit` on the canvas and its picture to `out` from `at` on, drawing chance from `random`. */
export function writeDigit(digit: number, canvas: DigitCanvas, random: Generator, out: Uint8Array, at: number): void {
  const styles = DIGIT_STROKES[digit];
  const placement = place(canvas.side, random);
  canvas.begin(between(THIN, THICK, random));
  for (const stroke of styles[random.nextBelow(styles.length)]) drawStroke(toPixels(stroke, placement, random), canvas);
  const full = between(PALE, DARK, random);
  canvas.ink(out, at, () => full + (DARK - full) * random.nextFloat());
}

function place(side: number, random: Generator): Placement {
  const turn = TURN * stray(random), slant = SLANT * stray(random);
  const width = WIDTH / 100 * (1 + SIZE * stray(random)), height = HEIGHT / 100 * (1 + SIZE * stray(random));
  const cos = Math.cos(turn), sin = Math.sin(turn);
  const xx = width * cos, xy = height * (-slant * cos - sin), yx = width * sin, yy = height * (cos - slant * sin);
  const middle = (side - 1) / 2;
  const x0 = middle + SHIFT * stray(random) - 50 * (xx + xy), y0 = middle + SHIFT * stray(random) - 50 * (yx + yy);
  return { xx, xy, x0, yx, yy, y0 };
}

/** A chance number between -1 and 1, most often near 0. */
function stray(random: Generator): number {
  return random.nextFloat() + random.nextFloat() - 1;
}

function between(low: number, high: number, random: Generator): number {
  return low + (high - low) * random.nextFloat();
}

function toPixels(stroke: Stroke, { xx, xy, x0, yx, yy, y0 }: Placement, random: Generator): number[] {
  const points: number[] = [];
  for (let i = 0; i < stroke.length; i += 2) {
    const x = stroke[i] + WOBBLE * stray(random), y = stroke[i + 1] + WOBBLE * stray(random);
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
