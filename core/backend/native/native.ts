/** The native back end: the C kernels, called through the foreign functions of Deno, Bun or Node.js. */
import { granted, hasFiles, workingFolder } from "../../host/host.ts";
import type { Backend, Opened } from "../backend.ts";
import { cachedKernels, compileKernel, type Host, rememberedFailure, thisHost } from "./kernel_file.ts";
import {
  nativeBatchNorm,
  nativeBatchNormBackward,
  nativeBinary,
  nativeConv,
  nativeGather,
  nativeGemm,
  nativePool,
  nativePoolBackward,
  nativeReduce,
  nativeResample,
  nativeResampleBackward,
  nativeUnary,
  nativeWhere,
} from "./verbs.ts";
import {
  nativeAlong,
  nativeLayerNorm,
  nativeLayerNormBackward,
  nativeSoftmax,
  nativeSoftmaxBackward,
} from "./along.ts";
import { nativeAttention, nativeAttentionBackward, nativeRecurrent } from "./sequences.ts";
import { nativeActivationBackward, nativeCrossEntropy, nativeUpdate } from "./training.ts";
import { type Buffer, type Functions, functionsOf, libraryOpener } from "./open_library.ts";
import { selfTest } from "./self_test.ts";
import { registerThreads } from "../threads.ts";
import { CACHE_LINE, registerSystemMemory } from "../../memory/slabs.ts";

/**
 * Opens the native back end: from the cache, or compiled now if the permissions are already granted. It never prompts or throws.
 *
 * Its verbs pass dtypes that C does not know on to the reference.
 */
export function openNative(host: () => Host = thisHost): Opened {
  if (!hasFiles()) return { reason: "a browser loads no libraries" };
  try {
    libraryOpener(); // nothing is compiled that nothing could open
    const outside = host();
    return openCached(outside) ?? openRemembered(outside) ?? openCompiled(outside);
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

function openCached(host: Host): Opened | null {
  // Without a folder there is no path to ask about: only --allow-ffi without a path would do.
  const path = host.folder ?? undefined;
  if (!granted({ name: "ffi", ...(path === undefined ? {} : { path }) })) {
    return { reason: "no permission to load libraries (--allow-ffi)" };
  }
  for (const file of cachedKernels(host)) {
    const opened = load(file, "loaded from cache");
    if (opened.backend !== undefined) return opened;
  }
  return null;
}

function openRemembered(host: Host): Opened | null {
  const reason = rememberedFailure(host);
  return reason === null ? null : { reason };
}

function openCompiled(host: Host): Opened {
  let opened: Opened | undefined;
  const { compiler } = compileKernel(host, (path) => opened = openTested(path));
  const { name } = libraryOpener();
  const by = name === "" ? "" : `, opened by ${name}`;
  return { ...opened, reason: `compiled with ${compiler} and cached in ${host.folder}${by}` };
}

/**
 * Compiles the kernel into the cache, also where an earlier attempt failed.
 *
 * @throws {Error} If it cannot be compiled or fails the self-test; the message is one line.
 */
export function compileNative(): { path: string; compiler: string } {
  return compileKernel(thisHost(), (path) => openTested(path).close?.());
}

/** Opens a library that was just compiled; throws if it fails the self-test. */
function openTested(path: string): Opened {
  const opened = load(path, "compiled");
  if (opened.backend === undefined) throw new Error(opened.reason);
  const wrong = selfTest(opened.backend);
  if (wrong === null) return opened;
  opened.close?.();
  throw new Error(`the compiled kernel is not used, for it is wrong: ${wrong}`);
}

/** The back end of the library in a file, or why it cannot be used. */
function load(path: string, reason: string): Opened {
  try {
    const { name, open } = libraryOpener();
    const library = open(absolute(path));
    const functions = functionsOf(library.symbols);
    const forget: (() => void)[] = [];
    const close = () => {
      forget.forEach((registered) => registered());
      library.close();
    };
    if (functions.gradus_open() === 0) {
      forget.push(registerThreads(poolOf(functions)));
      forget.push(registerSystemMemory(memoryOf(functions)));
      return {
        backend: verbsOf(functions),
        reason: name === "" ? reason : `${reason} by ${name}`,
        peak: () => speed(functions.gradus_peak),
        close,
      };
    }
    close();
    return { reason: "the compiled kernel was made for another CPU" };
  } catch (error) {
    return { reason: `the compiled kernel cannot be loaded: ${(error as Error).message}` };
  }
}

// `dlopen` searches the system's folders for a name without a slash. A symbolic link is not resolved: the permission names the link.
function absolute(path: string): string {
  return /^([/\\]|[A-Za-z]:)/.test(path) ? path : `${workingFolder()}/${path}`;
}

function verbsOf(functions: Functions): Backend {
  const gemm = nativeGemm(functions);
  return {
    name: "native",
    gemm,
    conv: nativeConv(functions),
    unary: nativeUnary(functions),
    binary: nativeBinary(functions),
    where: nativeWhere(functions),
    reduce: nativeReduce(functions),
    gather: nativeGather(functions),
    activationBackward: nativeActivationBackward(functions),
    crossEntropy: nativeCrossEntropy(functions),
    update: nativeUpdate(functions),
    pool: nativePool(functions),
    poolBackward: nativePoolBackward(functions),
    resample: nativeResample(functions),
    resampleBackward: nativeResampleBackward(functions),
    batchNorm: nativeBatchNorm(functions),
    batchNormBackward: nativeBatchNormBackward(functions),
    ...nativeRecurrent(functions, gemm),
    ...nativeAlong(functions),
    softmax: nativeSoftmax(functions),
    softmaxBackward: nativeSoftmaxBackward(functions),
    layerNorm: nativeLayerNorm(functions),
    layerNormBackward: nativeLayerNormBackward(functions),
    attention: nativeAttention(functions),
    attentionBackward: nativeAttentionBackward(functions),
  };
}

function poolOf({ gradus_threads }: Functions): Parameters<typeof registerThreads>[0] {
  return { set: (count) => void gradus_threads(count, 0), setDefault: (count) => gradus_threads(count, 1) };
}

function memoryOf({ gradus_address, gradus_trim_memory }: Functions): Parameters<typeof registerSystemMemory>[0] {
  const address = new BigInt64Array(1);
  const low = new Int32Array(address.buffer); // its first element is the low half: little-endian
  const offsetInLine = (start: unknown) => {
    gradus_address(address, 0, start as Buffer);
    return low[0] & (CACHE_LINE - 1);
  };
  return { offsetInLine, trim: gradus_trim_memory };
}

function speed(gradusPeak: (steps: number) => number): number {
  const steps = 1_000_000;
  const start = performance.now();
  const operations = gradusPeak(steps) * steps;
  return operations / (performance.now() - start) * 1e-6;
}
