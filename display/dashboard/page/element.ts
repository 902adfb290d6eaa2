/// <reference lib="dom" />
/** Elements of the page. Whatever has come from a run, a name above all, becomes text and never HTML. */

/** The element with this id. */
export function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} with the id ${id}`);
  return found;
}

/** A new element with children or text in it. */
export function made<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.append(...children);
  return element;
}

/** A number as the page shows it: four digits that count. */
export function figure(x: number | null | undefined): string {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  return Math.abs(x) >= 10_000 ? Math.round(x).toLocaleString("en") : `${Number(x.toPrecision(4))}`;
}

/** An element of SVG. */
export function drawn(tag: string, attributes: Record<string, string | number>, ...children: Node[]): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, `${value}`);
  element.append(...children);
  return element;
}
