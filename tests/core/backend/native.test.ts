import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { type Host, thisHost } from "../../../core/backend/kernel_file.ts";
import { openNative } from "../../../core/backend/native.ts";
import { SYMBOLS } from "../../../core/backend/symbols.ts";
import { SOURCES } from "../../../core/kernels/sources.ts";
import { gemmConformance } from "./gemm_conformance.ts";

const native = openNative();
gemmConformance("native", native.backend?.gemm, native.backend?.map);

// A library can only be opened where --allow-ffi reaches, and that includes the folder for temporary files in task `test`.
const can = native.backend !== undefined &&
  Deno.permissions.querySync({ name: "run", command: "cc" }).state === "granted";
const test = can ? it : it.skip;

describe("openNative()", () => {
  let folder = "";
  let host: Host;
  beforeEach(() => {
    if (!can) return;
    folder = Deno.makeTempDirSync();
    host = { ...thisHost(), folder };
  });
  afterEach(() => {
    if (can) Deno.removeSync(folder, { recursive: true });
  });
  const kernels = () => [...Deno.readDirSync(folder)].map((entry) => entry.name);
  const noCompiler = () => {
    throw new Error("not there");
  };

  // The sanitizers see a library that stays open, so that each test closes its own.
  const open = (outside: Host) => {
    const opened = openNative(() => outside);
    opened.close?.();
    return opened;
  };

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
  });

  test("openNative() says what the compiler complained about, and cleans up", () => {
    const compile = (args: string[]) => ({ success: args[0] === "--version", output: "error: no such flag\nmore" });
    const { backend, reason } = open({ ...host, compile });
    assertEquals([backend, reason], [undefined, "the C compiler failed: error: no such flag"]);
    assertEquals(kernels(), []);
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

describe("SYMBOLS", () => {
  it("SYMBOLS names what kernels.h exports, argument for argument", () => {
    const declared = [...SOURCES["kernels.h"].matchAll(/^GRADUS_EXPORT (\w+) (gradus_\w+)\((.*)\);$/gm)]
      .map(([, result, name, parameters]) => [name, { parameters: kinds(parameters), result: KINDS[result] }]);
    assertEquals(Object.fromEntries(declared), SYMBOLS as unknown);
  });
});

const KINDS: Record<string, string> = { int32_t: "i32", void: "void" };

function kinds(parameters: string): string[] {
  if (parameters === "void") return [];
  return parameters.split(", ").map((text) => text.includes("*") ? "buffer" : KINDS[text.split(" ")[0]]);
}
