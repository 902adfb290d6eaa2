/** How modules are shown: PyTorch's printed form, and a table with shapes and counts. */
import { show } from "../../core/shape.ts";
import { ownFields } from "./fields.ts";
import type { AnyModule } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** PyTorch's printed form: the class, its settings, and each child indented on lines of its own. */
export function describeModule(module: AnyModule): string {
  const name = module.constructor.name;
  const children = module.namedChildren().map(([key, child]) => `(${key}): ${indent(describeModule(child))}`);
  const extra = module.extraRepr();
  if (children.length === 0) return `${name}(${extra})`;
  return `${name}(\n${[...(extra === "" ? [] : [extra]), ...children].map((line) => `  ${line}\n`).join("")})`;
}

function indent(text: string): string {
  return text.replaceAll("\n", "\n  ");
}

/** A line for each module that has parameters of its own or no parts, and a total that counts shared ones once. */
export function summarise(module: AnyModule): string {
  const rows = module.namedModules()
    .filter(([, part]) => ownFields(part, Parameter).length > 0 || part.children().length === 0)
    .map(([name, part]) => row(name, part));
  const all = module.parameters();
  const trained = all.filter((parameter) => parameter.requiresGrad);
  const total = `${grouped(countOf(all))} parameters, ${grouped(countOf(trained))} of them trained`;
  return [...aligned([["name", "module", "shapes", "count"], ...rows]), total].join("\n");
}

function row(name: string, module: AnyModule): string[] {
  const own = ownFields(module, Parameter);
  const shapes = own.map(([key, parameter]) => `${key} ${show(parameter.shape)}`).join(", ");
  return [name, module.constructor.name, shapes, grouped(countOf(own.map(([, parameter]) => parameter)))];
}

function countOf(parameters: readonly Parameter[]): number {
  return parameters.reduce((count, parameter) => count + parameter.numel(), 0);
}

function grouped(count: number): string {
  return `${count}`.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Columns two spaces apart, the last one aligned right. */
function aligned(rows: readonly string[][]): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((cells) => cells[c].length)));
  const last = widths.length - 1;
  return rows.map((cells) =>
    cells.map((cell, c) => (c === last ? cell.padStart(widths[c]) : cell.padEnd(widths[c]))).join("  ")
  );
}
