/** A disk that fails, and one that tells what it does: stand-ins for what `Deno.open` gives. */

/** Lets every write to a file whose path has `part` in it fail as the system would; returns what ends this. */
export function failingWrites(part: string, code: string, message: string): () => void {
  return onOpen((path, file) => {
    if (path.includes(part)) file.write = () => Promise.reject(Object.assign(new Error(message), { code }));
  });
}

/** The same for every read. */
export function failingReads(part: string, code: string, message: string): () => void {
  return onOpen((path, file) => {
    if (path.includes(part)) file.read = () => Promise.reject(Object.assign(new Error(message), { code }));
  });
}

/** The paths that are synced from now on, in their order, and what ends this. */
export function watchSyncs(): [paths: string[], end: () => void] {
  const paths: string[] = [];
  const end = onOpen((path, file) => {
    const { sync } = file;
    file.sync = () => {
      paths.push(path);
      return sync.call(file);
    };
  });
  return [paths, end];
}

/**
 * Lets so many changes of folders happen (a file opened to be written, a rename, a removal, a new folder), and none after them, as if the
 * process had been killed there; the returned function ends this and tells whether any was refused.
 */
export function diskThatStops(changes: number): () => boolean {
  const { open, rename, remove, mkdir } = Deno;
  let stopped = false;
  const counted =
    <A extends unknown[], R>(change: (...args: A) => Promise<R>, counts = (..._: A) => true) => (...args: A) => {
      if (!counts(...args) || changes-- > 0) return change(...args);
      stopped = true;
      return Promise.reject(new Error("The disk has stopped"));
    };
  Deno.open = counted(open, (_, options) => options?.write === true);
  Object.assign(Deno, { rename: counted(rename), remove: counted(remove), mkdir: counted(mkdir) });
  return () => {
    Object.assign(Deno, { open, rename, remove, mkdir });
    return stopped;
  };
}

function onOpen(change: (path: string, file: Deno.FsFile) => void): () => void {
  const { open } = Deno;
  Deno.open = async (path, options) => {
    const file = await open(path, options);
    change(`${path}`, file);
    return file;
  };
  return () => void (Deno.open = open);
}
