/**
 * `doctor`: which back end is in use and why, which compiler and CPU there are, and how near a matrix product comes to the peak of
 * one core. `--json` prints one object instead.
 *
 * @module
 */
import type { Gemm } from "../core/backend/backend.ts";
import { backend } from "../core/backend/choose.ts";
import { compilerVersion } from "../core/backend/native/kernel_file.ts";
import { openNative } from "../core/backend/native/native.ts";
import { type WasmSimd, wasmSimd } from "../core/backend/wasm/wasm.ts";
import { processorName } from "../core/host/program.ts";
import { mpiVersion } from "../core/messages/shim_file.ts";
import { backendReason, setThreads } from "../mod.ts";
import { runCommand } from "./command_line.ts";

/** What the doctor found; speeds in GFLOP/s on one core. */
interface Findings {
  backend: string;
  reason: string;
  /** Which build of the wasm kernel is in use, or `null` with another back end. */
  simd: WasmSimd | null;
  /** What `cc --version` prints, or `null` without a compiler. */
  cc: string | null;
  /** Which MPI `mpicc` has, or `null` without one. */
  mpi: string | null;
  /** The CPU's name, or `null` if it may not be read. */
  cpu: string | null;
  /** The speed of a matrix product. */
  gflops: number;
  /** The peak of the core, or `null` if no kernel can be compiled and loaded. */
  peak: number | null;
}

function examine(): Findings {
  setThreads(1);
  const peak = openNative().peak ?? null;
  const speed = measure(backend().name === "native" ? 1024 : 256, peak);
  const simd = backend().name === "wasm" ? wasmSimd() : null;
  return {
    ...{
      backend: backend().name,
      reason: backendReason(),
      simd,
      cc: compilerVersion(),
      mpi: mpiVersion(),
      cpu: processorName(),
    },
    ...{ gflops: round(speed.gflops), peak: speed.peak === null ? null : round(speed.peak) },
  };
}

/** Medians of the product of two n × n matrices and of the peak, measured in turns since clocks drift. */
function measure(n: number, peak: (() => number) | null): { gflops: number; peak: number | null } {
  const [a, b] = [new Float32Array(n * n).map(Math.random), new Float32Array(n * n).map(Math.random)];
  const c = new Float32Array(n * n);
  const d: Gemm = {
    ...{ m: n, k: n, n, beta: 0, biasOffset: 0, biasStride: 0 },
    ...{ aOffset: 0, aRow: n, aCol: 1, bOffset: 0, bRow: n, bCol: 1, cOffset: 0, cRow: n, cCol: 1 },
  };
  const once = () => {
    const start = performance.now();
    backend().gemm(d, a, b, c, null);
    return 2 * n ** 3 / (performance.now() - start) * 1e-6;
  };
  once();
  const rounds = Array.from({ length: 9 }, () => ({ gflops: once(), peak: peak?.() ?? null }));
  return {
    gflops: median(rounds.map((round) => round.gflops)),
    peak: peak === null ? null : median(rounds.map((round) => round.peak!)),
  };
}

function median(values: number[]): number {
  return values.sort((x, y) => x - y)[values.length >> 1];
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}

function lines({ backend, reason, simd, cc, mpi, cpu, gflops, peak }: Findings): string {
  const share = peak === null ? "" : ` of ${peak} that one core can do (${Math.round(100 * gflops / peak)} %)`;
  return [
    `back end  ${backend}${simd === null ? "" : ` with ${simd} SIMD`}: ${reason}`,
    `compiler  ${cc ?? "none found, or not allowed"}`,
    `MPI       ${mpi ?? "no mpicc found, or not allowed"}`,
    `CPU       ${cpu ?? "unknown"}`,
    `speed     ${gflops} GFLOP/s${share}`,
  ].join("\n");
}

/** Runs `doctor`, and gives its exit code. */
export async function doctor(args: readonly string[]): Promise<number> {
  return await runCommand({
    purpose: "Say which back end is in use, why, and how fast it is.",
    options: { json: { help: "one JSON object instead" } },
    run: ({ json }) => console.log(json ? JSON.stringify(examine()) : lines(examine())),
  }, args);
}
