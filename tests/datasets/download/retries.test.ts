import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { granted } from "../../../core/host/host.ts";
import { content, failure, good, inTurn, scene } from "./scene.ts";
import { type Handler, serveFile } from "./raw_server.ts";

describe("download() tries again, or does not", () => {
  for (const status of [408, 429, 500, 503]) {
    it(`download() tries again after ${status}`, () =>
      scene(inTurn({ status, headers: { "retry-after": "0" } }, good), async ({ server, get, result }) => {
        await get();
        assertEquals([server.requests.length, result()], [2, content]);
      }));
  }

  it("download() gives up after as many tries as allowed", () =>
    scene(() => ({ status: 503 }), async (scene) => {
      const message = await failure(scene, { retry: { attempts: 3, pause: 0 } });
      assertEquals(scene.server.requests.length, 3);
      assert(message.includes("answered 503"), message);
    }));

  for (const status of [302, 403, 404, 410]) {
    it(`download() does not try again after ${status}`, () =>
      scene(() => ({ status, headers: { location: "/b" } }), async (scene) => {
        const message = await failure(scene);
        assertEquals(scene.server.requests.length, 1);
        assert(message.includes(`answered ${status}`), message);
      }));
  }

  it("download() goes to the next address after a lasting failure", () =>
    scene(
      (request) => request.path === "/a" ? { status: 404 } : serveFile(request, content, '"one"'),
      async (scene) => {
        const { server } = scene;
        assertEquals(await scene.get({ urls: [server.url("a"), server.url("b")] }), server.url("b"));
        assertEquals([server.requests.map(({ path }) => path), scene.result()], [["/a", "/b"], content]);
      },
    ));

  it("download() goes to the next address at once when nobody listens", () =>
    scene(good, async ({ server, get, result }) => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const deaf = `http://127.0.0.1:${listener.addr.port}/a`;
      listener.close();
      assertEquals(await get({ urls: [deaf, server.url("a")] }), server.url("a"));
      assertEquals(result(), content);
    }));

  it("download() goes to the next address when no answer comes", () =>
    scene(
      (request) => request.path === "/a" ? "silence" : serveFile(request, content, '"one"'),
      async ({ server, get }) => {
        assertEquals(await get({ urls: [server.url("a"), server.url("b")], connectTimeout: 1_000 }), server.url("b"));
        assertEquals(server.requests.map(({ path }) => path), ["/a", "/b"]);
      },
    ));

  it("download() goes to the next address when one drips", () => {
    const dripping: Handler = (request) =>
      request.path === "/a"
        ? { ...serveFile(request, content, '"one"'), drip: 20 } // half an hour for all of it
        : serveFile(request, content, '"one"');
    return scene(dripping, async ({ server, get, result }) => {
      const retry = { attempts: 2, pause: 0 };
      assertEquals(await get({ urls: [server.url("a"), server.url("b")], stallTimeout: 200, retry }), server.url("b"));
      assertEquals([server.requests.map(({ path }) => path), result()], [["/a", "/a", "/b"], content]);
    });
  });

  it("download() goes to the next address at once when one asks for a day's patience", () => {
    const busy: Handler = (request) =>
      request.path === "/a"
        ? { status: 503, headers: { "retry-after": "100000" } }
        : serveFile(request, content, '"one"');
    return scene(busy, async ({ server, get, result }) => {
      assertEquals(await get({ urls: [server.url("a"), server.url("b")] }), server.url("b"));
      assertEquals([server.requests.map(({ path }) => path), result()], [["/a", "/b"], content]);
    });
  });

  it("download() tells what each address did", () =>
    scene((request) => ({ status: request.path === "/a" ? 404 : 403 }), async (scene) => {
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
