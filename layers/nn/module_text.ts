/** The parts of a module, named as in PyTorch, and its text: the printed form, and a table of what it holds, gives and computes. */
import { noGrad } from "../../backward/tape.ts";
import { describe, isPlainObject } from "../../core/arguments.ts";
import { show } from "../../core/shape.ts";
import { Tensor } from "../../core/tensor.ts";
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

/** What a module did when the model was called. */
interface Call {
  output: string;
  multiplyAdds: number;
}

/** A summary as a table of texts: what its columns are called, a row for each module, and the total. */
interface ModuleSummary {
  readonly heads: readonly string[];
  readonly rows: readonly string[][];
  readonly total: string;
}

/** The same in aligned lines. */
export function summarise(module: AnyModule, inputs: readonly unknown[]): string {
  const { heads, rows, total } = summaryOf(module, inputs);
  return [...aligned([[...heads], ...rows]), total].join("\n");
}

/**
 * A row for each module that has parameters of its own or no parts, and a total that counts shared ones once; with inputs also what each
 * gives and computes for them.
 */
export function summaryOf(module: AnyModule, inputs: readonly unknown[]): ModuleSummary {
  const calls = inputs.length === 0 ? null : callsOf(module, inputs);
  const rows = module.namedModules()
    .filter(([, part]) => ownFields(part, Parameter).length > 0 || part.children().length === 0)
    .map(([name, part]) => [...row(name, part), ...(calls === null ? [] : cellsOf(calls.get(part)))]);
  const all = module.parameters();
  const trained = all.filter((parameter) => parameter.requiresGrad);
  const total = `${grouped(countOf(all))} parameters, ${grouped(countOf(trained))} of them trained`;
  const work = calls && [...calls.values()].reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  const heads = ["name", "module", "shapes", "count", ...(calls === null ? [] : ["output", "multiply-adds"])];
  return { heads, rows, total: work === null ? total : `${total}; ${grouped(work)} multiply-adds` };
}

function row(name: string, module: AnyModule): string[] {
  const own = ownFields(module, Parameter);
  const shapes = own.map(([key, parameter]) => `${key} ${show(parameter.shape)}`).join(", ");
  return [name, module.constructor.name, shapes, grouped(countOf(own.map(([, parameter]) => parameter)))];
}

function cellsOf(call: Call | undefined): [output: string, multiplyAdds: string] {
  return call === undefined ? ["not called", "0"] : [call.output, grouped(call.multiplyAdds)];
}

/** Calls the model in evaluation mode and without recording, and tells what each of its modules did; a module may be called several times. */
function callsOf(model: AnyModule, inputs: readonly unknown[]): Map<AnyModule, Call> {
  const calls = new Map<AnyModule, Call>();
  const modules = model.modules();
  const before = modules.map((module) => [module.training, Object.getOwnPropertyDescriptor(module, "call")] as const);
  try {
    for (const module of modules) {
      module.training = false;
      listen(module, calls);
    }
    noGrad(() => model.call(...inputs as never));
  } finally {
    modules.forEach((module, i) => {
      const [training, call] = before[i];
      module.training = training;
      if (call === undefined) Reflect.deleteProperty(module, "call");
      else Object.defineProperty(module, "call", call);
    });
  }
  return calls;
}

/** Puts a `call` on the module that notes what it does. */
function listen(module: AnyModule, calls: Map<AnyModule, Call>): void {
  const call = module.call.bind(module);
  const noted = (...inputs: never) => {
    const output = call(...inputs);
    const earlier = calls.get(module)?.multiplyAdds ?? 0;
    calls.set(module, { output: shapesOf(output), multiplyAdds: earlier + module.multiplyAdds(output, ...inputs) });
    return output;
  };
  Object.defineProperty(module, "call", { value: noted, configurable: true }); // not enumerable: no field of the module
}

/** `[3, 4]`, or those of several tensors. */
function shapesOf(output: unknown): string {
  if (output instanceof Tensor) return show(output.shape);
  return Array.isArray(output) ? output.map(shapesOf).join(", ") : "–";
}

function countOf(parameters: readonly Parameter[]): number {
  return parameters.reduce((count, parameter) => count + parameter.numel(), 0);
}

function grouped(count: number): string {
  return `${count}`.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Columns two spaces apart, numbers aligned right. */
function aligned(rows: readonly string[][]): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((cells) => cells[c].length)));
  const right = rows[0].map((head) => head === "count" || head === "multiply-adds");
  return rows.map((cells) =>
    cells.map((cell, c) => (right[c] ? cell.padStart(widths[c]) : cell.padEnd(widths[c]))).join("  ")
  );
}

/** A field's name as PyTorch writes it: `runningMean` is `running_mean`; a name that is not plain camelCase stays as it is. */
function stateName(field: string): string {
  if (!/^[a-z][a-z0-9]*([A-Z][a-z0-9]+)+$/.test(field)) return field;
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Two parts of a path joined by a dot, unless the first is empty. */
export function joinPath(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** The own fields of `owner` that hold a `kind`, or an array with some, named as in PyTorch and in order of assignment. */
export function ownFields<T>(owner: object, kind: abstract new (...args: never[]) => T): [name: string, value: T][] {
  return Object.entries(owner).flatMap(([field, value]): [string, T][] => {
    const name = stateName(field);
    if (value instanceof kind) return [[name, value]];
    if (typeof value !== "object" || value === null) return [];
    if (!Array.isArray(value)) return refuseHidden(owner, field, value, kind);
    return value.flatMap((part, i): [string, T][] => {
      if (part instanceof kind) return [[`${name}.${i}`, part]];
      return typeof part === "object" && part !== null ? refuseHidden(owner, `${field}[${i}]`, part, kind) : [];
    });
  });
}

/**
 * Refuses a record, map, set or nested array that holds parts of the module: they are not searched, so their parameters would never
 * be trained.
 *
 * @throws {TypeError} If it holds one.
 */
function refuseHidden<T>(
  owner: object,
  field: string,
  value: object,
  kind: abstract new (...args: never[]) => T,
): never[] {
  const hidden = isCollection(value) && hiddenIn(value, (part) => part instanceof kind && !isFieldOf(owner, part));
  if (!hidden) return [];
  throw new TypeError(
    `Cannot find ${describe(hidden)} in ${owner.constructor.name}: ${field} is ${
      describe(value)
    }, and only fields and ` +
      "arrays are searched; use one of these, nn.ModuleDict for parts by name, or a #private field for what is not to be found",
  );
}

/** The first part that is hidden in a collection, or in those within it. */
function hiddenIn(value: object, isHidden: (part: unknown) => boolean, seen = new Set<object>()): unknown {
  seen.add(value);
  for (const part of valuesOf(value)) {
    if (isHidden(part)) return part;
    if (!isCollection(part) || seen.has(part)) continue;
    const found = hiddenIn(part, isHidden, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isCollection(x: unknown): x is object {
  return Array.isArray(x) || x instanceof Map || x instanceof Set || isPlainObject(x);
}

/** Whether a field holds it as well, so that it is found all the same. */
function isFieldOf(owner: object, part: unknown): boolean {
  return Object.values(owner).some((value) => value === part || (Array.isArray(value) && value.includes(part)));
}

function valuesOf(collection: object): unknown[] {
  return collection instanceof Map || collection instanceof Set ? [...collection.values()] : Object.values(collection);
}
