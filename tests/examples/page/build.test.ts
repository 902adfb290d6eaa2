import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { beforeAll, describe, it } from "../../bdd.ts";
import { buildPage, type Site } from "../../../examples/page/build.ts";
import { respond } from "../../../examples/page/serve.ts";
import { inFolder } from "../../core/io/in_folder.ts";
import { decode, mayRun, ROOT, runScript } from "../../cli/run_script.ts";

/** The permissions of the task `page`. */
const PERMISSIONS = ["--allow-read", "--allow-write", "--allow-net=127.0.0.1", `--allow-run=${Deno.execPath()}`];

describe("the page's files", () => {
  const test = mayRun ? it : it.skip;
  let site: Site = new Map();
  const text = (name: string) => decode(site.get(name)!);
  beforeAll(async () => {
    if (mayRun) site = await buildPage();
  });

  test("are a page, its style, a script for it and one for its worker", () => {
    const names = ["index.html", "page.css", "icon.svg", "page.js", "worker.js", "licences.html", "settings.json"];
    assertEquals([...site.keys()], names);
    assertEquals(text("settings.json"), '{"mnist":[]}');
  });
  test("have the licences of all that is in them", () => {
    for (const name of ["page.js", "worker.js", "page.css", "licences.html"]) {
      for (const holder of ["Leon Sorokin", "Arjun Barrett"]) assertStringIncludes(text(name), holder, name);
      assert(text(name).split("Permission is hereby granted, free of charge").length > 3, name);
    }
  });
  test("bring no C sources, and come to less than 300 kB gzipped", async () => {
    assert(!text("worker.js").includes("#include"));
    const sizes = [...site.values()].map(async (bytes) => {
      const { length } = await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip")))
        .bytes();
      return length;
    });
    assertLess((await Promise.all(sizes)).reduce((a, b) => a + b), 300_000);
  });
  test("name nothing that would be fetched from elsewhere, and forbid it", () => {
    const html = text("index.html");
    assertStringIncludes(html, "default-src 'none'");
    assertEquals(html.match(/(src|href)="(?!page\.|icon\.svg|licences\.html)[^"]*"/g), null);
    assertEquals(text("page.css").match(/@import|url\(/g), null);
    assertEquals(html.match(/ on\w+="|<style|style="/g), null); // the policy forbids them
  });
  test("can have MNIST's four files beside them, under the names that they have", () =>
    inFolder(async (folder) => {
      const names = ["train-images-idx3-ubyte.gz", "train-labels.idx1-ubyte", "t10k-images-idx3-ubyte"];
      for (const [i, name] of names.entries()) await Deno.writeFile(`${folder}/${name}`, Uint8Array.of(i));
      const message = `Cannot find MNIST in ${folder}: no file t10k-labels`;
      await assertRejects(() => buildPage(folder), Error, message);
      await Deno.writeFile(`${folder}/t10k-labels-idx1-ubyte.gz`, Uint8Array.of(3));
      const withData = await buildPage(folder);
      const expected = ["train-images-idx3-ubyte.gz", "train-labels.idx1-ubyte", "t10k-images-idx3-ubyte"];
      const { mnist } = JSON.parse(decode(withData.get("settings.json")!));
      assertEquals(mnist, [...expected, "t10k-labels-idx1-ubyte.gz"].map((name) => `mnist/${name}`));
      assertEquals(mnist.map((name: string) => withData.get(name)![0]), [0, 1, 2, 3]);
    }));
  test("are written by --build, the same as they are served", () =>
    inFolder(async (folder) => {
      const said = await runScript("examples/page/serve.ts", PERMISSIONS, "--build", `${folder}/site`);
      assertEquals([said.code, said.out], [0, `7 files in ${folder}/site: any host can serve them\n`]);
      for (const [name, bytes] of site) assertEquals(await Deno.readFile(`${folder}/site/${name}`), bytes, name);
    }));
});

describe("examples/page/serve.ts", () => {
  (mayRun ? it : it.skip)("says where it serves, and does so until it is ended", async () => {
    const args = ["run", "-q", "--no-check", "--no-prompt", ...PERMISSIONS, "examples/page/serve.ts", "--port", "0"];
    const server = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null", stdout: "piped" }).spawn();
    const reader = server.stdout.getReader();
    try {
      const line = decode((await reader.read()).value!);
      const url = /^http:\/\/127\.0\.0\.1:\d+\/ /.exec(line)?.[0].trim();
      assert(url !== undefined, line);
      assertStringIncludes(await (await fetch(url)).text(), "<title>A network that learns your handwriting</title>");
    } finally {
      server.kill();
      await reader.cancel();
      await server.status;
    }
  });
});

describe("respond()", () => {
  const site: Site = new Map([["index.html", new Uint8Array(3)], ["page.js", new Uint8Array(2)], [
    "m/a.gz",
    new Uint8Array(1),
  ]]);
  const ask = (path: string, method = "GET") => respond(site, new Request(`http://127.0.0.1${path}`, { method }));
  const typeOf = (path: string) => ask(path).headers.get("content-type");

  it("gives a file with its type, index.html for the folder", async () => {
    assertEquals(typeOf("/"), "text/html; charset=utf-8");
    assertEquals(typeOf("/page.js?x"), "text/javascript; charset=utf-8");
    assertEquals(typeOf("/m/a.gz"), "application/octet-stream"); // and no content-encoding: it stays gzipped
    assertEquals((await ask("/page.js").bytes()).length, 2);
    assertEquals(ask("/page.js").headers.get("x-content-type-options"), "nosniff");
  });
  it("has nothing else, and takes nothing", () => {
    assertEquals(["/x.js", "/../deno.json", "/%2e%2e/deno.json"].map((path) => ask(path).status), [404, 404, 404]);
    assertEquals(ask("/page.js", "POST").status, 405);
  });
});
