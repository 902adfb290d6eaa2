/** The calculus of looking rows up in a table. */
import type { Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { gatherBackward } from "./movement.ts";

/** `y[i] = w[rows[i]]`, so `dw` adds each `g[i]` to its row; the padding row gets nothing. */
export function embeddingBackward(g: Tensor, shape: Shape, rows: Int32Array, padding: number | null): [dw: Tensor] {
  const [dw] = gatherBackward(g, shape, rows);
  if (padding !== null) dw.select(0, padding).zero_();
  return [dw];
}
