import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { tensor, zeros } from "@gradus/gradus";
import { columnNames, fromCsv, nameColumns, TableSchema, TensorDataset } from "@gradus/gradus/data";

describe("nameColumns()", () => {
  it("gives its tensor, whose names columnNames() tells, and no other tensor's", () => {
    const x = tensor([[1, 2]]);
    assertEquals(nameColumns(x, ["a", "b"]) === x, true);
    assertEquals([columnNames(x), columnNames(x.mul(1)), columnNames(zeros([1, 2]))], [["a", "b"], null, null]);
  });
  it("refuses names that are not one for each column", () => {
    for (const [x, names] of [[zeros([2, 3]), ["a", "b"]], [zeros([2]), ["a", "b"]]] as const) {
      assertThrows(() => nameColumns(x, names), RangeError, "by 2 names: expected [rows, columns]");
    }
    assertThrows(() => nameColumns(zeros([1, 1]), [3] as never), TypeError, "Cannot name a column the number 3");
  });
});

describe("columnNames()", () => {
  const text = "area,city,price\n30,Graz,5\n,Wien,6\n40,Graz,7\n";
  it("tells those of a file, of what a schema makes of it, and of a dataset's batches", async () => {
    const { x, y } = await fromCsv(new Blob([text]), { target: "price" });
    assertEquals(columnNames(x), ["area", "city"]);
    assertEquals(columnNames(new TensorDataset(x, y!).getBatch(Int32Array.of(1))[0]), ["area", "city"]);
    const schema = await TableSchema.fit(new Blob([text]), { target: "price" });
    assertEquals(columnNames((await schema.read(new Blob([text]))).x), ["city", "area", "area missing"]);
  });
});
