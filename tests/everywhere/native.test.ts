import { assertEquals, assertMatch } from "@std/assert";
import { afterAll, describe, it } from "../bdd.ts";
import { backendNamed } from "../../core/backend/choose.ts";
import { install, itWhere, packs, ROOT, type Runtime, runtimes } from "./installed.ts";
import { runWith } from "./programs.ts";

const KOFFI = "koffi@3.3.4";
const PROGRAMS = ["losses.js", "plain_simd.js", "say_losses.js", "threads_train.js"];

/** Whether each verb of the kernel, opened by the runtime's own means, answers as the plain loops do; and how it was opened. */
const VERBS = `import { backendReason } from "@gradus/gradus";
import { backend } from "./node_modules/@gradus/gradus/core/backend/choose.js";
import { selfTest } from "./node_modules/@gradus/gradus/core/backend/native/self_test.js";
console.log(JSON.stringify({ name: backend().name, reason: backendReason(), wrong: selfTest(backend()) }));
`;

const native = openedNative();
const app = packs && native ? await install(PROGRAMS) : null;
if (app !== null) await Deno.writeTextFile(`${app.folder}/verbs.js`, VERBS);
const absent = app === null ? "" : await runWith({ GRADUS_BACKEND: "auto" }, app.folder, "node", "verbs.js");
const hasKoffi = app !== null && await addKoffi(app.folder);
const all = await runtimes();
const withLibraries = all.map((runtime) =>
  runtime.name === "in Bun" || hasKoffi ? runtime : { ...runtime, test: itWhere(false, `${runtime.name} by koffi`) }
);
const [first] = withLibraries;

/** Has npm install koffi, which it may have to fetch. */
async function addKoffi(folder: string): Promise<boolean> {
  const quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--no-save", "--offline=false", "--prefer-offline"];
  await runWith({}, folder, "npm", "install", "--fetch-retries=0", ...quiet, KOFFI);
  return (await runWith({}, folder, "node", "-p", "typeof require('koffi').load")).trim() === "function";
}

/** Whether the compiled kernel is in use here, so that it can be elsewhere. */
function openedNative(): boolean {
  try {
    return backendNamed("native").name === "native";
  } catch {
    return false;
  }
}

(app !== null ? describe : describe.skip)("the compiled kernel of the package of npm", () => {
  const folder = app?.folder ?? "";
  const caches: string[] = [];
  afterAll(async () => {
    await app?.remove();
    for (const cache of caches) await Deno.remove(cache, { recursive: true });
  });

  const run = (
    variables: Record<string, string>,
    { command: [program, ...args] }: Pick<Runtime, "command">,
    name: string,
  ) => runWith({ GRADUS_BACKEND: "auto", ...variables }, folder, program, ...args, name);
  const deno = { command: [Deno.execPath(), "run", "-A", "--config", `${ROOT.pathname}deno.json`] } as const;

  it("is not used by Node.js without koffi, and the reason says so", () => {
    const { name, reason } = JSON.parse(absent);
    assertEquals(name, "wasm");
    assertEquals(
      reason,
      "not native: koffi is not installed, by which Node.js opens libraries (npm install koffi)",
    );
  });

  for (const runtime of withLibraries) {
    runtime.test("answers as the plain loops do, verb by verb", async () => {
      const { name, reason, wrong } = JSON.parse(await run({}, runtime, "verbs.js"));
      assertEquals([name, wrong], ["native", null]);
      assertMatch(reason, runtime.name === "in Bun" ? /by bun:ffi$/ : /by koffi$/);
    });

    runtime.test("learns as in Deno, bit for bit", async () => {
      const { losses, backend } = JSON.parse(await run({}, runtime, "say_losses.js"));
      assertEquals(backend, "native");
      assertEquals(losses, JSON.parse(await run({}, deno, "say_losses.js")).losses);
    });

    runtime.test("is shared by threads that train at once", async () => {
      const [one, two, again, twice] = JSON.parse(await run({}, runtime, "threads_train.js"));
      assertEquals([one, two], [again, twice]);
    });
  }

  first.test("is compiled where the cache has none, and found there by Deno", async () => {
    const cache = await Deno.makeTempDir();
    caches.push(cache);
    const made = JSON.parse(await run({ GRADUS_CACHE: cache }, first, "verbs.js"));
    assertMatch(made.reason, /^compiled with .+ and cached in .+, opened by koffi$/);
    const [name, ...others] = Array.from(Deno.readDirSync(cache), ({ name }) => name);
    assertEquals(others, []);
    assertEquals(JSON.parse(await run({ GRADUS_CACHE: cache }, deno, "say_losses.js")).backend, "native");
    assertEquals(Array.from(Deno.readDirSync(cache), ({ name }) => name), [name]);
  });
});
