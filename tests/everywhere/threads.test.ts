import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "../bdd.ts";
import { install, type Installed, itWith, ofNpm, packs, ROOT, runtimes } from "./installed.ts";
import { pageInChromium, runs } from "./programs.ts";

const RUNTIMES = await runtimes();
const ESBUILD = ofNpm("esbuild@0.28.2", "esbuild");
const VITE = ofNpm("vite@8.4.0", "vite");
const WORKERD = ofNpm("workerd@1.20261117.1", "workerd");
const chromium = runs("chromium") ? " in a browser" : "";
const withEsbuild = await itWith(`bundled by esbuild${chromium}`, ESBUILD);
const withVite = await itWith(`bundled by Vite${chromium}`, VITE);
const withWorkerd = await itWith("in Cloudflare's workerd", WORKERD);

/** The blocks of code on the page, by the names in their first lines. */
const page = await Deno.readTextFile(new URL("RUNTIMES.md", ROOT));
const files = Array.from(page.matchAll(/^```js ignore\n\/\/ (\S+)\n(.*?)^```$/gms), ([, name, text]) => [name, text]);

/** Tells the page what a program of its own says, once it has said how many are right. */
const LISTEN = `const lines = [];
console.log = (line) => {
  lines.push(line);
  if (/^right/.test(line)) document.querySelector("pre").textContent = lines.join("\\n");
};
`;

/** Asks a handler, as `fetch` would, what it makes of two bodies. */
const ASK = `import handler from "./handler.js";
const ask = async (body) => {
  const response = await handler.fetch(new Request("http://127.0.0.1/", { method: "POST", body }));
  return [response.status, await response.json()];
};
export const answers = async () => JSON.stringify([await ask('{"values":[1,2]}'), await ask('{"values":[1]}')]);
`;
const SAY = 'import { answers } from "./answers.js";\nconsole.log(await answers());\n';

/** The same in workerd, which runs a `test()`; and what the library does there. */
const IN_WORKERD = `import { answers } from "./answers.js";
import { sum } from "./library.js";
export default { test: async () => console.log(await answers() + "\\n" + sum()) };
`;
const LIBRARY = `import { backendReason, tensor } from "@gradus/gradus";
export const sum = () => tensor([1, 2]).sum().item() + " " + backendReason();
`;
const MODULES = ["in_workerd.js", "answers.js", "handler.js", "model.js", "library.js"];
const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const modules :List(Workerd.Worker.Module) = [${
  MODULES.map((name) => `(name = "${name}", esModule = embed "${name}")`).join(", ")
}];
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = .modules, compatibilityDate = "2026-11-01"))]
);
`;

function assertLearned(said: string): void {
  const losses = Array.from(said.matchAll(/loss (\S+)/g), ([, loss]) => Number(loss));
  assertEquals(losses.length, 20);
  assertLess(losses[19], losses[0] / 2);
  assertGreater(Number(/right: (\S+)/.exec(said)?.[1]), 0.9);
}

(packs ? describe : describe.skip)("RUNTIMES.md", () => {
  let app: Installed;
  const deno = (...args: string[]) =>
    app.run([Deno.execPath()], ...args.slice(0, 1), "--config", `${ROOT.pathname}deno.json`, ...args.slice(1));

  beforeAll(async () => {
    app = await install([]);
    const own = [["answers.js", ASK], ["say.js", SAY], ["in_workerd.js", IN_WORKERD], ["config.capnp", CONFIG]];
    for (const [name, text] of [...files, ...own]) await Deno.writeTextFile(`${app.folder}/${name}`, text);
    await app.run(["node"], "export.js");
    await app.run([Deno.execPath()], "transpile", "model.ts", "-o", "model.js");
  });
  afterAll(async () => await app.remove());

  it("has the files that the tests below run", () => {
    assertEquals(
      files.map(([name]) => name),
      ["network.js", "trainer.js", "main.js", "predictor.js", "ask.js", "export.js", "handler.js"],
    );
  });

  it("trains in a Worker of Deno", async () => {
    assertLearned(await deno("run", "-A", "main.js"));
  });

  withEsbuild("trains in a Worker", async () => {
    await app.run(ESBUILD, "main.js", "trainer.js", "--bundle", "--format=esm", "--outdir=app");
    if (runs("chromium")) assertLearned(await inBrowser("app", "/main.js"));
  });

  withVite("trains in a Worker", async () => {
    await Deno.writeTextFile(`${app.folder}/index.html`, '<script type="module" src="./main.js"></script>');
    await app.run(VITE, "build");
    const names = Array.from(Deno.readDirSync(`${app.folder}/dist/assets`), ({ name }) => name);
    const main = names.find((name) => /^index-.*\.js$/.test(name));
    assert(main !== undefined && names.some((name) => /^trainer-/.test(name)));
    if (runs("chromium")) assertLearned(await inBrowser("dist", `/assets/${main}`));
  });

  function inBrowser(folder: string, main: string): Promise<string> {
    const file = (path: string) => Deno.readFile(`${app.folder}/${folder}${path}`).catch(() => null);
    return pageInChromium(app.folder, `${LISTEN}await import("${main}");`, file);
  }

  for (const { command, test } of RUNTIMES) {
    test("asks a worker thread", async () => {
      const [id, count, sum] = (await app.run(command, "ask.js")).trim().split(" ").map(Number);
      assertEquals([id, count, Math.abs(sum - 1) < 1e-6], [1, 4, true]);
    });

    test("answers a request by an exported network as in Deno", async () => {
      const said = await app.run(command, "say.js");
      assertEquals(said, await deno("run", "say.js"));
      const [[ok, { scores }], [bad, { error }]] = JSON.parse(said);
      assertEquals([ok, scores.length, bad], [200, 2, 400]);
      assertMatch(error, /^Cannot predict/);
    });
  }

  withWorkerd("answers a request by an exported network, and computes on plain loops", async () => {
    await Deno.writeTextFile(`${app.folder}/sum.js`, LIBRARY);
    await app.run(ESBUILD, "sum.js", "--bundle", "--format=esm", "--outfile=library.js");
    const [answers, library] = (await app.run(WORKERD, "test", "config.capnp")).split("\n");
    assertEquals(`${answers}\n`, await deno("run", "say.js"));
    assertMatch(library, /^3 .*not wasm: the wasm kernel cannot be compiled/);
  });
});
