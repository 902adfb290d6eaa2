import { describeBuilds } from "./builds.ts";

const flags = "-g1 -O2 -fsanitize=thread";

describeBuilds([{ name: "cc, ThreadSanitizer", compiler: "cc", flags, programs: ["callers"] }]);
