import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { WichmannHill } from "@gradus/gradus";

describe("WichmannHill", () => {
  it("constructor turns the course's seed into the course's state", () => {
    assertEquals(new WichmannHill(457428938475).state, [4976, 20238, 499]);
  });

  it("random() gives the course's first three numbers to the bit", () => {
    const source = new WichmannHill(457428938475);
    assertEquals(
      [source.random(), source.random(), source.random()],
      [0.7645251082582081, 0.7920889799553945, 0.06912886811267205],
    );
  });

  it("constructor gives seed 0 the least state, which the stream leaves", () => {
    const source = new WichmannHill(0);
    assertEquals(source.state, [1, 1, 1]);
    source.random();
    assertEquals(source.state, [171, 172, 170]);
  });

  it("random() stays within [0, 1)", () => {
    const source = new WichmannHill(1);
    for (let i = 0; i < 10_000; i++) {
      const u = source.random();
      assert(u >= 0 && u < 1);
    }
  });

  it("constructor refuses a seed that is not a whole number below 2**53", () => {
    for (const seed of [-1, 1.5, 2 ** 53]) {
      assertThrows(() => new WichmannHill(seed), RangeError, `Cannot seed with ${seed}`);
    }
  });
});
