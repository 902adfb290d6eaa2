/** Runs that have been written down: `history.jsonl` in a folder, and in the folders in it. */
import { files } from "../../core/host/files.ts";
import { isFailure } from "../../core/host/host.ts";
import { readHistory } from "../history/history.ts";
import type { WrittenRun } from "./messages.ts";

/** The most runs that are shown: the last by name. */
const MOST = 50;

/** The runs in a folder, by their names; one that cannot be read, or has no epoch yet, is left out. */
export async function runsIn(folder: string): Promise<WrittenRun[]> {
  const names: string[] = [];
  try {
    const { readDir } = await files(`read the runs in ${folder}`);
    for await (const { name, isDirectory } of readDir(folder)) if (isDirectory) names.push(name);
  } catch (error) {
    if (!isFailure(error, "NotFound", "NotADirectory")) throw error;
  }
  const paths = ["", ...names.sort().slice(-MOST)];
  const runs = await Promise.all(paths.map(async (name): Promise<WrittenRun> => ({
    name: name === "" ? folder : name,
    history: await historyIn(name === "" ? folder : `${folder}/${name}`),
  })));
  return runs.filter(({ history }) => history.length > 0);
}

async function historyIn(folder: string): Promise<WrittenRun["history"]> {
  try {
    return await readHistory(`${folder}/history.jsonl`);
  } catch (error) {
    if (
      error instanceof SyntaxError || isFailure(error, "NotFound", "NotADirectory", "IsADirectory", "PermissionDenied")
    ) return [];
    throw error;
  }
}
