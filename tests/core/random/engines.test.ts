import { assert, assertEquals, assertThrows } from "@std/assert";
import { WichmannHill } from "@gradus/gradus";
import { describe, it } from "../../bdd.ts";
import { Mt19937 } from "../../../core/random/engines.ts";

function nth(engine: Mt19937, n: number): number {
  for (let i = 1; i < n; i++) engine.nextWord();
  return engine.nextWord();
}

describe("Mt19937", () => {
  it("nextWord() gives 4123659995 as the 10,000th word of seed 5489, as the C++ standard requires of mt19937", () => {
    assertEquals(nth(new Mt19937(5489), 10_000), 4123659995);
  });

  it("nextWord() gives NumPy's first word of seed 42", () => {
    assertEquals(new Mt19937(42).nextWord(), 1608637542);
  });

  it("constructor takes the low 32 bits of the seed", () => {
    assertEquals(new Mt19937(2 ** 32 + 42).nextWord(), new Mt19937(42).nextWord());
  });

  it("initGenrand() starts over in the middle of a block", () => {
    const engine = new Mt19937(1);
    nth(engine, 100);
    engine.initGenrand(5489);
    assertEquals(nth(engine, 10_000), 4123659995);
  });
});

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
