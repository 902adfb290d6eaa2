import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { fromData, zeros } from "@gradus/gradus";
import { digits, toMnistDigit } from "@gradus/gradus/data";

const first = digits({ train: 1, test: 1, seed: 5 }).test.images.at(0);

describe("toMnistDigit()", () => {
  it("takes a picture of 28×28 with dark corners as it is", () => {
    assertEquals(toMnistDigit(first.float()).toArray(), first.toArray());
  });

  it("turns dark ink on white into light ink on black", () => {
    const digit = toMnistDigit(bar(60, 80, 255, 0));
    assertEquals([digit.at(0, 0).item(), digit.max().item()], [0, 255]);
  });

  it("fits the ink into a box of 20 and puts its mass into the middle", () => {
    const digit = toMnistDigit(bar(60, 80, 255, 0)).data;
    const inked = [...digit.keys()].filter((i) => digit[i] > 0);
    const [rows, columns] = [inked.map((i) => Math.floor(i / 28)), inked.map((i) => i % 28)];
    assertEquals([Math.min(...rows), Math.max(...rows)], [4, 23]); // 20 rows
    assertEquals([Math.min(...columns), Math.max(...columns)], [12, 15]); // 8 of 40 pixels: 4 columns
  });

  it("refuses a picture of one shade", () => {
    assertThrows(
      () => toMnistDigit(zeros([3, 3])),
      RangeError,
      "Cannot find a digit in the picture: it is of one shade",
    );
  });

  it("refuses what is no picture", () => {
    assertThrows(
      () => toMnistDigit(zeros([1, 3, 3])),
      RangeError,
      "Cannot make a digit of [1,3,3]: expected grey levels",
    );
  });
});

/** An upright bar of 8×40 in the top left corner of a picture. */
function bar(width: number, height: number, paper: number, ink: number) {
  const levels = Float32Array.from({ length: width * height }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row >= 2 && row < 42 && column >= 3 && column < 11 ? ink : paper;
  });
  return fromData(levels, [height, width]);
}
