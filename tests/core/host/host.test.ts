import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { cacheDir, environment, granted } from "../../../core/host/host.ts";

describe("cacheDir()", () => {
  it("cacheDir() obeys GRADUS_CACHE first", () => {
    if (environment("GRADUS_CACHE") !== undefined) assertEquals(cacheDir(), environment("GRADUS_CACHE"));
    else assertEquals(cacheDir() === null || cacheDir()!.endsWith("gradus"), true);
  });

  Deno.test("cacheDir() is null where the environment may not be read", { permissions: { env: false } }, () => {
    assertEquals(cacheDir(), null);
  });
});

describe("granted()", () => {
  Deno.test("granted() says no without asking", { permissions: { net: false } }, () => {
    assertEquals(granted({ name: "net", host: "example.com" }), false);
  });
});
