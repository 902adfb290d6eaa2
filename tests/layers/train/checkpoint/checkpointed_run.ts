/** The small run, with checkpoints and without. */
import { type Batches, Checkpoints, type CheckpointsOptions } from "@gradus/gradus/train";
import { namesIn } from "../../../core/io/in_folder.ts";
import { bitsOf, EPOCHS, smallLearner } from "../small_run.ts";

/** A full run's bits, undisturbed. */
export async function wholeRun(train: () => Batches): Promise<unknown> {
  const learner = smallLearner([], train());
  await learner.fit(EPOCHS);
  return bitsOf(learner);
}

/** Writes a run's checkpoints into the folder: after each epoch, the last three stay. */
export async function filled(folder: string, options: CheckpointsOptions = {}): Promise<string[]> {
  await smallLearner([new Checkpoints(folder, options)]).fit(EPOCHS);
  return checkpointsIn(folder);
}

/** The names of the checkpoints in the folder, sorted. */
export function checkpointsIn(folder: string): string[] {
  return namesIn(folder).filter((name) => ![".lock", "history.jsonl"].includes(name));
}
