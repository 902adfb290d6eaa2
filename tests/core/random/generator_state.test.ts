import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { decodeState, encodeState, type GeneratorState } from "../../../core/random/generator.ts";

const state = (changes: Partial<GeneratorState> = {}): GeneratorState => ({
  seed: 2n ** 63n + 5n,
  words: Uint32Array.from({ length: 624 }, (_, i) => 0xffffffff - i),
  left: 600,
  next: 25,
  nextNormal: undefined,
  ...changes,
});

describe("encodeState() and decodeState()", () => {
  it("decodeState() returns what encodeState() was given", () => {
    assertEquals(decodeState(encodeState(state())), state());
  });

  it("decodeState() returns a kept normal to the bit, a zero among them", () => {
    for (const nextNormal of [0.1 + 0.2, -1e-300, 0]) {
      assertEquals(decodeState(encodeState(state({ nextNormal }))).nextNormal, nextNormal);
    }
  });

  it("decodeState() reads a view that begins anywhere in its buffer", () => {
    const bytes = new Uint8Array(5056 + 3);
    bytes.set(encodeState(state()), 3);
    assertEquals(decodeState(bytes.subarray(3)), state());
  });

  it("decodeState() refuses another length", () => {
    assertThrows(
      () => decodeState(encodeState(state()).subarray(1)),
      RangeError,
      "Cannot read a generator's state of 5055 bytes: it has 5056",
    );
  });

  const unreachable: [string, Partial<GeneratorState>][] = [
    ["past the block", { left: 1, next: 625 }],
    ["with nothing left", { left: 0, next: 625 }],
    ["that does not fit what is left", { left: 600, next: 26 }],
    ["of negative rest", { left: -1, next: 626 }],
  ];
  for (const [what, changes] of unreachable) {
    it(`decodeState() refuses a position ${what}`, () => {
      assertThrows(() => decodeState(encodeState(state(changes))), RangeError, "do not fit together");
    });
  }

  it("decodeState() refuses a state that was never seeded", () => {
    const bytes = encodeState(state());
    bytes[12] = 0;
    assertThrows(() => decodeState(bytes), RangeError, "seeded 0");
  });

  it("decodeState() refuses a kept normal that is not finite", () => {
    assertThrows(() => decodeState(encodeState(state({ nextNormal: NaN }))), RangeError, "byte 5024 is NaN");
  });
});
