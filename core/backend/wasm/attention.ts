/** The wasm verbs of attention: of each operand the places between the lowest and the highest are copied. */
import {
  type Attention,
  type AttentionGradients,
  type AttentionOperands,
  attentionSizes,
  type Operand,
  operandAt,
} from "../sequences.ts";
import type { Backend, Strided } from "../backend.ts";
import { nativeAttention, nativeAttentionBackward } from "../native/sequences.ts";
import { reachOf } from "./verbs.ts";
import { callWith, type Part, type WasmWorkspace } from "./workspace.ts";

/** `attention` for float32; other dtypes are passed on to the reference. */
export function wasmAttention(workspace: WasmWorkspace): Backend["attention"] {
  return function attention(d, read): void {
    nativeAttention({
      gradus_attention: (described) =>
        callAttention(workspace, described, d, read, null, (base, at) => {
          return workspace.kernel.gradus_attention(base, at.q, at.k, at.v, at.mask, at.aux, at.y);
        }),
    })(d, read);
  };
}

/** `attentionBackward` for float32; other dtypes are passed on to the reference. */
export function wasmAttentionBackward(workspace: WasmWorkspace): Backend["attentionBackward"] {
  return function attentionBackward(d, read, back): void {
    nativeAttentionBackward({
      gradus_attention_backward: (described) =>
        callAttention(workspace, described, d, read, back, (base, at) => {
          const { q, k, v, mask, aux, y, g, dq } = at;
          return workspace.kernel.gradus_attention_backward(base, q, k, v, mask, aux, y, g, dq);
        }),
    })(d, read, back);
  };
}

type Addresses = Record<Operand | "aux", number>;

/** Calls C with copies of the operands. */
function callAttention(
  workspace: WasmWorkspace,
  described: Int32Array,
  d: Attention,
  read: AttentionOperands,
  back: AttentionGradients | null,
  call: (base: number, at: Addresses) => number,
): number {
  const sizes = attentionSizes(d);
  const part = (name: Operand, { data, offset, strides }: Strided, use: Part["use"]) => {
    const empty = sizes[name].includes(0);
    return { name, ...(empty ? { from: 0, length: 0 } : reachOf(sizes[name], strides, offset)), data, use };
  };
  const { q, k, v, mask, y, aux } = read;
  // What lies between the rows of a result stays as it is.
  const parts: (Part & { name: Operand | "aux" })[] = [
    part("q", q, "read"),
    part("k", k, "read"),
    part("v", v, "read"),
  ];
  if (mask !== null) parts.push(part("mask", mask, "read"));
  parts.push(part("y", y, back === null ? "change" : "read"));
  parts.push({ name: "aux", data: aux, from: 0, length: aux.length, use: back === null ? "change" : "read" });
  if (back !== null) {
    parts.push(part("g", back.g, "read"));
    parts.push({ name: "dq", data: back.dq.data, from: 0, length: back.dq.data.length, use: "change" });
  }
  return callWith(workspace, described as Int32Array<ArrayBuffer>, parts, (ints, base, addresses) => {
    const at = { ...NOWHERE };
    parts.forEach(({ name, from, length }, i) => {
      at[name] = addresses[i];
      if (name === "aux" || name === "dq") return; // whole arrays
      const field = operandAt(name);
      ints[field] -= from, ints[field + 5] = length;
    });
    return call(base, at);
  });
}

const NOWHERE: Addresses = { q: 0, k: 0, v: 0, mask: 0, y: 0, g: 0, dq: 0, dk: 0, dv: 0, aux: 0 };
