import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as choose from "../../../core/backend/choose.ts";
import { reference } from "../../../core/backend/reference/reference.ts";
import { ones } from "@gradus/gradus";

const NAMES = ["native", "wasm", "reference"] as const;

/** Runs `body` and puts the back end that was in use back. */
function restored(body: () => void): void {
  const before = choose.backend().name;
  try {
    body();
  } finally {
    choose.useBackend(before);
  }
}

function missing(name: typeof NAMES[number]): string | null {
  try {
    choose.backendNamed(name);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("useBackend()", () => {
  for (const name of NAMES) {
    const reason = missing(name);
    (reason === null ? it : it.skip)(`useBackend("${name}") takes it and says so${reason ? `: ${reason}` : ""}`, () => {
      restored(() => {
        assertEquals(choose.useBackend(name), name);
        assertEquals([choose.backend().name, choose.backendReason()], [name, "asked for by name"]);
        assertEquals(ones([2, 3]).matmul(ones([3, 2])).toArray(), [[3, 3], [3, 3]]);
      });
    });
    if (reason !== null) {
      it(`useBackend("${name}") says why it is not available, and changes nothing`, () => {
        const before = choose.backend();
        const error = assertThrows(() => choose.useBackend(name), Error, `Cannot use the ${name} back end: `);
        assertEquals(error.message.endsWith("."), false);
        assertStrictEquals(choose.backend(), before);
      });
    }
  }
  it("useBackend() refuses a name that is none, and changes nothing", () => {
    const before = choose.backend();
    const message = "Cannot use the back end gpu: expected native, wasm, reference, auto";
    assertThrows(() => choose.useBackend("gpu" as "auto"), TypeError, message);
    assertStrictEquals(choose.backend(), before);
  });
  it(`useBackend("auto") takes the first of native, wasm and reference that is available`, () => {
    restored(() => {
      assertEquals(choose.useBackend("auto"), NAMES.find((name) => missing(name) === null));
      assert(choose.backendReason().length > 0);
    });
  });
});

describe("backendNamed()", () => {
  it(`backendNamed("reference") is the plain loops`, () =>
    assertStrictEquals(choose.backendNamed("reference"), reference));
  const reason = missing("wasm");
  (reason === null ? it : it.skip)(`backendNamed() opens a back end once${reason ? `: ${reason}` : ""}`, () => {
    assertStrictEquals(choose.backendNamed("wasm"), choose.backendNamed("wasm"));
  });
  it("backendNamed() has every verb of the reference, and no other", () => {
    for (const name of NAMES.filter((name) => missing(name) === null)) {
      assertEquals(Object.keys(choose.backendNamed(name)).sort(), Object.keys(reference).sort());
    }
  });
});

const setsEnv = Deno.permissions.querySync({ name: "env", variable: "GRADUS_BACKEND" }).state === "granted";
let copies = 0;

/** A copy of the module that has not chosen yet, with this in GRADUS_BACKEND. */
async function freshCopy(requested: string): Promise<typeof choose> {
  const before = Deno.env.get("GRADUS_BACKEND");
  Deno.env.set("GRADUS_BACKEND", requested);
  try {
    const copy: typeof choose = await import(
      new URL(`../../../core/backend/choose.ts?${copies++}`, import.meta.url).href
    );
    copy.backend();
    return copy;
  } finally {
    if (before === undefined) Deno.env.delete("GRADUS_BACKEND");
    else Deno.env.set("GRADUS_BACKEND", before);
  }
}

const check = setsEnv ? it : it.skip;
const why = setsEnv ? "" : ": no permission to set it (--allow-env=GRADUS_BACKEND)";

describe("GRADUS_BACKEND", () => {
  check(`GRADUS_BACKEND names the back end of the first use${why}`, async () => {
    const copy = await freshCopy("reference");
    assertEquals([copy.backend().name, copy.backendReason()], ["reference", "asked for by name"]);
  });
  check(`GRADUS_BACKEND with a name that is none is refused${why}`, async () => {
    let message = "";
    await freshCopy("fast").catch((error: Error) => (message = `${error.name}: ${error.message}`));
    assertEquals(message, "TypeError: Cannot use GRADUS_BACKEND=fast: expected native, wasm, reference, auto");
  });
});

// The copy may open a library of its own, which stays open as long as the process.
describe("GRADUS_BACKEND that is empty", { sanitizeResources: false }, () => {
  check(`GRADUS_BACKEND empty is as if it were not set${why}`, async () => {
    assertEquals((await freshCopy("")).backend().name, NAMES.find((name) => missing(name) === null));
  });
});
