/** An explanation in words. */
import { show } from "../../core/shape.ts";
import type { ElementExplanation, Product } from "./element.ts";
import type { ExplainedStep, ExplainedValue, ExplanationParts, SentGradient } from "./explanation.ts";
import { figure } from "./graph.ts";

/** The whole explanation, for a terminal. */
export function toText({ root, steps, element }: ExplanationParts): string {
  const head = `The way back from ${valueText(root)}: ${steps.length} operation${steps.length === 1 ? "" : "s"}`;
  const parts = [head, ...steps.map(stepText)];
  if (element !== null) parts.push(elementText(element));
  return parts.join("\n\n");
}

/** A value with its shape. */
export function valueText({ name, shape }: ExplainedValue): string {
  return `${name} ${show(shape)}`;
}

function stepText(step: ExplainedStep): string {
  return [
    `${step.number}. ${madeText(step)}`,
    ...[...sourceLines(step), ...gradientLines(step)].map((line) => `   ${line}`),
  ]
    .join("\n");
}

/** What an operation made of what. */
export function madeText({ op, settings, output, sent }: ExplainedStep): string {
  const inputs = sent.map(({ to }) => valueText(to)).join(", ");
  return `${op}${settings.length === 0 ? "" : ` (${settings.join(", ")})`} made ${valueText(output)} of ${inputs}`;
}

/** What its rule says, and where it stands. */
export function sourceLines({ source }: ExplainedStep): string[] {
  if (source === null) return ["by the backward() of its own class"];
  const { file, line, formulas, rule } = source;
  return [...formulas, `rule: ${rule}`, `at ${file}:${line}`];
}

/** What arrives, and what is sent where. */
export function gradientLines({ output, norm, sent }: ExplainedStep): string[] {
  return [`the gradient of ${output.name} arrives, of norm ${figure(norm)}`, ...sent.map(sentText)];
}

function sentText({ to, norm }: SentGradient): string {
  if (to.kind === "constant") return `nothing goes to ${to.name}, which requires no gradient`;
  if (norm === null) return `nothing goes to ${to.name}`;
  const what = `a gradient ${show(to.shape)} of norm ${figure(norm)}`;
  return to.kind === "leaf" ? `${what} is added to ${to.name}.g` : `${what} goes on to ${to.name}`;
}

/** One number as a sum of products. */
export function elementText(element: ElementExplanation): string {
  const { name, products, rest } = element;
  const lines = products.flatMap((
    product,
    i,
  ) => [`  ${i === 0 ? " " : "+"} ${figure(product.value)}`, `      ${productText(product)}`]);
  if (rest.count > 0) lines.push(`  + ${figure(rest.value)}`, `      ${rest.count} smaller products`);
  const head = products.length === 0
    ? `${name} gets 0: no way from the loss reaches it`
    : `${name} is a sum over the ways from the loss:`;
  return [head, ...lines, `  = ${figure(element.sum)}, and backward() adds ${figure(element.gradient)}`].join("\n");
}

/** The factors of a product by name and value. */
function productText({ factors }: Product): string {
  return factors.map(({ name, value }) => `${name} (${figure(value)})`).join(" · ");
}
