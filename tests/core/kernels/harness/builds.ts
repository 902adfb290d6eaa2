/** How the kernels are compiled to be tried, and the tests of a build: it makes the programs, and each runs to its last line. */
import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
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
export interface Build extends Toolchain {
  readonly name: string;
  readonly programs: readonly (keyof typeof LAST_LINE)[];
}

/** As the kernel is compiled for use, and with pages around every buffer that must not be touched. */
export const FAST = "-O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math -DGUARD_PAGES";

const x86 = Deno.build.arch === "x86_64";

/** What compiles for this CPU. */
export const NATIVE = x86 ? "-march=native" : "-mcpu=native";

/** The instruction sets with tiles of their own that this CPU has. */
export const MACHINES: readonly (readonly [name: string, flags: string])[] = x86
  ? [["SSE", "-march=x86-64"], ["AVX2", `${NATIVE} -mno-avx512f`], ["this CPU", NATIVE]]
  : [["this CPU", NATIVE]];

// Three vectors a tile exist on arm64 only; with these sizes they are tested elsewhere too.
const NEON_TILES = "-DLANES=4 -DMR=8 -DEACH_MR=MR_8 -DNR_VECTORS=3 -DKC=256 -DMC=128 -DNC=1536";

/** Those, and the tiles of a CPU that this is not. */
export const ALL_TILES = x86 ? [...MACHINES, ["NEON's tiles", `-march=x86-64 ${NEON_TILES}`] as const] : MACHINES;

/** What every build runs. */
export const CHECKED: Build["programs"] = ["products", "convolutions", "planes", "verbs", "forged"];

/** What builds as they are used run as well. */
export const USED: Build["programs"] = [...CHECKED, "bits", "fork"];

/** The tests of these builds; one that cannot be made here is skipped by name. */
export function describeBuilds(builds: readonly Build[]): void {
  describe("kernels", () => {
    for (const build of builds) {
      const why = missing(build);
      const test = why === "" ? it : it.skip;
      test(`kernels stay within bounds and give the same bits (${build.name}${why && `: ${why}`})`, () => {
        inFolder((folder) => passes(build, folder));
      });
    }
  });
}

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
