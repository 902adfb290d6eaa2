/** Pictures of 28×28 seen through an affine map: how digits are centred, and distorted while a network learns from them. */
import { SIDE } from "./centre.ts";

/** From a pixel of the new picture to a place in the old one, both counted from the middle of a picture. */
export interface AffineMap {
  readonly xx: number;
  readonly xy: number;
  readonly x0: number;
  readonly yx: number;
  readonly yy: number;
  readonly y0: number;
}

const MIDDLE = (SIDE - 1) / 2;

/** Writes a picture's levels as the map shows them, interpolated between four pixels; outside of the picture is 0. */
export function throughMap(from: ArrayLike<number>, { xx, xy, x0, yx, yy, y0 }: AffineMap, to: Writable): void {
  for (let row = 0, i = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++, i++) {
      const x = column - MIDDLE, y = row - MIDDLE;
      to[i] = level(from, xx * x + xy * y + x0 + MIDDLE, yx * x + yy * y + y0 + MIDDLE);
    }
  }
}

/** What numbers can be written to. */
interface Writable {
  readonly length: number;
  [i: number]: number;
}

/** The level between four pixels; the pixel in the corner has its centre at 0, 0. */
function level(from: ArrayLike<number>, x: number, y: number): number {
  const column = Math.floor(x), row = Math.floor(y), right = x - column, down = y - row;
  const above = (1 - right) * at(from, row, column) + right * at(from, row, column + 1);
  const below = (1 - right) * at(from, row + 1, column) + right * at(from, row + 1, column + 1);
  return (1 - down) * above + down * below;
}

function at(from: ArrayLike<number>, row: number, column: number): number {
  return row >= 0 && row < SIDE && column >= 0 && column < SIDE ? from[row * SIDE + column] : 0;
}
