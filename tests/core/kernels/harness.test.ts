import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { SOURCES } from "../../../core/kernels/source_texts.ts";
import bits from "./bits.c" with { type: "text" };
import callers from "./callers.c" with { type: "text" };
import check from "./check.c" with { type: "text" };
import forged from "./forged.c" with { type: "text" };
import fork from "./fork.c" with { type: "text" };
import harness from "./harness.c" with { type: "text" };
import harnessHeader from "./harness.h" with { type: "text" };
import products from "./products.c" with { type: "text" };
import verbs from "./verbs.c" with { type: "text" };

const PROGRAMS = { products, verbs, forged, bits, callers, fork, check };
type Program = Exclude<keyof typeof PROGRAMS, "check">;

const LAST_LINE: Readonly<Record<Program, RegExp>> = {
  products: /^\d+ products\n$/,
  verbs: /^\d+ calls\n$/,
  forged: /^\d+ calls\n$/,
  bits: /^\d+ products\n$/,
  callers: /^\d+ calls\n$/,
  fork: /^\d+ children\n$/,
};

/** A compiler, its flags, and what runs the result. */
interface Build {
  readonly name: string;
  readonly compiler: string;
  readonly flags: string;
  readonly emulator?: string;
  readonly programs: readonly Program[];
}

const STRICT = "-std=c11 -D_DEFAULT_SOURCE -pthread -Wall -Wextra -Werror";
const MEMORY = "-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -D_FORTIFY_SOURCE=0";
const THREADS = "-g -O2 -fsanitize=thread";
// As the kernel is compiled for use, and with pages around every buffer that must not be touched.
const FAST = "-O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math -DGUARD_PAGES";

const x86 = Deno.build.arch === "x86_64";
const NATIVE = x86 ? "-march=native" : "-mcpu=native";
// Three vectors a tile exist on arm64 only; with these sizes they are tested elsewhere too.
const NEON_TILES = "-DLANES=4 -DROWS=8 -DVECTORS=3 -DDEPTH=256 -DBLOCK_ROWS=128 -DBLOCK_COLS=1536";

const CHECKED: readonly Program[] = ["products", "verbs", "forged"];
const USED: readonly Program[] = [...CHECKED, "bits", "fork"];

/** The instruction sets with tiles of their own that this CPU has. */
const MACHINES: readonly [name: string, flags: string][] = x86
  ? [
    ["SSE", "-march=x86-64"],
    ["AVX2", `${NATIVE} -mno-avx512f`],
    ["this CPU", NATIVE],
    ["NEON's tiles", `-march=x86-64 ${NEON_TILES}`],
  ]
  : [["this CPU", NATIVE]];

const BUILDS: readonly Build[] = [
  ...MACHINES.map(([name, flags]) => ({
    name: `cc for ${name}, AddressSanitizer and UndefinedBehaviorSanitizer`,
    compiler: "cc",
    flags: `${flags} ${MEMORY}`,
    programs: CHECKED,
  })),
  ...MACHINES.slice(0, 3).map(([name, flags]) => ({
    name: `cc for ${name}, guard pages`,
    compiler: "cc",
    flags: `${flags} ${FAST}`,
    programs: USED,
  })),
  { name: "cc, ThreadSanitizer", compiler: "cc", flags: THREADS, programs: ["callers"] },
  { name: "clang, guard pages", compiler: "clang", flags: `${NATIVE} ${FAST}`, programs: USED },
  {
    name: "musl, guard pages",
    compiler: "musl-gcc",
    flags: `${NATIVE} -static ${FAST}`,
    programs: [...USED, "callers"],
  },
  {
    name: "arm64 with NEON, guard pages",
    compiler: "aarch64-linux-gnu-gcc",
    flags: `-march=armv8-a -static ${FAST}`,
    emulator: "qemu-aarch64 -cpu cortex-a72",
    programs: [...CHECKED, "bits"],
  },
  {
    name: "arm64 with SVE, guard pages",
    compiler: "aarch64-linux-gnu-gcc",
    flags: `-march=armv8.2-a+sve -static ${FAST}`,
    emulator: "qemu-aarch64 -cpu max",
    programs: [...CHECKED, "bits"],
  },
];

interface Ran {
  code: number;
  output: string;
}

// Compilers and what they make are no commands that a test may run: a Deno of its own runs each, with that one permission.
const RUN = `const [command, ...args] = Deno.args;
  const { code, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
  Deno.stdout.writeSync(stdout), Deno.stderr.writeSync(stderr), Deno.exit(code);`;

function run(line: string, folder: string): Ran {
  const [command, ...args] = line.trim().split(/ +/);
  const allowed = command.startsWith("./") ? `${folder}/${command.slice(2)}` : command;
  const deno = ["run", "-q", "--no-config", `--allow-run=${allowed}`, "run.ts", command, ...args];
  const { code, stdout, stderr } = new Deno.Command(Deno.execPath(), { args: deno, cwd: folder }).outputSync();
  return { code, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = Deno.makeTempDirSync();
  try {
    const files = { ...SOURCES, "harness.c": harness, "harness.h": harnessHeader, "run.ts": RUN, "empty.c": EMPTY };
    for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(`${folder}/${name}`, text);
    // Apart: some have a kernel's name.
    Deno.mkdirSync(`${folder}/programs`);
    for (const [name, text] of Object.entries(PROGRAMS)) {
      Deno.writeTextFileSync(`${folder}/programs/${name}.c`, text);
    }
    return work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const EMPTY = "int main(void) { return 0; }\n";

/** Why a build cannot be tried here, or nothing. */
function missing({ compiler, flags, emulator = "" }: Omit<Build, "name" | "programs">): string {
  // The programs run without Deno: where another back end is asked for, they would only do the same once more.
  if (["wasm", "reference"].includes(Deno.env.get("GRADUS_BACKEND") ?? "")) return "run with the native back end";
  if (Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state !== "granted") return "not allowed";
  return inFolder((folder) => {
    if (run(`${compiler} --version`, folder).code !== 0) return `no ${compiler}`;
    if (emulator && run(`${emulator} --version`, folder).code !== 0) return `no ${emulator.split(" ")[0]}`;
    if (run(`${compiler} ${flags} empty.c -o empty`, folder).code !== 0) return `${compiler} cannot make it`;
    return run(`${emulator} ./empty`, folder).code === 0 ? "" : "it cannot be run";
  });
}

function succeeds(line: string, folder: string): string {
  const { code, output } = run(line, folder);
  assertEquals(code, 0, `${line}\n${output.slice(0, 2000)}`);
  return output;
}

/** Compiles the kernels once, and runs each program with them. */
function passes({ compiler, flags, emulator = "", programs }: Build): void {
  inFolder((folder) => {
    const all = `${compiler} ${flags} ${STRICT} -I.`;
    succeeds(`${all} -include harness.h -c kernels.c -o kernels.o`, folder);
    for (const program of programs) {
      succeeds(`${all} programs/${program}.c harness.c kernels.o -o program -lm`, folder);
      const { code, output } = run(`${emulator} ./program ${emulator && "200"}`, folder); // fewer, for it is slow
      assertMatch(output, LAST_LINE[program], `${program}, code ${code}`);
      assertEquals(code, 0, program);
    }
  });
}

describe("kernels", () => {
  for (const build of BUILDS) {
    const why = missing(build);
    const test = why === "" ? it : it.skip;
    test(`kernels stay within bounds and give the same bits (${build.name}${why && `: ${why}`})`, () => {
      passes(build);
    });
  }
});

describe("gradus_check", () => {
  const cpus = [
    ["aarch64-linux-gnu-gcc", "-march=armv8.2-a+sve", "qemu-aarch64 -cpu max", "qemu-aarch64 -cpu cortex-a72"],
    ["cc", "-march=haswell", "qemu-x86_64 -cpu max", "qemu-x86_64 -cpu Nehalem"],
  ] as const;
  for (const [compiler, machine, able, older] of cpus) {
    const flags = `${machine} -static -O1 -fno-math-errno`;
    const why = missing({ compiler, flags, emulator: older });
    const test = why === "" ? it : it.skip;
    test(`gradus_check accepts a kernel for ${machine.slice(7)} on ${able}, not on ${older}${why && `: ${why}`}`, () =>
      inFolder((folder) => {
        succeeds(`${compiler} ${flags} ${STRICT} -I. programs/check.c harness.c kernels.c -o program -lm`, folder);
        // 3 is GRADUS_OTHER_CPU. The program's end closes the kernel, which must do no harm either.
        assertEquals([able, older].map((cpu) => succeeds(`${cpu} ./program`, folder)), ["0\n", "3\n"]);
      }));
  }

  // What only an intrinsic or the operating system uses, other names for the same, and what is no instruction set.
  const OTHERS = new RegExp(
    [
      "^__(?:AMX_?\\w+|CLDEMOTE|CLFLUSHOPT|CLWB|CLZERO|CRC32|ENQCMD|FSGSBASE|HRESET|INVPCID|KL|LWP|MOVDIR64B|MWAITX)__$",
      "^__(?:PCONFIG|PKU|PTWRITE|RDPID|RDPRU|RDRND|RDSEED|SERIALIZE|SGX|SHSTK|TSXLDTRK|UINTR|WAITPKG|WBNOINVD)__$",
      "^__(?:WIDEKL|XSAVE\\w*|HLE|RTM|ABM|EVEX\\d+|FLT\\w+|FP_FAST_\\w+)$|^__(?:ABM|HLE|RTM|EVEX\\d+|WIDEKL|XSAVE\\w*|FLT\\w+__)",
      "^__(?:tune_)?[a-z]\\w*$",
      "^__ARM_FEATURE_(?:BF16_SCALAR_ARITHMETIC|CLZ|FMA|IDIV|MEMORY_TAGGING|NUMERIC_MAXMIN|RNG|SVE_VECTOR_OPERATORS|UNALIGNED)$",
    ].join("|"),
  );
  const families = [
    ["cc", "-march=x86-64", /^__\w+$/, ["haswell", "skylake-avx512", "icelake-server", "sapphirerapids", "znver3"]],
    ["clang", "-march=x86-64", /^__\w+$/, ["haswell", "skylake-avx512", "icelake-server", "alderlake", "znver3"]],
    ["aarch64-linux-gnu-gcc", "-march=armv8-a", /^__ARM_FEATURE_/, ["armv8.6-a", "armv9-a+sve2-aes+sve2-bitperm"]],
  ] as const;
  for (const [compiler, base, pattern, machines] of families) {
    const why = missing({ compiler, flags: `${base} -c` }).replace("it cannot be run", "");
    const test = why === "" ? it : it.skip;
    test(`gradus_check asks for all that ${compiler} may use${why && `: ${why}`}`, () =>
      inFolder((folder) => {
        const known = new Set(macros(`${compiler} ${base}`, folder));
        const asked = new Set([...SOURCES["check.c"].matchAll(/BIT\((\w+),/g)].map(([, macro]) => macro));
        const found = machines.flatMap((machine) => macros(`${compiler} -march=${machine}`, folder));
        const fresh = new Set(found.filter((macro) => pattern.test(macro) && !known.has(macro)));
        assertEquals([...fresh].filter((macro) => !asked.has(macro) && !OTHERS.test(macro)), []);
        assertEquals(fresh.size > 0, true);
      }));
  }
});

/** The macros that a compiler defines as 1. */
function macros(command: string, folder: string): string[] {
  return [...succeeds(`${command} -dM -E empty.c`, folder).matchAll(/^#define (\w+) 1$/gm)].map(([, macro]) => macro);
}
