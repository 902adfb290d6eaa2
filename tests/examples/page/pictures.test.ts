import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { fromData, manualSeed, zeros } from "@gradus/gradus";
import { type AffineMap, throughMap } from "../../../examples/page/affine.ts";
import { centreOfMass } from "../../../examples/page/centre.ts";
import { centredPicture } from "../../../examples/page/centre_picture.ts";
import { distort } from "../../../examples/page/distort.ts";

const SAME: AffineMap = { xx: 1, xy: 0, x0: 0, yx: 0, yy: 1, y0: 0 };

/** A picture with a rectangle of ink. */
function rectangle(left: number, top: number, width: number, height: number): Uint8Array {
  const picture = new Uint8Array(784);
  for (let row = top; row < top + height; row++) picture.fill(255, row * 28 + left, row * 28 + left + width);
  return picture;
}

describe("throughMap()", () => {
  it("gives the same picture through the map that moves nothing", () => {
    const picture = rectangle(3, 4, 5, 6), out = new Uint8Array(784);
    throughMap(picture, SAME, out);
    assertEquals(out, picture);
  });
  it("reads from where the map leads, and 0 outside of the picture", () => {
    const out = new Uint8Array(784);
    throughMap(rectangle(3, 4, 5, 6), { ...SAME, x0: 1, y0: -2 }, out);
    assertEquals(out, rectangle(2, 6, 5, 6));
    throughMap(rectangle(0, 0, 28, 28), { ...SAME, x0: 20 }, out);
    assertEquals(out, rectangle(0, 0, 8, 28));
  });
  it("takes the mean of two pixels halfway between them", () => {
    const out = new Float32Array(784), picture = new Float32Array(784);
    picture[28 * 10 + 10] = 1;
    throughMap(picture, { ...SAME, x0: 0.5 }, out);
    assertEquals([...out.subarray(28 * 10 + 8, 28 * 10 + 12)], [0, 0.5, 0.5, 0]);
  });
});

describe("centredPicture()", () => {
  it("makes the longer side 20 and puts the mass in the middle", () => {
    const out = centredPicture(rectangle(1, 2, 5, 10)), ink = (i: number) => out[i] > 127;
    assertEquals(Array.from({ length: 28 }, (_, row) => ink(row * 28 + 14)).filter(Boolean).length, 20);
    assertEquals(Array.from({ length: 28 }, (_, column) => ink(14 * 28 + column)).filter(Boolean).length, 10);
    const [x, y] = centreOfMass(out);
    assertAlmostEquals(x, 14, 0.05); // levels are whole numbers
    assertAlmostEquals(y, 14, 0.05);
  });
  it("leaves a picture that is centred as it is, and one without ink", () => {
    assertEquals(centredPicture(rectangle(6, 4, 16, 20)), rectangle(6, 4, 16, 20));
    assertEquals(centredPicture(new Uint8Array(784)), new Uint8Array(784));
  });
});

describe("distort()", () => {
  it("changes each picture in its own way, the same for the same seed, with levels from 0 to 1", () => {
    const one = Float32Array.from(rectangle(6, 4, 16, 20), (level) => level / 255);
    const x = fromData(Float32Array.from([...one, ...one]), [2, 1, 28, 28]);
    const [first, second] = [1, 1].map((seed) => (manualSeed(seed), distort(x)));
    assertEquals(first.data, second.data);
    assertEquals(first.shape, [2, 1, 28, 28]);
    assertLess(first.at(0).eq(first.at(1)).sum().item(), 784);
    assertLess(Math.max(...first.data), 1.0001);
    assertEquals(x.data.subarray(0, 784), one);
  });
  it("gives no ink where there is none", () => {
    assertEquals(distort(zeros([1, 1, 28, 28])).sum().item(), 0);
  });
});
