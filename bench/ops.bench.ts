/**
 * The verbs of a back end one by one, native beside the reference loops, each compared with the reference before it is timed.
 *
 *     deno task bench bench/ops.bench.ts
 */
import { openNative } from "../core/backend/native/native.ts";
import { reference } from "../core/backend/reference/reference.ts";
import { type OpCase, opCases } from "./ops_cases.ts";

const { backend: native, reason } = openNative();
if (native === undefined) console.error(`no native column: ${reason}`);

/** Refuses to time a verb whose result differs from the reference. */
function check({ name, run, near }: OpCase, reference: OpCase): void {
  const [got, expected] = [Array.from(run()), Array.from(reference.run())];
  const wrong = got.findIndex((x, i) => !(Math.abs(x - expected[i]) <= near * (1 + Math.abs(expected[i]))));
  if (wrong >= 0) throw new Error(`Cannot time ${name}: element ${wrong} is ${got[wrong]}, and not ${expected[wrong]}`);
}

const fast = native === undefined ? [] : opCases(native);
opCases(reference).forEach((slow, i) => {
  if (native !== undefined) {
    check(fast[i], slow);
    Deno.bench({ name: `${slow.name}, native`, group: slow.name, baseline: true, fn: () => void fast[i].run() });
  }
  Deno.bench({ name: `${slow.name}, reference`, group: slow.name, fn: () => void slow.run() });
});
