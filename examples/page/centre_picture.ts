/** Pictures of digits as MNIST has them: the ink fills a box of 20×20, and the centre of its mass is in the middle. */
import { throughMap } from "./affine.ts";
import { BOX, centreOfMass, SIDE } from "./centre.ts";

/** A picture's grey levels [28, 28], centred; one without ink stays as it is. */
export function centredPicture(levels: Uint8Array): Uint8Array<ArrayBuffer> {
  const [width, height] = extent(levels);
  if (width === 0) return Uint8Array.from(levels);
  const [x, y] = centreOfMass(levels), zoom = Math.max(width, height) / BOX;
  const out = new Uint8Array(SIDE * SIDE);
  throughMap(levels, { xx: zoom, xy: 0, x0: x - SIDE / 2, yx: 0, yy: zoom, y0: y - SIDE / 2 }, out);
  return out;
}

/** Width and height of the ink: whatever is darker than a quarter of the darkest. */
function extent(levels: Uint8Array): [width: number, height: number] {
  const least = levels.reduce((a, b) => Math.max(a, b), 0) / 4;
  let [left, right, top, bottom] = [SIDE, -1, SIDE, -1];
  levels.forEach((level, i) => {
    if (level <= least) return;
    const row = Math.floor(i / SIDE), column = i % SIDE;
    left = Math.min(left, column), right = Math.max(right, column);
    top = Math.min(top, row), bottom = Math.max(bottom, row);
  });
  return right < 0 ? [0, 0] : [right - left + 1, bottom - top + 1];
}
