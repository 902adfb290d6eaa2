/**
 * What `deno task ok` and `.ci/run` check beside the tests.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };

/** A Deno command that succeeds or fails. */
export interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

const ENTRIES = Object.entries(config.exports);

/** Everything but the tests, cheapest first. What an entry point's docs speak of stands in itself, or beside it in another one. */
export const CHECKS: readonly Step[] = [
  { name: "format", args: ["fmt", "--check"] },
  { name: "lint", args: ["lint"] },
  { name: "types", args: ["check", "--doc", "."] },
  ...ENTRIES.map(([entry, path]) => ({ name: `doc lint of ${entry}`, args: ["doc", "--lint", path] })),
  { name: "doc lint of all", args: ["doc", "--lint", ...ENTRIES.map(([, path]) => path)] },
  { name: "publish", args: ["publish", "--dry-run", "--allow-dirty"] },
];

/** The result of a step. */
export interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs a step with this same Deno and keeps what it says. */
export async function runStep(step: Step): Promise<Outcome> {
  const command = new Deno.Command(Deno.execPath(), { args: [...step.args], stdin: "null", env: { NO_COLOR: "1" } });
  const { success, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { ok: success, output: decode(stdout) + decode(stderr) };
}

/** Runs a step and prints one line; what the step said follows only if it failed. */
export async function reportStep(step: Step): Promise<boolean> {
  const start = performance.now();
  const { ok, output } = await runStep(step);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${ok ? "ok    " : "FAILED"}  ${step.name} (${seconds} s)`);
  if (!ok) console.log(`\n${output.trimEnd()}\n\nFAILED: ${step.name}, that is: deno ${step.args.join(" ")}`);
  return ok;
}
