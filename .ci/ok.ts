/**
 * Runs every check and the tests, one line each, and stops at the first that fails.
 *
 * @module
 */
import { CHECKS, reportStep } from "./steps.ts";

for (const step of [...CHECKS, { name: "tests", args: ["task", "test"] }]) {
  if (!await reportStep(step)) Deno.exit(1);
}
