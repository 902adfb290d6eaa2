/**
 * Strokes as MNIST has its digits: scaled into a box of 20×20 that keeps their aspect, drawn with soft edges, and moved until the
 * centre of their mass is in the middle of 28×28.
 */

/** The side of a picture, in pixels. */
export const SIDE = 28;

/** The way of a pen from where it was put down to where it was lifted: x and y in turns, both growing from the top left corner. */
export type Stroke = readonly number[];

/** The side of the box that a digit fills, in pixels. */
export const BOX = 20;

/** Half the width of a line, in pixels; the digits of MNIST have lines of two to three. */
const RADIUS = 1.2;

/** What is smaller is taken for a dot, and not made larger: a part of the paper's side. */
const DOT = 0.04;

/** How far from the middle of a line its ink reaches, edges softened over one pixel. */
const REACH = RADIUS + 0.5;

/**
 * The picture [28, 28] that a network of MNIST's digits takes, row by row, from 0 (paper) to 1 (ink); all 0 where there is no stroke.
 *
 * @param strokes On paper of side 1
 */
export function centred(strokes: readonly Stroke[]): Float32Array<ArrayBuffer> {
  const drawn = strokes.filter((stroke) => stroke.length >= 2);
  if (drawn.length === 0) return new Float32Array(SIDE * SIDE);
  return drawnOn(balanced(balanced(intoBox(drawn)))); // twice, for a move changes how soft edges fall on pixels
}

/** The strokes moved so that the centre of mass that they have now comes to the middle. */
function balanced(strokes: readonly Stroke[]): Stroke[] {
  const [x, y] = centreOfMass(drawnOn(strokes)), [dx, dy] = [SIDE / 2 - x, SIDE / 2 - y];
  return strokes.map((stroke) => stroke.map((value, i) => value + (i % 2 === 0 ? dx : dy)));
}

/** The same strokes in a box of 20×20 in the middle of the picture, in pixels. */
function intoBox(strokes: readonly Stroke[]): Stroke[] {
  const [left, right] = range(strokes, 0), [top, bottom] = range(strokes, 1);
  const size = Math.max(right - left, bottom - top);
  const scale = (BOX - 2 * RADIUS) / Math.max(size, DOT);
  const at = (value: number, low: number, high: number) => (value - (low + high) / 2) * scale + SIDE / 2;
  return strokes.map((stroke) =>
    stroke.map((value, i) => i % 2 === 0 ? at(value, left, right) : at(value, top, bottom))
  );
}

/** The least and the greatest of the coordinates at `axis`: 0 for x, 1 for y. */
function range(strokes: readonly Stroke[], axis: 0 | 1): [least: number, greatest: number] {
  let [least, greatest] = [Infinity, -Infinity];
  for (const stroke of strokes) {
    for (let i = axis; i < stroke.length; i += 2) {
      least = Math.min(least, stroke[i]);
      greatest = Math.max(greatest, stroke[i]);
    }
  }
  return [least, greatest];
}

/** The picture of strokes in pixels: pixel 0 reaches from 0 to 1. */
function drawnOn(strokes: readonly Stroke[]): Float32Array<ArrayBuffer> {
  const squares = new Float32Array(SIDE * SIDE).fill(Infinity);
  for (const stroke of strokes) {
    const last = Math.max(stroke.length - 2, 2); // a single point is a line to itself
    for (let i = 0; i < last; i += 2) {
      nearer(squares, stroke[i], stroke[i + 1], stroke[i + 2] ?? stroke[i], stroke[i + 3] ?? stroke[i + 1]);
    }
  }
  return squares.map((square) => Math.min(Math.max(REACH - Math.sqrt(square), 0), 1));
}

/** Lowers the squared distance of each pixel's centre from what is drawn to that from a straight line. */
function nearer(squares: Float32Array, x0: number, y0: number, x1: number, y1: number): void {
  const [dx, dy] = [x1 - x0, y1 - y0], length = dx * dx + dy * dy;
  const first = (a: number, b: number) => Math.max(0, Math.floor(Math.min(a, b) - REACH));
  const last = (a: number, b: number) => Math.min(SIDE - 1, Math.ceil(Math.max(a, b) + REACH));
  for (let row = first(y0, y1); row <= last(y0, y1); row++) {
    for (let column = first(x0, x1); column <= last(x0, x1); column++) {
      const [px, py] = [column + 0.5 - x0, row + 0.5 - y0];
      const along = length === 0 ? 0 : Math.min(Math.max((px * dx + py * dy) / length, 0), 1);
      const square = (px - along * dx) ** 2 + (py - along * dy) ** 2;
      const i = row * SIDE + column;
      if (square < squares[i]) squares[i] = square;
    }
  }
}

/** The centre of mass of a picture with ink, in pixels from its left and from its top. */
export function centreOfMass(picture: ArrayLike<number>): [x: number, y: number] {
  let [mass, x, y] = [0, 0, 0];
  for (let i = 0; i < picture.length; i++) {
    mass += picture[i];
    x += picture[i] * (i % SIDE + 0.5);
    y += picture[i] * (Math.floor(i / SIDE) + 0.5);
  }
  return [x / mass, y / mass];
}
