/**
 * Opens the back ends before the first test: else the test that happens to be first would load the kernel's library, and the
 * sanitizers would call that a leak. Files of tests import it with `bdd.ts`; the examples of the documentation, which cannot, have
 * it loaded before them.
 */
import { backend, useBackend } from "../core/backend/choose.ts";

const requested = backend().name;
if (useBackend("auto") !== requested) useBackend(requested);
