import { CHECKED, describeBuilds, FAST } from "./builds.ts";

describeBuilds([
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
]);
