import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { backend } from "../../../core/backend/choose.ts";
import { setThreads, threads } from "@gradus/gradus";
import { runTraining } from "./training_worker.ts";

const WORKER = new URL("./training_worker.ts", import.meta.url).href;

/** What a Worker of its own answers. */
function ask<T>(task: { seed: number; steps: number; set?: number }): Promise<T> {
  const worker = new Worker(WORKER, { type: "module" });
  return new Promise<T>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => (event.preventDefault(), reject(new Error(event.message)));
    worker.postMessage(task);
  }).finally(() => worker.terminate());
}

const native = backend().name === "native";
const test = native ? it : it.skip;

describe("Workers", () => {
  it("Workers that train at once end with the same bits as one that trains alone", async () => {
    await ask({ seed: 1, steps: 1 }); // its types are checked once, not four times at once
    const results = await Promise.all([1, 2, 1, 2].map((seed) => ask<{ weights: number[] }>({ seed, steps: 60 })));
    const alone = [1, 2, 1, 2].map((seed) => runTraining(seed, 60));
    assertEquals(results.map(({ weights }) => weights), alone);
    assert(alone[0].every(Number.isFinite));
  });

  test("setThreads() holds for a Worker that starts later", async () => {
    const before = threads();
    try {
      setThreads(5);
      const { atFirst, threads: afterwards } = await ask<{ atFirst: number; threads: number }>({ seed: 1, steps: 1 });
      assertEquals([atFirst, afterwards], [5, 5]); // before the Worker has computed anything, and after
      assertEquals(threads(), 5);
    } finally {
      setThreads(before);
    }
  });

  test("setThreads() of a Worker holds for the others, for the kernel's threads are the process's", async () => {
    const before = threads();
    try {
      await ask({ seed: 1, steps: 1, set: 3 });
      assertEquals(threads(), 3);
    } finally {
      setThreads(before);
    }
  });
});
