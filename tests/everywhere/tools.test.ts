import { assert, assertEquals, assertLess, assertNotMatch } from "@std/assert";
import { afterAll, beforeAll, describe } from "../bdd.ts";
import { install, type Installed, itWhere, itWith, ofNpm, packs, ROOT } from "./installed.ts";
import { pageInChromium, runIn, runs } from "./programs.ts";

/** Gzipped bytes of a bundle of `tensor`, with WebAssembly and everything that it can come to use. */
const MAX_BUNDLE = 150_000;

const TSC = ofNpm("typescript@5.9.3", "tsc");
const ESBUILD = ofNpm("esbuild@0.28.2", "esbuild");
const VITE = ofNpm("vite@8.4.0", "vite");
const withTsc = await itWith("by TypeScript 5.9", TSC);
const withEsbuild = await itWith("by esbuild", ESBUILD);
const withVite = await itWith("by Vite", VITE);
// Deno fetches its bundler when it is first asked to.
const bundles = packs &&
  (await runIn(import.meta.dirname, Deno.execPath(), "bundle", "plain_simd.js")).includes("WebA");
const withDenoBundle = itWhere(bundles, "by deno bundle");

const ALL = "say_losses.js";

(packs ? describe : describe.skip)("the package of npm is taken", () => {
  let app: Installed, expected = "";
  beforeAll(async () => {
    app = await install(["losses.js", "plain_simd.js", ALL, "thirty_names.ts"]);
    expected = await runIn(ROOT.pathname, Deno.execPath(), "run", "-A", new URL(ALL, import.meta.url).pathname);
  });
  afterAll(async () => await app.remove());

  /** What esbuild makes of a program, minified: its gzipped size, and from which rooms its code comes. */
  async function bundled(program: string): Promise<{ size: number; rooms: string[]; said: string }> {
    await Deno.writeTextFile(`${app.folder}/small.js`, program);
    const args = ["small.js", "--bundle", "--minify", "--outfile=small.min.js", "--metafile=meta.json"];
    await app.run(ESBUILD, ...args);
    const bundle = (await Deno.open(`${app.folder}/small.min.js`)).readable;
    const { length } = await new Response(bundle.pipeThrough(new CompressionStream("gzip"))).bytes();
    assertEquals((await Deno.readTextFile(`${app.folder}/small.min.js`)).includes("#include"), false); // no C
    const meta: Meta = JSON.parse(await Deno.readTextFile(`${app.folder}/meta.json`));
    const used = Object.values(meta.outputs).flatMap(({ inputs }) => Object.entries(inputs))
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => /@gradus\/gradus\/(.*)\/[^/]*$/.exec(path)?.[1] ?? "");
    return { size: length, rooms: [...new Set(used)].sort(), said: await app.run(["node"], "small.min.js") };
  }

  for (const resolution of ["node16", "bundler"]) {
    withTsc(`with its types, under --strict, resolved as ${resolution}`, async () => {
      const compilerOptions = {
        strict: true,
        noEmit: true,
        target: "es2022",
        types: [],
        module: resolution === "node16" ? "node16" : "esnext",
        moduleResolution: resolution,
      };
      const project = { compilerOptions, files: ["thirty_names.ts"] };
      await Deno.writeTextFile(`${app.folder}/tsconfig.json`, JSON.stringify(project));
      assertEquals(await app.run(TSC, "-p", "."), "");
    });
  }

  withDenoBundle("without options, and learns the same", async () => {
    await Deno.writeTextFile(`${app.folder}/bundle.js`, await app.run([Deno.execPath()], "bundle", ALL));
    assertEquals(await runIn("/", "node", `${app.folder}/bundle.js`), expected);
  });

  withEsbuild("without options, and learns the same", async () => {
    const said = await app.run(ESBUILD, ALL, "--bundle", "--outfile=bundle.esbuild.js");
    assertNotMatch(said, /warning|error/i);
    assertEquals(await runIn("/", "node", `${app.folder}/bundle.esbuild.js`), expected);
  });

  withVite("without options, and learns the same in a browser where there is one", async () => {
    const page = `<!doctype html><title>page</title><pre></pre><script type="module" src="./${ALL}"></script>`;
    await Deno.writeTextFile(`${app.folder}/index.html`, page);
    assertNotMatch(await app.run(VITE, "build"), /externalized|error/i);
    const assets = Array.from(Deno.readDirSync(`${app.folder}/dist/assets`), ({ name }) => `/assets/${name}`);
    const [main] = assets.filter((path) => /\/index-.*\.js$/.test(path));
    assert(main !== undefined);
    if (!runs("chromium")) return;
    const file = (path: string) => Deno.readFile(`${app.folder}/dist${path}`).catch(() => null);
    assertEquals(`${await pageInChromium(app.folder, `import "${main}";`, file)}\n`, expected);
  });

  withEsbuild(
    "with 150 kB at most, minified and gzipped, and no room that is not used, for tensors alone",
    async () => {
      const { size, rooms, said } = await bundled(
        'import { tensor } from "@gradus/gradus"; const x = tensor([3]).requiresGrad_(); x.mul(x).sum().backward(); ' +
          "console.log(`${x.g}`);",
      );
      assertLess(size, MAX_BUNDLE);
      assertEquals(said.trim(), "tensor([6.])");
      // Random streams are used: a tensor has methods that draw, as bernoulli().
      assertEquals(rooms.filter((room) => /^(layers|datasets|core\/(io|matmul|convolution))/.test(room)), []);
    },
  );

  withEsbuild("without data sets, training and files, for layers and an optimiser", async () => {
    const { rooms, said } = await bundled(
      'import { manualSeed, tensor } from "@gradus/gradus"; import { Linear } from "@gradus/gradus/nn"; ' +
        'import { SGD } from "@gradus/gradus/optim"; manualSeed(1); const model = new Linear(2, 1); ' +
        "const optimizer = new SGD(model.parameters(), { lr: 0.1 }); model.call(tensor([[1, 2]])).sum().backward(); " +
        "optimizer.step(); console.log(`${model.bias.g}`);",
    );
    assertEquals(said.trim(), "tensor([1.])");
    assertEquals(rooms.filter((room) => /^(datasets|layers\/train|core\/(io|matmul|convolution))/.test(room)), []);
  });
});

/** What esbuild tells of a bundle. */
interface Meta {
  readonly outputs: Record<string, { readonly inputs: Record<string, { readonly bytesInOutput: number }> }>;
}
