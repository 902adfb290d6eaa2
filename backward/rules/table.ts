/** The whole calculus in one table: a line for every operation that `core/` has. One that lacks a line does not compile. */
import type { OpName } from "../../core/record.ts";
import { binaryRules, unaryRules } from "./elementwise.ts";
import { linalgRules } from "./linalg.ts";
import { lossRules } from "./loss.ts";
import { movementRules } from "./movement.ts";
import { reduceRules } from "./reduce.ts";
import type { Rules } from "./rule.ts";

/** The rule of every operation. */
export const rules: Rules<OpName> = {
  ...unaryRules,
  ...binaryRules,
  ...reduceRules,
  ...movementRules,
  ...linalgRules,
  ...lossRules,
};
