/** Which CPU this is, as far as that may be read. */
import { granted } from "../core/io/cache_dir.ts";

/** The part of Node's `process` that hands out modules when they are needed, and not at import. */
interface ModuleGiver {
  getBuiltinModule(name: "node:os"): { cpus(): { model: string }[] };
}

/** The CPU's name, or `null` where that may not be read (`--allow-sys=cpus`) or is not known. */
export function cpuModel(): string | null {
  if (!granted({ name: "sys", kind: "cpus" })) return null;
  const { process } = globalThis as { process?: ModuleGiver };
  return process?.getBuiltinModule("node:os").cpus()[0]?.model.trim() || null;
}
