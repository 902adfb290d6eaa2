import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { content, failure, good, other, scene, sha256 } from "./scene.ts";
import { gzip } from "../formats/gzip.ts";
import { serveFile } from "./raw_server.ts";

describe("download() brings the file", () => {
  it("download() writes the content and tells the address", () =>
    scene(good, async ({ server, get, result }) => {
      assertEquals(await get(), server.url("a"));
      assertEquals(result(), content);
    }));

  it("download() inflates what comes gzipped, and hashes the content", async () => {
    const body = await gzip(content);
    await scene((request) => serveFile(request, body, '"one"'), async ({ get, result }) => {
      await get();
      assertEquals(result(), content);
    });
  });

  it("download() inflates what a server gzips on the way, though request not to", async () => {
    const body = await gzip(content);
    await scene(() => ({ status: 200, headers: { "content-encoding": "gzip" }, body }), async ({ get, result }) => {
      await get();
      assertEquals(result(), content);
    });
  });

  it("download() keeps gzip as it comes when told, and hashes that", async () => {
    const body = await gzip(content);
    const options = { keepGzip: true, digest: { sha256: await sha256(body) } };
    await scene((request) => serveFile(request, body, '"one"'), async ({ get, result, server }) => {
      await get(options);
      assertEquals([result(), await get(options), server.requests.length], [body, null, 1]);
    });
  });

  it("download() checks an MD5 where there is nothing better", () =>
    scene(() => ({ status: 200, body: new TextEncoder().encode("abc") }), async ({ get, result }) => {
      await get({ digest: { md5: "900150983cd24fb0d6963f7d28e17f72" } }); // RFC 1321's own example
      assertEquals(result().length, 3);
    }));

  it("download() refuses another content by its MD5", () =>
    scene(good, async (scene) => {
      const md5 = "900150983cd24fb0d6963f7d28e17f72";
      assert((await failure(scene, { digest: { md5 } })).includes(`, not ${md5}`));
    }));

  it("download() asks nobody for a file that is there and right", () =>
    scene(good, async ({ folder, server, get }) => {
      await Deno.writeFile(`${folder}/f`, content);
      assertEquals([await get(), server.requests.length], [null, 0]);
    }));

  it("download() replaces a file that is there and wrong", () =>
    scene(good, async ({ folder, get, result }) => {
      await Deno.writeFile(`${folder}/f`, other);
      await get();
      assertEquals(result(), content);
    }));

  it("download() tells how far it has come", () =>
    scene(good, async ({ get }) => {
      let last = {};
      await get({ onProgress: (progress) => last = progress });
      assertEquals(last, { name: "f", received: content.length, total: content.length });
    }));

  it("download() takes a body whose length nobody told", () =>
    scene(() => ({ status: 200, headers: { "content-length": "" }, body: content }), async ({ get, result }) => {
      await get();
      assertEquals(result(), content);
    }));

  it("download() asks once when two callers want the same file", () =>
    scene(good, async ({ server, get, result }) => {
      assertEquals((await Promise.all([get(), get()])).filter((url) => url === null).length, 1);
      assertEquals([result(), server.requests.length], [content, 1]);
    }));
});
