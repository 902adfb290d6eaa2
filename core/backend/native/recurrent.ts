/** The native verbs of recurrent layers. */
import type { TypedArray } from "../../dtype.ts";
import type { Backend } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { checkRecurrent, describeRecurrent } from "../recurrent.ts";
import { recurrentBy } from "../reference/recurrent.ts";
import { type Buffer, type Functions, NOTHING } from "./symbols.ts";

/** The verbs for float32 in C; other dtypes take one product of this back end for each step. */
export function nativeRecurrent(
  { gradus_recurrent, gradus_recurrent_backward }: Functions,
  gemm: Backend["gemm"],
): Pick<Backend, "recurrent" | "recurrentBackward"> {
  const others = recurrentBy(gemm);
  return {
    recurrent: (d, gates, weight, bias, states) => {
      if (!areFloat32(gates, weight, states, bias ?? NOTHING)) return others.recurrent(d, gates, weight, bias, states);
      checkRecurrent(d, weight, bias, { gates }, { states });
      const [p1, p2, p3, p4] = [gates, weight, bias ?? NOTHING, states] as Buffer[];
      unwrap(gradus_recurrent(describeRecurrent(d, bias !== null), p1, p2, p3, p4), "take the steps");
    },
    recurrentBackward: (d, g, gates, weight, states, dgates, dfirst) => {
      if (!areFloat32(g, gates, weight, states, dgates, dfirst)) {
        return others.recurrentBackward(d, g, gates, weight, states, dgates, dfirst);
      }
      checkRecurrent(d, weight, null, { gates, dgates }, { g, states }, { dfirst });
      const [p1, p2, p3, p4, p5, p6] = [g, gates, weight, states, dgates, dfirst] as Buffer[];
      const described = describeRecurrent(d, false);
      unwrap(gradus_recurrent_backward(described, p1, p2, p3, p4, p5, p6), "go back through the steps");
    },
  };
}

function areFloat32(...arrays: readonly TypedArray[]): boolean {
  return arrays.every((array) => array instanceof Float32Array);
}
