/** Pictures in another size. */

/** Grey levels, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly levels: Float32Array;
}

/** A picture in another size: each new pixel is the mean of what it covers. */
export function resized(picture: Picture, width: number, height: number): Picture {
  const [fx, fy] = [picture.width / width, picture.height / height];
  const levels = new Float32Array(width * height);
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      levels[i++] = meanOver(picture, column * fx, (column + 1) * fx, row * fy, (row + 1) * fy);
    }
  }
  return { width, height, levels };
}

function meanOver({ width, levels }: Picture, left: number, right: number, top: number, bottom: number): number {
  let [sum, area] = [0, 0];
  for (let row = Math.floor(top); row < bottom; row++) {
    for (let column = Math.floor(left); column < right; column++) {
      const part = covered(column, left, right) * covered(row, top, bottom);
      sum += part * (levels[row * width + column] ?? 0);
      area += part;
    }
  }
  return sum / area;
}

/** How much of the cell from `cell` to `cell + 1` lies between two bounds. */
function covered(cell: number, from: number, to: number): number {
  return Math.max(0, Math.min(cell + 1, to) - Math.max(cell, from));
}
