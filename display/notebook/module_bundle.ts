/** A module in a notebook: a table of its layers, with shapes and counts. */
import type { MimeBundle } from "../../core/displayer.ts";
import { summaryOf } from "../../layers/nn/module_text.ts";
import type { AnyModule } from "../../layers/nn/nn.ts";
import { escaped, tableHtml } from "../plot/html.ts";

/** The forms of a module. */
export function moduleBundle(module: AnyModule): MimeBundle {
  const { heads, rows, total } = summaryOf(module, []);
  const html = `${tableHtml({ heads, rows })}<p>${escaped(total)}</p>`;
  return { "text/html": html, "text/plain": `${module.summary()}` };
}
