/** Where data sets are kept. */
import { cacheDir, environment } from "../../core/io/cache_dir.ts";

/**
 * The folder for the data set `name`: `within` the folder that `GRADUS_DATA` names, else `name` in the user's cache.
 *
 * @throws {Error} if the environment tells neither, or may not be read
 */
export function dataFolder(name: string, within: string = `/${name}`): string {
  const named = environment("GRADUS_DATA");
  if (named !== undefined) return `${named}${within}`;
  const cache = cacheDir();
  if (cache !== null) return `${cache}/${name}`;
  throw new Error(`no folder to keep ${name} in: set GRADUS_DATA and allow reading it (--allow-env)`);
}
