/** The wasm verbs of rows: softmax and layer normalisation, of which the operands are copied. */
import type { TypedArray } from "../../dtype.ts";
import type { RowVerbs } from "../rows.ts";
import { nativeLayerNorm, nativeLayerNormBackward, nativeSoftmax, nativeSoftmaxBackward } from "../native/rows.ts";
import { callWith, type Part, type WasmWorkspace } from "./workspace.ts";

/** The verbs for float32; other dtypes are passed on to the reference. */
export function wasmRows(workspace: WasmWorkspace): RowVerbs {
  const { kernel } = workspace;
  const call = (d: Int32Array, parts: readonly Part[], run: (base: number, at: number[]) => number) =>
    callWith(workspace, d, parts, (_, base, at) => run(base, at));
  return {
    softmax: nativeSoftmax({
      gradus_softmax: (d, x, out) =>
        call(d, [read(x, d[3]), write(out, d[4])], (base, [x, out]) => kernel.gradus_softmax(base, x, out)),
    }),
    softmaxBackward: nativeSoftmaxBackward({
      gradus_softmax_backward: (d, g, y, out) =>
        call(d, [read(g, d[5]), read(y, d[3]), write(out, d[4])], (base, [g, y, out]) => {
          return kernel.gradus_softmax_backward(base, g, y, out);
        }),
    }),
    layerNorm: nativeLayerNorm({
      gradus_layer_norm: (d, x, weight, bias, stats, y) => {
        const cols = d[3] === 0 ? 0 : d[1];
        const parts = [read(x, d[5]), read(weight, cols), read(bias, cols), write(stats, d[6]), write(y, d[5])];
        return call(d, parts, (base, at) => kernel.gradus_layer_norm(base, at[0], at[1], at[2], at[3], at[4]));
      },
    }),
    layerNormBackward: nativeLayerNormBackward({
      gradus_layer_norm_backward: (d, g, x, weight, stats, dx, sums) => {
        const cols = d[3] === 0 ? 0 : d[1];
        const given = [read(g, d[5]), read(x, d[5]), read(weight, cols), read(stats, d[6])];
        const parts = [...given, write(dx, d[4] === 0 ? 0 : d[5]), write(sums, 2 * cols)];
        return call(d, parts, (base, at) => {
          return kernel.gradus_layer_norm_backward(base, at[0], at[1], at[2], at[3], at[4], at[5]);
        });
      },
    }),
  };
}

const read = (data: TypedArray, length: number): Part => ({ data, from: 0, length, use: "read" });
const write = (data: TypedArray, length: number): Part => ({ data, from: 0, length, use: "write" });
