/** What tests are written with; whoever imports it finds the back ends open. */
import "./open_back_ends.ts";

export { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
