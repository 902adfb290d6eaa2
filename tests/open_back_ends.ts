/**
 * Opens the back ends before the first test: else the test that happens to be first would load the kernel's library, and the
 * sanitizers would call that a leak. Files of tests import it with `bdd.ts`; the examples of the documentation, which cannot, have
 * it loaded before them.
 */
import { backend, useBackend } from "../core/backend/choose.ts";

const requested = backend().name;
openImages();
if (useBackend("auto") !== requested) {
  openImages();
  useBackend(requested);
}

/** Opens what a back end opens at the first use of an image: one of no pixels. */
function openImages(): void {
  const none = new Int32Array(0);
  const windows = { begin: none, end: none, count: none, step: 1 };
  const d = { op: "max", planes: 0, h: 0, w: 0, rows: windows, cols: windows, divisor: 0 } as const;
  backend().pool(d, new Float32Array(0), new Float32Array(0), null);
}
