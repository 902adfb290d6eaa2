/** Specifications of Vega-Lite as SVG, by the library that they are made for. */
import { escaped } from "./html.ts";
import type { VegaLiteSpec } from "./spec.ts";

/**
 * An SVG of a specification, with its title and description for those who cannot see it.
 *
 * `vega` and `vega-lite` are loaded here, at the first picture.
 */
export async function renderSvg(spec: VegaLiteSpec, title: string, description: string): Promise<string> {
  const [{ parse, View }, { compile }] = await load();
  const { spec: compiled } = compile(spec as unknown as Parameters<typeof compile>[0]);
  const view = new View(parse(compiled), { renderer: "none" });
  try {
    return titled(await view.toSVG(), title, description);
  } finally {
    view.finalize();
  }
}

/** Whether the libraries are installed. */
export function canRender(): Promise<boolean> {
  return load().then(() => true, () => false);
}

function load() {
  return Promise.all([import("vega"), import("vega-lite")]).catch((cause) => {
    throw new Error("Cannot draw SVG: vega and vega-lite are not installed (npm install vega vega-lite)", { cause });
  });
}

/** With a title and a description, and names that no other picture on the page has. */
function titled(svg: string, title: string, description: string): string {
  const key = `plot-${fingerprint(svg)}`;
  const own = svg.replace(/\bid="([^"]+)"/g, `id="${key}-$1"`).replace(/url\(#([^)]+)\)/g, `url(#${key}-$1)`);
  const names = `<title id="${key}-title">${escaped(title)}</title><desc id="${key}-desc">${
    escaped(description)
  }</desc>`;
  const labelled = `role="img" aria-labelledby="${key}-title ${key}-desc"`;
  return own.replace(/^<svg ([^>]*)>/, (_, attributes) => `<svg ${attributes} ${labelled}>${names}`);
}

/** FNV-1a of a text, so that the same plot has the same names at each run. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}

/** The same SVG as a file of its own, which no page gives a colour: dark ink, or light ink where dark pages are preferred. */
export function standalone(svg: string): string {
  const style = "<style>:root{color:#222}@media(prefers-color-scheme:dark){:root{color:#ddd}}</style>";
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.replace(/(<svg [^>]*>)/, `$1${style}`)}\n`;
}
