/** What a script says of a run that goes on from a checkpoint, and which settings such a run keeps. */
import type { Callback, Learner } from "@gradus/gradus/train";

/** Says from where a run goes on, and refuses to go on with other settings than those it began with. */
export class Resuming implements Callback {
  /** The name its state is saved under. */
  readonly name = "Settings";
  /** Before all that speaks of the run. */
  readonly order = -100;

  /** `settings` by the words for them: `{ "--seed": 42 }`; `say` is `console.log` unless told. */
  constructor(
    readonly folder: string,
    readonly settings: Readonly<Record<string, string | number>>,
    readonly say: (line: string) => void = console.log,
  ) {}

  /** Speaks where anything is behind the learner. */
  beforeFit({ epoch, epochs, step }: Learner): void {
    if (step === 0) return;
    const finished = `Already finished: ${epoch} ${epoch === 1 ? "epoch" : "epochs"}, nothing is left to train`;
    this.say(epoch >= epochs ? finished : `Going on from epoch ${epoch}, step ${step}`);
  }

  /** The settings. */
  stateDict(): Readonly<Record<string, string | number>> {
    return this.settings;
  }

  /** Compares them with those of the checkpoint. */
  loadStateDict(saved: Readonly<Record<string, string | number>>): void {
    for (const [name, value] of Object.entries(this.settings)) {
      if (saved[name] === value) continue;
      throw new Error(
        `Cannot go on with ${name} ${value}: the checkpoints in ${this.folder} are of a run with ${name} ${
          saved[name]
        }; ` +
          "keep to it, or take another folder",
      );
    }
  }
}
