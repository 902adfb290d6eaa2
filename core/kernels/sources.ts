/** The C sources as text: they travel with the module, so that a compiler is all that the native back end needs. */
import activation from "./activation.c" with { type: "text" };
import check from "./check.c" with { type: "text" };
import columnSums from "./column_sums.c" with { type: "text" };
import convert from "./convert.c" with { type: "text" };
import copyTurned from "./copy_turned.c" with { type: "text" };
import crossEntropy from "./cross_entropy.c" with { type: "text" };
import gate from "./gate.c" with { type: "text" };
import gather from "./gather.c" with { type: "text" };
import gemm from "./gemm.c" with { type: "text" };
import gemmCheck from "./gemm_check.c" with { type: "text" };
import gemmDirect from "./gemm_direct.c" with { type: "text" };
import gemmDot from "./gemm_dot.c" with { type: "text" };
import gemmEdge from "./gemm_edge.c" with { type: "text" };
import gemmJob from "./gemm_job.c" with { type: "text" };
import gemmMicro from "./gemm_micro.c" with { type: "text" };
import gemmNear from "./gemm_near.c" with { type: "text" };
import gemmOuter from "./gemm_outer.c" with { type: "text" };
import gemmPack from "./gemm_pack.c" with { type: "text" };
import gemmPlan from "./gemm_plan.c" with { type: "text" };
import gemmProduct from "./gemm_product.c" with { type: "text" };
import gemmStream from "./gemm_stream.c" with { type: "text" };
import main from "./kernels.c" with { type: "text" };
import kernels from "./kernels.h" with { type: "text" };
import map from "./map.c" with { type: "text" };
import mapRun from "./map_run.c" with { type: "text" };
import mathFunctions from "./math.c" with { type: "text" };
import memory from "./memory.c" with { type: "text" };
import peak from "./peak.c" with { type: "text" };
import reduce from "./reduce.c" with { type: "text" };
import scratch from "./scratch.c" with { type: "text" };
import stepsWasm from "./steps_wasm.h" with { type: "text" };
import threads from "./threads.c" with { type: "text" };
import tile from "./tile.h" with { type: "text" };
import update from "./update.c" with { type: "text" };
import vectorHeader from "./vector.h" with { type: "text" };
import walk from "./walk.c" with { type: "text" };
import where from "./where.c" with { type: "text" };
import zip from "./zip.c" with { type: "text" };

/** Every C file by name. */
export const SOURCES: Readonly<Record<string, string>> = {
  "activation.c": activation,
  "check.c": check,
  "column_sums.c": columnSums,
  "convert.c": convert,
  "copy_turned.c": copyTurned,
  "cross_entropy.c": crossEntropy,
  "gate.c": gate,
  "gather.c": gather,
  "gemm.c": gemm,
  "gemm_check.c": gemmCheck,
  "gemm_direct.c": gemmDirect,
  "gemm_dot.c": gemmDot,
  "gemm_edge.c": gemmEdge,
  "gemm_job.c": gemmJob,
  "gemm_micro.c": gemmMicro,
  "gemm_near.c": gemmNear,
  "gemm_outer.c": gemmOuter,
  "gemm_pack.c": gemmPack,
  "gemm_plan.c": gemmPlan,
  "gemm_product.c": gemmProduct,
  "gemm_stream.c": gemmStream,
  "kernels.c": main,
  "kernels.h": kernels,
  "map.c": map,
  "map_run.c": mapRun,
  "math.c": mathFunctions,
  "memory.c": memory,
  "peak.c": peak,
  "reduce.c": reduce,
  "scratch.c": scratch,
  "steps_wasm.h": stepsWasm,
  "threads.c": threads,
  "tile.h": tile,
  "update.c": update,
  "vector.h": vectorHeader,
  "walk.c": walk,
  "where.c": where,
  "zip.c": zip,
};

/** The one file that includes the others, and that is given to the compiler. */
export const MAIN_SOURCE = "kernels.c";

/**
 * A fingerprint of bytes or text as 16 hexadecimal digits: two 32-bit sums in the manner of FNV-1a, word by word.
 *
 * It tells versions and damage apart; it is not meant to withstand an attacker, who could as well replace the whole file.
 */
export function fingerprint(data: Uint8Array | string): string {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  // By words: this runs at every start, before the engine has compiled it.
  const words = new Uint32Array(padded.buffer);
  let [a, b] = [0x811c9dc5 ^ bytes.length, 0x2f0b4c47];
  for (let i = 0; i < words.length; i++) {
    a = Math.imul(a ^ words[i], 0x01000193);
    b = Math.imul(b ^ words[i], 0x01000193) ^ (b >>> 15);
  }
  return [a, b].map((x) => (x >>> 0).toString(16).padStart(8, "0")).join("");
}

/** The fingerprint of all sources together. */
export function sourcesFingerprint(): string {
  return fingerprint(Object.entries(SOURCES).flat().join("\0"));
}
