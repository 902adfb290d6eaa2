/**
 * How values reach a notebook: Jupyter asks an object for its pictures by a symbol, and the answer comes from `display/` if that is loaded.
 *
 * `core/` and the rooms above it never import `display/`: it registers itself here when it is loaded. Without it the answer is text.
 */

/** The name under which Jupyter's kernel for Deno asks an object how it is shown. */
export const JUPYTER_DISPLAY: unique symbol = Symbol.for("Jupyter.display");

/** One thing in several forms, by their MIME types; a notebook shows the richest that it knows. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** Gives the forms of a value, or `null` for one that it knows nothing of. */
type Displayer = (value: object) => MimeBundle | Promise<MimeBundle> | null;

let displayer: Displayer = () => null;

/** Called once, by `display/`. */
export function registerDisplayer(display: Displayer): void {
  displayer = display;
}

/** How a value is shown in a notebook: as `display/` says, else as its text. */
export function bundleOf(value: object, text: () => string = () => `${value}`): MimeBundle | Promise<MimeBundle> {
  return displayer(value) ?? { "text/plain": text() };
}

/**
 * Lets plain data, an array or a record, be shown in a notebook by `display/`. The property is not enumerable: nothing that copies, prints
 * or compares the data sees it.
 */
export function showable<T extends object>(value: T): T {
  if (JUPYTER_DISPLAY in value || !Object.isExtensible(value)) return value;
  const bundle = () => bundleOf(value, () => JSON.stringify(value, null, 2));
  return Object.defineProperty(value, JUPYTER_DISPLAY, { value: bundle });
}

/** Nothing: how that is shown which a cell gives only in passing. */
export const NOTHING_SHOWN: MimeBundle = Object.freeze({});
