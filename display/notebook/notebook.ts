/** What a notebook of `deno jupyter` shows of each object; importing this file tells `core/` so. */
import { describe } from "../../core/arguments.ts";
import { JUPYTER_DISPLAY, type MimeBundle, registerDisplayer } from "../../core/displayer.ts";
import { notebookOutput } from "../../core/host/notebook.ts";
import { Tensor } from "../../core/tensor.ts";
import { Module, Parameter } from "../../layers/nn/nn.ts";
import { isSquare, plotConfusion } from "../plot/confusion.ts";
import { isHistory, isLrCurve, plotHistory, plotLr } from "../plot/curves.ts";
import { plotHistogram } from "../plot/histogram.ts";
import type { Plot } from "../plot/plot.ts";
import { moduleBundle } from "./module_bundle.ts";
import { tensorBundle } from "./tensor_bundle.ts";

/** The forms of a value, or `null` for one without any of its own. */
function bundleFor(value: object): MimeBundle | Promise<MimeBundle> | null {
  if (value instanceof Parameter) return parameterBundle(value);
  if (value instanceof Tensor) return tensorBundle(value);
  if (value instanceof Module) return moduleBundle(value);
  const plot = plotFor(value);
  return plot === null ? null : plot[JUPYTER_DISPLAY]();
}

function plotFor(value: object): Plot | null {
  if (isHistory(value)) return plotHistory(value);
  if (isLrCurve(value)) return plotLr(value);
  return isSquare(value) ? plotConfusion(value) : null;
}

/** A parameter's histogram; one of a single element, or of none, is text. */
async function parameterBundle(parameter: Parameter): Promise<MimeBundle> {
  const text = `${parameter}`;
  if (parameter.numel() < 2) return { "text/plain": text };
  return { ...await plotHistogram(parameter)[JUPYTER_DISPLAY](), "text/plain": text };
}

/**
 * Shows a value: in a notebook in the output of the cell, elsewhere as text through `console.log`. What has no picture shows its text.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { display } from "@gradus/gradus/display";
 *
 * await display(tensor([[1, 2], [3, 4]])); // a table of shades in a notebook
 * ```
 */
export async function display(value: unknown): Promise<void> {
  const bundle = await bundleOfAny(value);
  const output = notebookOutput();
  if (output !== null) await output.show(bundle);
  else if ("text/plain" in bundle) console.log(bundle["text/plain"]);
}

async function bundleOfAny(value: unknown): Promise<MimeBundle> {
  if (typeof value !== "object" || value === null) return { "text/plain": `${String(value)}` };
  const own = (value as { [JUPYTER_DISPLAY]?: unknown })[JUPYTER_DISPLAY];
  if (typeof own === "function") return await own.call(value);
  const bundle = bundleFor(value);
  if (bundle !== null) return await bundle;
  const text = `${value}`;
  return { "text/plain": text.startsWith("[object") ? describe(value) : text };
}

registerDisplayer(bundleFor);
