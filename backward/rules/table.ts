/** All derivatives in one table: a rule for every operation of `core/`. Without a rule for each it does not compile. */
import type { OpName } from "../../core/record.ts";
import { attentionRules, recurrentRules } from "./sequences.ts";
import { binaryRules, unaryRules } from "./elementwise.ts";
import { linalgRules } from "./linalg.ts";
import { lossRules } from "./loss.ts";
import { movementRules } from "./movement.ts";
import { reduceRules } from "./reduce.ts";
import type { Rules } from "./rule.ts";
import { planeRules, windowRules } from "./windows.ts";

/** The rule of every operation. */
export const rules: Rules<OpName> = {
  ...unaryRules,
  ...binaryRules,
  ...reduceRules,
  ...movementRules,
  ...linalgRules,
  ...lossRules,
  ...windowRules,
  ...planeRules,
  ...recurrentRules,
  ...attentionRules,
};
