/// <reference lib="dom" />
/** The page's elements by their names in `index.html`. */

/**
 * The element with an id.
 *
 * @throws {TypeError} If there is none, or it is of another kind.
 */
export function element<T extends Element = HTMLElement>(id: string, kind: new () => T = HTMLElement as never): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new TypeError(`Cannot find the ${kind.name} #${id}: index.html and the scripts are of different versions`);
}

/** A new element with a class and children. */
export function make(tag: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

/** The context to draw on a canvas by. */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (context === null) throw new TypeError("Cannot draw: this browser gives no canvas of two dimensions");
  return context;
}

/** Gives a file to the one who looks at the page. */
export function download(name: string, content: BlobPart, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may still be reading
}
