/** A bar for each file that is downloaded. */
import { type DownloadProgress } from "@gradus/gradus/data";
import { Progress, type ProgressOutput, standardError } from "@gradus/gradus/train";

const KILOBYTE = 1000;

/** Shows on a terminal how far each file has come, by kilobytes; a file whose length nobody told shows nothing. */
export function showDownload(out: ProgressOutput = standardError()): (progress: DownloadProgress) => void {
  let [bar, shown] = [null as Progress | null, ""];
  return ({ name, received, total }) => {
    if (total === null) return;
    if (name !== shown) [bar, shown] = [new Progress(`${name}, kB`, Math.ceil(total / KILOBYTE), out), name];
    bar?.update(Math.floor(received / KILOBYTE));
    if (received === total) bar?.clear();
  };
}
