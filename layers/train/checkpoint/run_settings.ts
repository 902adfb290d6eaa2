/** Settings that must stay the same where a run goes on from a checkpoint. */
import { checkOptions } from "../../../core/arguments.ts";
import type { Callback } from "../callbacks/callback.ts";
import type { Learner } from "../learner.ts";

/** Settings, by the names that errors give them: `{ seed: 42 }`, or `{ "--seed": 42 }` of a command line. */
export type Settings = Readonly<Record<string, string | number>>;

/** The options of {@linkcode RunSettings}. */
export interface RunSettingsOptions {
  /**
   * Prints the line that says where a run continues.
   *
   * @default {console.log}
   */
  print?: (line: string) => void;
}

/**
 * Saves in each checkpoint the settings of the run, such as its seed and its data, and refuses to continue it with others: the result
 * would be that of neither run. Prints where a run continues.
 *
 * @example
 * ```ts
 * import { nn, optim, tensor } from "@gradus/gradus";
 * import { Checkpoints, Learner, RunSettings } from "@gradus/gradus/train";
 * import { assertRejects } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const run = (seed: number) => {
 *   const model = new nn.Linear(1, 1);
 *   const callbacks = [new RunSettings(folder, { seed }), new Checkpoints(folder)];
 *   const [optimizer, loss] = [new optim.SGD(model.parameters(), { lr: 0.1 }), nn.functional.mse];
 *   return new Learner({ model, optimizer, loss, data: { train: [[tensor([[1]]), tensor([[2]])]] }, callbacks });
 * };
 * await run(42).fit(1, { resume: true });
 * await assertRejects(() => run(7).fit(2, { resume: true }), Error, "Cannot go on with seed 7");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class RunSettings implements Callback {
  /** The name under which its state is saved. */
  readonly name = "Settings";
  /** Before callbacks that print. */
  readonly order: number = -100;
  /** The others would write the same. */
  readonly firstRankOnly = true;
  readonly #print: (line: string) => void;

  /** Settings of a run whose checkpoints are in `folder`. */
  constructor(readonly folder: string, readonly settings: Settings, options: RunSettingsOptions = {}) {
    checkOptions("keep the settings of a run", options, ["print"]);
    this.#print = options.print ?? console.log;
  }

  /** Prints where the run continues, or that it has ended already; of a new run nothing. */
  beforeFit({ epoch, epochs, step }: Learner): void {
    if (step === 0) return;
    const finished = `Already finished: ${epoch} ${epoch === 1 ? "epoch" : "epochs"}, nothing is left to train`;
    this.#print(epoch >= epochs ? finished : `Going on from epoch ${epoch}, step ${step}`);
  }

  /** The settings. */
  stateDict(): Settings {
    return this.settings;
  }

  /**
   * Compares the settings with those of a checkpoint.
   *
   * @throws {Error} If one differs.
   */
  loadStateDict(saved: Settings): void {
    for (const [name, value] of Object.entries(this.settings)) {
      if (saved[name] === value) continue;
      throw new Error(
        `Cannot go on with ${name} ${value}: the checkpoints in ${this.folder} are of a run with ${name} ${
          saved[name]
        }; keep to it, or take another folder`,
      );
    }
  }
}
