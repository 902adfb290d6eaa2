import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { relative } from "@std/path";
import { commandsOf } from "../../bench/peers/commands.ts";
import { lastWords, type PeerCommand, startPeers } from "../../bench/peers/peer.ts";
import { race } from "../../bench/peers/race.ts";
import { product } from "../../bench/peers/workloads.ts";
import { granted } from "../../core/host/host.ts";

const PYTHON = "/usr/bin/python3";
const PEERS = new URL("../../bench/peers/", import.meta.url).pathname;
const WORKLOAD = product(2, 3, 4);

const mayRun = granted({ name: "run", command: Deno.execPath() });
const itRuns = mayRun ? it : it.skip;

/** Whether a program is there, may be run, and succeeds. */
function succeeds(command: string, args: string[], env: Record<string, string> = {}): boolean {
  if (!granted({ name: "run", command })) return false;
  try {
    return new Deno.Command(command, { args, env }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const compiles = succeeds("cc", ["--version"]);
const itLoads = compiles && succeeds(PYTHON, ["--version"]) && Deno.build.os === "linux" ? it : it.skip;
const itTorch = compiles && succeeds(PYTHON, ["-c", "import torch"]) ? it : it.skip;

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
}

/** Starts a peer and stops it again; returns the messages about it. */
async function start(command: PeerCommand): Promise<string[]> {
  const said: string[] = [];
  const peers = await startPeers([command], WORKLOAD, (line) => said.push(line));
  await Promise.all(peers.map((peer) => peer.stop()));
  return said;
}

/** Writes an npm package into a folder. */
async function install(folder: string, name: string, source: string): Promise<void> {
  await write(`${folder}/node_modules/${name}/package.json`, JSON.stringify({ name, type: "module", main: "main.js" }));
  await write(`${folder}/node_modules/${name}/main.js`, source);
}

const JAX = `
  export const init = async () => {};
  export const defaultDevice = () => {};
  export const random = { key: () => {}, normal: () => ({}) };
  export const numpy = { matmul: () => ({ dataSync() {} }) };`;

const tfjs = (hasWasm: boolean) => `
  const of = { dataSync() {}, dispose() {} };
  export const [setBackend, ready] = [async () => ${hasWasm}, async () => {}];
  export const [randomNormal, matMul] = [() => of, () => of];`;

const TFJS_WASM = "export const [setWasmPaths, setThreadsCount] = [() => {}, () => {}];";

describe("commandsOf()", () => {
  itRuns("finds jax-js in the folder it is installed in, and writes nothing there", () =>
    inFolder(async (folder) => {
      await install(folder, "@jax-js/jax", JAX);
      assertEquals(await start(commandsOf(folder, PYTHON).jax), []);
      assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["node_modules"]);
    }));
  itRuns("takes a folder that is named from the current one", () =>
    inFolder(async (folder) => {
      await install(folder, "@jax-js/jax", JAX);
      assertEquals(await start(commandsOf(relative(Deno.cwd(), folder), PYTHON).jax), []);
    }));
  itRuns(
    "runs tfjs where it has WebAssembly, and refuses the loops that it falls back to elsewhere",
    () =>
      inFolder(async (folder) => {
        await install(folder, "@tensorflow/tfjs-backend-wasm", TFJS_WASM);
        await install(folder, "@tensorflow/tfjs", tfjs(true));
        assertEquals(await start(commandsOf(folder, PYTHON).tfjs), []);
        await install(folder, "@tensorflow/tfjs", tfjs(false));
        assertStringIncludes((await start(commandsOf(folder, PYTHON).tfjs))[0], "tfjs has no WebAssembly here");
      }),
  );
  itRuns("says which package a folder lacks", () =>
    inFolder(async (folder) => {
      assertMatch(
        (await start(commandsOf(folder, PYTHON).jax))[0],
        /^jax-js is left out: .*'@jax-js\/jax'.*npm install/s,
      );
    }));
});

/** The product of a slow BLAS, the reference implementation: it has no symbol by which it could be known. */
const REFERENCE = `
  void sgemm_(char *ta, char *tb, int *m, int *n, int *k, float *alpha, float *a, int *lda, float *b, int *ldb,
              float *beta, float *c, int *ldc) {}`;

/** The same with a function that only OpenBLAS has. */
const OPENBLAS = `${REFERENCE}\n  char *openblas_get_config(void) { return "OpenBLAS"; }`;

async function compileLibrary(folder: string, source: string): Promise<string> {
  await write(`${folder}/library.c`, source);
  assertEquals(succeeds("cc", ["-shared", "-fPIC", "-w", `${folder}/library.c`, "-o", `${folder}/library.so`]), true);
  return `${folder}/library.so`;
}

/** The part of PyTorch that `blas.py` uses: which library it is linked to. */
const TORCH = (library: string, mkl: boolean) => `
from types import SimpleNamespace as N
_C = N(__file__="${library}")
backends = N(mkl=N(is_available=lambda: ${mkl ? "True" : "False"}))
`;

/** Whether PyTorch on such a BLAS may be timed. */
async function mayTime(source: string, mkl = false): Promise<boolean> {
  let answer = false;
  await inFolder(async (folder) => {
    await write(`${folder}/torch.py`, TORCH(await compileLibrary(folder, source), mkl));
    const program = "import blas; blas.require_fast_blas()";
    answer = succeeds(PYTHON, ["-B", "-c", program], { PYTHONPATH: `${folder}:${PEERS}` });
  });
  return answer;
}

describe("blas.py", () => {
  itLoads("accepts a BLAS that it knows to be fast", async () => {
    assertEquals(await mayTime(OPENBLAS), true);
  });
  itLoads("refuses one that has nothing but BLAS", async () => {
    assertEquals(await mayTime(REFERENCE), false);
  });
  itLoads("accepts MKL inside PyTorch, which hides it", async () => {
    assertEquals(await mayTime("int nothing;", true), true);
  });
  itLoads("refuses a BLAS that cannot be found", async () => {
    assertEquals(await mayTime("int nothing;"), false);
  });
  // Loaded before PyTorch and for the whole process: PyTorch then multiplies with it.
  itTorch("keeps PyTorch on the reference BLAS out of the table, and says why", () =>
    inFolder(async (folder) => {
      const library = await compileLibrary(folder, REFERENCE);
      const program = `import ctypes, runpy, sys
ctypes.CDLL("${library}", mode=ctypes.RTLD_GLOBAL)
sys.path.insert(0, "${PEERS}")
runpy.run_path("${PEERS}pytorch.py")`;
      const { torch } = commandsOf(folder, PYTHON);
      const [said] = await start({ ...torch, args: ["-B", "-c", program] });
      assertStringIncludes(said, `Cannot time PyTorch: ${library} multiplies for it`);
      assertStringIncludes(said, "libopenblas0-pthread");
    }));
});

describe("lastWords()", () => {
  it("are the line that names an error", () => {
    assertEquals(
      lastWords("Traceback:\n  there\nModuleNotFoundError: No module\n"),
      " (ModuleNotFoundError: No module)",
    );
  });
  it("are the last line where none does", () => {
    assertEquals(lastWords("here\nKilled\n\n"), " (Killed)");
  });
  it("are nothing where nothing was said", () => {
    assertEquals(lastWords("\n"), "");
  });
});

describe("race()", () => {
  itRuns("says why this library's program failed", async () => {
    const { torch } = commandsOf("peers", PYTHON);
    const flags = ["--allow-read", "--allow-env", "--no-prompt"];
    await assertRejects(() => race("no-such-folder", torch, flags, () => {}), Error, "gradus failed (error: ");
  });
});
