/**
 * Counts what a test run reported.
 *
 * @module
 */

/** How many tests had which outcome. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Adds two counts. */
export function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** The counts in a JUnit report as `deno test --junit-path` writes it. */
export function countTests(report: string): Counts {
  const cases = report.split("<testcase ").slice(1);
  const failed = cases.filter((text) => /<(failure|error)\b/.test(text)).length;
  const skipped = cases.filter((text) => /<skipped\b/.test(text)).length;
  return { passed: cases.length - failed - skipped, failed, skipped };
}

/**
 * The counts of a run that exited with `code` and left `report`, or `null` where it left none.
 *
 * A run that failed without a failed test, or in which nothing ran, is one failure: it crashed.
 */
export function countRun(code: number, report: string | null): Counts {
  const counts = report === null ? { passed: 0, failed: 0, skipped: 0 } : countTests(report);
  const crashed = counts.failed === 0 && (code !== 0 || counts.passed === 0);
  return crashed ? { ...counts, failed: 1 } : counts;
}

/** The last line of a run: `12 passed, 0 failed, 3 skipped`. */
export function summary({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
