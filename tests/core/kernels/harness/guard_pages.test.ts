import { describeBuilds, FAST, MACHINES, USED } from "./builds.ts";

describeBuilds(MACHINES.map(([name, flags]) => ({
  name: `cc for ${name}, guard pages`,
  compiler: "cc",
  flags: `${flags} ${FAST}`,
  programs: USED,
})));
