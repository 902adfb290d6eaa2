/**
 * Digits as a hand would draw them, for tests: two or three ways to write each, in three sizes, off the middle, slanted and shaking by
 * seeded numbers. They share nothing with the strokes that the library draws its own digits from.
 */
import { Generator } from "@gradus/gradus";
import type { Stroke } from "../../../examples/page/centre.ts";

/** A digit that was drawn on paper of side 1. */
export interface DrawnDigit {
  readonly digit: number;
  readonly strokes: readonly Stroke[];
}

/** Sides of the drawings, as parts of the paper's. */
const SIZES = [0.3, 0.5, 0.75];

/** How far a point strays, as a part of the drawing's side, and a slant sideways for each step down. */
const SHAKE = 0.012, SLANT = 0.2;

/** Points of an ellipse from one angle to another, in degrees: 0 is right, 90 below. */
function arc(x: number, y: number, rx: number, ry: number, from: number, to: number): number[] {
  const steps = Math.ceil(Math.abs(to - from) / 15);
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = (from + (to - from) * i / steps) * Math.PI / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
  }).flat();
}

/** Ways to write each digit, in a box of width 0.6 and height 1 with its corner at 0, 0. */
const WAYS: readonly (readonly (readonly Stroke[])[])[] = [
  [
    [arc(0.3, 0.5, 0.3, 0.5, -90, -450)],
    [arc(0.3, 0.5, 0.22, 0.5, -60, 290)],
    [arc(0.3, 0.5, 0.4, 0.48, -110, -460)],
  ],
  [
    [[0.3, 0, 0.3, 1]],
    [[0.1, 0.22, 0.22, 0.12, 0.34, 0, 0.34, 1]],
    [[0.1, 0.22, 0.32, 0, 0.32, 1], [0.08, 1, 0.56, 1]],
  ],
  [
    [[...arc(0.3, 0.28, 0.28, 0.28, -170, 30), 0.3, 0.75, 0.02, 1, 0.6, 1]],
    [[
      ...arc(0.28, 0.25, 0.25, 0.25, -150, 45),
      0.12,
      0.88,
      ...arc(0.12, 0.93, 0.09, 0.07, 90, 280),
      0.4,
      0.98,
      0.62,
      0.9,
    ]],
  ],
  [
    [[...arc(0.26, 0.24, 0.26, 0.24, -160, 90), ...arc(0.26, 0.74, 0.32, 0.26, -90, 150)]],
    [[0.05, 0, 0.55, 0, 0.26, 0.38, ...arc(0.26, 0.69, 0.3, 0.31, -80, 150)]],
  ],
  [
    [[0.2, 0, 0.02, 0.58, 0.6, 0.58], [0.46, 0.2, 0.44, 1]],
    [[0.44, 1, 0.44, 0, 0, 0.66, 0.62, 0.66]],
    [[0.08, 0.02, 0.04, 0.5, 0.5, 0.48], [0.54, 0, 0.5, 1]],
  ],
  [
    [[0.1, 0.02, 0.08, 0.42, ...arc(0.24, 0.68, 0.32, 0.32, -115, 140)], [0.1, 0.02, 0.56, 0]],
    [[0.56, 0, 0.12, 0.02, 0.06, 0.44, ...arc(0.24, 0.68, 0.33, 0.3, -110, 130)]],
  ],
  [
    [[0.46, 0, ...arc(0.46, 0.68, 0.42, 0.6, -110, -180), ...arc(0.3, 0.7, 0.27, 0.3, 180, -190)]],
    [[0.3, 0, 0.1, 0.45, ...arc(0.28, 0.74, 0.26, 0.26, 190, -180)]],
  ],
  [
    [[0, 0.02, 0.58, 0, 0.2, 1]],
    [[0.02, 0.1, 0.04, 0, 0.6, 0.02, 0.4, 0.4, 0.28, 1]],
    [[0, 0.02, 0.58, 0, 0.22, 1], [0.16, 0.52, 0.52, 0.5]],
  ],
  [
    [[
      ...arc(0.3, 0.24, 0.24, 0.24, -45, -270),
      ...arc(0.3, 0.74, 0.29, 0.26, -90, 270),
      ...arc(0.3, 0.24, 0.24, 0.24, 90, -45),
    ]],
    [arc(0.3, 0.24, 0.22, 0.24, -90, 270), arc(0.3, 0.74, 0.28, 0.26, -90, 270)],
  ],
  [
    [[...arc(0.3, 0.28, 0.26, 0.28, -20, -370), 0.54, 0.6, 0.5, 1]],
    [[...arc(0.28, 0.28, 0.26, 0.27, -10, -365), 0.55, 0.6, ...arc(0.3, 0.76, 0.24, 0.24, 10, 130)]],
    [arc(0.28, 0.26, 0.24, 0.26, -90, -450), [0.52, 0.05, 0.46, 1]],
  ],
];

/** A hundred digits, ten of each; the same for the same seed. */
export function hundredDigits(seed: number): DrawnDigit[] {
  const random = new Generator(seed);
  return Array.from({ length: 100 }, (_, i) => {
    const digit = i % 10, turn = Math.floor(i / 10), ways = WAYS[digit];
    return { digit, strokes: written(ways[turn % ways.length], SIZES[(turn + digit) % SIZES.length], random) };
  });
}

/** Puts strokes on the paper: within it, and anywhere but always in its middle. */
function written(strokes: readonly Stroke[], size: number, random: Generator): Stroke[] {
  const either = () => 2 * random.nextFloat() - 1;
  const slant = SLANT * either(), margin = 0.5 - size * 0.55;
  const [x0, y0] = [0.5 + margin * either(), 0.5 + margin * either()];
  const place = ([x, y]: [number, number]): [number, number] => {
    const [dx, dy] = [x - 0.3 + SHAKE * either() - slant * (y - 0.5), y - 0.5 + SHAKE * either()];
    return [x0 + size * dx, y0 + size * dy];
  };
  return strokes.map((stroke) => pairs(stroke).flatMap(place));
}

function pairs(stroke: Stroke): [x: number, y: number][] {
  return Array.from({ length: stroke.length / 2 }, (_, i) => [stroke[2 * i], stroke[2 * i + 1]]);
}
