import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { fromFloat16 } from "../../../core/io/elements.ts";

describe("fromFloat16()", () => {
  it("gives the same values where the engine has no Float16Array, for each of the 65536 halves", () => {
    const bits = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
    const expected = fromFloat16(bits);
    const known = globalThis.Float16Array;
    Reflect.deleteProperty(globalThis, "Float16Array");
    try {
      assertEquals(fromFloat16(bits).findIndex((x, i) => !Object.is(x, expected[i])), -1);
    } finally {
      globalThis.Float16Array = known;
    }
  });
});
