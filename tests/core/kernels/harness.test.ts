import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { compilePrograms, inFolder, missing, type Program, run, type Toolchain } from "./compilers.ts";

const LAST_LINE = {
  products: /^\d+ products\n$/,
  convolutions: /^\d+ convolutions\n$/,
  planes: /^\d+ planes\n$/,
  verbs: /^\d+ calls\n$/,
  forged: /^\d+ calls\n$/,
  bits: /^\d+ products\n$/,
  callers: /^\d+ calls\n$/,
  fork: /^\d+ children\n$/,
} satisfies Partial<Record<Program, RegExp>>;

/** What is compiled, and the programs that are run with it. */
interface Build extends Toolchain {
  readonly name: string;
  readonly programs: readonly (keyof typeof LAST_LINE)[];
}

// Lines, for reports: what variables hold where is nowhere said, and takes as long to find out as all else.
const MEMORY = "-g1 -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -D_FORTIFY_SOURCE=0";
const THREADS = "-g1 -O2 -fsanitize=thread";
// As the kernel is compiled for use, and with pages around every buffer that must not be touched.
const FAST = "-O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math -DGUARD_PAGES";

const x86 = Deno.build.arch === "x86_64";
const NATIVE = x86 ? "-march=native" : "-mcpu=native";
// Three vectors a tile exist on arm64 only; with these sizes they are tested elsewhere too.
const NEON_TILES = "-DLANES=4 -DMR=8 -DEACH_MR=MR_8 -DNR_VECTORS=3 -DKC=256 -DMC=128 -DNC=1536";

const CHECKED: Build["programs"] = ["products", "convolutions", "planes", "verbs", "forged"];
const USED: Build["programs"] = [...CHECKED, "bits", "fork"];

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

function passes(build: Build, folder: string): void {
  const { emulator = "", programs } = build;
  compilePrograms(build, programs, folder);
  const fewer = emulator && "200"; // for it is slow
  const ran = run(programs.map((program) => `${emulator} ./${program} ${fewer}`), folder);
  ran.forEach(({ code, output }, i) => {
    assertMatch(output, LAST_LINE[programs[i]], `${programs[i]}, code ${code}`);
    assertEquals(code, 0, programs[i]);
  });
  assertEquals(ran.length, programs.length);
}

describe("kernels", () => {
  for (const build of BUILDS) {
    const why = missing(build);
    const test = why === "" ? it : it.skip;
    test(`kernels stay within bounds and give the same bits (${build.name}${why && `: ${why}`})`, () => {
      inFolder((folder) => passes(build, folder));
    });
  }
});
