/** The notebook that a program runs in, where it runs in one: Jupyter, with Deno's kernel. */

/** The part of `Deno.jupyter` that is used here. */
interface Jupyter {
  broadcast(kind: string, content: Readonly<Record<string, unknown>>): Promise<void>;
}

function jupyter(): Jupyter | null {
  try {
    return (Deno as unknown as { jupyter: Jupyter }).jupyter;
  } catch {
    return null; // there is no Deno, or it is not the kernel of a notebook, where it throws
  }
}

/** An output of a cell that can be replaced. */
export interface NotebookOutput {
  /** Shows a bundle by MIME types in the place of the one before; in the order of the calls. */
  show(bundle: Readonly<Record<string, unknown>>): Promise<void>;
}

/** A new output of the cell that runs, or `null` outside of a notebook. */
export function notebookOutput(): NotebookOutput | null {
  const host = jupyter();
  if (host === null) return null;
  const transient = { display_id: crypto.randomUUID() };
  let [kind, last] = ["display_data", Promise.resolve()];
  return {
    show: (data) => {
      const message = kind;
      kind = "update_display_data";
      return last = last.then(() => host.broadcast(message, { data, metadata: {}, transient }));
    },
  };
}
