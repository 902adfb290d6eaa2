import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { granted } from "../../core/cache_dir.ts";
import { download, type DownloadOptions } from "../../datasets/download.ts";
import { digestLike } from "../../datasets/digest.ts";
import { inFolder, namesIn } from "../core/io/in_folder.ts";
import { gzip } from "./gzip.ts";
import { type Answer, cut, type Handler, RawServer, serveFile } from "./raw_server.ts";

const content = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i + i / 7) & 255);
const sha256 = (bytes: Uint8Array<ArrayBuffer>) => digestLike(bytes, { sha256: "" });
const hash = await sha256(content);
const other = content.map((byte) => byte ^ 1);
const quick = { attempts: 4, pause: 0 };

/** A folder to download into and a server to download from; `get` downloads `f` from the path `a`. */
interface Scene {
  folder: string;
  server: RawServer;
  get(options?: Partial<DownloadOptions>): Promise<string | null>;
  /** The content of `f`, after checking that nothing but its lock stands beside it. */
  result(): Uint8Array;
}

async function scene(handler: Handler, task: (scene: Scene) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await using server = new RawServer(handler);
    const get = (options: Partial<DownloadOptions> = {}) =>
      download({ urls: [server.url("a")], digest: { sha256: hash }, target: `${folder}/f`, retry: quick, ...options });
    const result = () => {
      assertEquals(namesIn(folder), ["f", "f.lock"]);
      return Deno.readFileSync(`${folder}/f`);
    };
    await task({ folder, server, get, result });
  });
}

/** Downloads in vain: the message, after checking that nothing has the final name. */
async function failure({ folder, get }: Scene, options: Partial<DownloadOptions> = {}): Promise<string> {
  const { message } = await assertRejects(() => get(options), AggregateError, "Cannot download f: ");
  assert(!namesIn(folder).includes("f"));
  return message;
}

const good: Handler = (asked) => serveFile(asked, content, '"one"');

/** Answers one after the other, the last again and again. */
const inTurn = (...answers: (ReturnType<Handler> | Handler)[]): Handler => (asked, n) => {
  const answer = answers[Math.min(n, answers.length - 1)];
  return typeof answer === "function" ? answer(asked, n) : answer;
};

describe("download() brings the file", () => {
  it("download() writes the content and tells the address", () =>
    scene(good, async ({ server, get, result }) => {
      assertEquals(await get(), server.url("a"));
      assertEquals(result(), content);
    }));

  it("download() inflates what comes gzipped, and hashes the content", async () => {
    const body = await gzip(content);
    await scene((asked) => serveFile(asked, body, '"one"'), async ({ get, result }) => {
      await get();
      assertEquals(result(), content);
    });
  });

  it("download() inflates what a server gzips on the way, though asked not to", async () => {
    const body = await gzip(content);
    await scene(() => ({ status: 200, headers: { "content-encoding": "gzip" }, body }), async ({ get, result }) => {
      await get();
      assertEquals(result(), content);
    });
  });

  it("download() keeps gzip as it comes when told, and hashes that", async () => {
    const body = await gzip(content);
    const options = { keepGzip: true, digest: { sha256: await sha256(body) } };
    await scene((asked) => serveFile(asked, body, '"one"'), async ({ get, result, server }) => {
      await get(options);
      assertEquals([result(), await get(options), server.asked.length], [body, null, 1]);
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
      assertEquals([await get(), server.asked.length], [null, 0]);
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
      assertEquals([result(), server.asked.length], [content, 1]);
    }));
});

describe("download() goes on after a break", () => {
  it("download() asks for the rest, if it is still the same file", () =>
    scene(inTurn((asked) => cut(serveFile(asked, content, '"one"'), 40_000), good), async ({ server, get, result }) => {
      await get();
      const { headers } = server.asked[1];
      const start = Number(headers.get("range")!.match(/^bytes=(\d+)-$/)![1]);
      assert(start > 0 && start <= 40_000);
      assertEquals([headers.get("if-range"), result()], ['"one"', content]);
    }));

  it("download() arrives through one break after the other", () =>
    scene((asked) => cut(serveFile(asked, content, '"one"'), 9_000), async ({ get, result }) => {
      await get({ retry: { attempts: 100, pause: 0 } });
      assertEquals(result(), content);
    }));

  it("download() tries again when a server that has answered is lost", () =>
    scene(inTurn((asked) => cut(serveFile(asked, content, '"one"'), 9_000), "hang up", good), async (scene) => {
      await scene.get();
      assertEquals([scene.server.asked.length, scene.result()], [3, content]);
    }));

  it("download() begins anew when the ETag has changed", () =>
    scene(inTurn((asked) => cut(serveFile(asked, other, '"old"'), 40_000), good), async ({ get, result }) => {
      await get();
      assertEquals(result(), content);
    }));

  for (const etag of ["", 'W/"one"']) {
    it(`download() begins anew when the ETag is ${etag || "absent"}`, () =>
      scene(
        (asked, n) => cut(serveFile(asked, content, etag), n === 0 ? 40_000 : content.length),
        async ({ server, get, result }) => {
          await get();
          assertEquals([server.asked[1].headers.get("range"), result()], [null, content]);
        },
      ));
  }

  it("download() goes on with what an earlier process left", () =>
    scene(good, async ({ folder, server, get, result }) => {
      await Deno.writeFile(`${folder}/f.part`, content.subarray(0, 5));
      await Deno.writeTextFile(`${folder}/f.part.json`, JSON.stringify({ url: server.url("a"), etag: '"one"' }));
      await get();
      assertEquals([server.asked[0].headers.get("range"), result()], ["bytes=5-", content]);
    }));

  it("download() begins anew when the note beside the part has a weak ETag", () =>
    scene(good, async ({ folder, server, get, result }) => {
      await Deno.writeFile(`${folder}/f.part`, content.subarray(0, 5));
      await Deno.writeTextFile(`${folder}/f.part.json`, JSON.stringify({ url: server.url("a"), etag: 'W/"one"' }));
      await get();
      assertEquals([server.asked[0].headers.get("range"), result()], [null, content]);
    }));

  for (const note of ['{"url":"http://elsewhere/a","etag":"\\"one\\""}', '{"url":"ht', "null", "{}"]) {
    it(`download() begins anew when the note beside the part is ${note}`, () =>
      scene(good, async ({ folder, server, get, result }) => {
        await Deno.writeFile(`${folder}/f.part`, other.subarray(0, 5));
        await Deno.writeTextFile(`${folder}/f.part.json`, note);
        await get();
        assertEquals([server.asked[0].headers.get("range"), result()], [null, content]);
      }));
  }

  it("download() asks anew for a whole when the parts of two files were joined", () =>
    scene((asked) => serveFile(asked, content, '"one"'), async ({ folder, server, get, result }) => {
      await Deno.writeFile(`${folder}/f.part`, other.subarray(0, 5));
      await Deno.writeTextFile(`${folder}/f.part.json`, JSON.stringify({ url: server.url("a"), etag: '"one"' }));
      await get();
      assertEquals([server.asked.length, result()], [2, content]);
    }));

  it("download() begins anew when a server answers 206 with another range", () => {
    const wrong: Answer = { status: 206, headers: { "content-range": "bytes 0-9/10" }, body: content.subarray(0, 10) };
    return scene(inTurn((asked) => cut(serveFile(asked, content, '"one"'), 9_000), wrong, good), async (scene) => {
      await scene.get();
      assertEquals([scene.server.asked[2].headers.get("range"), scene.result()], [null, content]);
    });
  });

  it("download() begins anew on 416", () =>
    scene(good, async ({ folder, server, get, result }) => {
      await Deno.writeFile(`${folder}/f.part`, content);
      await Deno.writeTextFile(`${folder}/f.part.json`, JSON.stringify({ url: server.url("a"), etag: '"one"' }));
      await get();
      assertEquals([server.asked[0].headers.get("range"), result()], [`bytes=${content.length}-`, content]);
    }));
});

describe("download() tries again, or does not", () => {
  for (const status of [408, 429, 500, 503]) {
    it(`download() tries again after ${status}`, () =>
      scene(inTurn({ status, headers: { "retry-after": "0" } }, good), async ({ server, get, result }) => {
        await get();
        assertEquals([server.asked.length, result()], [2, content]);
      }));
  }

  it("download() gives up after as many tries as allowed", () =>
    scene(() => ({ status: 503 }), async (scene) => {
      const message = await failure(scene, { retry: { attempts: 3, pause: 0 } });
      assertEquals(scene.server.asked.length, 3);
      assert(message.includes("answered 503"), message);
    }));

  for (const status of [302, 403, 404, 410]) {
    it(`download() does not try again after ${status}`, () =>
      scene(() => ({ status, headers: { location: "/b" } }), async (scene) => {
        const message = await failure(scene);
        assertEquals(scene.server.asked.length, 1);
        assert(message.includes(`answered ${status}`), message);
      }));
  }

  it("download() goes to the next address after a lasting failure", () =>
    scene((asked) => asked.path === "/a" ? { status: 404 } : serveFile(asked, content, '"one"'), async (scene) => {
      const { server } = scene;
      assertEquals(await scene.get({ urls: [server.url("a"), server.url("b")] }), server.url("b"));
      assertEquals([server.asked.map(({ path }) => path), scene.result()], [["/a", "/b"], content]);
    }));

  it("download() goes to the next address at once when nobody listens", () =>
    scene(good, async ({ server, get, result }) => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const deaf = `http://127.0.0.1:${listener.addr.port}/a`;
      listener.close();
      assertEquals(await get({ urls: [deaf, server.url("a")] }), server.url("a"));
      assertEquals(result(), content);
    }));

  it("download() goes to the next address when no answer comes", () =>
    scene((asked) => asked.path === "/a" ? "silence" : serveFile(asked, content, '"one"'), async ({ server, get }) => {
      assertEquals(await get({ urls: [server.url("a"), server.url("b")], connectTimeout: 1_000 }), server.url("b"));
      assertEquals(server.asked.map(({ path }) => path), ["/a", "/b"]);
    }));

  it("download() tells what each address did", () =>
    scene((asked) => ({ status: asked.path === "/a" ? 404 : 403 }), async (scene) => {
      const [a, b] = [scene.server.url("a"), scene.server.url("b")];
      assertEquals(
        await failure(scene, { urls: [a, b] }),
        `Cannot download f: ${a} answered 404 Not Found; ${b} answered 403 Forbidden`,
      );
    }));

  (granted({ name: "net" }) ? it.skip : it)(
    "download() counts a host that is not granted as a failure",
    () =>
      scene(good, async (scene) => {
        const message = await failure(scene, { urls: ["https://mirror.invalid/f"] });
        assert(message.includes("no permission to reach mirror.invalid (--allow-net=mirror.invalid)"), message);
      }),
  );
});

describe("download() is not fooled", () => {
  it("download() refuses another content and tells both hashes", () =>
    scene((asked) => serveFile(asked, other, '"one"'), async (scene) => {
      const message = await failure(scene);
      assert(message.includes(await sha256(other)) && message.includes(hash), message);
      assertEquals(namesIn(scene.folder), ["f.lock"]);
    }));

  it("download() refuses a length that promises too much, and keeps what came", () =>
    scene(() => ({ status: 200, headers: { "content-length": "100001" }, body: content }), async (scene) => {
      const message = await failure(scene, { retry: { attempts: 2, pause: 0 } });
      assert(message.includes("broke off"), message);
      assertEquals(scene.server.asked.length, 2);
    }));

  it("download() refuses a length that promises too little", () =>
    scene(() => ({ status: 200, headers: { "content-length": "99999" }, body: content }), async (scene) => {
      const message = await failure(scene);
      assert(message.includes("gave 99999 bytes"), message);
    }));

  it("download() refuses a range whose total disagrees with its bytes", () => {
    const first: Handler = (asked) => cut(serveFile(asked, content, '"one"'), 9_000);
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

  it("download() takes nothing of a body whose length is past the limit", () =>
    scene(good, async (scene) => {
      const message = await failure(scene, { limit: 99_999 });
      assert(message.includes("has 100000 bytes or more, and 99999 are allowed"), message);
      assertEquals(namesIn(scene.folder), ["f.lock"]);
    }));

  it("download() stops a body without a length at the limit", () =>
    scene(() => ({ status: 200, headers: { "content-length": "" }, body: content }), async (scene) => {
      assert((await failure(scene, { limit: 50_000 })).includes("and 50000 are allowed"));
    }));

  it("download() stops a small body that inflates past the limit", async () => {
    const body = await gzip(new Uint8Array(10_000_000));
    await scene(() => ({ status: 200, body }), async (scene) => {
      assert((await failure(scene, { limit: 1_000_000 })).includes("longer than the 1000000 bytes allowed"));
    });
  });

  it("download() refuses a gzipped body past 256 MiB when nothing else is said, before it inflates", async () => {
    const body = new Uint8Array(300_000); // with fewer, such a length could not be true
    body.set([0x1f, 0x8b]);
    new DataView(body.buffer).setUint32(body.length - 4, 2 ** 28 + 1, true);
    await scene(() => ({ status: 200, body }), async (scene) => {
      const message = await failure(scene);
      assert(message.includes("268435457 bytes, longer than the 268435456 bytes allowed"), message);
    });
  });

  it("download() refuses a length past 256 MiB when nothing else is said", () =>
    scene(() => ({ status: 200, headers: { "content-length": "268435457" }, body: content }), async (scene) => {
      const message = await failure(scene);
      assert(message.includes("has 268435457 bytes or more, and 268435456 are allowed"), message);
    }));

  it("download() counts the time to the first byte of a body from its headers on", () => {
    const stalled: Handler = () => ({ status: 200, headers: { "content-length": "9" }, hang: true });
    return scene(stalled, async (scene) => {
      const patience = { connectTimeout: 60_000, stallTimeout: 50, retry: { attempts: 1 } };
      const message = await failure(scene, patience);
      assert(message.includes("broke off: no bytes for 0.05 s"), message);
    });
  });

  it("download() stops waiting for bytes that do not come, and goes on where they ended", () => {
    const stalled: Handler = (asked) => ({ ...cut(serveFile(asked, content, '"one"'), 9_000), hang: true });
    return scene(inTurn(stalled, good), async ({ get, server, result }) => {
      await get({ stallTimeout: 100 });
      assertEquals([server.asked[1].headers.get("range"), result()], ["bytes=9000-", content]);
    });
  });
});

describe("download() ends when told", () => {
  it("download() throws the signal's reason and keeps what came", () =>
    scene((asked) => cut(serveFile(asked, content, '"one"'), 40_000), async ({ folder, get }) => {
      const controller = new AbortController();
      const onProgress = () => controller.abort(new Error("enough"));
      await assertRejects(() => get({ signal: controller.signal, onProgress }), Error, "enough");
      assertEquals(namesIn(folder), ["f.lock", "f.part", "f.part.json"]);
    }));
});
