/** Digits shifted, slanted, turned and scaled at random, each in its own way, so that the network never sees one twice. */
import { defaultGenerator, fromData, type Tensor } from "@gradus/gradus";
import type { Transform } from "@gradus/gradus/data";
import { throughMap } from "./affine.ts";
import { SIDE } from "./centre.ts";

// The largest distortion to either side.
const SHIFT = 2; // pixels
const SLANT = 0.3; // pixels sideways for each pixel down
const TURN = 0.2; // radians
const SCALE = 0.15; // part of the size, for width and height by themselves

/** A number between -1 and 1 from the seeded stream. */
const either = () => 2 * defaultGenerator.nextFloat() - 1;

/** A transform of pictures [n, 1, 28, 28] in float32. */
export const distort: Transform = (x: Tensor) => {
  const from = x.clone().data, size = SIDE * SIDE, to = new Float32Array(from.length);
  for (let at = 0; at < from.length; at += size) {
    throughMap(from.subarray(at, at + size), randomMap(), to.subarray(at, at + size));
  }
  return fromData(to, x.shape);
};

function randomMap() {
  const turn = TURN * either(), slant = SLANT * either();
  const width = 1 / (1 + SCALE * either()), height = 1 / (1 + SCALE * either());
  const cos = Math.cos(turn), sin = Math.sin(turn);
  const xx = cos * width, xy = (sin + slant) * width, yx = -sin * height, yy = cos * height;
  return { xx, xy, x0: SHIFT * either(), yx, yy, y0: SHIFT * either() };
}
