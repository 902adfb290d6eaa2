import { assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { defaultGenerator, Generator, manualSeed } from "@gradus/gradus";

function floats(g: Generator, n: number): number[] {
  return Array.from({ length: n }, () => g.nextFloat());
}

/** Numbers drawn by every primitive in turn, so that two generators that agree on them agree on their whole state. */
function mixed(g: Generator): unknown[] {
  const draws = Array.from({ length: 300 }, () => [g.nextNormal(), g.nextFloat(), g.nextDouble(), g.nextBelow(7)]);
  return [draws, g.nextSeed(), g.nextWord(), g.nextNormal()];
}

describe("Generator", () => {
  it("constructor begins from PyTorch's default seed", () => {
    const g = new Generator();
    assertEquals(g.initialSeed(), 67280421310721n);
    // torch.rand(2, generator=torch.Generator())
    assertEquals(floats(g, 2), [0.267295241355896, 0.8725283145904541]);
  });

  it("manualSeed() takes a negative seed as PyTorch does, counting from 2**64 down", () => {
    assertEquals(new Generator(-1).initialSeed(), 2n ** 64n - 1n);
    assertEquals(floats(new Generator(-1), 3), floats(new Generator(2n ** 64n - 1n), 3));
  });

  it("manualSeed() takes the low 32 bits, as PyTorch does", () => {
    assertEquals(floats(new Generator(2 ** 32 + 42), 3), floats(new Generator(42), 3));
    assertNotEquals(floats(new Generator(43), 3), floats(new Generator(42), 3));
  });

  it("manualSeed() forgets a kept normal", () => {
    const g = new Generator(42);
    const first = g.nextNormal();
    assertEquals(g.manualSeed(42).nextNormal(), first);
  });

  for (const seed of [1.5, NaN, Infinity, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n]) {
    it(`manualSeed() refuses ${seed}, and leaves the stream as it was`, () => {
      const g = new Generator(42);
      assertThrows(() => g.manualSeed(seed), RangeError, `Cannot seed with ${seed}`);
      assertEquals(floats(g, 2), floats(new Generator(42), 2));
    });
  }

  it("manualSeed() takes both ends of its range", () => {
    assertEquals(new Generator(-(2n ** 63n)).initialSeed(), 2n ** 63n);
    assertEquals(new Generator(2n ** 64n - 1n).initialSeed(), 2n ** 64n - 1n);
  });

  it("nextNormal() hands out the second of a pair after other draws", () => {
    // manual_seed(42); 700 times rand(1), then randn(1), randn(1)
    const g = new Generator(42);
    assertEquals(floats(g, 700).at(-1), 0.9596949815750122);
    assertEquals(Math.fround(g.nextNormal()), -0.3871910572052002);
    g.nextWord();
    assertEquals(Math.fround(g.nextNormal()), 0.20325958728790283);
  });

  it("nextSeed() is the first empty((), dtype=int64).random_() of PyTorch", () => {
    assertEquals(new Generator(42).nextSeed(), 6909045637428952499n);
    // Seed 0's first word has its highest bit set.
    assertEquals(new Generator(0).nextSeed(), 900450186894289455n);
  });

  it("nextBelow() is the word modulo n, up to the largest n", () => {
    // manual_seed(42); randint(0, 2**32 - 1, (2,)) begins with the words themselves
    const g = new Generator(42);
    assertEquals([g.nextBelow(2 ** 32 - 1), g.nextBelow(10)], [1608637542, 3421126067 % 10]);
  });

  it("nextBelow() refuses what is not an integer from 1 to 2**32 - 1", () => {
    for (const n of [0, -1, 1.5, NaN, 2 ** 32]) {
      assertThrows(() => new Generator(42).nextBelow(n), RangeError, `Cannot draw below ${n}`);
    }
  });
});

describe("getState() and setState()", () => {
  it("getState() is torch.get_rng_state() byte for byte, a kept normal included", async () => {
    const g = new Generator(42);
    for (let i = 0; i < 3; i++) g.nextNormal();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", g.getState() as Uint8Array<ArrayBuffer>));
    // manual_seed(42); randn(3); sha256(get_rng_state())
    assertEquals(hash.toHex(), "465eb69e777fa9219f5c7fe27ddd8c19305fee009fb9ff06a4c8ea775fec0b7d");
  });

  const moments: [string, (g: Generator) => void][] = [
    ["just seeded", () => {}],
    ["in the middle of a block", (g) => floats(g, 300)],
    ["at the end of a block", (g) => floats(g, 624)],
    ["one word into the next block", (g) => floats(g, 625)],
    ["with a kept normal", (g) => g.nextNormal()],
    ["with a kept normal in a later block", (g) => (floats(g, 1000), g.nextNormal())],
  ];
  for (const [moment, advance] of moments) {
    it(`setState() carries on from a state taken ${moment}`, () => {
      const g = new Generator(42);
      advance(g);
      const other = new Generator(7);
      other.nextNormal();
      other.setState(g.getState());
      assertEquals(mixed(other), mixed(g));
    });
  }

  it("setState() restores the initial seed", () => {
    assertEquals(new Generator(1).setState(new Generator(-5).getState()).initialSeed(), 2n ** 64n - 5n);
  });

  it("getState() is a copy that later draws leave alone", () => {
    const g = new Generator(42);
    const state = g.getState();
    const first = mixed(g);
    assertEquals(mixed(g.setState(state)), first);
  });

  it("setState() that throws leaves the stream as it was", () => {
    const g = new Generator(42);
    const state = new Generator(7).getState();
    state[24 + 8 * 600 + 5] = 1;
    assertThrows(() => g.setState(state), RangeError, "word 600 at byte 4824 is past 32 bits");
    assertEquals(mixed(g), mixed(new Generator(42)));
  });
});

describe("manualSeed()", () => {
  it("manualSeed() starts the default generator over and returns it", () => {
    assertStrictEquals(manualSeed(42), defaultGenerator);
    assertEquals(floats(defaultGenerator, 3), floats(new Generator(42), 3));
  });
});
