/** The processes that share a command's work, where `mpirun` or Slurm started several. */
import { granted } from "../core/host/host.ts";
import { launch } from "../core/messages/launch.ts";
import { cacheDir, type nn } from "../mod.ts";
import type { PermissionUse } from "./permissions.ts";

/** This process among those that share the work. */
export interface Ranks {
  /** Its number: the first prints and writes. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** The model that all of them train. */
  share(model: nn.Module): nn.Module;
  /** Waits until all are here. */
  meet(): void;
}

/** Joins the others, if there are any; what speaks with them is loaded only then. */
export async function joinRanks(): Promise<Ranks> {
  if (launch() === null) return { rank: 0, size: 1, share: (model) => model, meet: () => {} };
  const { barrier, DataParallel, init, rank, worldSize } = await import("../layers/parallel/parallel.ts");
  init();
  return { rank: rank(), size: worldSize(), share: (model) => new DataParallel(model), meet: barrier };
}

/** Compiling and loading what speaks with MPI, where there are others. */
export function speakingWithMpi(): PermissionUse[] {
  const launched = launch();
  if (launched === null) return [];
  const path = cacheDir() ?? ".";
  const command = launched.compilers.find((name) => granted({ name: "run", command: name })) ??
    launched.compilers.at(-1)!;
  return [{
    purpose: "speak with the other ranks",
    permissions: [
      { name: "read", path, flag: `--allow-read=${path}` },
      { name: "write", path, flag: `--allow-write=${path}` },
      { name: "ffi", path, flag: `--allow-ffi=${path}` },
      { name: "run", command, flag: `--allow-run=${command}` },
    ],
  }];
}
