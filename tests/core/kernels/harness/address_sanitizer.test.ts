import { ALL_TILES, CHECKED, describeBuilds } from "./builds.ts";

const CHECKS = "-fsanitize=address,undefined -fno-sanitize-recover=all -D_FORTIFY_SOURCE=0";
// Not optimised, for that takes gcc three times as long with all these checks between, and the programs hardly run longer: what the
// optimiser makes is tried with guard pages. Lines, for reports: what variables hold where is nowhere said.
const MEMORY = `-g1 -O0 ${CHECKS}`;
// The programs themselves are the same in each build: they are watched once, where most of the time would go to watching them.
const WATCHED = `-g1 -O1 ${CHECKS}`;

describeBuilds(ALL_TILES.map(([name, flags]) => ({
  name: `cc for ${name}, AddressSanitizer and UndefinedBehaviorSanitizer`,
  compiler: "cc",
  flags: `${flags} ${MEMORY}`,
  programFlags: name === "this CPU" ? `${flags} ${WATCHED}` : "-g1 -O2",
  programs: CHECKED,
})));
