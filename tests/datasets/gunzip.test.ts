import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { gunzip } from "../../datasets/gunzip.ts";
import { gzip } from "./gzip.ts";

describe("gunzip()", () => {
  it("gunzip() gives bytes that are not gzip as they are", async () => {
    const bytes = new Uint8Array([1, 2, 3]);
    assertEquals(await gunzip(bytes), bytes);
  });

  it("gunzip() inflates what comes in many pieces", async () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i * i >> 3);
    assertEquals(await gunzip(await gzip(bytes)), bytes);
  });

  it("gunzip() takes exactly the limit", async () => {
    assertEquals((await gunzip(await gzip(new Uint8Array(1000)), "f.gz", 1000)).length, 1000);
  });

  it("gunzip() stops a small file that inflates past the limit", async () => {
    const bomb = await gzip(new Uint8Array(10_000_000));
    await assertRejects(() => gunzip(bomb, "bomb.gz", 100_000), RangeError, "Cannot inflate bomb.gz");
  });

  it("gunzip() refuses a file cut short at any byte", async () => {
    const whole = await gzip(new TextEncoder().encode("steps"));
    for (let end = 2; end < whole.length; end++) {
      await assertRejects(() => gunzip(whole.slice(0, end), "cut.gz"), SyntaxError, "Cannot inflate cut.gz");
    }
  });
});
