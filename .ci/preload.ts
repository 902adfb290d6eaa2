/**
 * Opens the back ends before the first test: else the test that happens to be first would load the kernel's library, and
 * the sanitizers would call that a leak.
 *
 * @module
 */
import { backend, useBackend } from "../core/backend/choose.ts";

const wished = backend().name;
if (useBackend("auto") !== wished) useBackend(wished);
