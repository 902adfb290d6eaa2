import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { centred, centreOfMass, SIDE, type Stroke } from "../../../examples/page/centre.ts";
import { hundredDigits } from "./drawn_digits.ts";

/** The width and the height of what has ink. */
function extent(picture: Float32Array): [width: number, height: number] {
  const inked = Array.from(picture.keys()).filter((i) => picture[i] > 0);
  const rows = inked.map((i) => Math.floor(i / SIDE)), columns = inked.map((i) => i % SIDE);
  const span = (places: number[]) => Math.max(...places) - Math.min(...places) + 1;
  return [span(columns), span(rows)];
}

/** The largest difference of two pictures. */
function difference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, level, i) => Math.max(most, Math.abs(level - b[i])), 0);
}

/** The strokes larger and elsewhere. */
function placed(strokes: readonly Stroke[], zoom: number, dx: number, dy: number): Stroke[] {
  return strokes.map((stroke) => stroke.map((value, i) => zoom * value + (i % 2 === 0 ? dx : dy)));
}

const SEVEN: Stroke[] = [[0.2, 0.2, 0.5, 0.2, 0.3, 0.6]];

describe("centred()", () => {
  it("is empty where nothing is drawn", () => {
    assertEquals(centred([]), new Float32Array(784));
    assertEquals(centred([[]]), new Float32Array(784));
  });
  it("scales what is drawn into a box of 20×20 and keeps its aspect", () => {
    const tall = extent(centred([[0, 0, 0, 1]])), wide = extent(centred([[0.4, 0.5, 0.6, 0.5]]));
    assertEquals(tall, [wide[1], wide[0]]);
    assert(tall[1] === 20 || tall[1] === 21 || tall[1] === 22, `${tall}`); // soft edges reach over at most a pixel to each side
    assertLess(tall[0], 5);
    const [width, height] = extent(centred([[0, 0, 0.5, 0, 0.5, 1, 0, 1, 0, 0]])); // a rectangle of 1:2
    assertAlmostEquals((width - 2.4) / (height - 2.4), 0.5, 0.06); // the pen is 2.4 wide, and an edge is a whole pixel
  });
  it("puts the centre of mass in the middle, at 14, 14", () => {
    for (const { strokes } of hundredDigits(1)) {
      const [x, y] = centreOfMass(centred(strokes));
      assertAlmostEquals(x, 14, 0.02); // a part of a pixel that nobody sees
      assertAlmostEquals(y, 14, 0.02);
    }
  });
  it("gives the same picture for the same digit in another size and at another place", () => {
    const x = centred(SEVEN);
    for (const [zoom, dx, dy] of [[0.3, 0, 0], [1.5, 0.1, 0.02], [0.5, 0.6, 0.5]]) {
      assertLess(difference(centred(placed(SEVEN, zoom, dx, dy)), x), 1e-4);
    }
  });
  it("draws soft edges: levels between paper and ink beside full ink", () => {
    const levels = centred(SEVEN);
    assertEquals(Math.max(...levels), 1);
    assert(levels.filter((level) => level > 0.05 && level < 0.95).length > 20);
  });
  it("draws a single point as a dot, and does not make it larger than the pen", () => {
    const [width, height] = extent(centred([[0.9, 0.1]]));
    assertEquals([width, height], [4, 4]);
    assertLess(extent(centred([[0.5, 0.5, 0.501, 0.5]]))[0], 6);
  });
  it("keeps all ink on the picture where the mass lies to one side", () => {
    const heavy: Stroke[] = [[0, 0, 0, 1], ...Array.from({ length: 8 }, (_, i) => [1, i / 40, 0.8, i / 40])];
    const ink = centred(heavy).reduce((sum, level) => sum + level, 0);
    const alone = centred(placed(heavy, 0.5, 0.2, 0.2)).reduce((sum, level) => sum + level, 0);
    assertAlmostEquals(ink, alone, 1e-2);
  });
});
