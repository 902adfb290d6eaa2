import { assert, assertAlmostEquals, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "../bdd.ts";
import config from "../../deno.json" with { type: "json" };
import { bytesInTurns, withEffects } from "../../.ci/pack.ts";
import { BUN, install, type Installed, itFetching, packs, ROOT, runtimes } from "./installed.ts";
import { pageInChromium, runIn, runs } from "./programs.ts";

const PROGRAMS = ["files.js", "killed.js", "kills.js", "losses.js", "mnist.js", "plain_simd.js", "syncs.js"];
const RUNTIMES = await runtimes();
const withBun = await itFetching("in Bun", BUN);

/** MNIST's files, or nothing: then digits are drawn. */
const MNIST = new URL("../shared/data/mnist", ROOT).pathname;
const mnist = await Deno.stat(MNIST).then(() => MNIST, () => "");

(packs ? describe : describe.skip)("the package of npm", () => {
  let app: Installed;
  beforeAll(async () => {
    app = await install(PROGRAMS);
    // Node.js 20 reads no types.
    const small = new URL("../layers/train/small_run.ts", import.meta.url).pathname;
    await runIn(ROOT.pathname, Deno.execPath(), "transpile", small, "-o", `${app.folder}/small_run.js`);
  });
  afterAll(async () => await app.remove());

  const manifest = async () => JSON.parse(await Deno.readTextFile(`${app.path}/package.json`));

  /** An empty folder with a table to read. */
  async function emptyFolder(name: string): Promise<string> {
    const path = `${app.folder}/${name}`, text = new Blob(["x,y\n1,2\n3,4\n"]);
    await Deno.mkdir(path);
    await Deno.writeFile(`${path}/table.csv`, text.stream());
    await Deno.writeFile(`${path}/table.csv.gz`, text.stream().pipeThrough(new CompressionStream("gzip")));
    return path;
  }

  const said = new Map<string, Promise<string>>();
  /** What a program of this folder says in Deno, from the sources. */
  function inDeno(program: string, argument: () => string | Promise<string>): Promise<string> {
    const path = new URL(program, import.meta.url).pathname;
    const run = async () => await runIn(ROOT.pathname, Deno.execPath(), "run", "-A", path, await argument());
    const running = said.get(program) ?? run();
    said.set(program, running);
    return running;
  }
  const filesInDeno = () => inDeno("files.js", () => emptyFolder("deno"));
  const mnistInDeno = () => inDeno("mnist.js", () => mnist);

  it("has the version, the licence and every entry point, and installs nothing but fflate, protobuf and fast-png", async () => {
    const { version, license, exports, scripts, dependencies, type } = await manifest();
    assertEquals([version, license, type, scripts], [config.version, config.license, "module", undefined]);
    assertEquals(Object.keys(exports), Object.keys(config.exports));
    assertEquals(
      dependencies,
      Object.fromEntries(
        (["@bufbuild/protobuf", "fast-png", "fflate"] as const).map((
          name,
        ) => [name, config.imports[name].replace(`npm:${name}@`, "")]),
      ),
    );
    for (const { types, default: module } of Object.values<Record<string, string>>(exports)) {
      for (const path of [types, module]) assert((await Deno.stat(`${app.path}/${path}`)).isFile);
    }
    assertEquals(
      await Deno.readTextFile(`${app.path}/README.md`),
      await Deno.readTextFile(new URL("README.md", ROOT)),
    );
  });

  it("lets a bundler leave out all modules but those that register something", async () => {
    assertEquals((await manifest()).sideEffects, [
      "./backward/tape.js",
      "./core/backend/choose.js",
      "./core/create.js",
      "./core/tensor.js",
      "./display/notebook/notebook.js",
    ]);
  });

  for (const { name, command, test } of RUNTIMES) {
    test("learns, writes and reads as in Deno, bit for bit", async () => {
      const said = await app.run(command, "files.js", await emptyFolder(name));
      assertEquals(said, await filesInDeno());
      assertEquals(JSON.parse(said).resumed.losses, JSON.parse(said).losses);
    });

    test("learns MNIST as in Deno, bit for bit", async () => {
      const said = await app.run(command, "mnist.js", mnist);
      assertEquals(said, await mnistInDeno());
      assertGreater(JSON.parse(said).accuracy, 0.8);
    });

    test("runs the README's first example", async () => {
      const readme = await Deno.readTextFile(new URL("README.md", ROOT));
      await Deno.writeTextFile(`${app.folder}/readme.js`, /```ts\n(.*?)```/s.exec(readme)![1]);
      const said = await app.run(command, "readme.js");
      const rows = Array.from(said.matchAll(/-?\d+\.\d*(e-?\d+)?/g), ([x]) => +x);
      assertEquals(rows.map(Math.round).map((x) => x + 0), [0, 1, 1, 0]);
    });

    // A program in Bun cannot watch the calls of its modules: the same code runs there.
    if (name !== "in Bun") {
      test("syncs a new file before it takes the old one's name, and the folder after", async () => {
        const folder = await Deno.makeTempDir({ dir: app.folder, prefix: "synced-" });
        assertEquals(JSON.parse(await app.run(command, "syncs.js", folder)), [
          "write w.safetensors.tmp",
          "sync w.safetensors.tmp",
          "rename w.safetensors.tmp to w.safetensors",
          `sync ${folder.slice(app.folder.length + 1)}`,
        ]);
      });
    }

    test("leaves whole files, resumable runs and free locks wherever it is killed", async () => {
      const { files, training, locks, left } = JSON.parse(
        await app.run(command, "kills.js", `${app.folder}/kills ${name}`),
      );
      assertEquals(files, { found: Array(8).fill(1), strays: [] });
      assertEquals(training, { kills: 6, same: true, said: [] });
      const busy =
        "Cannot keep checkpoints in runs: another run writes its own there, wait for its end or name another folder";
      assertEquals(locks, { held: "held", second: busy, after: ["held", "held"], holders: 1, thread: busy });
      assertEquals(left, [true, false, true]);
    });
  }

  for (const { name, command, test } of RUNTIMES) {
    test("has the program gradus, which learns a table, and predicts by that what Deno does", async () => {
      const rows = Array.from({ length: 90 }, (_, i) => `${i % 7},${["Graz", "Wien"][i % 2]},${i % 5 + 0.5}`);
      const program = `${app.path}/${(await manifest()).bin.gradus}`, folder = `${app.folder}/table ${name}`;
      await Deno.mkdir(folder);
      await Deno.writeTextFile(`${folder}/t.csv`, `a,city,y\n${rows.join("\n")}\n`);
      const gradus = (...args: string[]) => app.run(command, program, ...args);
      const said = await gradus("tabular", `${folder}/t.csv`, "--epochs", "3", "--out", `${folder}/m`, "--json");
      assertEquals(JSON.parse(said.trimEnd().split("\n").at(-1)!).train, 72);
      const predict = ["tabular", "predict", `${folder}/t.csv`, "--model", `${folder}/m`];
      const predicted = await gradus(...predict);
      assertEquals(predicted.split("\n").length, 92);
      const inDeno = await runIn(ROOT.pathname, Deno.execPath(), "run", "-A", "cli/cli.ts", ...predict);
      const numbers = (csv: string) => csv.trimEnd().split("\n").slice(1).map((row) => Number(row.split(",").at(-1)));
      // One fuses multiplications and additions, the other need not: sums of 64 products of about 1, and a target of about 1.
      numbers(predicted).forEach((value, i) => assertAlmostEquals(value, numbers(inDeno)[i], 1e-5));
      assertMatch(await gradus("tabluar"), /^error: Cannot run tabluar: .* the nearest is tabular\n/);
    });
  }

  withBun("is installed by bun add, and computes the same", async () => {
    await Deno.mkdir(`${app.folder}/by bun`);
    await Deno.writeTextFile(`${app.folder}/by bun/package.json`, JSON.stringify({ name: "app", type: "module" }));
    const [program, ...args] = BUN;
    await runIn(`${app.folder}/by bun`, program, ...args, "add", app.tarball);
    await Deno.copyFile(`${app.folder}/readme.js`, `${app.folder}/by bun/readme.js`);
    assertEquals(await runIn(`${app.folder}/by bun`, program, ...args, "readme.js"), await app.run(BUN, "readme.js"));
  });

  (runs("chromium") ? it : it.skip)(
    "learns in a browser (chromium) as in Deno, bit for bit, from its files as they are",
    async () => {
      const script = `import "/app/plain_simd.js";
      const { losses } = await import("/app/losses.js");
      const { mnist } = await import("/app/mnist.js");
      const { readSafetensors } = await import("@gradus/gradus/io");
      const refusal = await readSafetensors("w.safetensors").catch((error) => error.message);
      const pictures = await mnist(${mnist === ""} ? null : (name) => fetch("/mnist/" + name));
      document.querySelector("pre").textContent = JSON.stringify({ ...await losses(), pictures, refusal });`;
      const file = (path: string) =>
        Deno.readFile(path.replace(/^\/app/, app.folder).replace(/^\/mnist/, mnist)).catch(() => null);
      const said = await pageInChromium(app.folder, script, file, await app.importMap());
      const { refusal, pictures, ...found } = JSON.parse(said);
      const { backend, gradient, losses, same, exported } = JSON.parse(await filesInDeno());
      assertEquals(found, { backend, gradient, losses, same, exported });
      assertEquals(pictures, JSON.parse(await mnistInDeno()));
      assertMatch(refusal, /a browser has no files/);
    },
  );
});

describe("bytesInTurns()", () => {
  it("gives a module with the same bytes, in hex", async () => {
    const [first, second] = [12_345, 11_999].map((length) => new Uint8Array(length).map((_, i) => i * i));
    const text = `export const E_ENCODING = "base64";
export const a = () => "${first.toBase64()}";
export const b = () => "${second.toBase64()}";`;
    const packed = await import(`data:text/javascript,${encodeURIComponent(bytesInTurns(text))}`);
    assertEquals([packed.E_ENCODING, packed.a(), packed.b()], ["hex", first.toHex(), second.toHex()]);
  });
});

describe("withEffects()", () => {
  it("names modules that call something at the top, and those that are imported for nothing else", () => {
    const modules = new Map([
      ["a/calls.js", 'import { f } from "./b.js";\nf(1);'],
      ["a/quiet.js", "export const x = f(1);\nfunction g() {\n  f(1);\n}"],
      ["a/imports.js", 'import "../b/imported.js"; // for its effect'],
    ]);
    assertEquals(withEffects(modules), ["a/calls.js", "b/imported.js"]);
  });
});
