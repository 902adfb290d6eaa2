/** One process at a time, in turn. */
import { tryFileLock } from "../../core/io/file_lock.ts";
import { sleep } from "./retry.ts";

/** Milliseconds between two looks at a lock that another holds: a wait for the lock itself could not be ended. */
const PAUSE = 50;

/** What `task` gives, run while this process alone holds `path` locked; `signal` ends the wait for that. */
export async function withFileLock<T>(path: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    using lock = await tryFileLock(path);
    if (lock !== null) return await task();
    await sleep(PAUSE, signal);
  }
}
