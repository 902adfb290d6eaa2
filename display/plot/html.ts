/** HTML of pictures with the values beside them, for eyes and for screen readers. */

/** A table: what its columns are called, and its rows as texts. */
export interface Values {
  /** The names of the columns. */
  readonly heads: readonly string[];
  /** A text for each column. */
  readonly rows: readonly (readonly string[])[];
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that stands for itself in HTML and XML, in attributes too. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => ENTITIES[letter]);
}

/** A table that names its columns and rows, as screen readers read it. */
export function tableHtml({ heads, rows }: Values): string {
  const head = heads.map((name) => `<th scope="col">${escaped(name)}</th>`).join("");
  const body = rows.map(([first, ...others]) =>
    `<tr><th scope="row">${escaped(first)}</th>${others.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`
  );
  return `<table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table>`;
}

/** A picture, what it shows in a sentence, and its values in a table that opens. */
export function figureHtml(picture: string, caption: string, values: Values | null): string {
  const table = values === null ? "" : `<details><summary>Values</summary>${tableHtml(values)}</details>`;
  return `<figure style="margin:0">${picture}<figcaption>${escaped(caption)}</figcaption>${table}</figure>`;
}
