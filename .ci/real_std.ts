/**
 * Runs the tests on the real std packages where JSR does not answer, from a checkout of github.com/denoland/std:
 *
 *     deno run --allow-read --allow-write=deno.std.json --allow-run --allow-env .ci/real_std.ts FOLDER [FILE…]
 *
 * @module
 */
import { placesHere, runDeno, TASKS } from "./task.ts";
import config from "../deno.json" with { type: "json" };

/** The configuration under which `@std/…` are the checkout's files; it lies beside `deno.json`, for it names this package too. */
export const STD_CONFIG = new URL("../deno.std.json", import.meta.url);

/** Every export of every package in `std`, by the specifier that imports it. */
async function importsFrom(std: URL): Promise<Record<string, string>> {
  const imports: Record<string, string> = {};
  for await (const { name: folder, isDirectory } of Deno.readDir(std)) {
    if (!isDirectory) continue;
    const home = new URL(`${folder}/`, std);
    const text = await Deno.readTextFile(new URL("deno.json", home)).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return null; // a folder that is not a package
      throw error;
    });
    if (text === null) continue;
    const { name, exports = {} } = JSON.parse(text);
    for (const [entry, file] of Object.entries(typeof exports === "string" ? { ".": exports } : exports)) {
      imports[`${name}${entry.slice(1)}`] = new URL(file as string, home).href;
    }
  }
  return imports;
}

async function writeConfig(std: URL): Promise<void> {
  const copy = {
    ...config,
    imports: { ...config.imports, ...await importsFrom(std) },
    vendor: false,
    compilerOptions: { ...config.compilerOptions, noImplicitReturns: false }, // std's own files are checked as well
    tasks: {},
  };
  await Deno.writeTextFile(STD_CONFIG, JSON.stringify(copy, null, 2));
}

if (import.meta.main) {
  const [folder, ...rest] = Deno.args;
  const std = new URL(`${folder}/`, `file://${Deno.cwd()}/`);
  await writeConfig(std);
  try {
    const [test, ...flags] = TASKS.test(placesHere());
    Deno.exitCode = await runDeno([test, "--config", "deno.std.json", ...flags, ...rest]);
  } finally {
    await Deno.remove(STD_CONFIG);
  }
}
