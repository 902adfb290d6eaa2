/** What all plots have in common: the version of Vega-Lite, colours that can be read on white and on black, and words for numbers. */

/** A specification of Vega-Lite 5, as plain data. */
export type VegaLiteSpec = Readonly<Record<string, unknown>>;

const SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json";

/** Colours that are told apart by most eyes, on white and on black: those of Okabe and Ito without their black, and two more. */
export const COLOURS = [
  "#0072B2",
  "#D55E00",
  "#009E73",
  "#CC79A7",
  "#E69F00",
  "#56B4E9",
  "#999999",
  "#F0E442",
  "#AA4499",
  "#44AA99",
];

/** Text and lines take the colour of the page, so that a plot can be read on a dark one. */
const INK = "currentColor";

const CONFIG = {
  background: "transparent",
  font: "system-ui, sans-serif",
  view: { stroke: null },
  mark: { color: COLOURS[0] },
  axis: { labelColor: INK, titleColor: INK, domainColor: INK, tickColor: INK, gridColor: "#88888844" },
  legend: { labelColor: INK, titleColor: INK },
  header: { labelColor: INK, titleColor: INK },
  title: { color: INK, anchor: "start" },
  text: { color: INK },
  range: { category: COLOURS },
};

/** A whole specification: its title and description, its data as records, and what is drawn of them. */
export function specOf(
  title: string,
  description: string,
  values: readonly object[],
  drawn: Readonly<Record<string, unknown>>,
): VegaLiteSpec {
  return { $schema: SCHEMA, title, description, data: { values }, ...drawn, config: CONFIG };
}

/** An axis or a colour: the field, its kind, and what it is called. */
export function quantity(field: string, title: string, more: Readonly<Record<string, unknown>> = {}): object {
  return { field, type: "quantitative", title, ...more };
}

/** A number as people read it: four digits that count. */
export function short(x: number): string {
  if (!Number.isFinite(x) || Number.isInteger(x)) return `${x}`;
  const text = x.toPrecision(4);
  return /e/.test(text) ? text.replace(/\.?0+e/, "e") : text.replace(/\.?0+$/, "");
}

/** `1 epoch`, `3 epochs`, `2 classes`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : what.endsWith("s") ? "es" : "s"}`;
}
