/**
 * What people look at before they read: the way back from a loss, explained.
 *
 * Nothing here is loaded by the main module.
 *
 * @example
 * ```ts
 * import { tensor } from "@gradus/gradus";
 * import { explain } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * const w = tensor([1, 2]).requiresGrad_();
 * const explained = explain(w.square().sum(), { names: { w }, element: [w, 1] });
 * assertEquals(explained.steps.map(({ op }) => op), ["sum", "square"]);
 * assertEquals(explained.element?.sum, 4); // 2 · w
 * ```
 * @module
 */

// The way back, explained.
export {
  explain,
  type ExplainedStep,
  type ExplainedValue,
  type ExplainOptions,
  type Explanation,
  type ExplanationParts,
  type RuleText,
  type RuleTexts,
  type SentGradient,
} from "./explain/explanation.ts";
export type { ElementExplanation, Factor, Product } from "./explain/element.ts";

// Types of other entry points that these speak of.
export type * from "../core/types.ts";
export type {
  AnyModule,
  Buffer,
  ForwardHook,
  ForwardPreHook,
  FullBackwardHook,
  HookHandle,
  LoadOptions,
  LoadReport,
  Module,
  Parameter,
  State,
} from "../layers/nn/nn.ts";
