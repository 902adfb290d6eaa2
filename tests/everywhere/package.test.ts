import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "../bdd.ts";
import config from "../../deno.json" with { type: "json" };
import { bytesInHex, pack, withEffects } from "../../.ci/pack.ts";
import { hasNode, may, pageInChromium, runIn, runs } from "./programs.ts";

const HERE = new URL("./", import.meta.url);
const ROOT = new URL("../../", HERE);
const PROGRAMS = ["files.js", "hold_lock.js", "losses.js", "plain_simd.js", "thirty_names.ts"];

/** Gzipped bytes of a bundle of `tensor`, with WebAssembly and everything that it can come to use. */
const MAX_BUNDLE = 150_000;

const packs = may(Deno.execPath()) && may("tar") && may("npm") && hasNode();

/** Whether npm can run a tool, which it may have to fetch. */
async function fetched(tool: string, program: string): Promise<boolean> {
  return packs && /^(Version )?\d+\./.test(await runIn("/", "npm", ...exec(tool, program, "--version")));
}

/** npm's arguments to run a program of a package. */
function exec(tool: string, program: string, ...args: string[]): string[] {
  return [
    "exec",
    "--yes",
    "--offline=false",
    "--prefer-offline",
    "--fetch-retries=0",
    `--package=${tool}`,
    "--",
    program,
    ...args,
  ];
}

const [TYPESCRIPT, ESBUILD, BUN] = ["typescript@5.9.3", "esbuild@0.28.2", "bun@1.4.5"];
const hasTypescript = await fetched(TYPESCRIPT, "tsc"), hasEsbuild = await fetched(ESBUILD, "esbuild");
const hasBun = await fetched(BUN, "bun");

(packs ? describe : describe.skip)("the package of npm", () => {
  let folder = "", installed = "";
  const manifest = async () => JSON.parse(await Deno.readTextFile(`${installed}/package.json`));

  beforeAll(async () => {
    folder = await Deno.makeTempDir();
    const tarball = await pack(folder);
    await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ name: "app", type: "module" }));
    const fflate = new URL("node_modules/fflate", ROOT).pathname; // a package that is here already: no network is needed
    const quiet = ["--offline", "--no-audit", "--no-fund", "--no-package-lock", "--install-links"];
    const said = await runIn(folder, "npm", "install", ...quiet, fflate, tarball);
    installed = `${folder}/node_modules/${config.name}`;
    assertMatch(said, /added 2 packages/);
    for (const name of PROGRAMS) await Deno.copyFile(new URL(name, HERE), `${folder}/${name}`);
  });
  afterAll(async () => await Deno.remove(folder, { recursive: true }));

  /** An empty folder with a table to read. */
  async function emptyFolder(name: string): Promise<string> {
    const path = `${folder}/${name}`, text = new Blob(["x,y\n1,2\n3,4\n"]);
    await Deno.mkdir(path);
    await Deno.writeFile(`${path}/table.csv`, text.stream());
    await Deno.writeFile(`${path}/table.csv.gz`, text.stream().pipeThrough(new CompressionStream("gzip")));
    return path;
  }

  let expected: string | undefined;
  /** What the program with files says in Deno. */
  async function inDeno(): Promise<string> {
    const program = new URL("files.js", HERE).pathname;
    return expected ??= await runIn(ROOT.pathname, Deno.execPath(), "run", "-A", program, await emptyFolder("deno"));
  }

  it("has the version, the licence and every entry point, and installs nothing but fflate", async () => {
    const { version, license, exports, scripts, dependencies, type } = await manifest();
    assertEquals([version, license, type, scripts], [config.version, config.license, "module", undefined]);
    assertEquals(Object.keys(exports), Object.keys(config.exports));
    assertEquals(dependencies, { fflate: config.imports.fflate.replace("npm:fflate@", "") });
    for (const { types, default: module } of Object.values<Record<string, string>>(exports)) {
      for (const path of [types, module]) assert((await Deno.stat(`${installed}/${path}`)).isFile);
    }
    assertEquals(
      await Deno.readTextFile(`${installed}/README.md`),
      await Deno.readTextFile(new URL("README.md", ROOT)),
    );
  });

  it("lets a bundler leave out all modules but those that register something", async () => {
    assertEquals((await manifest()).sideEffects, [
      "./backward/tape.js",
      "./core/backend/choose.js",
      "./core/create.js",
      "./core/tensor.js",
    ]);
  });

  it("learns, writes and reads in Node.js as in Deno, bit for bit", async () => {
    const said = await runIn(folder, "node", "files.js", await emptyFolder("node"));
    assertEquals(said, await inDeno());
    assertEquals(JSON.parse(said).resumed.losses, JSON.parse(said).losses);
  });

  (hasBun ? it : it.skip)("learns, writes and reads in Bun as in Deno, bit for bit", async () => {
    assertEquals(await runIn(folder, "npm", ...exec(BUN, "bun", "files.js", await emptyFolder("bun"))), await inDeno());
  });

  it("locks a folder of checkpoints in Node.js until the process ends, however it ends", async () => {
    const runs = `${folder}/locked`;
    const again = async () => (await runIn(folder, "node", "hold_lock.js", runs)).trim();
    const args = ["hold_lock.js", runs, "long"];
    const holder = new Deno.Command("node", { args, cwd: folder, stdin: "null", stdout: "piped" }).spawn();
    const reader = holder.stdout.getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value).trim(), "held");
    assertEquals(
      await again(),
      "Cannot keep checkpoints in runs: another run writes its own there, wait for its end or name another folder",
    );
    holder.kill("SIGKILL");
    await holder.status;
    await reader.cancel();
    assertEquals([await again(), await again()], ["held", "held"]);
  });

  it("runs the README's first example in Node.js", async () => {
    const readme = await Deno.readTextFile(new URL("README.md", ROOT));
    await Deno.writeTextFile(`${folder}/readme.js`, /```ts\n(.*?)```/s.exec(readme)![1]);
    const rows = Array.from((await runIn(folder, "node", "readme.js")).matchAll(/-?\d+\.\d*(e-?\d+)?/g), ([x]) => +x);
    assertEquals(rows.map(Math.round).map((x) => x + 0), [0, 1, 1, 0]);
  });

  (runs("chromium") ? it : it.skip)(
    "learns in a browser (chromium) as in Deno, bit for bit, from its files as they are",
    async () => {
      const script = `import "/app/plain_simd.js";
      const { losses } = await import("/app/losses.js");
      const { readSafetensors } = await import("@gradus/gradus/io");
      const refusal = await readSafetensors("w.safetensors").catch((error) => error.message);
      document.querySelector("pre").textContent = JSON.stringify({ ...await losses(), refusal });`;
      const { exports } = await manifest();
      const entries = Object.entries<{ default: string }>(exports);
      const imports = Object.fromEntries(entries.map(([entry, { default: path }]) => [
        config.name + entry.slice(1),
        `/app/node_modules/${config.name}/${path.slice(2)}`,
      ]));
      const module = (path: string) => Deno.readTextFile(path.replace("/app", folder)).catch(() => null);
      const said = await pageInChromium(folder, script, module, {
        ...imports,
        fflate: "/app/node_modules/fflate/esm/browser.js",
      });
      const { refusal, ...found } = JSON.parse(said);
      const { backend, gradient, losses, same, exported } = JSON.parse(await inDeno());
      assertEquals(found, { backend, gradient, losses, same, exported });
      assertMatch(refusal, /a browser has no files/);
    },
  );

  for (const resolution of ["node16", "bundler"]) {
    (hasTypescript ? it : it.skip)(`has types that tsc --strict accepts, resolved as ${resolution}`, async () => {
      const module = resolution === "node16" ? "node16" : "esnext";
      const compilerOptions = {
        strict: true,
        noEmit: true,
        target: "es2022",
        types: [],
        module,
        moduleResolution: resolution,
      };
      const project = { compilerOptions, files: ["thirty_names.ts"] };
      await Deno.writeTextFile(`${folder}/tsconfig.json`, JSON.stringify(project));
      assertEquals(await runIn(folder, "npm", ...exec(TYPESCRIPT, "tsc", "-p", ".")), "");
    });
  }

  (hasEsbuild ? it : it.skip)(
    "comes to 150 kB at most where only tensors are used, bundled, minified and gzipped",
    async () => {
      const program =
        'import { tensor } from "@gradus/gradus"; const x = tensor([3]).requiresGrad_(); x.mul(x).sum().backward(); ' +
        "console.log(`${x.g}`);";
      await Deno.writeTextFile(`${folder}/small.js`, program);
      const args = ["small.js", "--bundle", "--minify", "--format=esm", "--outfile=small.min.js"];
      await runIn(folder, "npm", ...exec(ESBUILD, "esbuild", ...args));
      const bundle = (await Deno.open(`${folder}/small.min.js`)).readable;
      const { length } = await new Response(bundle.pipeThrough(new CompressionStream("gzip"))).bytes();
      assertLess(length, MAX_BUNDLE);
      assertEquals((await Deno.readTextFile(`${folder}/small.min.js`)).includes("#include"), false); // no C
      assertEquals((await runIn(folder, "node", "small.min.js")).trim(), "tensor([6.])");
    },
  );
});

describe("bytesInHex()", () => {
  it("writes the same bytes otherwise, and nothing else", () => {
    const bytes = new Uint8Array(1000).map((_, i) => i);
    const module = (encoding: string, text: string) =>
      `export const E_ENCODING = "${encoding}";\nexport const X = "${text}";`;
    const packed = bytesInHex(module("base64", bytes.toBase64()));
    assertEquals(packed, module("hex", bytes.toHex()));
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
