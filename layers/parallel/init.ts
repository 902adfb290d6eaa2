/** Joining the processes that a launcher started. */
import { checkOptions, requireNumber } from "../../core/arguments.ts";
import { SOURCES_FINGERPRINT } from "../../core/kernels/source_texts.js";
import { launch } from "../../core/messages/launch.ts";
import { MpiWorld } from "../../core/messages/mpi.ts";
import { registerWorld, world } from "../../core/messages/world.ts";
import { requireSame } from "../../core/messages/require_same.ts";

/** The options of {@linkcode init}. */
export interface InitOptions {
  /**
   * Seconds that the other ranks may take to come to what all do together, before the job is ended. The longest time that one of them
   * works alone, reading data or writing a checkpoint, must be less.
   *
   * @default {300}
   */
  timeout?: number;
}

/**
 * Joins the processes that `mpirun`, `mpiexec` or Slurm's `srun` started, by the MPI that is installed; where none did, this process is a
 * world of one, MPI is not needed, and everything of this entry point does what it does with one rank. A second call does nothing.
 *
 * From then on the ranks end together: where one fails, ends early, or does not come within the time, the job ends with a line that names
 * it.
 *
 * @throws {Error} If there are others, and MPI cannot be spoken to: no `mpicc`, a permission that is missing, another runtime than Deno.
 */
export function init(options: InitOptions = {}): void {
  checkOptions("init", options, ["timeout"]);
  const { timeout = 300 } = options;
  requireNumber(timeout, "init with the timeout");
  if (!(timeout > 0 && timeout <= 1e6)) throw new RangeError(`Cannot wait for ${timeout} s: give seconds from above 0`);
  const launched = launch();
  if (launched === null || world() instanceof MpiWorld) return;
  const joined = joinWorld(launched, 1000 * timeout);
  registerWorld(joined);
  requireSame("the version of the library", SOURCES_FINGERPRINT);
}

function joinWorld(launched: NonNullable<ReturnType<typeof launch>>, milliseconds: number): MpiWorld {
  try {
    return new MpiWorld(launched, milliseconds);
  } catch (error) {
    throw new Error(`Cannot join the ${launched.size} processes of this job: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The number of this process, from 0. */
export function rank(): number {
  return world().rank;
}

/** How many processes there are. */
export function worldSize(): number {
  return world().size;
}
