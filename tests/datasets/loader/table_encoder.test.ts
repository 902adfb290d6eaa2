import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { tensor } from "@gradus/gradus";
import { type Column, fromCsv, TableEncoder } from "@gradus/gradus/data";

const numbers = (name: string): Column => ({ name, kind: "numeric", categories: [], missing: 0 });
const words = (name: string, ...categories: string[]): Column => ({
  name,
  kind: "categorical",
  categories,
  missing: 0,
});

describe("TableEncoder", () => {
  it("makes numbers of mean 0 and deviation 1, and an empty cell the mean", () => {
    const x = tensor([[1], [3], [NaN]]);
    assertEquals(new TableEncoder([numbers("a")], x).transform(x).toArray(), [[-1], [1], [0]]);
  });

  it("takes mean and deviation of the training rows alone", () => {
    const encoder = new TableEncoder([numbers("a")], tensor([[1], [3]]));
    assertEquals(encoder.transform(tensor([[7]])).toArray(), [[5]]);
  });

  it("gives each category a feature, and an empty cell none", () => {
    const x = tensor([[0], [2], [NaN]]);
    assertEquals(new TableEncoder([words("a", "r", "g", "b")], x).transform(x).toArray(), [
      [1, 0, 0],
      [0, 0, 1],
      [0, 0, 0],
    ]);
  });

  it("gives categories past maxCategories no feature", () => {
    const encoder = new TableEncoder([words("a", "r", "g", "b")], tensor([[0]]), { maxCategories: 2 });
    assertEquals([encoder.width, encoder.transform(tensor([[1], [2]])).toArray()], [2, [[0, 1], [0, 0]]]);
  });

  it("gives the categories of most rows a feature where not all get one", async () => {
    const cities = ["Augsburg", "Bonn", "Zagreb", "Zurich"];
    const text = `city\n${[0, 3, 3, 2, 1, 3, 2].map((i) => `${cities[i]}\n`).join("")}`;
    const { x, columns } = await fromCsv(new Response(text).body!);
    const encoder = new TableEncoder(columns, x, { maxCategories: 2 });
    assertEquals(encoder.columns[0].categories, ["Zurich", "Zagreb", "Augsburg", "Bonn"]);
    assertEquals(encoder.transform(x.slice(0, 0, 4)).toArray(), [[0, 0], [1, 0], [1, 0], [0, 1]]);
  });

  it("leaves a constant column at 0, to the last bit", () => {
    const x = tensor([[0.1], [0.1], [0.1]], { dtype: "float64" });
    const encoder = new TableEncoder([numbers("a")], x);
    assertEquals([encoder.columns[0].std, encoder.transform(x).toArray()], [0, [[0], [0], [0]]]);
  });

  it("keeps the digits of large float64 numbers", () => {
    const x = tensor([[1.7e12], [1.7e12 + 2]], { dtype: "float64" });
    assertEquals(new TableEncoder([numbers("time")], x).transform(x).toArray(), [[-1], [1]]);
  });

  it("says in a line what becomes of each column", async () => {
    const text = "size,colour,unit\n1,red,7\n3,blue,7\n,red,7\n";
    const { x, columns } = await fromCsv(new Response(text).body!);
    assertEquals(new TableEncoder(columns, x, { maxCategories: 1 }).describe(), [
      "size: numeric, mean 2.000, std 1.000, 1 empty",
      "colour: 2 categories, 1 of them told apart",
      "unit: numeric, mean 7.000, std 0.000 (constant)",
    ]);
  });

  it("refuses rows of another width, and numbers whose deviation is past float64", () => {
    assertThrows(
      () => new TableEncoder([numbers("a")], tensor([1, 2])),
      RangeError,
      "Cannot encode rows of shape [2] by 1 columns: expected [rows, 1]",
    );
    const huge = tensor([[1e300], [-1e300]], { dtype: "float64" });
    assertThrows(
      () => new TableEncoder([numbers("a")], huge),
      RangeError,
      'Cannot scale column "a": its numbers are too large',
    );
  });
});
