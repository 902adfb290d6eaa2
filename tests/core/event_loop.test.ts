import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { runAtOnce, runInSlices, type Steps } from "../../core/event_loop.ts";

/** Computes for so many milliseconds. */
function work(milliseconds: number): void {
  for (const start = performance.now(); performance.now() - start < milliseconds;);
}

/** Counts to `end` in steps that take 30 ms each, and tells in which turn of the event loop each was. */
function* counting(end: number, tell: () => void): Steps<number> {
  for (let i = 0; i < end; i++) {
    tell();
    work(30);
    yield;
  }
  return end;
}

async function turnsOf(body: (tell: () => void) => unknown): Promise<number[]> {
  let turn = 0;
  const turns: number[] = [];
  const timer = setInterval(() => turn++, 0);
  await body(() => turns.push(turn));
  clearInterval(timer);
  return turns;
}

describe("runInSlices()", () => {
  it("lets the event loop turn after a step that took long", async () => {
    const turns = await turnsOf(async (tell) => assertEquals(await runInSlices(counting(3, tell)), 3));
    assertEquals(new Set(turns).size, 3);
  });
});

describe("runAtOnce()", () => {
  it("does all steps in one turn, and gives what they return", async () => {
    const turns = await turnsOf((tell) => assertEquals(runAtOnce(counting(2, tell)), 2));
    assertEquals(new Set(turns).size, 1);
  });
  it("throws what a step throws", () => {
    const steps = function* (): Steps<void> {
      yield;
      throw new RangeError("no");
    };
    assertThrows(() => runAtOnce(steps()), RangeError, "no");
  });
});
