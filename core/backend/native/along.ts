/** The native verbs along one dimension: places by index, sums at places, running sums, and in order. */
import { type AlongVerbs, badPlace, badTarget, checkOrder, checkPlaces, checkScan, checkScatter } from "../along.ts";
import { unwrap } from "../descriptor.ts";
import { order, scan, scatterAdd } from "../reference/along.ts";
import type { Buffer, Functions } from "./symbols.ts";

type Ints = Int32Array<ArrayBuffer>;

const BAD_INDEX = 4; // the status code for an index that is out of bounds
const answer = new Float64Array(1);

/** The verbs for float32; other dtypes are passed on to the reference. */
export function nativeAlong(functions: Functions): AlongVerbs {
  return {
    places(d, index, out) {
      checkPlaces(d, index, out);
      const described = Int32Array.of(d.outer, d.size, d.count, d.inner, index.length, out.length);
      const code = functions.gradus_places(described, index as Ints, out as Ints, answer);
      if (code === BAD_INDEX) throw badPlace(answer[0], d);
      unwrap(code, "index");
    },
    scatterAdd(g, width, index, out) {
      if (!(g instanceof Float32Array && out instanceof Float32Array)) return scatterAdd(g, width, index, out);
      checkScatter(g, width, index, out);
      const described = Int32Array.of(width, index.length, g.length, index.length, out.length);
      const code = functions.gradus_scatter_add(described, g as Buffer, index as Ints, out as Buffer, answer);
      if (code === BAD_INDEX) throw badTarget(answer[0], out.length / width);
      unwrap(code, "add rows");
    },
    scan(d, x, out) {
      if (!(x instanceof Float32Array && out instanceof Float32Array)) return scan(d, x, out);
      checkScan(d, x, out);
      const described = Int32Array.of(Number(d.products), d.outer, d.count, d.inner, x.length, out.length);
      unwrap(functions.gradus_scan(described, x as Buffer, out as Buffer), "add up");
    },
    order(d, x, out) {
      if (!(x instanceof Float32Array)) return order(d, x, out);
      checkOrder(d, x, out);
      const described = Int32Array.of(d.rows, d.count, Number(d.descending), d.first, x.length, out.length);
      unwrap(functions.gradus_order(described, x as Buffer, out as Ints), "sort");
    },
  };
}
