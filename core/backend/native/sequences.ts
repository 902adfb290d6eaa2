/** The native verbs over sequences: attention and recurrent layers. */
import type { TypedArray } from "../../dtype.ts";
import type { Backend } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { recurrentBy } from "../reference/sequences.ts";
import { reference } from "../reference/reference.ts";
import {
  type Attention,
  type AttentionGradients,
  type AttentionOperands,
  checkAttention,
  checkRecurrent,
  describeAttention,
  describeRecurrent,
  isDense,
} from "../sequences.ts";
import { type Buffer, type Functions, NOTHING } from "./open_library.ts";

/** `attention` for float32; other dtypes are passed on to the reference. */
export function nativeAttention({ gradus_attention }: Pick<Functions, "gradus_attention">): Backend["attention"] {
  return function attention(d, read): void {
    if (!isKnown(d, read, null)) return reference.attention(d, read);
    checkAttention(d, read, null);
    const { q, k, v, mask, aux, y } = arraysOf(read);
    unwrap(gradus_attention(describeAttention(d, read, null), q, k, v, mask, aux, y), "attend");
  };
}

/** `attentionBackward` for float32; other dtypes are passed on to the reference. */
export function nativeAttentionBackward(
  { gradus_attention_backward }: Pick<Functions, "gradus_attention_backward">,
): Backend["attentionBackward"] {
  return function attentionBackward(d, read, back): void {
    if (!isKnown(d, read, back)) return reference.attentionBackward(d, read, back);
    checkAttention(d, read, back);
    const { q, k, v, mask, aux, y } = arraysOf(read), [g, out] = [back.g.data as Buffer, back.dq.data as Buffer];
    unwrap(gradus_attention_backward(describeAttention(d, read, back), q, k, v, mask, aux, y, g, out), "attend");
  };
}

function arraysOf(
  { q, k, v, mask, aux, y }: AttentionOperands,
): Record<"q" | "k" | "v" | "mask" | "aux" | "y", Buffer> {
  const data = { q: q.data, k: k.data, v: v.data, mask: mask?.data ?? NOTHING, aux, y: y.data };
  return data as Record<keyof typeof data, Buffer>;
}

/** Whether C has it: all in float32, and elements side by side. */
function isKnown(d: Attention, read: AttentionOperands, back: AttentionGradients | null): boolean {
  const { q, k, v, mask, aux, y } = read;
  const arrays = [q.data, k.data, v.data, aux, y.data, ...(mask === null ? [] : [mask.data])];
  if (back !== null) arrays.push(back.g.data, back.dq.data);
  return arrays.every((x) => x instanceof Float32Array) && isDense(d, read, back);
}

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
