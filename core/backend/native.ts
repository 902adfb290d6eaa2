/** The native back end: the C kernels through Deno's foreign functions. This is the only file that opens a library. */
import type { Numbers } from "../dtype.ts";
import { granted } from "../cache_dir.ts";
import type { Backend, Gemm } from "./backend.ts";
import { allFloat32, describeGemm, GEMM_FIELDS, unwrap } from "./descriptor.ts";
import { cachedKernels, compileKernel, type Host, thisHost } from "./kernel_file.ts";
import { reference } from "./reference.ts";

export type { Backend, Host };

/** What can be called, as `kernels.h` declares it. */
export const SYMBOLS = {
  // int32_t gradus_gemm(const int32_t *descriptor, const float *a, const float *b, float *c, const float *bias)
  gradus_gemm: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_check(void)
  gradus_check: { parameters: [], result: "i32" },
  // int32_t gradus_peak(int32_t steps)
  gradus_peak: { parameters: ["i32"], result: "i32" },
} as const;

/** A back end's product if it can be had here, and in one sentence why or why not. */
export interface OpenedGemm {
  /** Absent where this back end cannot be had. */
  gemm?: Backend["gemm"];
  /** One sentence for people. */
  reason: string;
  /** Measures what one core can multiply and add at most, in GFLOP/s; takes a few milliseconds. */
  peak?: () => number;
  /** Unloads the library; the product must not be called again. A process that keeps its back end never needs it. */
  close?: () => void;
}

/**
 * Opens the native kernel: from the cache, or compiled now if the permissions are already there. It never prompts or throws.
 *
 * Other kinds than float32 are passed on to the reference loops.
 */
export function openNative(host: () => Host = thisHost): OpenedGemm {
  if (typeof Deno === "undefined") return { reason: "not running in Deno" };
  try {
    const outside = host();
    return openCached(outside) ?? openCompiled(outside);
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

function openCached(host: Host): OpenedGemm | null {
  // Without a folder there is nothing to name in a permission, and all of FFI is asked for.
  const path = host.folder ?? undefined;
  if (!granted({ name: "ffi", ...(path === undefined ? {} : { path }) })) {
    return { reason: "no permission to load libraries (--allow-ffi)" };
  }
  for (const file of cachedKernels(host)) {
    const opened = load(file, "loaded from cache");
    if (opened.gemm !== undefined) return opened;
  }
  return null;
}

function openCompiled(host: Host): OpenedGemm {
  const { path, compiler } = compileKernel(host);
  return load(path, `compiled with ${compiler} and cached in ${host.folder}`);
}

/** The product of the library in a file, or what is wrong with it. */
function load(path: string, reason: string): OpenedGemm {
  try {
    const library = Deno.dlopen(absolute(path), SYMBOLS);
    const { gradus_gemm, gradus_check, gradus_peak } = library.symbols;
    const close = () => library.close();
    if (gradus_check() === 0) return { gemm: gemmThrough(gradus_gemm), reason, peak: () => speed(gradus_peak), close };
    close();
    return { reason: "the compiled kernel was made for another CPU" };
  } catch (error) {
    return { reason: `the compiled kernel cannot be loaded: ${(error as Error).message}` };
  }
}

// A bare or relative name would be searched for where the system keeps its libraries. A symbolic link is left as it is: the
// permission names the link.
function absolute(path: string): string {
  return /^([/\\]|[A-Za-z]:)/.test(path) ? path : `${Deno.cwd()}/${path}`;
}

const descriptor = new Int32Array(GEMM_FIELDS.length);
const NO_BIAS = new Float32Array(1);

function gemmThrough(
  gradusGemm: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"]["gradus_gemm"],
): Backend["gemm"] {
  return function gemm(d: Gemm, a: Numbers, b: Numbers, c: Numbers, bias: Numbers | null): void {
    if (!allFloat32(a, b, c, bias)) return reference.gemm(d, a, b, c, bias);
    describeGemm(descriptor, d, a.length, b.length, c.length, bias?.length ?? null);
    unwrap(gradusGemm(
      descriptor,
      a as Float32Array<ArrayBuffer>,
      b as Float32Array<ArrayBuffer>,
      c as Float32Array<ArrayBuffer>,
      (bias ?? NO_BIAS) as Float32Array<ArrayBuffer>,
    ));
  };
}

function speed(gradusPeak: (steps: number) => number): number {
  const steps = 1_000_000;
  const start = performance.now();
  const operations = gradusPeak(steps) * steps;
  return operations / (performance.now() - start) * 1e-6;
}
