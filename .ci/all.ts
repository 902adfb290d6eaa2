/**
 * Runs all tests by the README's command, then the harness of the C, then on each other back end those tests that can tell it from the
 * first, then every check, never stopping early; what failed is told once more at the end, and the last line holds the counts.
 *
 * @module
 */
import { add, countRun, type Counts, failedTests, summary } from "./junit.ts";
import { paths } from "./paths.ts";
import { CHECKS, reportStep } from "./steps.ts";
import { ANY_BACK_END, reportAlone } from "./test_runs.ts";

interface Pass {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Record<string, string>;
  /** Whether what must be alone runs after the rest, and leaves a report of its own. @default true */
  readonly twoReports?: boolean;
}

const TEST = ["task", "test"];

/** Names the task's own paths: a bare `--deny-ffi` leaves granted what `--allow-ffi` names more precisely. */
const DENY_FFI = `--deny-ffi=.,${paths(["cache", "temp"])}`;

/** What the first run has done for every back end: the tests that know none. */
const ONCE = [`--ignore=${ANY_BACK_END.flatMap(([, ...paths]) => paths).join(",")}`];

const PASSES: readonly Pass[] = [
  { name: "tests, by the README's command", command: ["npx", "-y", "deno@2.9.6", ...TEST] },
  { name: "the C by itself", command: [Deno.execPath(), "task", "harness"], twoReports: false },
  {
    name: "tests without permission for native code",
    command: [Deno.execPath(), ...TEST, DENY_FFI, ...ONCE],
    env: { GRADUS_BACKEND: "wasm" },
  },
  {
    name: "tests with plain loops",
    command: [Deno.execPath(), ...TEST, ...ONCE],
    env: { GRADUS_BACKEND: "reference" },
  },
];

/** What `.ci/run` understands as "ran to the end, and some failed"; a crash of this script ends with another code. */
const SOME_FAILED = 3;

/** The code with which a shell reports a command it cannot start. */
const NOT_STARTED = 127;

async function exitCode([program, ...args]: readonly string[], env: Record<string, string>): Promise<number> {
  try {
    return (await new Deno.Command(program, { args, env, stdin: "null" }).spawn().status).code;
  } catch (error) {
    console.error(`Cannot start ${program}: ${(error as Error).message}`);
    return NOT_STARTED;
  }
}

/** What came of a pass: the counts, and what failed in the words of its tests. */
interface Result {
  readonly counts: Counts;
  readonly failures: readonly string[];
}

async function runPass(pass: Pass, report: string): Promise<Result> {
  console.log(`\n== ${pass.name}`);
  if (pass.command.includes(ONCE[0])) sayWhatIsLeftOut();
  const code = await exitCode([...pass.command, `--junit-path=${report}`], { NO_COLOR: "1", ...pass.env });
  const reports = pass.twoReports ?? true ? [report, reportAlone(report)] : [report];
  const texts = await Promise.all(reports.map((path) => Deno.readTextFile(path).catch(() => null)));
  const counts = countRun(code, texts.includes(null) ? null : texts.join("\n"));
  console.log(`${pass.name}: ${summary(counts)}`);
  const failures = failedTests(texts.join("\n")).map((failure) => `${pass.name}: ${failure}`);
  const untold = counts.failed > failures.length ? [`${pass.name}: ended with code ${code}, and no failed test`] : [];
  return { counts, failures: [...failures, ...untold] };
}

function sayWhatIsLeftOut(): void {
  console.log("Left out, for the first run has tried it and no back end changes it:");
  for (const [why, ...paths] of ANY_BACK_END) console.log(`  ${why}: ${paths.join(", ")}`);
}

async function runChecks(): Promise<Result> {
  console.log("\n== checks");
  const failures: string[] = [];
  for (const step of CHECKS) if (!await reportStep(step)) failures.push(`check: ${step.name}`);
  return { counts: { passed: CHECKS.length - failures.length, failed: failures.length, skipped: 0 }, failures };
}

async function runAll(): Promise<Result> {
  const folder = await Deno.makeTempDir();
  try {
    const results: Result[] = [];
    for (const [index, pass] of PASSES.entries()) results.push(await runPass(pass, `${folder}/${index}.xml`));
    results.push(await runChecks());
    return { counts: results.map(({ counts }) => counts).reduce(add), failures: results.flatMap((r) => r.failures) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const { counts, failures } = await runAll();
if (failures.length > 0) console.log(`\n== what failed\n${failures.join("\n\n")}`);
console.log(`\n${summary(counts)}`);
Deno.exit(counts.failed > 0 ? SOME_FAILED : 0);
