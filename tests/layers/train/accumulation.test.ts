import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { manualSeed, randn, type Tensor } from "@gradus/gradus";
import { DataLoader, TensorDataset } from "@gradus/gradus/data";
import {
  type Callback,
  CancelBatch,
  Checkpoints,
  ClipGradients,
  Learner,
  type LearnerOptions,
  type LearnerState,
  type TrainingBatch,
} from "@gradus/gradus/train";
import * as nn from "@gradus/gradus/nn";
import * as optim from "@gradus/gradus/optim";
import { packState, unpackState } from "../../../layers/train/checkpoint/packed_state.ts";
import { bitsOf } from "./small_run.ts";

const F64 = { dtype: "float64" } as const;

/** Eleven rows. */
function rows(): { x: Tensor; y: Tensor } {
  manualSeed(3);
  const x = randn([11, 3], F64);
  return { x, y: x.sum(1, true).add(randn([11, 1], F64)) };
}

function learner(train: LearnerOptions["data"]["train"], options: Partial<LearnerOptions> = {}): Learner {
  manualSeed(5);
  const model = new nn.Sequential(new nn.Linear(3, 4, F64), new nn.Tanh(), new nn.Linear(4, 1, F64));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
  return new Learner({ model, optimizer, loss: nn.functional.mse, data: { train }, ...options });
}

function parts(...sizes: number[]): TrainingBatch[] {
  const { x, y } = rows();
  let end = 0;
  return sizes.map((size) => [x.slice(0, end, end += size), y.slice(0, end - size, end)]);
}

const weights = ({ model }: Learner) => model.parameters().flatMap((p) => [...p.data]);

function assertNear(found: Learner, expected: Learner): void {
  weights(expected).forEach((w, i) => assertAlmostEquals(weights(found)[i], w, 1e-12));
  assertEquals(found.step, expected.step);
  expected.history.forEach(({ trainLoss }, i) => assertAlmostEquals(found.history[i].trainLoss, trainLoss, 1e-12));
}

/** Shuffled batches of 2; the last one is short, and so is the last group of 4. */
function shuffled(options: Partial<LearnerOptions> = {}): Learner {
  const { x, y } = rows();
  const made = learner(new DataLoader(new TensorDataset(x, y), { batchSize: 2, shuffle: true }), {
    accumulate: 4,
    ...options,
  });
  manualSeed(9);
  return made;
}

describe("accumulate", () => {
  it("takes the steps of one large batch, whatever sizes the small ones have", async () => {
    const whole = learner(parts(11));
    await whole.fit(4);
    for (const sizes of [[4, 4, 3], [1, 7, 3], [3, 2, 2, 2, 2]]) {
      const small = learner(parts(...sizes), { accumulate: sizes.length });
      await small.fit(4);
      assertNear(small, whole);
    }
  });

  it("ends an epoch with a step of the batches that are left", async () => {
    const [small, large] = [learner(parts(2, 2, 2, 2, 3), { accumulate: 2 }), learner(parts(4, 4, 3))];
    await small.fit(3);
    await large.fit(3);
    assertEquals(small.step, 9);
    assertNear(small, large);
  });

  it("calls callbacks of a step once for all its batches, with the gradients of all of them", async () => {
    const seen: string[] = [];
    const spy: Callback = {
      afterBackward: ({ accumulating }) => void seen.push(accumulating ? "more" : "all"),
      beforeStep: () => void seen.push("step"),
      afterBatch: ({ accumulating }) => void seen.push(accumulating ? "wait" : "done"),
    };
    await learner(parts(4, 4, 3), { accumulate: 2, callbacks: [spy] }).fit(1);
    assertEquals(seen, ["more", "wait", "all", "step", "done", "all", "step", "done"]);
  });

  it("clips the gradient of the step", async () => {
    const run = async (sizes: number[]) => {
      const clip = new ClipGradients({ maxNorm: 0.1 });
      const made = learner(parts(...sizes), { accumulate: sizes.length, callbacks: [clip] });
      await made.fit(2);
      return { made, norm: clip.norm };
    };
    const [small, large] = [await run([4, 4, 3]), await run([11])];
    assertNear(small.made, large.made);
    assertAlmostEquals(small.norm, large.norm, 1e-12);
  });

  it("leaves out a batch that is cancelled before its backward pass, also the last of an epoch", async () => {
    for (const left of [1, 2]) {
      const skip: Callback = {
        afterLoss: ({ batch }) => {
          if (batch === left) throw new CancelBatch();
        },
      };
      const all = parts(4, 4, 3);
      const [some, rest] = [
        learner(all, { accumulate: 3, callbacks: [skip] }),
        learner(all.filter((_, i) => i !== left), { accumulate: 2 }),
      ];
      await some.fit(1);
      await rest.fit(1);
      assertEquals(some.step, 1);
      weights(rest).forEach((w, i) => assertAlmostEquals(weights(some)[i], w, 1e-12));
    }
  });

  it("forgets the group of a batch that is cancelled after its backward pass, as one batch does", async () => {
    const skip: Callback = {
      afterBackward: ({ batch }) => {
        if (batch === 1) throw new CancelBatch();
      },
    };
    const all = parts(4, 4, 3);
    const [some, last] = [learner(all, { accumulate: 2, callbacks: [skip] }), learner([all[2]])];
    await some.fit(1);
    await last.fit(1);
    assertEquals(weights(some), weights(last));
  });

  it("stops after a step, and a run that resumes from the checkpoint ends with the same bits", async () => {
    const folder = await Deno.makeTempDir();
    try {
      const whole = shuffled();
      await whole.fit(3);
      const stop: Callback = {
        beforeBatch: (run) => run.epoch === 1 && run.batch === 1 ? run.stop("enough") : undefined,
      };
      const stopped = shuffled({ callbacks: [new Checkpoints(folder), stop] });
      assertEquals((await stopped.fit(3)).outcome, "stopped");
      assertEquals([stopped.epoch, stopped.batch, stopped.step, stopped.accumulating], [1, 4, 3, false]);
      const resumed = shuffled({ callbacks: [new Checkpoints(folder)] });
      await resumed.fit(3, { resume: true });
      assertEquals(bitsOf(resumed), bitsOf(whole));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("writes a checkpoint once a step", async () => {
    const folder = await Deno.makeTempDir();
    try {
      await shuffled({ callbacks: [new Checkpoints(folder, { everySteps: 1, keepLast: 9 })] }).fit(2);
      const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) => name.startsWith("step"));
      assertEquals(names.sort(), ["step-00000001", "step-00000002-epoch-1", "step-00000003", "step-00000004-epoch-2"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("goes on within a group with the same bits, from a state that was taken there", async () => {
    const whole = shuffled();
    await whole.fit(2);
    let kept: [json: string, tensors: Map<string, Tensor>] | null = null;
    const take: Callback = {
      afterBatch: (run) => {
        if (run.epoch !== 1 || run.batch !== 2) return;
        const { json, tensors } = packState(run.stateDict());
        kept = [json, new Map(Array.from(tensors, ([name, x]) => [name, x.clone()]))];
      },
    };
    await shuffled({ callbacks: [take] }).fit(2);
    const [json, tensors] = kept!;
    const state = unpackState({ json, tensors }) as LearnerState;
    assertEquals([state.step, state.accumulated?.batches, state.accumulated?.rows], [2, 2, [2, 4]]);
    const resumed = shuffled();
    await resumed.fit(2, { resume: state });
    assertEquals(bitsOf(resumed), bitsOf(whole));
  });

  it("refuses numbers of batches that are not whole", () => {
    assertThrows(() => shuffled({ accumulate: 0 }), RangeError, "Cannot accumulate the gradients of 0 batches");
    assertThrows(() => shuffled({ accumulate: 1.5 }), RangeError, "give a whole number from 1");
  });

  it("refuses gradients of other parameters", async () => {
    const made = shuffled();
    const accumulated = { batches: 1, rows: [2, 2] as [number, number], gradients: [] };
    await assertRejects(
      async () => await made.fit(1, { resume: { ...made.stateDict(), accumulated } }),
      RangeError,
      "Cannot load accumulated gradients: found 0 of them",
    );
  });
});
