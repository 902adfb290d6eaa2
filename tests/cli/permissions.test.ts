import { assertEquals, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "../bdd.ts";
import { compilerVersion } from "../../core/backend/native/kernel_file.ts";
import { writeSafetensors } from "@gradus/gradus/io";
import * as nn from "@gradus/gradus/nn";
import { inFolder } from "../core/io/in_folder.ts";
import { decode, mayRun, ROOT } from "./run_script.ts";
import { type Grant, grantsOf, type Places, runTask, type ScriptTask } from "./task_flags.ts";

/** The arguments of each task, so that it takes little time. */
const ARGUMENTS: Record<ScriptTask, string[]> = {
  train: ["--epochs", "1"],
  replay: ["003"],
  tabular: ["table.csv", "--epochs", "1"],
  predict: ["image.idx", "--weights", "w.safetensors"],
  export: ["w.safetensors", "--out", "w.ts"],
};
const TASKS = Object.keys(ARGUMENTS) as ScriptTask[];

/** No server listens at this port, so that nothing is downloaded even if there is a network. */
const NO_NETWORK = { HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "" };

// The kernels of all tasks are the same: this cc makes one by the other cc, and copies that from then on.
const COMPILER = `#!/bin/sh
PATH=\${PATH#*:}
kept=\${0%/*}/kernel
for last; do :; done
if [ "$last" != kernel ]; then exec cc "$@"; fi
if [ -f "$kept" ]; then exec cp "$kept" kernel; fi
cc "$@" && cp kernel "$kept"
`;

/** The variable that names the cache folder on other systems, and is not read here. */
const FOREIGN = `--allow-env=${Deno.build.os === "windows" ? "HOME" : "LOCALAPPDATA"}`;

/** A folder with what the scripts read. Its cache is where the system's own rules put it under `folder`, as a home. */
async function withPlaces(task: (places: Places, folder: string) => Promise<void>): Promise<void> {
  await inFolder(async (temporary) => {
    const folder = await Deno.realPath(temporary);
    const [work, data] = [`${folder}/work`, `${folder}/data`];
    const cache = `${folder}/${Deno.build.os === "darwin" ? "Library/Caches" : ".cache"}/gradus`;
    for (const path of [work, cache]) await Deno.mkdir(path, { recursive: true });
    await Deno.writeTextFile(`${work}/table.csv`, "a,b\n" + "1,2\n2,4\n3,6\n".repeat(4));
    await writeSafetensors(`${work}/w.safetensors`, new nn.Sequential(new nn.Linear(784, 10)).stateDict());
    const header = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28];
    await Deno.writeFile(`${work}/image.idx`, Uint8Array.from([...header, ...new Uint8Array(784)]));
    await task({ work, cache, data }, folder);
  });
}

/** What the message must name; of `.` only the kind of permission, since it has another path. */
function namedBy(grant: Grant): string {
  return grant.endsWith("=.") ? grant.split("=")[0] : grant;
}

/** A permission that a program used. */
interface Entry {
  permission: string;
  value: string;
}

/** Deno's record of the permissions that a program used. */
async function used(record: string): Promise<Entry[]> {
  const lines = (await Deno.readTextFile(record)).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** An entry for the compiler, which the record lacks, if there is a compiled kernel in the cache. */
function compilations(cache: string): Entry[] {
  const names = Array.from(Deno.readDirSync(cache), ({ name }) => name);
  return names.filter((name) => name.startsWith("kernel-")).map(() => ({ permission: "run", value: "cc" }));
}

/** Whether an entry is one that needs the grant. */
function needs(grant: Grant, work: string): (entry: Entry) => boolean {
  const [, kind, value] = /^--allow-(\w+)=?(.*)$/.exec(grant)!;
  const fits = value === "." ? (used: string) => used.startsWith(work) || !used.startsWith("/") : undefined;
  return (entry) => entry.permission === kind && (fits?.(entry.value) ?? `${entry.value}`.includes(value));
}

/** The folder of Deno's packages, which a child process with another home needs. */
function denoFolder(): string {
  const { stdout } = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).outputSync();
  return JSON.parse(decode(stdout)).denoDir;
}

describe("deno task", () => {
  const test = mayRun ? it : it.skip;
  const compiles = mayRun && compilerVersion() !== null && Deno.build.os !== "windows";
  let [bin, compiler] = ["", {}];
  beforeAll(async () => {
    bin = await Deno.makeTempDir();
    await Deno.writeTextFile(`${bin}/cc`, COMPILER, { mode: 0o755 });
    if (compiles) compiler = { PATH: `${bin}:${Deno.env.get("PATH")}` };
  });
  afterAll(() => Deno.remove(bin, { recursive: true }));

  for (const task of TASKS) {
    test(`${task} fails without any one of its permissions, and names it and the flag to add`, () =>
      withPlaces(async (places) => {
        for (const grant of grantsOf(task, places).filter((grant) => grant !== FOREIGN)) {
          if (grant === "--allow-run=cc" && !compiles) continue; // a compiler that is not there is not asked for
          const said = await runTask(task, places, {
            args: ARGUMENTS[task],
            env: { GRADUS_CACHE: places.cache, GRADUS_DATA: places.data, ...NO_NETWORK, ...compiler },
            without: grant,
          });
          assertEquals([said.code, said.out], [1, ""], grant);
          assertStringIncludes(said.err, namedBy(grant));
          assertStringIncludes(said.err, /^--allow-(\w+)/.exec(grant)![1]);
          assertEquals(said.err.trimEnd().split("\n").length, 1, said.err);
        }
      }));

    (compiles ? it : it.skip)(
      `${task} has no permission that it does not use`,
      () =>
        withPlaces(async (places, folder) => {
          const home = { HOME: folder, XDG_CACHE_HOME: "", GRADUS_CACHE: "", GRADUS_DATA: places.data };
          const record = `${folder}/audit.jsonl`;
          const env = { ...home, ...NO_NETWORK, ...compiler, DENO_DIR: denoFolder(), DENO_AUDIT_PERMISSIONS: record };
          const said = await runTask(task, places, { args: ARGUMENTS[task], env });
          // A replay needs MNIST itself, and ends when it has looked everywhere.
          assertEquals(said.code, task === "replay" ? 1 : 0, said.err);
          const entries = [...await used(record), ...compilations(places.cache)];
          const unused = grantsOf(task, places).filter((grant) => !entries.some(needs(grant, places.work)));
          assertEquals(unused, task === "train" || task === "replay" ? [FOREIGN] : []);
        }),
    );
  }

  it("gives no permission to a numbered example: none asks for one", async () => {
    for await (const { name } of Deno.readDir(new URL("examples/", ROOT))) {
      if (!/^\d\d_/.test(name)) continue;
      const header = await Deno.readTextFile(new URL(`examples/${name}`, ROOT));
      assertEquals(/^ \* {5}deno run (.*)$/m.exec(header)?.[1], `examples/${name}`);
    }
  });
});
