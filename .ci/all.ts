/**
 * Runs all tests by the README's command, then the harness of the C, then on each other back end those tests that can tell it from the
 * first, then every check, never stopping early; the last line holds the counts.
 *
 * @module
 */
import { add, countRun, type Counts, summary } from "./junit.ts";
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

async function runPass(pass: Pass, report: string): Promise<Counts> {
  console.log(`\n== ${pass.name}`);
  if (pass.command.includes(ONCE[0])) sayWhatIsLeftOut();
  const code = await exitCode([...pass.command, `--junit-path=${report}`], { NO_COLOR: "1", ...pass.env });
  const reports = pass.twoReports ?? true ? [report, reportAlone(report)] : [report];
  const texts = await Promise.all(reports.map((path) => Deno.readTextFile(path).catch(() => null)));
  const counts = countRun(code, texts.includes(null) ? null : texts.join("\n"));
  console.log(`${pass.name}: ${summary(counts)}`);
  return counts;
}

function sayWhatIsLeftOut(): void {
  console.log("Left out, for the first run has tried it and no back end changes it:");
  for (const [why, ...paths] of ANY_BACK_END) console.log(`  ${why}: ${paths.join(", ")}`);
}

async function runChecks(): Promise<Counts> {
  console.log("\n== checks");
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const step of CHECKS) {
    const ok = await reportStep(step);
    counts = add(counts, { passed: Number(ok), failed: Number(!ok), skipped: 0 });
  }
  return counts;
}

async function runAll(): Promise<Counts> {
  const folder = await Deno.makeTempDir();
  try {
    let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
    for (const [index, pass] of PASSES.entries()) counts = add(counts, await runPass(pass, `${folder}/${index}.xml`));
    return add(counts, await runChecks());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const counts = await runAll();
console.log(`\n${summary(counts)}`);
Deno.exit(counts.failed > 0 ? SOME_FAILED : 0);
