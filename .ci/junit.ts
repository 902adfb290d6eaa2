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

/** Between the name of a test and that of its step, in a report. */
const STEP = " &gt; ";

interface Case {
  readonly name: string;
  readonly file: string;
  readonly outcome: keyof Counts;
  /** What a failed test said, escaped as XML is. */
  readonly said: string;
}

/**
 * The tests in a JUnit report as `deno test --junit-path` writes it. A test with steps is not a test beside them, unless it failed
 * though none of them did: it left something open.
 */
function readCases(report: string): Case[] {
  const cases = report.split("<testcase ").slice(1).map(readCase);
  const groups = new Set(cases.flatMap(({ name }) => outer(name)));
  const blamed = new Set(cases.flatMap(({ name, outcome }) => outcome === "failed" ? outer(name) : []));
  return cases.filter(({ name, outcome }) => !groups.has(name) || (outcome === "failed" && !blamed.has(name)));
}

function readCase(text: string): Case {
  const attribute = (key: string) => new RegExp(`\\b${key}="([^"]*)"`).exec(text)?.[1] ?? "";
  const outcome = /<(failure|error)\b/.test(text) ? "failed" : /<skipped\b/.test(text) ? "skipped" : "passed";
  const said = /<(?:failure|error)\b[^>]*>([^]*?)<\/(?:failure|error)>/.exec(text)?.[1] ?? attribute("message");
  return { name: attribute("name"), file: attribute("classname"), outcome, said };
}

/** The counts in a JUnit report. */
export function countTests(report: string): Counts {
  const cases = readCases(report);
  const count = (wanted: keyof Counts) => cases.filter(({ outcome }) => outcome === wanted).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/** How many lines of what a failed test said are worth repeating: what was wanted and found, and the place. */
const LINES_REPEATED = 20;

/** The failed tests in a report, each with its file and with what it said. */
export function failedTests(report: string): string[] {
  return readCases(report).filter(({ outcome }) => outcome === "failed").map(({ name, file, said }) =>
    [`${file} => ${name}`, ...said.trim().split("\n").slice(0, LINES_REPEATED).map((line) => `  ${line}`)]
      .map(unescapeXml).join("\n").trimEnd()
  );
}

function unescapeXml(text: string): string {
  const signs: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(
    /&(?:#(\d+)|#x([\da-f]+)|(lt|gt|quot|apos|amp));/gi,
    (_, decimal, hex, name) =>
      name ? signs[name.toLowerCase()] : String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex, 16)),
  );
}

/** The names of the tests that a step is inside of. */
function outer(name: string): string[] {
  const parts = name.split(STEP);
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join(STEP));
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
