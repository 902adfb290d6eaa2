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

  it("gunzip() refuses more than 1 GiB when nothing else is said, before it inflates", async () => {
    const bytes = new Uint8Array(1_050_000); // with fewer, such a length could not be true
    bytes.set([0x1f, 0x8b]);
    new DataView(bytes.buffer).setUint32(bytes.length - 4, 2 ** 30 + 1, true);
    const message = "1073741825 bytes, longer than the 1073741824 bytes allowed";
    await assertRejects(() => gunzip(bytes, "f.gz"), RangeError, message);
  });

  it("gunzip() refuses a trailer that tells more than so few bytes can inflate to", async () => {
    const bytes = await gzip(new Uint8Array(3));
    new DataView(bytes.buffer).setUint32(bytes.length - 4, 2 ** 20, true);
    await assertRejects(
      () => gunzip(bytes, "f.gz"),
      SyntaxError,
      `says 1048576 bytes, which ${bytes.length} cannot be`,
    );
  });

  it("gunzip() refuses content that goes on past what its trailer tells", async () => {
    const bytes = await gzip(new Uint8Array(300_000));
    new DataView(bytes.buffer).setUint32(bytes.length - 4, 5, true);
    await assertRejects(() => gunzip(bytes, "f.gz"), SyntaxError, "it is longer than the 5 bytes said");
  });
});
