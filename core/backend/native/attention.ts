/** The native verbs of attention. */
import {
  type Attention,
  type AttentionGradients,
  type AttentionOperands,
  checkAttention,
  describeAttention,
  isDense,
} from "../attention.ts";
import type { Backend } from "../backend.ts";
import { unwrap } from "../descriptor.ts";
import { reference } from "../reference/reference.ts";
import { type Buffer, type Functions, NOTHING } from "./symbols.ts";

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
