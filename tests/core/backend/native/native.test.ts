import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterEach, beforeEach, describe, it } from "../../../bdd.ts";
import { compilerVersion, type Host, thisHost } from "../../../../core/backend/native/kernel_file.ts";
import { openNative } from "../../../../core/backend/native/native.ts";
import { CALLS, functionsOf, SYMBOLS } from "../../../../core/backend/native/open_library.ts";
import { sourceTexts } from "../../../../core/backend/native/kernel_file.ts";
import { gemmConformance } from "../gemm_conformance.ts";

const SOURCES = sourceTexts();

const native = openNative();
gemmConformance("native", native.backend?.gemm, native.backend?.unary);

// A library can only be opened where --allow-ffi reaches, and that includes the folder for temporary files in task `test`.
const can = native.backend !== undefined &&
  Deno.permissions.querySync({ name: "run", command: "cc" }).state === "granted";
const test = can ? it : it.skip;

/** Whether a kernel can be made and opened here, so that nothing but its own fault would keep it from being used. */
const compiles = compilerVersion() !== null && thisHost().folder !== null &&
  Deno.permissions.querySync({ name: "ffi", path: thisHost().folder! }).state === "granted";

/** The compiler, with all the flags but its hard work: that is done where the kernel in use is compiled. */
function compile(args: string[], cwd?: string): ReturnType<Host["compile"]> {
  return thisHost().compile(args.map((arg) => arg === "-O3" ? "-O0" : arg), cwd);
}

// What the compiler made the first time is what it would make again.
let made: Uint8Array | null = null;
function compileOnce(args: string[], cwd?: string): ReturnType<Host["compile"]> {
  if (cwd === undefined) return compile(args);
  const kernel = `${cwd}/kernel`;
  if (made !== null) return Deno.writeFileSync(kernel, made), { success: true, output: "" };
  const result = compile(args, cwd);
  made = Deno.readFileSync(kernel);
  return result;
}

describe("openNative()", () => {
  let folder = "";
  let host: Host;
  beforeEach(() => {
    if (!can) return;
    folder = Deno.makeTempDirSync();
    host = { folder, compile: compileOnce };
  });
  afterEach(() => {
    if (can) Deno.removeSync(folder, { recursive: true });
  });
  const kernels = () => [...Deno.readDirSync(folder)].map((entry) => entry.name);
  const notes = () => kernels().filter((name) => name.endsWith(".failed"));
  const noCompiler = () => {
    throw new Deno.errors.NotFound("not there");
  };

  // The sanitizers see a library that stays open, so that each test closes its own.
  const open = (outside: Host) => {
    const opened = openNative(() => outside);
    opened.close?.();
    return opened;
  };

  (compiles ? it : it.skip)("openNative() opens a kernel that is right wherever there is a compiler", () => {
    assert(native.backend !== undefined, native.reason);
  });

  it("openNative() always gives a reason", () => {
    assert(native.reason.length > 0);
  });

  test("openNative() compiles once, and then finds the kernel without a compiler", () => {
    assertMatch(open(host).reason, /^compiled with .+ and cached in /);
    const again = open({ ...host, compile: noCompiler });
    assertEquals(again.reason, "loaded from cache");
    assert(again.backend !== undefined);
  });

  test("openNative() leaves nothing but the kernel in the cache", () => {
    open(host);
    assertEquals(kernels().length, 1);
  });

  test("openNative() compiles again where the cached file is damaged", () => {
    open(host);
    const path = `${folder}/${kernels()[0]}`;
    const bytes = Deno.readFileSync(path);
    bytes[bytes.length >> 1] ^= 1;
    Deno.removeSync(path);
    Deno.writeFileSync(path, bytes);
    const opened = open(host);
    assertStringIncludes(opened.reason, "compiled with");
    assert(opened.backend !== undefined);
  });

  test("openNative() says that there is no compiler", () => {
    const { backend, reason } = open({ ...host, compile: noCompiler });
    assertEquals([backend, reason], [undefined, "no C compiler found (cc)"]);
    assertEquals(kernels(), []); // the day that there is one, it is used
  });

  test("openNative() says what the compiler complained about, and cleans up", () => {
    const compile = (args: string[]) => ({ success: args[0] === "--version", output: "error: no such flag\nmore" });
    const { backend, reason } = open({ ...host, compile });
    assertEquals([backend, reason], [undefined, "the C compiler failed: error: no such flag"]);
    assertEquals(kernels(), notes());
  });

  test("openNative() says that a compiler is there but does not work, which is another thing than none", () => {
    const { reason } = open({ ...host, compile: () => ({ success: false, output: "cc: a license is missing\nmore" }) });
    assertEquals(reason, "the C compiler is there, but cc --version fails: cc: a license is missing");
    const stuck = () => {
      throw new Deno.errors.TimedOut("cc did not end within 10 s");
    };
    Deno.removeSync(`${folder}/${notes()[0]}`);
    const { reason: other } = open({ ...host, compile: stuck });
    assertEquals(other, "the C compiler cannot be run: cc did not end within 10 s");
    assertStringIncludes(open(host).reason, "cc did not end within 10 s (tried again in 24 h");
  });

  test("openNative() does not compile again for a day what failed", () => {
    let calls = 0;
    const compile = (args: string[]) => ({ success: args[0] === "--version", output: `failure ${++calls}` });
    assertEquals(open({ ...host, compile }).reason, "the C compiler failed: failure 2");
    const again = open({ ...host, compile });
    assertEquals(calls, 2);
    const note = `${folder}/${notes()[0]}`;
    assertEquals(again.reason, `the C compiler failed: failure 2 (tried again in 24 h, or when ${note} is removed)`);
    Deno.utimeSync(note, new Date(), Date.now() / 1000 - 25 * 3600);
    assertMatch(open(host).reason, /^compiled with /);
    assertEquals(notes(), []);
  });

  test("openNative() does not use a kernel that computes something wrong, says so, and keeps none", () => {
    for (
      const [file, from, to] of [
        ["math.c", "1.44269504f", "1.34269504f"], // exp(1) is 2.5
        ["binary.c", "case OP_LT: EACH(a < b", "case OP_LT: EACH(a <= b"],
        ["gemm/edge.c", "tile[", "1 + tile["],
      ]
    ) {
      const spoil = (args: string[], cwd?: string) => {
        if (cwd !== undefined) {
          const text = Deno.readTextFileSync(`${cwd}/${file}`);
          assert(text.includes(from), file);
          Deno.writeTextFileSync(`${cwd}/${file}`, text.replace(from, to));
        }
        return compile(args, cwd);
      };
      const { backend, reason } = open({ ...host, compile: spoil });
      assertEquals(backend, undefined, file);
      assertMatch(reason, /^the compiled kernel is not used, for it is wrong: .+ gives .+ for /);
      assertEquals(kernels(), notes());
      Deno.removeSync(`${folder}/${notes()[0]}`);
    }
  });

  const posix = can && Deno.build.os !== "windows" ? it : it.skip;
  posix("openNative() runs nothing from a folder that anybody may write, and compiles nothing into it", () => {
    open(host);
    Deno.chmodSync(folder, 0o777);
    const { backend, reason } = open(host);
    assertEquals(backend, undefined);
    const cure = "chmod o-w it, or use another GRADUS_CACHE";
    assertEquals(reason, `anybody may write the cache ${folder}, so nothing in it is run: ${cure}`);
    Deno.removeSync(`${folder}/${kernels()[0]}`);
    assertStringIncludes(open(host).reason, "anybody may write the cache");
    assertEquals(kernels(), []);
  });

  posix("openNative() passes over a kernel that others may change", () => {
    open(host);
    Deno.chmodSync(`${folder}/${kernels()[0]}`, 0o666);
    assertStringIncludes(open(host).reason, "compiled with");
  });

  (posix === it && mayGiveAway() ? it : it.skip)(
    "openNative() passes over another user's kernel (only root can make one)",
    () => {
      open(host);
      Deno.chownSync(`${folder}/${kernels()[0]}`, 12345, null);
      assertStringIncludes(open(host).reason, "compiled with");
    },
  );

  posix("openNative() finds the kernel beside folders, links and files that have a kernel's name", () => {
    open(host);
    const [name] = kernels();
    for (const [i, make] of [Deno.mkdirSync, danglingLink].entries()) {
      make(`${folder}/${name.replace(/-\w+\./, `-${i}.`)}`);
    }
    assertEquals(open({ ...host, compile: noCompiler }).reason, "loaded from cache");
    for (const make of [Deno.mkdirSync, danglingLink]) {
      Deno.removeSync(`${folder}/${name}`);
      make(`${folder}/${name}`);
      assertStringIncludes(open(host).reason, "compiled with");
      assertEquals(open({ ...host, compile: noCompiler }).reason, "loaded from cache");
    }
  });

  test("openNative() sweeps what a killed compilation left, and nothing younger", () => {
    for (const name of ["compile-old", "compile-new"]) Deno.mkdirSync(`${folder}/${name}/within`, { recursive: true });
    Deno.utimeSync(`${folder}/compile-old`, new Date(), Date.now() / 1000 - 2 * 3600);
    open(host);
    assertEquals(kernels().filter((name) => name.startsWith("compile-")), ["compile-new"]);
  });

  test("openNative() says that the result of a compiler is no library", () => {
    const compile = (args: string[], cwd?: string) => {
      if (cwd !== undefined) Deno.writeTextFileSync(`${cwd}/kernel`, "not a library");
      return { success: true, output: args[0] };
    };
    const { backend, reason } = open({ ...host, compile });
    assertEquals(backend, undefined);
    assertStringIncludes(reason, "the compiled kernel cannot be loaded");
  });

  test("openNative() says that the cache cannot be written", () => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    const { backend, reason } = open({ ...host, folder: `${folder}/file/within` });
    assertEquals(backend, undefined);
    assertStringIncludes(reason, "cannot write the cache");
  });

  it("openNative() says that there is no cache folder", () => {
    const { backend, reason } = openNative(() => ({ folder: null, compile: noCompiler }));
    assertEquals(backend, undefined);
    assertMatch(reason, /no cache folder|no permission to load libraries/);
  });

  it("openNative() never throws, whatever fails", () => {
    const { reason } = openNative(() => {
      throw new Error("a broken host");
    });
    assertEquals(reason, "a broken host");
  });
});

describe("native permissions", () => {
  const none = { permissions: { ffi: false, run: false, write: false } } as const;
  Deno.test("openNative() says that loading libraries is not allowed, and does not ask", none, () => {
    const { backend, reason } = openNative();
    assertEquals([backend, reason], [undefined, "no permission to load libraries (--allow-ffi)"]);
  });
});

/** What kernels.h declares: each function's result and parameters. */
function declarations(): [name: string, result: string, parameters: string][] {
  return [...SOURCES["kernels.h"].matchAll(/^GRADUS_EXPORT (\w+) (gradus_\w+)\((.*)\);$/gm)]
    .map(([, result, name, parameters]) => [name, result, parameters]);
}

describe("SYMBOLS", () => {
  it("SYMBOLS names what kernels.h exports, argument for argument, but for what is behind gradus_call", () => {
    const declared = declarations().filter(([name]) => !(name in CALLS))
      .map(([name, result, parameters]) => [name, { parameters: kinds(parameters), result: KINDS[result] }]);
    assertEquals(Object.fromEntries(declared), SYMBOLS as unknown);
  });

  it("CALLS numbers the functions as kernels.h does", () => {
    const [, names] = SOURCES["kernels.h"].match(/enum \{\s+CALL_OPEN([^}]*)\}/)!;
    const expected = ["CALL_OPEN", ...names.match(/CALL_\w+/g)!].map((name) =>
      name.replace("CALL", "gradus").toLowerCase()
    );
    assertEquals(Object.keys(CALLS), expected);
    assertEquals(Object.values(CALLS) as number[], expected.map((_, i) => i));
  });

  it("functionsOf() passes each function's arguments to gradus_call in kernels.h's order, numbers in the descriptor", () => {
    let called: unknown[] = [];
    const call = (code: number, ...rest: unknown[]) => (called = [code, ...rest.map(copyOfInts)], 0);
    const functions = functionsOf({ gradus_call: call } as never) as unknown as Record<
      string,
      (...x: unknown[]) => void
    >;
    const behind = declarations().filter(([name]) => name in CALLS);
    assertEquals(behind.length, Object.keys(CALLS).length);
    for (const [name, , parameters] of behind) {
      const given = kinds(parameters).map((kind, i) => kind === "i32" ? 7 + i : new Float32Array([i]));
      functions[name](...given);
      const [code, descriptor, ...pointers] = called;
      const arrays = given.filter((x) => typeof x !== "number");
      const numbers = given.filter((x) => typeof x === "number");
      assertEquals(code, CALLS[name as keyof typeof CALLS]);
      assertEquals(pointers.length, 8);
      const passed = parameters.includes("descriptor") ? [descriptor, ...pointers] : pointers;
      assertEquals(passed.slice(0, arrays.length), arrays, name);
      if (numbers.length > 0) assertEquals((descriptor as number[]).slice(0, numbers.length), numbers, name);
    }
  });
});

function copyOfInts(x: unknown): unknown {
  return x instanceof Int32Array ? [...x] : x;
}

/** A link takes more permissions than the tests have: a Deno of its own makes it. */
function danglingLink(path: string): void {
  const args = ["eval", `Deno.symlinkSync("nowhere", ${JSON.stringify(path)})`];
  assert(new Deno.Command(Deno.execPath(), { args }).outputSync().success);
}

function mayGiveAway(): boolean {
  const path = Deno.makeTempFileSync();
  try {
    Deno.chownSync(path, 12345, null);
    return true;
  } catch {
    return false;
  } finally {
    Deno.removeSync(path);
  }
}

const KINDS: Record<string, string> = { int32_t: "i32", void: "void" };

function kinds(parameters: string): string[] {
  if (parameters === "void") return [];
  return parameters.split(", ").map((text) => text.includes("*") ? "buffer" : KINDS[text.split(" ")[0]]);
}
