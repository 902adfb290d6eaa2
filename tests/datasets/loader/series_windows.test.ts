/** Windows over a series: which steps stand where, and what is refused. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, ones } from "@gradus/gradus";
import { DataLoader, seriesWindows } from "@gradus/gradus/data";

describe("seriesWindows()", () => {
  it("has the steps of each window and those after it", () => {
    const windows = seriesWindows(arange(7), { length: 3, horizon: 2 });
    assertEquals(windows.length, 3);
    const [x, y] = windows.get(2);
    assertEquals([x.toArray(), y.toArray()], [[2, 3, 4], [5, 6]]);
  });
  it("begins windows a stride apart, of which the last one may leave steps over", () => {
    const [x] = seriesWindows([0, 1, 2, 3, 4, 5, 6, 7], { length: 2, stride: 3 }).tensors;
    assertEquals(x.toArray(), [[0, 1], [3, 4]]);
  });
  it("keeps the columns of a step and its dtype", () => {
    const windows = seriesWindows(arange(0, 8, 1, { dtype: "float64" }).view(4, 2), { length: 2 });
    assertEquals(windows.tensors.map(({ shape, dtype }) => [shape, dtype]), [[[2, 2, 2], "float64"], [
      [2, 1, 2],
      "float64",
    ]]);
  });
  it("is shuffled and batched by a DataLoader", () => {
    const loader = new DataLoader(seriesWindows(arange(100), { length: 10 }), { batchSize: 32, shuffle: true });
    for (const [x, y] of loader) assertEquals(y.squeeze(1).sub(x.select(1, 9)).unique().toArray(), [1]);
  });
  it("refuses what does not fit, with the sizes and the cure", () => {
    assertThrows(() => seriesWindows([1, 2, 3], { length: 3 }), RangeError, "of shape [3]: give at least 4 steps");
    assertThrows(() => seriesWindows(ones([9]), { length: 0 }), RangeError, "length 0: give a whole number from 1");
    assertThrows(() => seriesWindows(ones([9, 1, 1]), { length: 2 }), RangeError, "[9, 1, 1]");
    assertThrows(() => seriesWindows(["1"] as never, { length: 1 }), TypeError);
  });
});
