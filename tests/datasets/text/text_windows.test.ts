import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { Generator, tensor, zeros } from "@gradus/gradus";
import { DataLoader, textWindows } from "@gradus/gradus/data";

const tokens = Int32Array.from({ length: 10 }, (_, i) => 10 * i);

describe("textWindows()", () => {
  it("textWindows() gives tokens and those that follow them", () => {
    const windows = textWindows(tokens, { block: 3 }), [x, y] = windows.get(6);
    assertEquals([windows.length, x.toArray(), y.toArray(), x.dtype], [7, [60, 70, 80], [70, 80, 90], "int32"]);
  });
  it("textWindows() steps by the stride, and takes only whole windows", () => {
    const windows = textWindows(tokens, { block: 3, stride: 3 });
    assertEquals([windows.length, windows.get(2)[1].toArray()], [3, [70, 80, 90]]);
    assertEquals(textWindows(tokens, { block: 3, stride: 4 }).length, 2);
    assertEquals(textWindows(tokens, { block: 9, stride: 5 }).length, 1);
  });
  it("textWindows() takes tensors and other arrays of whole numbers", () => {
    for (const same of [tensor(tokens), Uint8Array.from(tokens), [...tokens], tensor(tokens, { dtype: "float32" })]) {
      assertEquals(textWindows(same, { block: 4 }).get(1)[0].toArray(), [10, 20, 30, 40]);
    }
  });
  it("textWindows() makes batches for a loader", () => {
    const loader = new DataLoader(textWindows(tokens, { block: 4 }), {
      batchSize: 4,
      shuffle: true,
      generator: new Generator(1),
    });
    const seen = Array.from(loader, ([x, y]) => {
      assertEquals(
        y.sub(x).toArray(),
        x.shape[0] === 4 ? Array(4).fill([10, 10, 10, 10]) : Array(2).fill([10, 10, 10, 10]),
      );
      return x.select(1, 0).toArray() as number[];
    });
    assertEquals(seen.flat().sort((a, b) => a - b), [0, 10, 20, 30, 40, 50]);
  });
  it("textWindows() copies nothing of the tokens until a window is asked for", () => {
    const own = tokens.slice(), windows = textWindows(own, { block: 2 });
    own[0] = 7;
    assertEquals(windows.get(0)[0].toArray(), [7, 10]);
  });
  it("textWindows() says how many tokens are missing", () => {
    const message =
      "Cannot make windows with block 10 of 10 tokens: 11 are needed, give a longer text or a smaller block";
    assertThrows(() => textWindows(tokens, { block: 10 }), RangeError, message);
    assertThrows(() => textWindows([], { block: 1 }), RangeError, "with block 1 of 0 tokens: 2 are needed");
    assertThrows(() => textWindows([1], { block: 1 }), RangeError, "with block 1 of 1 tokens: 2 are needed");
  });
  it("textWindows() refuses sizes and tokens that are none", () => {
    for (const wrong of [{ block: 0 }, { block: 2.5 }, { block: -1 }, { block: 2, stride: 0 }]) {
      assertThrows(() => textWindows(tokens, wrong), RangeError, "Cannot make windows with");
    }
    // deno-lint-ignore no-explicit-any
    const wrong = (list: unknown) => () => textWindows(list as any, { block: 1 });
    assertThrows(wrong("abc"), TypeError, 'Cannot make windows of the text "abc": give tokens in a row');
    assertThrows(wrong(zeros([2, 3])), TypeError, "a tensor of shape [2, 3]");
    assertThrows(wrong([0, 1.5, 2]), TypeError, "1.5 at position 1 is no whole number");
    assertThrows(() => textWindows(tokens, { block: 3 }).get(7), RangeError, "Cannot take window 7 of 7: count from 0");
    assertThrows(() => textWindows(tokens, { block: 3 }).get(-1), RangeError, "Cannot take window -1 of 7");
  });
});
