import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { namesIn } from "../../core/io/in_folder.ts";
import { content, good, inTurn, other, scene } from "./scene.ts";
import { type Answer, cut, serveFile } from "./raw_server.ts";

describe("download() goes on after a break", () => {
  it("download() asks for the rest, if it is still the same file", () =>
    scene(
      inTurn((request) => cut(serveFile(request, content, '"one"'), 40_000), good),
      async ({ server, get, result }) => {
        await get();
        const { headers } = server.requests[1];
        const start = Number(headers.get("range")!.match(/^bytes=(\d+)-$/)![1]);
        assert(start > 0 && start <= 40_000);
        assertEquals([headers.get("if-range"), result()], ['"one"', content]);
      },
    ));

  it("download() arrives through one break after the other", () =>
    scene((request) => cut(serveFile(request, content, '"one"'), 9_000), async ({ get, result }) => {
      await get({ retry: { attempts: 100, pause: 0 } });
      assertEquals(result(), content);
    }));

  it("download() tries again when a server that has answered is lost", () =>
    scene(inTurn((request) => cut(serveFile(request, content, '"one"'), 9_000), "hang up", good), async (scene) => {
      await scene.get();
      assertEquals([scene.server.requests.length, scene.result()], [3, content]);
    }));

  it("download() begins anew when the ETag has changed", () =>
    scene(inTurn((request) => cut(serveFile(request, other, '"old"'), 40_000), good), async ({ get, result }) => {
      await get();
      assertEquals(result(), content);
    }));

  for (const etag of ["", 'W/"one"']) {
    it(`download() begins anew when the ETag is ${etag || "absent"}`, () =>
      scene(
        (request, n) => cut(serveFile(request, content, etag), n === 0 ? 40_000 : content.length),
        async ({ server, get, result }) => {
          await get();
          assertEquals([server.requests[1].headers.get("range"), result()], [null, content]);
        },
      ));
  }

  it("download() goes on with what an earlier process left", () =>
    scene(good, async ({ folder, server, get, result }) => {
      await Deno.writeFile(`${folder}/f.part`, content.subarray(0, 5));
      await Deno.writeTextFile(`${folder}/f.part.json`, JSON.stringify({ url: server.url("a"), etag: '"one"' }));
      await get();
      assertEquals([server.requests[0].headers.get("range"), result()], ["bytes=5-", content]);
    }));

  it("download() removes what a process left that was killed while it wrote", () =>
    scene(good, async ({ folder, get, result }) => {
      const left = [`f.${crypto.randomUUID()}.tmp`, `f.${crypto.randomUUID()}.${crypto.randomUUID()}.tmp`];
      for (const name of [...left, "f.tmp", `g.${crypto.randomUUID()}.tmp`]) {
        await Deno.writeFile(`${folder}/${name}`, other);
      }
      await get();
      const others = namesIn(folder).filter((name) => name.endsWith(".tmp"));
      assertEquals([others.length, others.includes("f.tmp")], [2, true]);
      for (const name of others) await Deno.remove(`${folder}/${name}`);
      assertEquals(result(), content);
    }));

  it("download() begins anew when the note beside the part has a weak ETag", () =>
    scene(good, async ({ folder, server, get, result }) => {
      await Deno.writeFile(`${folder}/f.part`, content.subarray(0, 5));
      await Deno.writeTextFile(`${folder}/f.part.json`, JSON.stringify({ url: server.url("a"), etag: 'W/"one"' }));
      await get();
      assertEquals([server.requests[0].headers.get("range"), result()], [null, content]);
    }));

  for (const note of ['{"url":"http://elsewhere/a","etag":"\\"one\\""}', '{"url":"ht', "null", "{}"]) {
    it(`download() begins anew when the note beside the part is ${note}`, () =>
      scene(good, async ({ folder, server, get, result }) => {
        await Deno.writeFile(`${folder}/f.part`, other.subarray(0, 5));
        await Deno.writeTextFile(`${folder}/f.part.json`, note);
        await get();
        assertEquals([server.requests[0].headers.get("range"), result()], [null, content]);
      }));
  }

  it("download() asks anew for a whole when the parts of two files were joined", () =>
    scene((request) => serveFile(request, content, '"one"'), async ({ folder, server, get, result }) => {
      await Deno.writeFile(`${folder}/f.part`, other.subarray(0, 5));
      await Deno.writeTextFile(`${folder}/f.part.json`, JSON.stringify({ url: server.url("a"), etag: '"one"' }));
      await get();
      assertEquals([server.requests.length, result()], [2, content]);
    }));

  it("download() begins anew when a server answers 206 with another range", () => {
    const wrong: Answer = { status: 206, headers: { "content-range": "bytes 0-9/10" }, body: content.subarray(0, 10) };
    return scene(inTurn((request) => cut(serveFile(request, content, '"one"'), 9_000), wrong, good), async (scene) => {
      await scene.get();
      assertEquals([scene.server.requests[2].headers.get("range"), scene.result()], [null, content]);
    });
  });

  it("download() begins anew on 416", () =>
    scene(good, async ({ folder, server, get, result }) => {
      await Deno.writeFile(`${folder}/f.part`, content);
      await Deno.writeTextFile(`${folder}/f.part.json`, JSON.stringify({ url: server.url("a"), etag: '"one"' }));
      await get();
      assertEquals([server.requests[0].headers.get("range"), result()], [`bytes=${content.length}-`, content]);
    }));
});

describe("download() ends when told", () => {
  it("download() throws the signal's reason while another process holds the lock, and waits for that no longer", () =>
    scene(good, async ({ folder, server, get }) => {
      const controller = new AbortController();
      using lock = await Deno.open(`${folder}/f.lock`, { write: true, create: true });
      await lock.lock(true);
      const waiting = get({ signal: controller.signal });
      setTimeout(() => controller.abort(new Error("enough")), 10);
      await assertRejects(() => waiting, Error, "enough");
      assertEquals(server.requests, []);
      await lock.unlock();
      await get();
    }));

  it("download() throws the signal's reason and keeps what came", () =>
    scene((request) => cut(serveFile(request, content, '"one"'), 40_000), async ({ folder, get }) => {
      const controller = new AbortController();
      const onProgress = () => controller.abort(new Error("enough"));
      await assertRejects(() => get({ signal: controller.signal, onProgress }), Error, "enough");
      assertEquals(namesIn(folder), ["f.lock", "f.part", "f.part.json"]);
    }));
});
