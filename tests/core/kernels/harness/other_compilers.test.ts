import { describeBuilds, FAST, NATIVE, USED } from "./builds.ts";

describeBuilds([
  { name: "clang, guard pages", compiler: "clang", flags: `${NATIVE} ${FAST}`, programs: USED },
  {
    name: "musl, guard pages",
    compiler: "musl-gcc",
    flags: `${NATIVE} -static ${FAST}`,
    programs: [...USED, "callers"],
  },
]);
