import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { tensor } from "@gradus/gradus";
import { drawDigit, drawDigits } from "@gradus/gradus/data";

const L = 255;
const corner = [L, L, L, L, L, 0, 0, 0, L, 0, 0, 0, L, 0, 0, 0]; // 4 by 4: top row and left column

describe("drawDigit()", () => {
  it("drawDigit() puts two rows of pixels into one of half blocks", () => {
    assertEquals(drawDigit(corner, { style: "blocks" }), "█▀▀▀\n█   ");
  });

  it("drawDigit() shades the mean of two rows in ASCII", () => {
    assertEquals(drawDigit(corner, { style: "ascii" }), "@+++\n@   ");
  });

  it("drawDigit() uses nothing but ASCII in that style", () => {
    const ramp = Float32Array.from({ length: 256 }, (_, i) => i);
    assertEquals(/^[\x20-\x7e\n]*$/.test(drawDigit(ramp, { style: "ascii" })), true);
  });

  it("drawDigit() shrinks to fewer columns by means", () => {
    assertEquals(drawDigit(corner, { columns: 2, style: "ascii" }), "*:"); // inked 5 of 8 and 2 of 8
  });

  it("drawDigit() grows to more columns by repeating", () => {
    assertEquals(drawDigit([L, 0, 0, L], { columns: 4, style: "blocks" }), "██  \n  ██");
  });

  it("drawDigit() takes floats with their own maximum, and levels past either end", () => {
    assertEquals(drawDigit([-3, 9, -0.4, 1], { max: 1, style: "ascii" }), " @");
  });

  it("drawDigit() draws 28 by 28 pixels as 14 lines of 28", () => {
    const lines = drawDigit(new Uint8Array(784), { style: "blocks" }).split("\n");
    assertEquals([lines.length, ...new Set(lines.map((line) => line.length))], [14, 28]);
  });

  it("drawDigit() leaves the lower half of an odd last row empty", () => {
    assertEquals(drawDigit(new Uint8Array(9).fill(L), { style: "blocks" }), "███\n▀▀▀");
  });

  it("drawDigit() draws a tensor, a row of another one too", () => {
    const both = tensor([[[0, 0], [0, 0]], [[L, 0], [L, L]]]);
    assertEquals(drawDigit(both.at(1), { style: "blocks" }), "█▄");
  });

  it("drawDigit() refuses a picture that is not square", () => {
    assertThrows(() => drawDigit([1, 2, 3]), RangeError, "Cannot draw 3 pixels: the picture is not square");
  });

  for (const columns of [0, -1, 1.5, NaN]) {
    it(`drawDigit() refuses ${columns} columns`, () => {
      assertThrows(() => drawDigit(corner, { columns }), RangeError, `Cannot draw ${columns} columns`);
    });
  }
});

describe("drawDigits()", () => {
  const pictures = tensor([[[L, 0], [0, L]], [[0, L], [L, 0]]], { dtype: "uint8" });

  it("drawDigits() draws pictures side by side, each above its caption", () => {
    assertEquals(drawDigits(pictures, ["a", "b"], { columns: 4, style: "blocks" }), "██      ██\n  ██  ██\na     b");
  });

  it("drawDigits() makes room for long captions", () => {
    assertEquals(drawDigits(pictures, ["falling", "rising"], { style: "blocks" }), "▀▄       ▄▀\nfalling  rising");
  });

  it("drawDigits() draws no picture as nothing", () => {
    assertEquals(drawDigits(pictures.at("0:0"), []), "");
  });

  it("drawDigits() refuses another number of captions than of pictures", () => {
    assertThrows(() => drawDigits(pictures, ["a"]), RangeError, "Cannot draw [2,2,2] with 1 captions");
  });
});
