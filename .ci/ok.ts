/**
 * Runs every check and the tests, one line each, and stops at the first that fails.
 *
 * @module
 */
import { CHECKS, reportStep } from "./steps.ts";

const TESTS = [{ name: "tests", args: ["task", "test"] }, { name: "the C by itself", args: ["task", "harness"] }];

for (const step of [...CHECKS, ...TESTS]) {
  if (!await reportStep(step)) Deno.exit(1);
}
