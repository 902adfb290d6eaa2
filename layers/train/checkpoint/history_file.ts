/** The history of a run beside its checkpoints: `history.jsonl`, a line of JSON for each epoch, for those who look while it runs. */
import { files } from "../../../core/host/files.ts";
import { namingFile, writeAtomically } from "../../../core/io/atomic_write.ts";
import type { EpochRecord } from "../callbacks/recorder.ts";

const HISTORY_FILE = "history.jsonl";

/** A record as a line; JSON has neither NaN nor infinity, and `null` stands for them. */
export function historyLine(record: EpochRecord): string {
  return JSON.stringify(record) + "\n";
}

/** Writes the records that there are when a run begins: of one that resumes no more than its checkpoint knows of. */
export async function beginHistory(folder: string, rows: readonly EpochRecord[]): Promise<void> {
  await writeAtomically(`${folder}/${HISTORY_FILE}`, [new TextEncoder().encode(rows.map(historyLine).join(""))]);
}

/** Appends a record: a whole line in one piece. */
export async function appendHistory(folder: string, record: EpochRecord): Promise<void> {
  const path = `${folder}/${HISTORY_FILE}`, bytes = new TextEncoder().encode(historyLine(record));
  const { open } = await files(`write ${path}`);
  try {
    const file = await open(path, { append: true, create: true });
    try {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    } finally {
      file.close();
    }
  } catch (error) {
    throw namingFile(error, path);
  }
}
