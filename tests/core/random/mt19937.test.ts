import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { Mt19937 } from "../../../core/random/mt19937.ts";

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
