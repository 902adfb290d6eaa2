/** The way back from a loss, explained: which operations, by which rules, with which numbers. */
import { checkOptions, describe, requireTensor } from "../../core/arguments.ts";
import { files } from "../../core/host/files.ts";
import type { OpNode } from "../../core/record.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { AnyModule } from "../../layers/nn/nn.ts";
import { type ElementExplanation, elementNumber, follow, type Names } from "./element.ts";
import { goBack, norm, type Visit } from "./graph.ts";
import { namesIn } from "./names.ts";
import { explanationPage } from "./page.ts";
import { toDot, toMermaid, toSvg } from "./picture.ts";
import { FUNCTIONS, OPERATIONS } from "./rule_texts.ts";
import { toText } from "./text.ts";

/** What a rule's source says. */
export interface RuleText {
  /** Its file, from the project's root. */
  readonly file: string;
  /** The line on which it stands. */
  readonly line: number;
  /** The formulas, as the comments above the rule, or above the functions that it calls, have them. */
  readonly formulas: readonly string[];
  /** The rule itself, on one line. */
  readonly rule: string;
}

/** What is said by an operation's or a function's name. */
export type RuleTexts = Readonly<Record<string, RuleText>>;

/** The options of {@linkcode explain}. */
export interface ExplainOptions {
  /** One number of a gradient to follow from the loss: its tensor, and an index for each dimension, as in `[w, 0, 3]`. */
  element?: readonly [x: Tensor, ...index: number[]];
  /** Names for tensors: `{ x, w, b }`. */
  names?: Readonly<Record<string, Tensor>>;
  /** The model whose parameters have the names of its `stateDict()`. */
  model?: AnyModule;
  /**
   * The most products that an element is taken apart into. Where it would be more, a value's gradient stands for the way above it.
   *
   * @default {100}
   */
  limit?: number;
}

/** A value of the graph. */
export interface ExplainedValue {
  /** Its name. */
  readonly name: string;
  /** Its shape. */
  readonly shape: readonly number[];
  /** What it is: made by an operation, a leaf that gets a `.g`, or a constant, to which no gradient goes. */
  readonly kind: "operation" | "leaf" | "constant";
}

/** What an operation sends to one of its inputs. */
export interface SentGradient {
  /** The input. */
  readonly to: ExplainedValue;
  /** The Euclidean norm of the gradient that is sent; `null` where none is. */
  readonly norm: number | null;
}

/** A step of the way back: one operation. */
export interface ExplainedStep {
  /** Its number, from 1 at the loss. */
  readonly number: number;
  /** The operation's name, or that of a `Function`. */
  readonly op: string;
  /** Its settings in words, as `activation relu`. */
  readonly settings: readonly string[];
  /** What it made. */
  readonly output: ExplainedValue;
  /** What its source says, as it stands in `backward/rules/`; `null` for a `Function` of one's own. */
  readonly source: RuleText | null;
  /** The norm of the gradient of what it made. */
  readonly norm: number;
  /** What it sends to each input. */
  readonly sent: readonly SentGradient[];
}

/** What an explanation is made of. */
export interface ExplanationParts {
  /** The loss. */
  readonly root: ExplainedValue;
  /** The steps, from the loss on. */
  readonly steps: readonly ExplainedStep[];
  /** The element that was asked for. */
  readonly element: ElementExplanation | null;
}

/** The way back from a loss, as {@linkcode explain} answers it: data, and the views of it. */
export class Explanation implements ExplanationParts {
  /** The loss. */
  readonly root: ExplainedValue;
  /** The steps, from the loss on. */
  readonly steps: readonly ExplainedStep[];
  /** The element that was asked for, or `null`. */
  readonly element: ElementExplanation | null;

  /** An explanation of these parts. */
  constructor({ root, steps, element }: ExplanationParts) {
    [this.root, this.steps, this.element] = [root, steps, element];
  }

  /** The steps in words and numbers, and the element as a sum: text for a terminal. */
  toString(): string {
    return toText(this);
  }

  /** The graph in the language of Mermaid, which Markdown pages show as a picture. */
  mermaid(): string {
    return toMermaid(this);
  }

  /** The graph as SVG, laid out by Graphviz, which `@hpcc-js/wasm-graphviz` holds as WebAssembly. */
  async svg(): Promise<string> {
    return await toSvg(toDot(this), this);
  }

  /** One page with the graph and the steps to click: it needs nothing else, runs no program and asks for nothing. */
  async html(): Promise<string> {
    return explanationPage(this, await this.svg());
  }

  /**
   * Writes the view that the file's ending names: `.html`, `.svg`, `.mmd` (Mermaid) or `.txt`.
   *
   * @throws {RangeError} For another ending.
   */
  async save(path: string): Promise<void> {
    const views: Record<string, () => string | Promise<string>> = {
      html: () => this.html(),
      svg: () => this.svg(),
      mmd: () => this.mermaid(),
      txt: () => this.toString(),
    };
    const ending = /\.([^./\\]+)$/.exec(path)?.[1] ?? "";
    if (!Object.hasOwn(views, ending)) {
      throw new RangeError(`Cannot save an explanation as ${path}: end the name in .html, .svg, .mmd or .txt`);
    }
    const text = await views[ending]();
    await (await files("write an explanation", "html() gives its text")).writeTextFile(path, text);
  }

  /** What a notebook shows: the graph and the steps, the text where it has no HTML. */
  async [Symbol.for("Jupyter.display")](): Promise<Record<string, string>> {
    return { "text/plain": this.toString(), "text/html": explanationPage(this, await this.svg(), "part") };
  }
}

/**
 * Explains the way back from `loss`: goes through its graph as `backward()` does, leaves no gradient anywhere, and tells of each operation
 * the rule as it stands in `backward/rules/`, the shapes, and the norms of the gradients that arrive and that it sends on.
 *
 * With `element`, one number of one gradient is followed: `∂L/∂w = Σ ∂L/∂z · … · ∂h/∂w` over all ways from the loss, each factor with its
 * name. The sum is what `backward()` adds to that number of `.g`.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { explain } from "@gradus/gradus/display";
 * import { assertEquals, assertStringIncludes } from "@std/assert";
 *
 * const x = tensor([[1, 2]]);
 * const w = tensor([[3], [-1]]).requiresGrad_();
 * const loss = x.matmul(w).square().sum();
 * const explained = explain(loss, { names: { x, w }, element: [w, 1, 0] });
 * assertEquals(explained.element?.products[0].factors.map(({ value }) => value), [1, 2, 2]); // ∂sum/∂square · 2z · x
 * assertStringIncludes(explained.toString(), "da = g @ bᵀ");
 * ```
 * @throws {RangeError} If `loss` has more than one element, or the index does not fit its tensor.
 * @throws {TypeError} If an option is unknown or of another type.
 * @throws {Error} If no gradient can go back from it, if `backward()` freed the graph, or the element gets no gradient.
 */
export function explain(loss: Tensor, options: ExplainOptions = {}): Explanation {
  requireTensor(loss, "explain");
  checkOptions("explain", options, ["element", "names", "model", "limit"], { limit: "number" });
  const graph = goBack(loss);
  const names = namesIn(graph, givenNames(options));
  const steps = graph.visits.map((visit, i) => stepOf(visit, i + 1, names, norm(graph.gradients.get(visit.output)!)));
  return new Explanation({ root: valueOf(loss, names), steps, element: elementOf(options, graph, names) });
}

function givenNames({ names = {}, model }: ExplainOptions): Map<Tensor, string> {
  for (const x of Object.values(names)) requireTensor(x, "name");
  const parameters = model?.namedParameters().map(([name, x]): [Tensor, string] => [x, name]) ?? [];
  return new Map([...parameters, ...Object.entries(names).map(([name, x]): [Tensor, string] => [x, name])]);
}

function elementOf(
  { element, limit = 100 }: ExplainOptions,
  graph: ReturnType<typeof goBack>,
  names: Names,
): ElementExplanation | null {
  if (!Number.isInteger(limit) || limit < 1) {
    throw new RangeError(`Cannot explain in ${limit} products: give a whole number from 1`);
  }
  if (element === undefined) return null;
  if (!Array.isArray(element)) {
    throw new TypeError(`Cannot explain the element ${describe(element)}: give a tensor and an index, as in [w, 0, 3]`);
  }
  const [x, ...index] = element;
  requireTensor(x, "explain an element of");
  const at = elementNumber(x, index);
  if (graph.gradients.has(x)) return follow(graph, x, at, limit, names);
  throw new Error(
    "Cannot explain an element of a tensor that gets no gradient from this loss: call requiresGrad_() first",
  );
}

function valueOf(x: Tensor, names: Names): ExplainedValue {
  const kind = x.node !== null ? "operation" : x.requiresGrad ? "leaf" : "constant";
  return { name: names.of(x), shape: x.shape, kind };
}

function stepOf({ output, node, sent }: Visit, number: number, names: Names, arrived: number): ExplainedStep {
  const to = node.inputs.map((input, i) => ({ to: valueOf(input, names), norm: sent[i] ? norm(sent[i]) : null }));
  return {
    ...{ number, op: node.name, settings: settingsOf(node), output: valueOf(output, names), source: sourceOf(node) },
    ...{ norm: arrived, sent: to },
  };
}

/** The settings that are words, flags or a few numbers. */
function settingsOf(node: OpNode): string[] {
  if (!("settings" in node)) return [];
  const { low, high, ...others } = node.settings as Record<string, unknown>;
  return Object.entries(low === 0 && high === 0 ? others : { low, high, ...others }).flatMap(
    ([name, value]) => {
      if (value === undefined || value === false || value === "none") return [];
      if (value === true) return [name];
      const few = Array.isArray(value) && value.length <= 4 && value.every((x) => typeof x === "number");
      return few
        ? [`${name} [${value.join(", ")}]`]
        : ["string", "number"].includes(typeof value)
        ? [`${name} ${value}`]
        : [];
    },
  );
}

/** What is said of an operation; of a `Function` what is said of the first function of `backward/rules/` that its `backward` calls. */
function sourceOf(node: OpNode): RuleText | null {
  if (!("op" in node)) return Object.hasOwn(OPERATIONS, node.name) ? OPERATIONS[node.name] : null;
  const code = String((node.op as { backward?: unknown }).backward);
  const called = code.match(/\b\w+Backward\b/g)?.find((name) => Object.hasOwn(FUNCTIONS, name));
  return called === undefined ? null : FUNCTIONS[called];
}
