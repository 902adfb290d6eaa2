import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { retry, Transient } from "../../../datasets/download/receive.ts";

/** A task that fails with `error` the first `failures` times, then returns how often it ran. */
function failing(failures: number, error: Error): () => Promise<number> {
  let runs = 0;
  return () => ++runs <= failures ? Promise.reject(error) : Promise.resolve(runs);
}

describe("retry()", () => {
  it("retry() tries again after a Transient", async () => {
    assertEquals(await retry(failing(2, new Transient("busy")), { pause: 0 }), 3);
  });

  it("retry() throws any other error at once", async () => {
    const task = failing(1, new TypeError("wrong"));
    await assertRejects(() => retry(task, { pause: 0 }), TypeError, "wrong");
    assertEquals(await task(), 2);
  });

  it("retry() throws the last failure after as many attempts as allowed", async () => {
    const task = failing(9, new Transient("busy"));
    await assertRejects(() => retry(task, { attempts: 3, pause: 0 }), Transient, "busy");
    assertEquals(await retry(task, { attempts: 7, pause: 0 }), 10);
  });

  it("retry() does as the other side asks how long to wait", async () => {
    assertEquals(await retry(failing(1, new Transient("busy", { wait: 0 })), { pause: 1e9 }), 2);
  });

  it("retry() does not wait for who asks for more than ten seconds, and tells what it said", async () => {
    const task = failing(1, new Transient("busy for a day", { wait: 100_000_000 }));
    await assertRejects(() => retry(task, { pause: 0 }), Transient, "busy for a day");
  });

  it("retry() ends in a pause when told, with the signal's reason", async () => {
    const controller = new AbortController();
    const running = retry(failing(1, new Transient("busy")), { pause: 1e9, signal: controller.signal });
    controller.abort(new Error("enough"));
    await assertRejects(() => running, Error, "enough");
  });
});
