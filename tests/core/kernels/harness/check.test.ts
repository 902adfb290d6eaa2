import { assertEquals } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { sourceTexts } from "../../../../core/backend/native/kernel_file.ts";
import { compilePrograms, inFolder, missing, succeed } from "./compilers.ts";

const SOURCES = sourceTexts();

describe("gradus_open", () => {
  const cpus = [
    ["aarch64-linux-gnu-gcc", "-march=armv8.2-a+sve", "qemu-aarch64 -cpu max", "qemu-aarch64 -cpu cortex-a72"],
    ["cc", "-march=haswell", "qemu-x86_64 -cpu max", "qemu-x86_64 -cpu Nehalem"],
  ] as const;
  for (const [compiler, machine, able, older] of cpus) {
    const flags = `${machine} -static -O1 -fno-math-errno`;
    const why = missing({ compiler, flags, emulator: older });
    const test = why === "" ? it : it.skip;
    test(`gradus_open accepts a kernel for ${machine.slice(7)} on ${able}, not on ${older}${why && `: ${why}`}`, () =>
      inFolder((folder) => {
        compilePrograms({ compiler, flags }, ["check"], folder);
        // 3 is GRADUS_OTHER_CPU. The program's end closes the kernel, which must do no harm either.
        assertEquals(succeed([able, older].map((cpu) => `${cpu} ./check`), folder), ["0\n", "3\n"]);
      }));
  }

  // What only an intrinsic or the operating system uses, other names for the same, and what is not an instruction set.
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
    test(`gradus_open asks for all that ${compiler} may use${why && `: ${why}`}`, () =>
      inFolder((folder) => {
        const known = new Set(macros(`${compiler} ${base}`, folder));
        const asked = new Set([...SOURCES["cpu.c"].matchAll(/BIT\((\w+),/g)].map(([, macro]) => macro));
        const found = machines.flatMap((machine) => macros(`${compiler} -march=${machine}`, folder));
        const fresh = new Set(found.filter((macro) => pattern.test(macro) && !known.has(macro)));
        assertEquals([...fresh].filter((macro) => !asked.has(macro) && !OTHERS.test(macro)), []);
        assertEquals(fresh.size > 0, true);
      }));
  }
});

/** The macros that a compiler defines as 1. */
function macros(command: string, folder: string): string[] {
  const [text] = succeed([`${command} -dM -E empty.c`], folder);
  return [...text.matchAll(/^#define (\w+) 1$/gm)].map(([, macro]) => macro);
}
