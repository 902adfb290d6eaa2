/** Whether a launcher such as `mpirun` started this process with others, by what it left in the environment. */
import { environment } from "../host/host.ts";

/** What a launcher says. */
export interface Launch {
  /** How many processes there are. */
  readonly size: number;
  /** The compilers that may belong to it, best first. */
  readonly compilers: readonly string[];
}

/** What the launcher said, or `null` where there is none. */
export function launch(): Launch | null {
  const asked = environment("GRADUS_MPICC");
  const choose = (...compilers: string[]) => asked === undefined ? compilers : [asked];
  const open = count("OMPI_COMM_WORLD_SIZE");
  if (open !== null) return { size: open, compilers: choose("mpicc.openmpi", "mpicc") };
  const pmi = count("PMI_SIZE");
  if (pmi !== null) return { size: pmi, compilers: choose("mpicc.mpich", "mpicc") };
  // In a batch script of Slurm, SLURM_NTASKS is set for its one process too: srun's also have a rank.
  const slurm = environment("PMIX_RANK") ?? environment("PMI_RANK");
  const tasks = slurm === undefined ? null : count("SLURM_NTASKS");
  return tasks === null ? null : { size: tasks, compilers: choose("mpicc") };
}

/** How many of the processes are on this machine. */
export function localSize(): number {
  return count("OMPI_COMM_WORLD_LOCAL_SIZE") ?? count("MPI_LOCALNRANKS") ?? slurmOnThisNode() ?? 1;
}

/** Slurm gives it for each node, as `2(x3),1`. */
function slurmOnThisNode(): number | null {
  if ((environment("PMIX_RANK") ?? environment("PMI_RANK")) === undefined) return null;
  const nodes = (environment("SLURM_TASKS_PER_NODE") ?? "").split(",").flatMap((part) => {
    const [, tasks, times = "1"] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? [];
    return tasks === undefined ? [] : Array<number>(Number(times)).fill(Number(tasks));
  });
  return nodes[Number(environment("SLURM_NODEID") ?? 0)] ?? null;
}

function count(variable: string): number | null {
  const value = Number(environment(variable));
  return Number.isInteger(value) && value > 0 ? value : null;
}
