import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { histogram, plotHistogram } from "@gradus/gradus/display";
import { tensor } from "@gradus/gradus";

describe("histogram()", () => {
  it("counts an element at the upper end in the last bin", () => {
    assertEquals(histogram(tensor([0, 1, 2]), { bins: 2 }).counts, [1, 2]);
  });
  it("counts nothing outside of its range, as histc does", () => {
    assertEquals(histogram(tensor([-1, 0, 0.5, 1, 2]), { bins: 2, range: [0, 1] }).counts, [1, 2]);
  });
  it("leaves NaN and infinity out, and counts them apart", () => {
    const { counts, odd, mean, std } = histogram(tensor([1, 3, NaN, Infinity]), { bins: 2 });
    assertEquals([counts, odd, mean, std], [[1, 1], 2, 2, 1]);
  });
  it("puts half a unit around a single value", () => {
    const { edges } = histogram(tensor([3, 3]), { bins: 2 });
    assertEquals(edges, [2.5, 3, 3.5]);
  });
  it("refuses bins and ranges that are none", () => {
    assertThrows(() => histogram(tensor([1]), { bins: 0 }), RangeError, "in 0 bins: give a whole number from 1");
    assertThrows(() => histogram(tensor([1]), { range: [1, 1] }), RangeError, "from 1 to 1: give low < high");
  });
});

describe("plotHistogram()", () => {
  it("says mean and deviation in words", () => {
    const { description } = plotHistogram(tensor([1, 3]), { bins: 2 });
    assertEquals(description, "2 elements from 1 to 3, mean 2, standard deviation 1.");
    assertAlmostEquals(histogram(tensor([1, 3])).std, 1); // exact: the squares are whole numbers
  });
});
