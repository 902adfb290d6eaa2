/**
 * A square of pixels on which a round pen draws: it keeps how far each pixel is from the pen's path, and inks at the
 * end.
 */

const FAR = 1e9;

/** A canvas of `side` by `side` pixels, used again for one picture after the other. */
export class DigitCanvas {
  /** Squared distance of each pixel's centre from the path, {@linkcode FAR} where the pen did not come near. */
  readonly #distances: Float32Array;
  #reach = 0;
  #radius = 0;

  /** An empty canvas. */
  constructor(readonly side: number) {
    this.#distances = new Float32Array(side * side);
  }

  /** Empties the canvas and takes a pen of the given radius in pixels. */
  begin(radius: number): void {
    this.#distances.fill(FAR);
    this.#radius = radius;
    this.#reach = radius + 1;
  }

  /** Moves the pen along a straight line; pixel centres stand at whole numbers. */
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

  /**
   * Writes the picture to `out` from `at` on: `level()` gives each inked pixel's full level, edges are softened over
   * one pixel.
   */
  ink(out: Uint8Array, at: number, level: () => number): void {
    const distances = this.#distances, edge = this.#radius + 0.5;
    for (let i = 0; i < distances.length; i++) {
      if (distances[i] >= edge * edge) continue;
      out[at + i] = Math.min(edge - Math.sqrt(distances[i]), 1) * level();
    }
  }
}
