import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { failingWrites } from "../../core/io/faulty_disk.ts";
import { namesIn } from "../../core/io/in_folder.ts";
import { content, failure, good, hash, inTurn, other, scene, sha256 } from "./scene.ts";
import { gzip } from "../formats/gzip.ts";
import { cut, type Handler, serveFile } from "./raw_server.ts";
import { pastMaxBytes } from "../../wording.ts";

describe("download() is not fooled", () => {
  it("download() refuses another content and tells both hashes", () =>
    scene((request) => serveFile(request, other, '"one"'), async (scene) => {
      const message = await failure(scene);
      assert(message.includes(await sha256(other)) && message.includes(hash), message);
      assertEquals(namesIn(scene.folder), ["f.lock"]);
    }));

  it("download() refuses a length that promises too much, and keeps what came", () =>
    scene(() => ({ status: 200, headers: { "content-length": "100001" }, body: content }), async (scene) => {
      const message = await failure(scene, { retry: { attempts: 2, pause: 0 } });
      assert(message.includes("broke off"), message);
      assertEquals(scene.server.requests.length, 2);
    }));

  it("download() refuses a length that promises too little", () =>
    scene(() => ({ status: 200, headers: { "content-length": "99999" }, body: content }), async (scene) => {
      const message = await failure(scene);
      assert(message.includes("gave 99999 bytes"), message);
    }));

  it("download() refuses a range whose total disagrees with its bytes", () => {
    const first: Handler = (request) => cut(serveFile(request, content, '"one"'), 9_000);
    const lie: Handler = ({ headers }) => {
      const start = Number(headers.get("range")!.slice(6, -1));
      return { status: 206, headers: { "content-range": `bytes ${start}-9/10` }, body: content.subarray(start) };
    };
    return scene(inTurn(first, lie, good), async ({ get, result }) => {
      await get();
      assertEquals(result(), content);
    });
  });

  it("download() refuses gzip cut short, though its length was told right", async () => {
    const body = (await gzip(content)).slice(0, -9);
    await scene(() => ({ status: 200, body }), async (scene) => {
      const message = await failure(scene);
      assert(message.includes("Cannot inflate http://127.0.0.1"), message);
    });
  });

  it("download() takes nothing of a body whose length is past maxBytes", () =>
    scene(good, async (scene) => {
      const message = await failure(scene, { maxBytes: 99_999 });
      assert(message.includes(`the file ${pastMaxBytes(99_999, 100_000)}`), message);
      assertEquals(namesIn(scene.folder), ["f.lock"]);
    }));

  it("download() stops a body without a length at maxBytes, and keeps nothing of it", () =>
    scene(() => ({ status: 200, headers: { "content-length": "" }, body: content }), async (scene) => {
      assert((await failure(scene, { maxBytes: 50_000 })).includes(pastMaxBytes(50_000)));
      assertEquals(namesIn(scene.folder), ["f.lock"]);
    }));

  it("download() stops a small body that inflates past the limit", async () => {
    const body = await gzip(new Uint8Array(10_000_000));
    await scene(() => ({ status: 200, body }), async (scene) => {
      assert((await failure(scene, { maxBytes: 1_000_000 })).includes(pastMaxBytes(1_000_000)));
    });
  });

  it("download() refuses a gzipped body past 256 MiB when nothing else is said, before it inflates", async () => {
    const body = new Uint8Array(300_000); // with fewer, such a length could not be true
    body.set([0x1f, 0x8b]);
    new DataView(body.buffer).setUint32(body.length - 4, 2 ** 28 + 1, true);
    await scene(() => ({ status: 200, body }), async (scene) => {
      const message = await failure(scene);
      assert(message.includes(pastMaxBytes(2 ** 28, 2 ** 28 + 1)), message);
    });
  });

  it("download() refuses a length past 256 MiB when nothing else is said", () =>
    scene(() => ({ status: 200, headers: { "content-length": "268435457" }, body: content }), async (scene) => {
      const message = await failure(scene);
      assert(message.includes(`the file ${pastMaxBytes(2 ** 28, 2 ** 28 + 1)}`), message);
    }));

  it("download() names the file where the disk is full", () =>
    scene(good, async (scene) => {
      const end = failingWrites("f.part", "ENOSPC", "No space left on device (os error 28)");
      try {
        const message = await failure(scene);
        assert(message.includes(`Cannot write ${scene.folder}/f.part: No space left on device (os error 28)`), message);
      } finally {
        end();
      }
    }));

  it("download() counts the time to the first byte of a body from its headers on", () => {
    const stalled: Handler = () => ({ status: 200, headers: { "content-length": "9" }, hang: true });
    return scene(stalled, async (scene) => {
      const patience = { connectTimeout: 60_000, stallTimeout: 50, retry: { attempts: 1 } };
      const message = await failure(scene, patience);
      assert(message.includes("broke off: fewer than 16384 bytes for 0.05 s"), message);
    });
  });

  it("download() stops waiting for bytes that do not come, and goes on where they ended", () => {
    const stalled: Handler = (request) => ({ ...cut(serveFile(request, content, '"one"'), 9_000), hang: true });
    return scene(inTurn(stalled, good), async ({ get, server, result }) => {
      await get({ stallTimeout: 100 });
      assertEquals([server.requests[1].headers.get("range"), result()], ["bytes=9000-", content]);
    });
  });
});
