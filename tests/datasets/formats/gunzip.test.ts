import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { joinBytes } from "../../../core/io/in_steps.ts";
import { gunzip } from "../../../datasets/formats/gunzip.ts";
import { gzip } from "./gzip.ts";
import { pastMaxBytes } from "../../wording.ts";

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
    assertEquals((await gunzip(await gzip(new Uint8Array(1000)), "f.gz", { maxBytes: 1000 })).length, 1000);
  });

  it("gunzip() stops a small file that inflates past the limit", async () => {
    const bomb = await gzip(new Uint8Array(10_000_000));
    await assertRejects(
      () => gunzip(bomb, "bomb.gz", { maxBytes: 100_000 }),
      RangeError,
      "Cannot read bomb.gz: what byte",
    );
  });

  it("gunzip() refuses a file cut short at any byte", async () => {
    const whole = await gzip(new TextEncoder().encode("steps"));
    for (let end = 2; end < whole.length; end++) {
      await assertRejects(() => gunzip(whole.slice(0, end), "cut.gz"), SyntaxError, "Cannot inflate cut.gz");
    }
  });

  it("gunzip() refuses more than 256 MiB of a small file when nothing else is said, before it inflates", async () => {
    const bytes = new Uint8Array(300_000); // with fewer, such a length could not be true
    bytes.set([0x1f, 0x8b]);
    new DataView(bytes.buffer).setUint32(bytes.length - 4, 2 ** 28 + 1, true);
    const message = `Cannot read f.gz: what byte 299996 tells ${pastMaxBytes(2 ** 28, 2 ** 28 + 1)}`;
    await assertRejects(() => gunzip(bytes, "f.gz"), RangeError, message);
  });

  it("gunzip() stops where its trailer says less than comes", async () => {
    const bytes = await gzip(new Uint8Array(2_000_000));
    new DataView(bytes.buffer).setUint32(bytes.length - 4, 5, true);
    const message = "what is inflated so far comes to";
    await assertRejects(() => gunzip(bytes, "f.gz", { maxBytes: 1_000_000 }), RangeError, message);
  });

  it("gunzip() reads members one after the other, however long each is", async () => {
    const parts = ["a".repeat(100_000), "", "bc"].map((text) => new TextEncoder().encode(text));
    const bytes = joinBytes(await Promise.all(parts.map(gzip)));
    assertEquals(await gunzip(bytes), joinBytes(parts));
  });

  it("gunzip() overlooks zeros behind the last member, and refuses anything else there", async () => {
    const whole = await gzip(new TextEncoder().encode("steps"));
    for (const zeros of [1, 2, 3, 4, 511]) {
      assertEquals(new TextDecoder().decode(await gunzip(joinBytes([whole, new Uint8Array(zeros)]))), "steps");
    }
    await assertRejects(() => gunzip(joinBytes([whole, new Uint8Array([7, 0, 0, 0])]), "f.gz"), SyntaxError, "f.gz");
  });

  it("gunzip() refuses a trailer that tells more than so few bytes can inflate to", async () => {
    const bytes = await gzip(new Uint8Array(3));
    new DataView(bytes.buffer).setUint32(bytes.length - 4, 2 ** 20, true);
    await assertRejects(
      () => gunzip(bytes, "f.gz"),
      SyntaxError,
      `${bytes.length} bytes cannot be what byte ${bytes.length - 4} says: it was cut short`,
    );
  });

  it("gunzip() refuses content that goes on past what its trailer tells", async () => {
    const bytes = await gzip(new Uint8Array(300_000));
    new DataView(bytes.buffer).setUint32(bytes.length - 4, 5, true);
    await assertRejects(() => gunzip(bytes, "f.gz"), SyntaxError, "Cannot inflate f.gz: incorrect length check");
  });
});
